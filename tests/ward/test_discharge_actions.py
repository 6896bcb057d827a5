"""The end of a stay on a real database: all of it or nothing, twice is once, two at once, and taken back."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from stays import a_stay, bed, house, read, store_of, writer

from longbien.base import clock
from longbien.base.errors import Conflict, NotFound
from longbien.base.words import words
from longbien.fhir import json
from longbien.record.change import Update
from longbien.record.engine import Engine
from longbien.ward import discharge_actions as act
from longbien.ward import discharge_view as view
from longbien.ward.discharge_form import Leaving, parse
from longbien.ward.discharge_read import Stay, stay
from longbien.ward.discharge_resources import typed as draft_of
from longbien.web.terms import built_in

pytestmark = pytest.mark.asyncio(loop_scope="session")
W = words("vi")
ICD = {t.code: t for t in built_in()}
THREE_DAYS = timedelta(days=3)


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def place(engine: Engine) -> None:
    await house(engine)


def typed(one: Stay, now: datetime, **more: str) -> dict[str, str]:
    """The form as the page suggests it, with the result chosen and the awaited film let go."""
    out = dict(view.fields(one, {}, view.composed(one, now), now)) | {"result": "2"}
    for a in one.awaited():
        out |= {f"go.{a.id}.why": "outpatient", f"go.{a.id}.who": "stay-doctor-b"}
    return out | {k.replace("__", "."): v for k, v in more.items()}


async def ending(engine: Engine, name: str, now: datetime, **more: str) -> tuple[Stay, Leaving, dict[str, str]]:
    one = await read(engine, name)
    values = typed(one, now, **more)
    out, errors = parse(values, one, now, W, ICD)
    assert errors == {}
    return one, out, values


async def got(engine: Engine, type_: str, id_: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await store_of(engine).read(type_, id_)).body)
    return found


async def finish(engine: Engine, name: str, now: datetime, **more: str) -> bool:
    one, out, values = await ending(engine, name, now, **more)
    return await act.finish(store_of(engine), one, out, values, writer(name), now)


async def test_one_step_ends_the_stay_and_all_that_hangs_on_it(engine: Engine) -> None:
    now = clock.now()
    await a_stay(engine, "whole", now - THREE_DAYS)
    later = clock.local(now + timedelta(days=14))
    assert await finish(engine, "whole", now, follow_day=f"{later:%d/%m/%Y}", follow_for="Phòng khám Hô hấp")
    e = await got(engine, "Encounter", "whole-e")
    assert e["status"] == "finished" and e["period"]["end"]
    assert [c["code"] for c in e["hospitalization"]["dischargeDisposition"]["coding"]] == ["1", "home"]
    assert next(x["valueCoding"]["code"] for x in e["extension"]) == "2"
    assert [(d["condition"]["reference"], d["use"]["coding"][0]["code"]) for d in e["diagnosis"]] == [
        ("Condition/whole-c1", "DD"), ("Condition/whole-c1", "AD"),
    ]  # fmt: skip
    assert e["location"][0]["status"] == "completed"
    assert (await got(engine, "Location", bed("whole")))["operationalStatus"]["code"] == "H"
    assert (await got(engine, "MedicationRequest", "whole-m1"))["status"] == "stopped"
    assert (await got(engine, "MedicationRequest", "whole-m2"))["status"] == "completed"
    one = await read(engine, "whole")
    home = view.home_drugs(one)
    assert [d["dispenseRequest"]["quantity"]["value"] for d in home] == [14]
    assert sorted(c for c, _ in one.papers()) == ["discharge-paper", "discharge-summary", "follow-up", "prescription"]
    task = next(t for t in one.of["Task"] if t["code"]["coding"][0]["code"] == "follow-up-result")
    assert task["owner"]["reference"] == "Practitioner/stay-doctor-b" and task["focus"]["reference"] == "ServiceRequest/whole-s"
    assert [a["status"] for a in one.of["Appointment"]] == ["booked"]
    assert not one.drugs()[1:] and one.awaited()[0].let_go


async def test_the_summary_says_what_the_record_says(engine: Engine) -> None:
    now = clock.now()
    await a_stay(engine, "said", now - THREE_DAYS)
    made = view.composed(await read(engine, "said"), now)
    assert ", vì sốt, ho." in made["course"] and "Còn sốt" in made["course"] and "Đỡ ho" in made["course"]
    assert made["results"].startswith("Kali: 6,0 → 4,0 mmol/L")
    assert "Ceftriaxon 1 g (tiêm tĩnh mạch)" in made["treatment"]
    assert "Còn chờ kết quả: X-quang ngực" in made["advice"]


async def test_what_was_edited_is_what_is_on_the_paper(engine: Engine) -> None:
    now = clock.now()
    await a_stay(engine, "edited", now - THREE_DAYS)
    assert await finish(engine, "edited", now, s__treatment="Kháng sinh <7 ngày>")
    one = await read(engine, "edited")
    paper = next(p for c, p in one.papers() if c == "discharge-paper")
    assert "Kháng sinh &lt;7 ngày&gt;" in json.dumps(paper).decode()


async def test_sent_twice_is_done_once(engine: Engine) -> None:
    now = clock.now()
    await a_stay(engine, "twice", now - THREE_DAYS)
    one, out, values = await ending(engine, "twice", now)
    store = store_of(engine)
    assert await act.finish(store, one, out, values, writer("twice"), now)
    assert not await act.finish(store, one, out, values, writer("twice"), now)
    assert (await store.read("Encounter", "twice-e")).version == 2


async def test_of_two_who_discharge_at_once_one_does_it(engine: Engine) -> None:
    now = clock.now()
    await a_stay(engine, "both", now - THREE_DAYS)
    one, out, values = await ending(engine, "both", now)
    other, out2, values2 = await ending(engine, "both", now, kind="4")
    done = await asyncio.gather(
        act.finish(store_of(engine), one, out, values, writer("both", "a"), now),
        act.finish(store_of(engine), other, out2, values2, writer("both", "b"), now),
    )
    assert sorted(done) == [False, True]
    assert (await store_of(engine).read("Encounter", "both-e")).version == 2


async def test_who_changed_the_stay_meanwhile_is_not_overwritten(engine: Engine) -> None:
    now = clock.now()
    await a_stay(engine, "moved", now - THREE_DAYS)
    one, out, values = await ending(engine, "moved", now)
    e = await got(engine, "Encounter", "moved-e")
    await store_of(engine).commit([Update({**e, "reasonCode": [{"text": "Sốt cao"}]})])
    with pytest.raises(Conflict):
        await act.finish(store_of(engine), one, out, values, writer("moved"), now)
    assert (await got(engine, "Encounter", "moved-e"))["status"] == "in-progress"
    assert (await got(engine, "MedicationRequest", "moved-m1"))["status"] == "active"


async def test_a_discharge_is_taken_back_whole_and_may_be_done_again(engine: Engine) -> None:
    now = clock.now()
    await a_stay(engine, "back", now - THREE_DAYS)
    assert await finish(engine, "back", now)
    await act.undo(store_of(engine), await read(engine, "back"), now)
    one = await read(engine, "back")
    assert one.open and one.bed is not None and "end" not in one.encounter["period"]
    assert len(one.drugs()) == 2 and not one.papers() and not one.awaited()[0].let_go
    assert view.home_drugs(one) == []
    assert await finish(engine, "back", now)
    again = await read(engine, "back")
    assert len(again.papers()) == 3 and not again.open


async def test_it_is_not_taken_back_later_nor_once_a_paper_is_signed(engine: Engine) -> None:
    now = clock.now()
    await a_stay(engine, "late", now - THREE_DAYS)
    assert await finish(engine, "late", now)
    one = await read(engine, "late")
    with pytest.raises(Conflict, match="hours"):
        await act.undo(store_of(engine), one, now + timedelta(hours=3))
    paper = one.papers()[0][1]
    await store_of(engine).commit([Update({**paper, "status": "final"})])
    with pytest.raises(Conflict, match="signed"):
        await act.undo(store_of(engine), one, now)
    assert not (await read(engine, "late")).open


async def test_an_awaited_result_keeps_the_patient(engine: Engine) -> None:
    now = clock.now()
    await a_stay(engine, "waits", now - THREE_DAYS)
    one = await read(engine, "waits")
    values = {k: v for k, v in typed(one, now).items() if not k.startswith("go.")}
    _, errors = parse(values, one, now, W, ICD)
    assert list(errors) == ["go.waits-s"]


async def test_a_new_main_diagnosis_is_written_and_leads(engine: Engine) -> None:
    now = clock.now()
    await a_stay(engine, "main", now - THREE_DAYS)
    assert await finish(engine, "main", now, dx__add1="I50.9", **{"dx__main": "dx.add1"})
    e = await got(engine, "Encounter", "main-e")
    first = e["diagnosis"][0]["condition"]["reference"].split("/")[1]
    assert (await got(engine, "Condition", first))["code"]["coding"][0]["code"] == "I50.9"


async def test_a_stay_ends_just_after_midnight_of_the_new_year(engine: Engine) -> None:
    midnight = datetime(2025, 12, 31, 17, 5, tzinfo=clock.now().tzinfo)  # 00:05 on 01/01/2026 in Hanoi
    await a_stay(engine, "newyear", midnight - timedelta(days=2))
    assert await finish(engine, "newyear", midnight)
    one = await read(engine, "newyear")
    assert f"{clock.local(one.visit.end or midnight):%d/%m/%Y %H:%M}" == "01/01/2026 00:05"


async def test_a_stay_begun_by_transfer_is_one_stay_from_its_first_day(engine: Engine) -> None:
    now = clock.now()
    start, then = now - timedelta(days=5), clock.instant(now - timedelta(days=2))
    spot = {"location": {"reference": f"Location/{bed('moved2')}", "display": "P.1 · 01"}}
    await a_stay(
        engine, "moved2", start, hospitalization={"origin": {"display": "Bệnh viện Huyện"}, "admitSource": {"text": "Chuyển đến"}},
        location=[
            {**spot, "status": "completed", "period": {"start": clock.instant(start), "end": then}},
            {**spot, "status": "active", "period": {"start": then}},
        ],
    )  # fmt: skip
    made = view.composed(await read(engine, "moved2"), now)
    assert "Bệnh viện Huyện" in made["course"]
    assert await finish(engine, "moved2", now)
    e = await got(engine, "Encounter", "moved2-e")
    assert [x["status"] for x in e["location"]] == ["completed", "completed"]
    assert e["location"][0]["period"]["end"] != e["location"][1]["period"]["end"]


async def test_a_shared_draft_is_not_lost_to_a_colleague(engine: Engine) -> None:
    now = clock.now()
    await a_stay(engine, "draft", now - THREE_DAYS)
    one = await read(engine, "draft")
    assert await act.keep(store_of(engine), one, {"s.advice": "Ăn nhạt"}, 0, writer("draft", "a"), now) == 1
    with pytest.raises(Conflict):
        await act.keep(store_of(engine), one, {"s.advice": "Uống nước"}, 0, writer("draft", "b"), now)
    assert (
        await act.keep(store_of(engine), await read(engine, "draft"), {"s.advice": "Uống nước"}, 1, writer("draft", "b"), now) == 2
    )


async def test_what_two_typed_and_walked_away_from_is_kept_of_both(engine: Engine) -> None:
    now = clock.now()
    await a_stay(engine, "walked", now - THREE_DAYS)

    async def now_read() -> tuple[Stay, dict[str, str]]:
        one = await read(engine, "walked")
        return one, view.fields(one, draft_of(one.draft()), view.composed(one, now), now)

    await asyncio.gather(
        act.merge(store_of(engine), now_read, {"s.advice": "Ăn nhạt"}, writer("walked", "a"), now),
        act.merge(store_of(engine), now_read, {"s.state": "Tỉnh", "dx.walked-c1": ""}, writer("walked", "b"), now),
    )
    kept = draft_of((await read(engine, "walked")).draft())
    assert (kept["s.advice"], kept["s.state"]) == ("Ăn nhạt", "Tỉnh") and "dx.walked-c1" not in kept


async def test_who_lies_elsewhere_has_no_stay_here(engine: Engine) -> None:
    await a_stay(engine, "away", clock.now() - THREE_DAYS)
    with pytest.raises(NotFound):
        await stay(store_of(engine), "away", "another-hospital", {})
