"""Papers signed, replaced, withdrawn, printed; records closed and only added to: on the real store."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from shutil import which
from types import SimpleNamespace

import pytest
import pytest_asyncio
from house_of_papers import opened, paper, stay

from longbien.base.errors import Conflict, Forbidden, Invalid, LongbienError, NotFound
from longbien.base.ids import new_id
from longbien.fhir import json
from longbien.record.change import Create, Update
from longbien.record.engine import Engine
from longbien.records import files, states, strokes, visits

DRAWN = strokes.svg(str([[[20 + 9 * n, 100 + (40 if n % 2 else 0)] for n in range(30)]]))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def h(engine: Engine) -> AsyncIterator[SimpleNamespace]:
    hospital = await opened(engine)
    yield hospital
    await hospital.door.close()


async def steps(h: SimpleNamespace, code: str) -> list[str]:
    return [r["what"] for r in await h.engine.db.fetch("SELECT what FROM paper_step WHERE code = $1 ORDER BY number", code)]


async def test_three_parties_sign_one_file_and_the_record_says_who_and_how(h: SimpleNamespace, tmp_path: Path) -> None:
    await h.write(paper("s1", "discharge-summary", "ended"))
    minh, vinh, ha = h.desk("bs.minh"), h.desk("hs.vinh"), h.desk("dd.ha")
    await ha.sign_for_patient("s1", "patient", who="Nguyễn Thị Na", relation="", drawn=DRAWN, how="drawn")
    await minh.sign("s1", "doctor")
    shown = await vinh.sign("s1", "facility")
    assert [(s.field, s.intact, s.trusted, s.last) for s in shown.signatures] == [
        ("patient", True, True, True), ("doctor", True, True, True), ("facility", True, True, True),
    ]  # fmt: skip
    assert shown.whole and shown.file.final and shown.composition["status"] == "final"
    assert "SHA-256" in shown.signatures[0].reason and "ký tay trên màn hình" in shown.signatures[0].reason
    assert await steps(h, shown.file.code) == ["prepared", "signed", "signed", "signed"]
    found = await minh.store.search("Provenance", [("target", f"DocumentReference/{shown.file.id}")])
    said = [json.loads(e.body) for e in found.matches]
    assert len(said) == 3 and any("data" in p["signature"][0] for p in said)
    (tmp_path / "x.pdf").write_bytes(shown.file.pdf)
    if which("pdfsig"):
        told = subprocess.run(["pdfsig", "-nocert", str(tmp_path / "x.pdf")], capture_output=True, text=True).stdout
        assert told.count("Signature is Valid.") == 3
    assert b"pdfaid" in shown.file.pdf
    with pytest.raises(Conflict):
        await minh.sign("s1", "doctor")


async def test_nobody_signs_in_anothers_place(h: SimpleNamespace) -> None:
    await h.write(paper("s2", "discharge-paper", "ended"))
    with pytest.raises(Forbidden):
        await h.desk("bs.minh").sign("s2", "head")
    with pytest.raises(Forbidden):
        await h.desk("bs.minh").sign("s2", "facility")
    with pytest.raises(Forbidden):
        await h.desk("dd.ha").sign("s2", "head")
    with pytest.raises(NotFound):
        await h.desk("bs.minh").sign("s2", "nowhere")


async def test_without_a_certificate_nothing_is_signed_and_nothing_is_left_behind(h: SimpleNamespace) -> None:
    await h.write(paper("s3", "prescription", "ended"))
    with pytest.raises(NotFound):
        await h.desk("bs.minh", demo=False).sign("s3", "doctor") if not await _has_key(h) else _none()


async def _has_key(h: SimpleNamespace) -> bool:
    await h.engine.db.execute(
        "INSERT INTO signing_key_end (number, made_by, why) SELECT number, 0, 'test' FROM signing_key k WHERE account = $1"
        " AND NOT EXISTS (SELECT 1 FROM signing_key_end e WHERE e.number = k.number)", h.known["bs.minh"].number,
    )  # fmt: skip
    return False


def _none() -> None:
    raise NotFound("")


async def test_changed_words_need_a_new_file_and_the_old_one_is_kept_as_replaced(h: SimpleNamespace) -> None:
    await h.write(paper("s4", "prescription", "ended"))
    first = await h.desk("bs.minh").sign("s4", "doctor")
    old = first.file
    await h.write({**paper("s4", "prescription", "ended", "Sửa lời dặn."), "status": "amended"})
    stale = await h.desk("bs.minh").look("s4")
    assert stale.stale
    again = await h.desk("bs.minh").sign("s4", "doctor")
    assert not again.stale and again.file.code != old.code
    assert await steps(h, old.code) == ["prepared", "signed", "replaced"]
    before = json.loads((await h.desk("bs.minh").store.read("DocumentReference", old.id)).body)
    assert before["status"] == "superseded"
    assert again.file.document["relatesTo"][0]["target"]["reference"] == f"DocumentReference/{old.id}"


async def test_a_printed_copy_has_the_words_of_the_law_and_a_number(h: SimpleNamespace) -> None:
    await h.write(paper("s5", "prescription", "ended"))
    desk = h.desk("bs.minh")
    with pytest.raises(Conflict):
        await desk.printed(await desk.look("s5"))
    shown = await desk.sign("s5", "doctor")
    for number in (1, 2):
        pdf = await desk.printed(shown)
        if which("pdftotext"):
            text = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True).stdout.decode()
            assert "Bản giấy chuyển đổi từ hồ sơ bệnh án điện tử" in text and f"lần in {number}" in text
            assert shown.file.code in text and "Lê Hoàng Minh" in text and files.shown(files.digest(shown.file.pdf)) in text
    assert await h.engine.db.fetchval("SELECT count(*) FROM paper_copy WHERE code = $1", shown.file.code) == 2


async def test_a_withdrawn_paper_says_so(h: SimpleNamespace) -> None:
    await h.write(paper("s6", "prescription", "ended"))
    shown = await h.desk("bs.minh").sign("s6", "doctor")
    with pytest.raises(Forbidden):
        await h.desk("bs.minh").withdraw("s6", "nhầm người")
    with pytest.raises(Invalid):
        await h.desk("hs.vinh").withdraw("s6", " ")
    await h.desk("hs.vinh").withdraw("s6", "nhầm người")
    assert (await steps(h, shown.file.code))[-1] == "withdrawn"


async def test_every_key_is_sealed_in_the_database(h: SimpleNamespace) -> None:
    await h.write(paper("s7", "prescription", "ended"))
    await h.desk("bs.minh").sign("s7", "doctor")
    rows = await h.engine.db.fetch("SELECT sealed FROM signing_key WHERE sealed IS NOT NULL")
    assert rows and all(not r["sealed"].startswith(b"0\x82") for r in rows)


# ---- closing --------------------------------------------------------------------------------------------------------


async def test_a_closed_record_refuses_every_change_at_commit_and_takes_an_addendum(h: SimpleNamespace) -> None:
    condition = {
        "resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/na"}, "code": {"text": "Sốt"},
        "encounter": {"reference": "Encounter/closing"},
    }  # fmt: skip
    await h.write(stay("closing", "in-progress"), condition)
    vinh, minh = h.desk("hs.vinh"), h.desk("bs.minh")
    with pytest.raises(Invalid, match="still goes on"):
        await visits.move(vinh, await visits.visit(vinh.store, "na", "closing"), states.CLOSED, "xong")
    await h.write(stay("closing"))
    one = await visits.visit(vinh.store, "na", "closing")
    assert one.state == states.ACTIVE
    with pytest.raises(Invalid):
        await visits.move(vinh, one, states.CLOSED, "")
    await visits.move(vinh, one, states.CLOSED, "đã ra viện")
    with pytest.raises(LongbienError):
        await visits.move(minh, one, states.CLOSED, "lần hai")
    for change in (
        Update({**condition, "code": {"text": "Khác"}}),
        Update({**condition, "encounter": {"reference": "Encounter/ended"}}),
        Create({**condition, "id": "c2"}, id="c2"),
        Update(stay("closing", "in-progress")),
    ):
        with pytest.raises(Invalid, match="closed"):
            await minh.store.commit([change])
        with pytest.raises(Invalid, match="closed"):
            await h.house.commit([change])
    one = await visits.visit(minh.store, "na", "closing")
    assert one.state == states.CLOSED
    with pytest.raises(Invalid):
        await visits.add(minh, one, "", "Bổ sung", " ", new_id())
    once = new_id()
    assert await visits.add(minh, one, "", "Bổ sung", "về muộn", once) == await visits.add(
        minh, one, "", "Bổ sung", "về muộn", once
    )
    await visits.move(vinh, one, states.ARCHIVED, "đã nhận")
    assert (await visits.visit(vinh.store, "na", "closing")).state == states.ARCHIVED


async def test_what_closed_a_record_is_never_taken_back_and_nothing_is_destroyed(h: SimpleNamespace) -> None:
    vinh = h.desk("hs.vinh")
    found = await vinh.store.search("Provenance", [("target", "Encounter/closing")])
    made = json.loads(found.matches[0].body)
    with pytest.raises(Invalid):
        await h.house.commit([Update({**made, "activity": {"text": "x"}})])
    destroying = {k: v for k, v in made.items() if k not in ("id", "meta")}
    destroying["activity"] = {"coding": [{"system": states.STATES, "code": states.DESTROYED}]}
    with pytest.raises(Invalid, match="destroyed by minutes"):
        await h.house.commit([Create(destroying)])


async def test_the_record_as_a_paper_is_written_once(h: SimpleNamespace) -> None:
    minh = h.desk("bs.minh")
    one = await visits.visit(minh.store, "na", "ended", whole=True)
    first = await visits.make_paper(minh, one, new_id())
    assert await visits.make_paper(minh, one, new_id()) == first
    assert (await minh.look(first)).kind.code == "record"


async def test_what_was_written_before_closing_may_still_be_signed_after_it(h: SimpleNamespace) -> None:
    await h.write(stay("late"), paper("l1", "prescription", "late"))
    vinh = h.desk("hs.vinh")
    await visits.move(vinh, await visits.visit(vinh.store, "na", "late"), states.CLOSED, "đã ra viện")
    shown = await h.desk("bs.minh").sign("l1", "doctor")
    assert shown.whole and shown.composition["status"] == "preliminary"


async def test_a_treatment_sheet_of_one_entry_shows_that_entry(h: SimpleNamespace) -> None:
    await h.write(paper("t1", "treatment-sheet", "ended", "Đỡ khó thở."), paper("t2", "treatment-sheet", "ended", "Ngủ được."))
    desk = h.desk("bs.minh")
    data = await desk.data(await desk.look("t1"), code="", draft=True)
    table = next(x for x in data["lines"] if x["k"] == "table")
    assert len(table["rows"]) == 1 and "Đỡ khó thở" in table["rows"][0][1] and "Ngủ được" not in str(data)
