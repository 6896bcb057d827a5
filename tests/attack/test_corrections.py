"""From “correct my record” to the amended entry: by the author's side, told to the patient, and by nobody else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hospitals import City, form_token

from longbien.app import App
from longbien.base.errors import NotFound
from longbien.fhir import json
from longbien.record.scope import system
from longbien.record.store import Store

pytestmark = pytest.mark.asyncio(loop_scope="session")
WISH = "Tôi không dị ứng như hồ sơ ghi"
FORM = {"said": "Người bệnh không dị ứng.", "reason": "Đã thử lại, âm tính."}


async def asks(app: App, who: Any, kind: str = "correct") -> str:
    """The patient files a request on their own page; its id."""
    patient = await who("patient", "a")
    form = {"csrf": form_token(patient), "kind": kind, "facility": "bv-a", "text": WISH}
    sent = await patient.post("/me/requests", data=form)
    assert sent.status_code == 303, sent.text
    store = Store(app.state.engine, system("test"))
    page = await store.search("Task", [("_sort", "-_lastUpdated"), ("_count", "1")], patient="p-a")
    return page.matches[0].id


async def body(app: App, type_: str, id_: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((await Store(app.state.engine, system("test")).read(type_, id_)).body)
    return read


async def test_the_doctor_amends_what_was_meant_and_the_patient_reads_it(app: App, who: Any, city: City) -> None:
    task = await asks(app, who)
    doctor, records, patient = await who("doctor"), await who("records"), await who("patient", "a")
    chart = (await doctor.get("/patients/p-a")).text
    assert WISH in chart and "/patients/p-a/corrections" in chart
    page = (await doctor.get("/patients/p-a/corrections")).text
    key = re.search(r'value="(AllergyIntolerance/p-a-allergyintolerance/\d+)"', page)
    assert key and WISH in page
    at, form = f"/patients/p-a/corrections/{task}", {"csrf": form_token(doctor), "entry": key[1], **FORM}
    for wrong in ({"said": ""}, {"reason": " "}, {"entry": ""}, {"entry": "AllergyIntolerance/p-a-allergyintolerance"}):
        refused = await doctor.post(at, data={**form, **wrong})
        assert refused.status_code == 422 and 'role="alert"' in refused.text, wrong
    done = await doctor.post(at, data=form)
    assert done.status_code == 303, done.text
    after = await body(app, "AllergyIntolerance", "p-a-allergyintolerance")
    assert "âm tính" in after["note"][-1]["text"]
    store = Store(app.state.engine, system("test"))
    before = json.loads((await store.vread("AllergyIntolerance", "p-a-allergyintolerance", int(key[1].rpartition("/")[2]))).body)
    assert "note" not in before, "the version before stays"
    found = await store.search("Provenance", [("_sort", "-_lastUpdated"), ("_count", "1")])
    source = json.loads(found.matches[0].body)
    assert source["reason"][0]["text"] == FORM["reason"] and {"reference": f"Task/{task}"} in source["target"]
    assert FORM["said"] in (await patient.get("/me/notices")).text
    steps = (await records.get(f"/requests/{task}")).text
    assert "đã đính chính hồ sơ" in steps and FORM["said"] in steps
    late = await doctor.post(at, data=form)
    assert late.status_code == 412 and FORM["said"] in late.text, "somebody else was first: nothing is lost"
    gone = await doctor.post(at, data={**form, "entry": _next(key[1]), "wrong": "on"})
    assert gone.status_code == 303, gone.text
    assert "clinicalStatus" not in await body(app, "AllergyIntolerance", "p-a-allergyintolerance")
    granted = await records.post(
        f"/requests/{task}/answer", data={"csrf": form_token(records), "act": "grant", "text": "Đã đính chính."}
    )
    assert granted.status_code == 303
    assert (await doctor.post(at, data=form)).status_code == 409, "answered already"
    assert WISH not in (await doctor.get("/patients/p-a")).text


def _next(key: str) -> str:
    at, _, version = key.rpartition("/")
    return f"{at}/{int(version) + 1}"


async def test_nobody_else_amends_and_nothing_else_is_amended(app: App, who: Any, city: City) -> None:
    task, copy = await asks(app, who), await asks(app, who, "view")
    at = f"/patients/p-a/corrections/{task}"
    entry = {"entry": "Condition/p-a-condition/1", **FORM}
    for role, hospital, status in (("records", "a", 403), ("clerk", "a", 403), ("it", "a", 403), ("doctor", "b", 404)):
        client = await who(role, hospital)
        assert (await client.post(at, data={"csrf": form_token(client), **entry})).status_code == status, role
        assert (await client.get("/patients/p-a/corrections")).status_code == status, role
    doctor = await who("doctor")
    csrf = {"csrf": form_token(doctor)}
    for wrong in (
        "Condition/p-b-condition/1",
        "Condition/p-both-condition/1",
        "Patient/p-a/1",
        "Consent/x/1",
        "Condition/nobody/1",
    ):
        assert (await doctor.post(at, data={**csrf, **entry, "entry": wrong})).status_code == 404, wrong
    assert (await doctor.post(f"/patients/p-a/corrections/{copy}", data={**csrf, **entry})).status_code == 404, "another kind"
    assert (await doctor.post(f"/patients/p-both/corrections/{task}", data={**csrf, **entry})).status_code == 404, "another's"
    assert (await body(app, "Condition", "p-a-condition"))["meta"]["versionId"] == "1"
    with pytest.raises(NotFound):
        await body(app, "Condition", "nobody")
