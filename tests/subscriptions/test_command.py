"""longbien subscriptions: what a person sees and does about dead letters."""

from __future__ import annotations

import argparse
import asyncio

import httpx
from receiver import receiver
from test_rest_hook import end, observation, patient, status_is, subscribe, subscription, until

from longbien.commands import subscriptions
from longbien.subscriptions.service import Service


def asked(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    subscriptions.arguments(parser)
    return parser.parse_args(words)


async def test_dead_letters_at_the_command_line(client: httpx.AsyncClient, service: Service, record_urls: tuple[str, str]) -> None:
    p = await patient(client, "cli")
    down = True

    async def do(*words: str) -> str:
        return "\n".join(await subscriptions._do(record_urls[1], asked(*words)))

    with receiver(answer=lambda call: 500 if down else 200) as r:
        sub = await subscribe(client, subscription(f"Observation?patient={p}", r.url, header=["X-Key: hidden"]))
        for value in range(2):
            await client.post("/fhir/Observation", json=observation(p, value))
        await status_is(client, sub["id"], "error")
        await until(lambda: len(r.tried) >= 8)
        async with asyncio.timeout(15):
            while (await do("dead", sub["id"])).count("answered 500") < 2:
                await asyncio.sleep(0.05)
        listed = await do("list")
        assert sub["id"] in listed and "error" in listed and "hidden" not in listed and p not in listed
        assert (await do("discard", sub["id"], "1")).startswith("1 dead")
        down = False
        assert (await do("replay", sub["id"])).startswith("1 dead")
        await until(lambda: r.calls)
        assert [c.event for c in r.calls] == [2]
        await end(client, sub["id"])
