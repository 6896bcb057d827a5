"""FHIR clients that nobody here wrote, against the real thing: `longbien up` with two web processes, over its real port."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import AuthorizationError, MultipleResourcesFound, OperationOutcome, ResourceNotFound

from real_house import House

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).parent / "node" / "fhir_kit.mjs"


def test_fhir_kit_client(running: House, token: str) -> None:
    node = shutil.which("node")
    if node is None or not (ROOT / "node_modules" / "fhir-kit-client").is_dir():
        pytest.skip("npm's `fhir-kit-client` is not installed: make .venv/dev.stamp")
    done = subprocess.run(
        [node, SCRIPT, f"{running.address}/fhir", token], capture_output=True, text=True, timeout=60, cwd=ROOT
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 9


# -- fhirpy: a connection for each request, so that now one, now the other process answers ------------------------------


@pytest.fixture(scope="module")
def fhir(running: House, token: str) -> SyncFHIRClient:
    return SyncFHIRClient(f"{running.address}/fhir", authorization=f"Bearer {token}")


def test_a_write_is_found_by_the_very_next_search_whoever_answers(fhir: SyncFHIRClient) -> None:
    for n in range(20):
        made = fhir.resource("Patient", identifier=[{"system": "http://x/written", "value": f"{n}"}], name=[{"family": "Ngay"}])
        made.save()
        assert [p.id for p in fhir.resources("Patient").search(identifier=f"http://x/written|{n}").fetch()] == [made.id]
        made["gender"] = "male"
        made.save()
        assert fhir.reference("Patient", made.id).to_resource()["meta"]["versionId"] == "2"
        assert fhir.resources("Patient").search(identifier=f"http://x/written|{n}", gender="male").count() == 1
        if n % 2:
            made.delete()
            assert fhir.resources("Patient").search(identifier=f"http://x/written|{n}").fetch() == []
            with pytest.raises(ResourceNotFound):
                fhir.reference("Patient", made.id).to_resource()
    assert fhir.resources("Patient").search(family="Ngay").count() == 10


def test_pages_stay_whole_from_one_process_to_the_other(fhir: SyncFHIRClient) -> None:
    for n in range(23):
        fhir.resource("Organization", name=f"Trang {n:02}", identifier=[{"system": "http://x/pages", "value": f"{n}"}]).save()
    found = fhir.resources("Organization").search(name="Trang").sort("-name").limit(4).fetch_all()
    assert [o["name"] for o in found] == [f"Trang {n:02}" for n in reversed(range(23))]
    lazy = [o.id for o in fhir.resources("Organization").search(name="Trang").limit(5)]
    assert sorted(lazy) == sorted(o.id for o in found)


def test_transaction_history_and_operation(fhir: SyncFHIRClient) -> None:
    urn = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": urn}}
    entry = [
        {
            "fullUrl": urn,
            "resource": {"resourceType": "Patient", "name": [{"text": "A"}]},
            "request": {"method": "POST", "url": "Patient"},
        },
        {"resource": observation, "request": {"method": "POST", "url": "Observation"}},
    ]
    answer = fhir.execute("", data={"resourceType": "Bundle", "type": "transaction", "entry": entry})
    patient, observation_ = (e["response"]["location"].split("/")[-3] for e in answer["entry"])
    assert fhir.reference("Observation", observation_).to_resource()["subject"]["reference"] == f"Patient/{patient}"
    whole = fhir.reference("Patient", patient).to_resource()
    whole["active"] = True
    whole.save()
    history = fhir.execute(f"Patient/{patient}/_history", method="get")
    assert [e["resource"]["meta"]["versionId"] for e in history["entry"]] == ["2", "1"]
    assert fhir.resource("Patient", gender="male").is_valid()
    assert not fhir.resource("Patient", gender="nonsense").is_valid()
    found = fhir.resources("Observation").search(patient=patient).include("Observation", "subject").fetch_raw()
    assert [e["resource"]["resourceType"] for e in found["entry"]] == ["Observation", "Patient"]


def test_what_is_refused_reaches_the_client_as_what_it_is(fhir: SyncFHIRClient, running: House) -> None:
    with pytest.raises(OperationOutcome, match="colour"):
        fhir.resource("Patient", colour="red").save()
    with pytest.raises(OperationOutcome, match="birthdate"):
        fhir.resources("Patient").search(birthdate="nonsense").fetch()
    with pytest.raises(ResourceNotFound):
        fhir.reference("Patient", "nobody-here").to_resource()
    with pytest.raises(AuthorizationError):
        SyncFHIRClient(f"{running.address}/fhir", authorization="Bearer wrong").resources("Patient").fetch()
    for _ in range(2):
        fhir.resource("Patient", identifier=[{"system": "http://x/twice", "value": "1"}]).save()
    with pytest.raises(MultipleResourcesFound):
        fhir.resources("Patient").search(identifier="http://x/twice|1").update(fhir.resource("Patient", gender="male"))
    # fhirpy patches with a piece of the resource as plain JSON, which is no patch that FHIR R4 knows: refused, not guessed.
    made = fhir.resource("Patient", gender="male")
    made.save()
    with pytest.raises(OperationOutcome):
        made.patch(gender="female")
    assert fhir.reference("Patient", made.id).to_resource()["gender"] == "male"
