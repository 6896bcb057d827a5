"""A foreign FHIR client (fhirpy) works with the server over a real socket: what it takes for granted is there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import uvicorn
from fhirpy import AsyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome, ResourceNotFound

from longbien.access.tokens import create_token
from longbien.app import create_app


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fhir(record_urls: tuple[str, str]) -> AsyncIterator[AsyncFHIRClient]:
    app = create_app(record_urls[1])
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, http="httptools", log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    server.capture_signals = lambda: __import__("contextlib").nullcontext()  # type: ignore[method-assign]
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    while not server.started:
        assert not serving.done()
        await asyncio.sleep(0.02)
    token = await create_token(app.state.engine, "fhirpy")
    yield AsyncFHIRClient(f"http://127.0.0.1:{bound.getsockname()[1]}/fhir", authorization=f"Bearer {token}")
    server.should_exit = True
    await asyncio.wait_for(serving, 10)


async def test_save_read_update_delete(fhir: AsyncFHIRClient) -> None:
    patient = fhir.resource("Patient", name=[{"family": "Trần", "given": ["Bình"]}], gender="male")
    await patient.save()
    assert patient.id
    again = await fhir.reference("Patient", patient.id).to_resource()
    assert again.serialize() == patient.serialize()
    again["gender"] = "female"
    await again.save()
    await patient.refresh()
    assert patient["gender"] == "female" and patient["meta"]["versionId"] == "2"
    await patient.delete()
    with pytest.raises((ResourceNotFound, OperationOutcome)):
        await fhir.reference("Patient", patient.id).to_resource()


async def test_search_pages_count_and_include(fhir: AsyncFHIRClient) -> None:
    patient = fhir.resource("Patient", name=[{"family": "Đỗ"}])
    await patient.save()
    for n in range(5):
        o = fhir.resource("Observation", status="final", code={"text": f"{n}"}, subject=patient.to_reference().serialize())
        await o.save()
    observations = fhir.resources("Observation").search(patient=patient.id)
    assert await observations.count() == 5
    assert len(await observations.limit(2).fetch()) == 2
    assert len(await observations.limit(2).fetch_all()) == 5
    both = await observations.include("Observation", "subject").fetch_raw()
    assert {e.resource.resource_type for e in both.entry} == {"Observation", "Patient"}


async def test_conditional_create_and_update(fhir: AsyncFHIRClient) -> None:
    identifier = [{"system": "http://x", "value": "fhirpy-1"}]
    search = fhir.resources("Patient").search(identifier="http://x|fhirpy-1")
    made = fhir.resource("Patient", identifier=identifier)
    with pytest.raises(OperationOutcome):
        await search.get_or_create(made)  # a condition in the address is no part of the standard: refused, not ignored
    condition = {"If-None-Exist": "identifier=http://x|fhirpy-1"}
    conditional = AsyncFHIRClient(fhir.url, authorization=fhir.authorization, extra_headers=condition)
    first = conditional.resource("Patient", identifier=identifier)
    await first.save()
    second = conditional.resource("Patient", identifier=identifier)
    await second.save()
    assert second.id == first.id and second["meta"]["versionId"] == "1"
    third, created = await search.update(fhir.resource("Patient", identifier=identifier, gender="male"))
    assert not created and third.id == first.id and third["gender"] == "male"
    assert (await search.get()).id == first.id
    await fhir.resource("Patient", identifier=identifier).save()
    with pytest.raises(MultipleResourcesFound):
        await search.get()


async def test_a_fault_reaches_the_client_as_an_operation_outcome(fhir: AsyncFHIRClient) -> None:
    with pytest.raises(OperationOutcome) as caught:
        await fhir.resource("Patient", colour="red").save()
    assert "colour" in str(caught.value)
