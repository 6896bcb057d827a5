"""SMART's fhirclient, whose models check the shape of everything that they get, against the real thing with two web processes."""

from __future__ import annotations

import itertools
import logging

import pytest
from fhirclient.client import FHIRClient
from fhirclient.models import bundle, fhirsearch, observation, organization, patient
from fhirclient.models.fhirabstractbase import FHIRValidationError
from fhirclient.server import FHIRNotFoundException, FHIRServer
from requests.exceptions import HTTPError

from real_house import House

FAMILY = "Smartclient"


@pytest.fixture(scope="module")
def server(running: House, token: str) -> FHIRServer:
    logging.getLogger("fhirclient").setLevel(logging.WARNING)
    made = FHIRClient(settings={"app_id": "longbien_tests", "api_base": f"{running.address}/fhir"}).server
    made.session.headers["Authorization"] = f"Bearer {token}"
    made.get_capability()
    return made


def test_it_understands_the_capability_statement(server: FHIRServer) -> None:
    said = server.capabilityStatement
    assert said.fhirVersion == "4.0.1" and len(said.rest[0].resource) > 140


def test_create_read_update_delete(server: FHIRServer) -> None:
    new = patient.Patient({"resourceType": "Patient", "name": [{"family": FAMILY, "given": ["Ân"]}], "birthDate": "1950-02-01"})
    made = patient.Patient(new.create(server))
    read = patient.Patient.read(made.id, server)
    assert read.as_json() == made.as_json() and read.name[0].given == ["Ân"]
    read.gender = "female"
    changed = patient.Patient(read.update(server))
    assert changed.meta.versionId == "2" and changed.gender == "female"
    changed.delete(server)
    with pytest.raises(HTTPError) as gone:
        patient.Patient.read(made.id, server)
    assert gone.value.response.status_code == 410
    with pytest.raises(FHIRNotFoundException):
        patient.Patient.read("nobody-here", server)


def test_search_and_its_pages(server: FHIRServer) -> None:
    for n in range(9):
        body = {
            "resourceType": "Organization",
            "name": f"{FAMILY} {n}",
            "identifier": [{"system": "http://x/smart", "value": f"{n}"}],
        }
        organization.Organization(body).create(server)
    search = fhirsearch.FHIRSearch(organization.Organization, {"name": FAMILY, "_sort": "name", "_count": "4"})
    found = list(itertools.islice(search.perform_resources_iter(server), 20))
    assert [o.name for o in found] == [f"{FAMILY} {n}" for n in range(9)]
    assert [len(page.entry) for page in search.perform_iter(server)] == [4, 4, 1]
    one = fhirsearch.FHIRSearch(organization.Organization, {"identifier": "http://x/smart|3"})
    assert [o.name for o in one.perform_resources_iter(server)] == [f"{FAMILY} 3"]


def test_a_transaction_history_and_everything(server: FHIRServer) -> None:
    urn = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"
    looked = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": urn}}
    looked["valueQuantity"] = {"value": 4.5, "unit": "mmol/L"}
    entry = [
        {"fullUrl": urn, "resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}},
        {"resource": looked, "request": {"method": "POST", "url": "Observation"}},
    ]
    sent = bundle.Bundle({"resourceType": "Bundle", "type": "transaction", "entry": entry})
    answer = bundle.Bundle(server.post_json("", sent.as_json()).json())
    whose, what = (e.response.location.split("/")[-3] for e in answer.entry)
    found = observation.Observation.read(what, server)
    assert found.subject.reference == f"Patient/{whose}" and found.valueQuantity.value == 4.5
    history = bundle.Bundle(server.request_json(f"Patient/{whose}/_history"))
    assert history.type == "history" and [e.request.method for e in history.entry] == ["POST"]
    all_ = bundle.Bundle(server.request_json(f"Patient/{whose}/$everything"))
    assert {e.resource.resource_type for e in all_.entry} >= {"Patient", "Observation"}


def test_a_refusal_is_an_operation_outcome(server: FHIRServer) -> None:
    with pytest.raises(FHIRValidationError):
        patient.Patient({"resourceType": "Patient", "colour": "red"})  # it would not even be sent
    with pytest.raises(HTTPError) as refused:
        server.request_json("Patient?birthdate=nonsense")
    assert refused.value.response.json()["resourceType"] == "OperationOutcome"
