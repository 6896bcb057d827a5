"""Claims under attack and under bad luck: our own client at our own axis, answers and files that no database or memory holds."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import httpx
import openpyxl
import pytest
import pytest_asyncio
from axis_house import CODE, Hospital, claim, file, house

from longbien.base import clock
from longbien.base.errors import Invalid
from longbien.base.outside import Outside
from longbien.billing.axis import taking
from longbien.billing.charges import tariff_file
from longbien.billing.claims import gateways, results, sending
from longbien.billing.claims.gateways import Answer, Axis, NotReached
from longbien.billing.claims.settings import SignIn
from longbien.record.engine import Engine

session = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def begun(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Any:
    os.environ["LONGBIEN_DATA"] = str(tmp_path_factory.mktemp("data"))
    await house(engine)
    yield engine
    del os.environ["LONGBIEN_DATA"]


class There:
    """Calls go to the application itself. refuse: the next answers, instead of the axis's own."""

    def __init__(self, web: httpx.AsyncClient):
        self.web, self.calls = web, list[str]()

    @asynccontextmanager
    async def stream(self, method: str, url: str, headers: Any = (), content: bytes = b"", **more: Any) -> AsyncIterator[Any]:
        self.calls.append(url.rpartition("/")[2])
        answer = await self.web.request(method, url, headers=list(headers), content=content)

        async def chunks() -> AsyncIterator[bytes]:
            yield answer.content

        yield answer.status_code, answer.headers, chunks()


async def at_home(engine: Engine) -> tuple[Hospital, There, Axis]:
    hospital = await Hospital(engine).begin()
    there = There(hospital.web)
    who = SignIn(hospital.login, hospital.secret)
    return hospital, there, Axis(cast(Outside, there), "http://axis.test", "http://axis.test", who, CODE)


@session
async def test_our_own_client_is_understood_by_our_own_axis(begun: Engine) -> None:
    hospital, there, axis = await at_home(begun)
    answer = await axis.send(file(claim("AX.0001")))
    assert (answer.taken, answer.code, bool(answer.transaction)) == (True, "200", True)
    assert there.calls == ["take", "guiHoSoXml"]
    axis._token = "run out"
    again = await axis.send(file(claim("AX.0001")))  # signs in again; the same bytes have the same receipt
    assert again.transaction == answer.transaction and there.calls[2:] == ["guiHoSoXml", "take", "guiHoSoXml"]
    with pytest.raises(NotReached):  # nobody has looked at it yet: that is no answer, and is asked for again
        await axis.status(answer.transaction)
    await hospital.take_in()
    told = await axis.status(answer.transaction)
    assert told is not None and told.taken
    nobody = await axis.status("no-such-receipt")
    assert nobody is not None and nobody.code == "404"
    wrong = await axis.send(file(claim("AX.0002", code="99003"), code="99003"))
    assert (wrong.taken, wrong.later) == (False, False) and "99003" in wrong.text


@session
async def test_a_claim_that_the_axis_refused_after_taking_its_file_is_refused(
    begun: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hospital, _, axis = await at_home(begun)
    answer = await axis.send(file(claim("AX.0003")))

    async def refuses(*args: Any) -> tuple[str, str]:
        raise Invalid("NGAY_VAO makes no FHIR.")

    with monkeypatch.context() as m:
        m.setattr(taking, "take_claim", refuses)
        await hospital.take_in()
    told = await axis.status(answer.transaction)
    assert told is not None and not told.taken and not told.later
    assert (told.code, told.transaction) == ("205", answer.transaction) and "NGAY_VAO" in told.text


def test_too_many_calls_are_no_refusal() -> None:
    assert Answer("429").later and not Answer("205").later


def test_what_no_database_keeps_is_left_out_of_an_answer() -> None:
    told = gateways._ours({"maKetQua": "205", "maGiaoDich": "a\0b", "thongDiep": "x\ud800", "dsLoi": [{"moTa": "\0y\udfff"}]})
    said = (told.transaction, told.text, str(told.details[0]["moTa"]))
    assert all("\0" not in s and s.encode("utf-8") for s in said) and said[0] == "ab"


@session
async def test_one_answer_that_breaks_holds_no_other_claim_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both what is handed in and what is settled later."""
    done: list[str] = []
    rows = [{"number": n, "claim": c} for n, c in enumerate(("bad", "good"))]

    async def fetch(*args: Any) -> Any:
        return rows

    async def execute(query: str, number: int) -> None:
        done.append(f"noted {rows[number]['claim']}")

    async def act(row: Any, now: Any = None) -> None:
        if (row if isinstance(row, str) else row["claim"]) == "bad":
            raise ValueError("no code expected this")
        done.append("good")

    engine = SimpleNamespace(db=SimpleNamespace(fetch=fetch, execute=execute))
    sender = sending.Sender(cast(Engine, engine), lambda f: {}, cast(Any, None))
    monkeypatch.setattr(sender, "_one", act)
    monkeypatch.setattr(sender, "_settle", act)
    assert await sender.round(clock.now()) == 2
    assert await sender.settle_left(clock.now() + timedelta(hours=1)) == 2
    assert done == ["good", "good", "noted good"]


# ---- files that are put in -------------------------------------------------------------------------------------------


def bomb(most: int) -> bytes:
    """A workbook that is small and is more than that when unpacked."""
    out, book = io.BytesIO(), openpyxl.Workbook()
    book.active.append(["MA_LK", "kind", "code", "price", "from"])
    book.save(out)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as packed, packed.open("xl/more.xml", "w", force_zip64=True) as more:
        for _ in range(0, most + (1 << 20), 1 << 20):
            more.write(b" " * (1 << 20))
    return out.getvalue()


def test_a_spreadsheet_that_is_a_bomb_is_refused_before_it_is_unpacked() -> None:
    data = bomb(tariff_file.UNPACKED)
    assert len(data) < 1 << 20
    with pytest.raises(Invalid, match="unpacked"):
        tariff_file.rows(data)
    with pytest.raises(Invalid):
        results.read(bomb(results.UNPACKED))


@pytest.mark.parametrize("said", ["1e40", "1e9999", "-1e30", "9" * 60])
def test_a_price_beyond_all_money_is_no_amount(said: str) -> None:
    with pytest.raises(ValueError):
        tariff_file.money(said)


@pytest.mark.parametrize("data", [b"MA_LK,x\n1," + b"x" * 200_000, b"PK\x03\x04" + b"\0" * 300, b'MA_LK\n"1'])
def test_a_results_file_that_is_none_is_refused_and_no_incident(data: bytes) -> None:
    try:
        results.read(data)
    except Invalid:
        return
    assert data.startswith(b"MA_LK\n")  # the last of them is a list of one
