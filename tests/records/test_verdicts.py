"""A file's signatures are judged once a day and house; other bytes, other authorities, another day are judged anew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from house_of_papers import opened, paper

from longbien.base import clock
from longbien.record.engine import Engine
from longbien.records.signing import pades, verdicts


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def h(engine: Engine) -> AsyncIterator[SimpleNamespace]:
    hospital = await opened(engine)
    yield hospital
    await hospital.door.close()


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The size of each file that was judged."""
    seen: list[int] = []
    real = pades.signatures

    async def counted(pdf: bytes, material: pades.Material) -> Any:
        seen.append(len(pdf))
        return await real(pdf, material)

    monkeypatch.setattr(pades, "signatures", counted)
    return seen


async def test_a_paper_that_is_looked_at_again_is_not_judged_again(h: SimpleNamespace, judged: list[int]) -> None:
    await h.write(paper("vd1", "prescription", "ended"))
    first = await h.desk("bs.minh").sign("vd1", "doctor")
    judged.clear()
    again = await h.desk("bs.minh").look("vd1")
    await h.desk("hs.vinh").look("vd1")
    assert judged == [] and again.signatures == first.signatures
    assert [(s.intact, s.trusted) for s in again.signatures] == [(True, True)]


async def test_changed_bytes_are_judged_and_found_out(h: SimpleNamespace, judged: list[int]) -> None:
    await h.write(paper("vd2", "prescription", "ended"))
    shown = await h.desk("bs.minh").sign("vd2", "doctor")
    judged.clear()
    material = pades.Material(await h.desk("bs.minh").keys.trusted())
    at = shown.file.pdf.index(b"/Contents <") - 400
    forged = shown.file.pdf[:at] + bytes([shown.file.pdf[at] ^ 1]) + shown.file.pdf[at + 1 :]
    found = await verdicts.of(h.engine, forged, material)
    assert len(judged) == 1 and not any(s.intact for s in found)


async def test_another_day_and_other_authorities_ask_again(
    h: SimpleNamespace, judged: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    await h.write(paper("vd3", "prescription", "ended"))
    shown = await h.desk("bs.minh").sign("vd3", "doctor")
    material = pades.Material(await h.desk("bs.minh").keys.trusted())
    judged.clear()
    assert all(s.trusted for s in await verdicts.of(h.engine, shown.file.pdf, material)) and judged == []
    assert not any(s.trusted for s in await verdicts.of(h.engine, shown.file.pdf, pades.Material(()))) and len(judged) == 1
    later = clock.now() + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    await verdicts.of(h.engine, shown.file.pdf, material)
    assert len(judged) == 2
