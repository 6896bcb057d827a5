"""$summary of whole lives, and of drugs that are resources of their own; $document where something is missing."""

from __future__ import annotations

import json
import lzma
from itertools import islice
from pathlib import Path
from typing import Any

import httpx

from longbien.access.tokens import create_token
from longbien.app import App
from longbien.fhir.validate import validate

LIVES = 3


async def put(client: httpx.AsyncClient, **resource: Any) -> None:
    answer = await client.put(f"/fhir/{resource['resourceType']}/{resource['id']}", json=resource)
    assert answer.status_code in (200, 201), answer.text


def errors(document: dict[str, Any]) -> list[Any]:
    return [i for i in validate(document) if i.severity in ("error", "fatal")]


def places(document: dict[str, Any]) -> list[str]:
    return [f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in document["entry"]]


async def test_a_drug_of_its_own_comes_along_and_is_named(client: httpx.AsyncClient, app: App) -> None:
    await put(client, resourceType="Patient", id="doc-1")
    await put(client, resourceType="Medication", id="doc-drug", code={"text": "Amlodipin <5 mg>"})
    await put(client, resourceType="MedicationRequest", id="doc-m", status="active", intent="order",
              subject={"reference": "Patient/doc-1"}, medicationReference={"reference": "Medication/doc-drug"},
              dosageInstruction=[{"sequence": 1}, {"text": "1 viên sáng"}])  # fmt: skip
    document = (await client.get("/fhir/Patient/doc-1/$summary")).json()
    assert errors(document) == [] and "Medication/doc-drug" in places(document)
    text = next(s for s in document["entry"][0]["resource"]["section"] if "entry" in s)["text"]["div"]
    assert "<td>Amlodipin &lt;5 mg&gt;</td><td>1 viên sáng</td>" in text
    token = await create_token(app.state.engine, "few", "system/Patient.read system/MedicationRequest.read")
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hanoi.test", headers=headers) as few:
        less = (await few.get("/fhir/Patient/doc-1/$summary")).json()
        assert errors(less) == [] and "Medication/doc-drug" not in places(less)


async def test_summaries_of_lives_are_valid(client: httpx.AsyncClient, shared: Path) -> None:
    own: dict[str, list[dict[str, Any]]] = {}
    with lzma.open(shared / "data" / "patients" / "synthea-617.ndjson.xz") as lines:
        for line in islice(lines, 40_000):
            resource = json.loads(line)
            bundled = [e["resource"] for e in resource["entry"]] if resource["resourceType"] == "Bundle" else [resource]
            for r in bundled:
                holder = r if r["resourceType"] == "Patient" else r.get("subject") or r.get("patient") or {}
                who = r["id"] if r["resourceType"] == "Patient" else str(holder.get("reference", "")).rpartition("/")[2]
                who = who.removeprefix("urn:uuid:").rpartition(":")[2]
                if who and (who in own or len(own) < LIVES):
                    own.setdefault(who, []).append(r)
    kept = ("AllergyIntolerance", "Condition", "Immunization", "MedicationRequest", "Procedure", "Observation")
    filled: set[str] = set()
    for who, life in own.items():
        await put(client, resourceType="Patient", id=who)
        wanted = [_alone(r, who) for r in life if r["resourceType"] in kept][:400]
        entries = [{"resource": r, "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"}} for r in wanted]
        stored = await client.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
        assert stored.status_code == 200, stored.text[:1000]
        answer = await client.get(f"/fhir/Patient/{who}/$summary")
        assert answer.status_code == 200 and errors(answer.json()) == []
        filled |= {s["code"]["text"] for s in answer.json()["entry"][0]["resource"]["section"] if "entry" in s}
    assert filled >= {"Problem list", "Immunizations", "Results", "Vital signs"}


def _alone(resource: dict[str, Any], who: str) -> dict[str, Any]:
    """Of this patient, and referring to nobody else."""
    keep = {k: v for k, v in resource.items() if k not in ("encounter", "performer", "requester", "reasonReference", "location",
            "hasMember", "recorder", "asserter", "specimen", "meta")}  # fmt: skip
    for name in ("subject", "patient"):
        if name in keep:
            keep[name] = {"reference": f"Patient/{who}"}
    if "medicationReference" in keep:
        keep["medicationReference"] = {"display": "a drug"}
    return keep


async def test_a_document_that_lacks_something_is_refused_and_kept_only_by_post(client: httpx.AsyncClient) -> None:
    await put(client, resourceType="Practitioner", id="doc-gone")
    await put(client, resourceType="Composition", id="doc-note", status="final", type={"text": "x"}, date="2026-11-24", title="x",
              author=[{"reference": "Practitioner/doc-gone"}])  # fmt: skip
    place = "/fhir/Composition/doc-note/$document"
    assert (await client.get(f"{place}?persist=true")).status_code == 405
    assert (await client.get(f"{place}?persist=perhaps")).status_code == 400
    assert (await client.get(place)).status_code == 200
    assert (await client.delete("/fhir/Practitioner/doc-gone")).status_code in (200, 204)
    answer = await client.get(place)
    assert answer.status_code == 422 and "Practitioner/doc-gone" in answer.text
