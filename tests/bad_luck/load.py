"""Clients that write and read through /fhir and remember every acknowledgement; afterwards the record must agree with them."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx

from longbien.fhir import json as fhir_json
from longbien.record.trail import KINDS
from real_house import House

GROUP = 15
"""Resources in one transaction."""
CALM = {409, 412, 503}
"""Answers that bad luck may give; never 500, and nothing that was acknowledged may be missing."""


@dataclass
class Ledger:
    """What the clients were told. `written`: address -> version -> body as it was acknowledged."""

    written: dict[str, dict[int, bytes]] = field(default_factory=lambda: defaultdict(dict))
    groups: dict[str, int] = field(default_factory=dict)
    """transaction's name -> highest acknowledged version of its resources."""
    reads: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    last_good: float = 0.0

    def __str__(self) -> str:
        return f"{self.writes} versions, answers {dict(self.answers)}, wrong {self.wrong[:5]}\n"

    longest: float = 0.0

    def heard(self, answer: httpx.Response, took: float) -> bool:
        self.answers[str(answer.status_code)] += 1
        self.longest = max(self.longest, took)
        if answer.is_success:
            self.last_good = time.monotonic()
        elif answer.status_code not in CALM:
            self.wrong.append(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:300]}")
        elif answer.status_code == 503 and "retry-after" not in answer.headers:
            self.wrong.append("503 without Retry-After")
        return answer.is_success

    @property
    def writes(self) -> int:
        return sum(len(v) for v in self.written.values())


class Load:
    def __init__(self, house: House, token: str, seed: int, shared: int = 4):
        self.house, self.seed, self.ledger = house, seed, Ledger()
        self.headers = {"Authorization": f"Bearer {token}", "Prefer": "return=representation"}
        self.shared = [f"Patient/shared-{seed}-{n}" for n in range(shared)]
        """Resources that all clients fight for."""
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Load:
        self._tasks = [asyncio.create_task(self._client(n)) for n in range(8)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.wait_for(asyncio.gather(*self._tasks), 60)

    async def _client(self, number: int) -> None:
        chance = random.Random(f"{self.seed}/{number}")
        mine: list[str] = []
        async with httpx.AsyncClient(base_url=self.house.address + "/fhir/", headers=self.headers, timeout=30) as client:
            while not self._stop.is_set():
                step = chance.choices([self._create, self._change, self._fight, self._transaction, self._read], [4, 3, 2, 2, 4])[0]
                begun = time.monotonic()
                try:
                    await step(client, chance, mine, number)
                except httpx.TransportError as why:
                    self.ledger.answers[type(why).__name__] += 1
                    self.ledger.longest = max(self.ledger.longest, time.monotonic() - begun)
                    await asyncio.sleep(0.1)

    async def _send(self, client: httpx.AsyncClient, method: str, address: str, **more: Any) -> httpx.Response:
        begun = time.monotonic()
        answer = await client.request(method, address, **more)
        if not self.ledger.heard(answer, time.monotonic() - begun) and answer.status_code == 503:
            await asyncio.sleep(0.1)
        return answer

    def _acknowledged(self, answer: httpx.Response) -> str:
        body = answer.json()
        address = f"{body['resourceType']}/{body['id']}"
        self.ledger.written[address][int(body["meta"]["versionId"])] = answer.content
        return address

    async def _create(self, client: httpx.AsyncClient, chance: random.Random, mine: list[str], number: int) -> None:
        answer = await self._send(client, "POST", "Patient", json=_patient(chance))
        if answer.is_success:
            mine.append(self._acknowledged(answer))

    async def _change(self, client: httpx.AsyncClient, chance: random.Random, mine: list[str], number: int) -> None:
        if mine:
            await self._read_and_put(client, chance, chance.choice(mine[-20:]))

    async def _fight(self, client: httpx.AsyncClient, chance: random.Random, mine: list[str], number: int) -> None:
        await self._read_and_put(client, chance, chance.choice(self.shared))

    async def _read_and_put(self, client: httpx.AsyncClient, chance: random.Random, address: str) -> None:
        now = await client.get(address)
        more: dict[str, str] = {}
        if now.is_success:
            self.ledger.heard(now, 0)
            self.ledger.reads[address] += 1
            more = {"If-Match": now.headers["etag"]}
        elif now.status_code == 404:
            more = {"If-None-Match": "*"}
        else:
            self.ledger.heard(now, 0)
            return
        answer = await self._send(client, "PUT", address, json=_patient(chance) | {"id": address.partition("/")[2]}, headers=more)
        if answer.is_success:
            self._acknowledged(answer)

    async def _transaction(self, client: httpx.AsyncClient, chance: random.Random, mine: list[str], number: int) -> None:
        """Fifteen resources of one name, made or replaced together: all of them always have the same version."""
        name = f"tx-{self.seed}-{number}-{chance.randrange(12)}"
        answer = await self._send(client, "POST", "", json=_bundle(name, chance))
        if answer.is_success:
            entries = answer.json()["entry"]
            versions = {e["response"]["etag"] for e in entries}
            if len(versions) != 1 or len(entries) != GROUP:
                self.ledger.wrong.append(f"{name}: answered with versions {versions}")
            for e in entries:
                address = "/".join(e["response"]["location"].split("/")[-4:-2])
                version = int(e["response"]["etag"].strip('W/"'))
                self.ledger.written[address][version] = fhir_json.dumps(fhir_json.loads(json.dumps(e["resource"])))
                self.ledger.groups[name] = max(version, self.ledger.groups.get(name, 0))

    async def _read(self, client: httpx.AsyncClient, chance: random.Random, mine: list[str], number: int) -> None:
        if mine:
            address = chance.choice(mine)
            answer = await self._send(client, "GET", address)
            if answer.is_success:
                self.ledger.reads[address] += 1
                known = self.ledger.written[address].get(int(answer.json()["meta"]["versionId"]))
                if known is not None and known != answer.content:
                    self.ledger.wrong.append(f"{address} reads differently from what was acknowledged")


def _patient(chance: random.Random) -> dict[str, Any]:
    return {"resourceType": "Patient", "name": [{"text": f"Trần Văn {chance.getrandbits(64):x}"}]}


def _bundle(name: str, chance: random.Random) -> dict[str, Any]:
    note = f"{chance.getrandbits(64):x}"
    patient: dict[str, Any] = {"resourceType": "Patient", "id": f"{name}-0", "name": [{"text": note}]}
    others = [
        {
            "resourceType": "Observation", "id": f"{name}-{n}", "status": "final", "code": {"text": note},
            "subject": {"reference": f"Patient/{name}-0"}, "valueQuantity": {"value": n, "unit": "mmol/L"},
        }
        for n in range(1, GROUP)
    ]  # fmt: skip
    entry = [{"resource": r, "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"}} for r in [patient, *others]]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entry}


# -- afterwards -------------------------------------------------------------------------------------------------------

_UNAUDITED_VERSIONS = """SELECT count(*) FROM ver v
    WHERE NOT EXISTS (SELECT FROM audit a WHERE a.rid = v.rid AND a.ver = v.ver AND a.kind = ANY($1::smallint[]))"""
_GAPS = "SELECT count(*) FROM (SELECT rid FROM ver GROUP BY rid HAVING count(*) <> max(ver) OR min(ver) <> 1) g"
_HEADS = """SELECT count(*) FROM (SELECT rid, max(ver) AS ver FROM ver GROUP BY rid) v FULL JOIN head h USING (rid)
    WHERE h.ver IS DISTINCT FROM v.ver"""
_GROUPS = r"""SELECT regexp_replace(id, '-\d+$', '') AS name, count(*) AS members, min(ver) AS low, max(ver) AS high
    FROM head WHERE id LIKE 'tx-%' GROUP BY 1"""
_READS = """SELECT h.type, h.id, count(*) AS n FROM audit a JOIN head h USING (rid) WHERE a.kind = $1 GROUP BY 1, 2"""


async def faults(house: House, load: Load) -> list[str]:
    """Everything in which the record and the clients' memory differ; empty when all is well."""
    ledger = load.ledger
    found = list(ledger.wrong)
    found += [f"trail: {text}" for text in await house.trail_faults()]
    connection = await asyncpg.connect(house.database_url())
    try:
        writes = [KINDS.index(k) for k in ("create", "update", "delete")]
        for sql, what, args in (
            (_UNAUDITED_VERSIONS, "versions without an audit line", (writes,)),
            (_GAPS, "resources whose versions are not 1..n", ()),
            (_HEADS, "resources whose current row is not the last version", ()),
        ):
            if count := await connection.fetchval(sql, *args):
                found.append(f"{count} {what}")
        there = {r["name"]: r for r in await connection.fetch(_GROUPS)}
        for row in there.values():
            if row["members"] != GROUP or row["low"] != row["high"]:
                found.append(f"half a transaction: {dict(row)}")
        found += [f"{n} is not there as acknowledged" for n, v in ledger.groups.items() if n not in there or there[n]["low"] < v]
        audited = Counter({r["id"]: r["n"] for r in await connection.fetch(_READS, KINDS.index("read"))})
        for address, n in ledger.reads.items():
            if audited[address.partition("/")[2]] < n:
                found.append(f"{address}: {n} reads answered, {audited[address.partition('/')[2]]} audited")
    finally:
        await connection.close()
    found += await _read_back(house, load)
    return found


async def _read_back(house: House, load: Load) -> list[str]:
    """Every acknowledged version through the front door, letter for letter."""
    found: list[str] = []
    left = iter(load.ledger.written.items())

    async def some(client: httpx.AsyncClient) -> None:
        for address, versions in left:
            now = await client.get(address)
            if now.status_code != 200 or int(now.json()["meta"]["versionId"]) < max(versions):
                found.append(f"{address} was acknowledged at version {max(versions)}: {now.status_code} {now.text[:100]}")
            for version, body in versions.items():
                if version == max(versions) and f'"{version}"' in now.headers.get("etag", ""):
                    same = now.content == body
                else:
                    same = (await client.get(f"{address}/_history/{version}")).content == body
                if not same:
                    found.append(f"{address} version {version} is not what was acknowledged")

    async with httpx.AsyncClient(base_url=house.address + "/fhir/", headers=load.headers, timeout=30) as client:
        await asyncio.gather(*(some(client) for _ in range(6)))
    return found
