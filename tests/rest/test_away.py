"""The database goes away and comes back: 503 with Retry-After meanwhile, then everything works without a restart."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx

from longbien.access.tokens import create_token
from longbien.app import create_app
from longbien.base.migrate import migrate
from longbien.base.postgres import Embedded

APP_ROLE = "longbien_app"


async def test_503_while_the_database_is_away_and_then_recovery(data_folder: Path) -> None:
    server = Embedded(data_folder)
    await asyncio.to_thread(server.start)
    server.create_database("longbien")
    await migrate(server.url("postgres", "longbien"), APP_ROLE, server.password(APP_ROLE))
    app = create_app(server.url(APP_ROLE, "longbien"))
    async with app.router.lifespan_context(app):
        token = await create_token(app.state.engine, "away")
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x", headers=headers) as client:
            made = (await client.post("/fhir/Patient", json={"resourceType": "Patient"})).json()
            assert (await client.get("/readyz")).status_code == 200
            await asyncio.to_thread(server.stop)

            for _ in range(8):
                for answer in (
                    await client.get(f"/fhir/Patient/{made['id']}"),
                    await client.get("/fhir/Patient?_id=1"),
                    await client.post("/fhir/Patient", json={"resourceType": "Patient"}),
                    await client.post("/fhir", json={"resourceType": "Bundle", "type": "transaction"}),
                ):
                    assert answer.status_code == 503, answer.text
                    assert int(answer.headers["retry-after"]) > 0
                    assert answer.json()["resourceType"] == "OperationOutcome"
            assert (await client.get("/readyz")).status_code == 503
            assert (await client.get("/healthz")).status_code == 200
            assert (await client.get("/fhir/metadata")).status_code == 200

            await asyncio.to_thread(server.start)
            until = time.monotonic() + 15
            while (await client.get(f"/fhir/Patient/{made['id']}")).status_code != 200:
                assert time.monotonic() < until, "it did not recover"
                await asyncio.sleep(0.1)
            answers = await asyncio.gather(*(client.post("/fhir/Patient", json={"resourceType": "Patient"}) for _ in range(20)))
            assert {a.status_code for a in answers} <= {201, 503}
            assert (await client.post("/fhir/Patient", json={"resourceType": "Patient"})).status_code == 201
            assert (await client.get("/readyz")).status_code == 200
    await asyncio.to_thread(server.stop)
