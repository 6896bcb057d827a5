"""Many clients on the same few resources, each with a connection to either web process, and what each of them was told: enough to
say afterwards whether the record behaved as one thing that does one thing at a time.

`wrong` holds the answers that no order of events explains; `faults` compares the history that is there with all that was told."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from real_house import House

KEY = "http://rivals/key"
MARK = "http://rivals/mark"


@dataclass
class Told:
    """One write: what was sent, and what came back. `versions`: resource -> version, as acknowledged. outcome: done | refused |
    unknown (no answer, or one that leaves open whether it was done)."""

    mark: str
    deletes: bool
    at: tuple[int, ...]
    match: dict[int, int]
    begun: float
    ended: float = float("inf")
    outcome: str = "unknown"
    versions: dict[int, int] = field(default_factory=dict)


@dataclass
class Seen:
    """One look at a resource: the version, None where it was gone or not there. `how`: read | search."""

    how: str
    at: int
    begun: float
    ended: float
    version: int | None
    mark: str | None


class Rivals:
    def __init__(self, house: House, token: str, seed: int, clients: int = 8, resources: int = 5):
        self.house, self.seed = house, seed
        self.headers = {"Authorization": f"Bearer {token}", "Prefer": "return=representation"}
        self.ids = [f"rival-{seed}-{n}" for n in range(resources)]
        self.told: list[Told] = []
        self.seen: list[Seen] = []
        self.keys: dict[str, set[str]] = defaultdict(set)
        """Key of a conditional create -> ids that clients were told."""
        self.wrong: list[str] = []
        self.answers: Counter[str] = Counter()
        self.across = 0
        """Searches that went to the other process than the write before them."""
        self.last_good = 0.0
        self._newest = [0] * resources
        """The highest version anybody knows: what the next write matches."""
        self._stop = asyncio.Event()
        self._tasks = [asyncio.create_task(self._client(n)) for n in range(clients)]

    async def stop(self) -> None:
        self._stop.set()
        await asyncio.wait_for(asyncio.gather(*self._tasks), 60)

    # -- a client -----------------------------------------------------------------------------------------------------

    async def _client(self, number: int) -> None:
        chance = random.Random(f"{self.seed}/{number}")
        async with Pair(self.house, self.headers) as pair:
            while not self._stop.is_set():
                step = chance.choices([self._put, self._delete, self._transaction, self._read, self._create], [8, 1, 3, 5, 2])[0]
                try:
                    await pair.ready()
                    await step(pair, chance)
                except httpx.TransportError as why:
                    self.answers[type(why).__name__] += 1
                    pair.broken()
                    await asyncio.sleep(0.05)

    async def _send(self, client: httpx.AsyncClient, method: str, address: str, **more: Any) -> httpx.Response:
        answer = await client.request(method, address, **more)
        self.answers[f"{method} {answer.status_code}"] += 1
        if answer.is_success:
            self.last_good = time.monotonic()
        elif answer.status_code not in (404, 410, 412, 503):
            self.wrong.append(f"{method} {address}: {answer.status_code} {answer.text[:300]}")
        if answer.status_code == 503:
            await asyncio.sleep(0.05)
        return answer

    async def _put(self, pair: Pair, chance: random.Random) -> None:
        n = chance.randrange(len(self.ids))
        told = self._begin((n,), matching=chance.random() < 0.7)
        headers = {"If-Match": f'W/"{told.match[n]}"'} if told.match else {}
        answer = await self._send(pair.one, "PUT", f"Patient/{self.ids[n]}", json=self._patient(n, told.mark), headers=headers)
        self._heard(told, answer, {n: answer})
        if told.outcome == "done":
            await self._found(pair, n, told)

    async def _delete(self, pair: Pair, chance: random.Random) -> None:
        n = chance.randrange(len(self.ids))
        told = self._begin((n,), matching=chance.random() < 0.5, deletes=True)
        headers = {"If-Match": f'W/"{told.match[n]}"'} if told.match else {}
        answer = await self._send(pair.one, "DELETE", f"Patient/{self.ids[n]}", headers=headers)
        self._heard(told, answer, {n: answer} if "etag" in answer.headers else {})
        if told.versions:
            await self._found(pair, n, told)

    async def _transaction(self, pair: Pair, chance: random.Random) -> None:
        at = tuple(chance.sample(range(len(self.ids)), chance.choice([2, 3])))
        told = self._begin(at, matching=chance.random() < 0.6)
        entry = []
        for n in at:
            request = {"method": "PUT", "url": f"Patient/{self.ids[n]}"}
            if told.match:
                request["ifMatch"] = f'W/"{told.match[n]}"'
            entry.append({"resource": self._patient(n, told.mark), "request": request})
        answer = await self._send(pair.one, "POST", "", json={"resourceType": "Bundle", "type": "transaction", "entry": entry})
        entries = answer.json()["entry"] if answer.is_success else []
        self._heard(told, answer, dict(zip(at, (httpx.Response(200, headers=e["response"]) for e in entries), strict=False)))
        if told.outcome == "done":
            await self._found(pair, at[0], told)

    async def _read(self, pair: Pair, chance: random.Random) -> None:
        n, begun = chance.randrange(len(self.ids)), time.monotonic()
        answer = await self._send(chance.choice([pair.one, pair.other]), "GET", f"Patient/{self.ids[n]}")
        if answer.is_success:
            self._saw("read", n, begun, answer.json())
        elif answer.status_code in (404, 410):
            self._saw("read", n, begun, None)

    async def _create(self, pair: Pair, chance: random.Random) -> None:
        key = f"{self.seed}-{chance.randrange(10_000) // 25}"
        body = {"resourceType": "Patient", "identifier": [{"system": KEY, "value": key}]}
        answer = await self._send(pair.one, "POST", "Patient", json=body, headers={"If-None-Exist": f"identifier={KEY}|{key}"})
        if answer.is_success:
            self.keys[key].add(answer.json()["id"])
            found = await self._send(pair.other, "GET", f"Patient?identifier={KEY}|{key}")
            ids = [e["resource"]["id"] for e in found.json().get("entry", [])] if found.is_success else None
            if ids is not None and ids != [answer.json()["id"]]:
                self.wrong.append(f"{key} was created as {answer.json()['id']}, the very next search finds {ids}")

    async def _found(self, pair: Pair, n: int, told: Told) -> None:
        """The very next search, at the other process."""
        begun = time.monotonic()
        answer = await self._send(pair.other, "GET", f"Patient?identifier={MARK}|{self.ids[n]}")
        if answer.is_success:
            entries = answer.json().get("entry", [])
            if len(entries) > 1:
                self.wrong.append(f"{len(entries)} answers for {self.ids[n]}")
            self._saw("search", n, begun, entries[0]["resource"] if entries else None)
            self.across += pair.apart

    # -- what was told ------------------------------------------------------------------------------------------------

    def _begin(self, at: tuple[int, ...], matching: bool, deletes: bool = False) -> Told:
        match = {n: max(self._newest[n], 1) for n in at} if matching else {}
        told = Told(f"{len(self.told)}", deletes, at, match, time.monotonic())
        self.told.append(told)
        return told

    def _heard(self, told: Told, answer: httpx.Response, each: dict[int, httpx.Response]) -> None:
        told.ended = time.monotonic()
        if answer.is_success:
            told.outcome = "done"
            told.versions = {n: int(a.headers["etag"].strip('W/"')) for n, a in each.items()}
            for n, version in told.versions.items():
                self._newest[n] = max(self._newest[n], version)
        elif answer.status_code != 503:
            told.outcome = "refused"
            for n in told.at:  # somebody else was there: look again, or one lost answer would leave everybody behind
                self._newest[n] += 1 if answer.status_code == 412 and random.random() < 0.1 else 0

    def _saw(self, how: str, n: int, begun: float, resource: dict[str, Any] | None) -> None:
        version = int(resource["meta"]["versionId"]) if resource else None
        self._newest[n] = max(self._newest[n], version or 0)
        mark = resource["name"][0]["text"] if resource else None
        self.seen.append(Seen(how, n, begun, time.monotonic(), version, mark))

    def _patient(self, n: int, mark: str) -> dict[str, Any]:
        identifier = [{"system": MARK, "value": self.ids[n]}]
        return {"resourceType": "Patient", "id": self.ids[n], "identifier": identifier, "name": [{"text": mark}]}


class Pair:
    """Two connections of one client, to different web processes where two are there."""

    def __init__(self, house: House, headers: dict[str, str]):
        self.house, self.headers = house, headers
        self.apart = False
        self._clients: list[httpx.AsyncClient] = []

    async def __aenter__(self) -> Pair:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    @property
    def one(self) -> httpx.AsyncClient:
        return self._clients[0]

    @property
    def other(self) -> httpx.AsyncClient:
        return self._clients[1]

    def broken(self) -> None:
        self.apart = False

    async def ready(self) -> None:
        """Both connections stand, at different processes if a few tries give such."""
        if self.apart and self._clients:
            return
        await self._close()
        self._clients = [self._client()]
        first = await self._process(self._clients[0])
        for _ in range(12):
            second = self._client()
            self._clients[1:] = [second]
            if await self._process(second) != first:
                self.apart = True
                return
            await second.aclose()
        self._clients[1:] = [self._client()]

    def _client(self) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=1, keepalive_expiry=60)
        return httpx.AsyncClient(base_url=self.house.address + "/fhir/", headers=self.headers, timeout=30, limits=limits)

    async def _process(self, client: httpx.AsyncClient) -> int | None:
        """The web process at the other end of this client's connection."""
        answer = await client.get("Patient/nobody")
        port = answer.extensions["network_stream"].get_extra_info("client_addr")[1]
        return self.house.web_process_of(port)

    async def _close(self) -> None:
        for client in self._clients:
            with contextlib.suppress(httpx.TransportError, RuntimeError):
                await client.aclose()
        self._clients = []


# -- afterwards -------------------------------------------------------------------------------------------------------


async def faults(rivals: Rivals) -> list[str]:
    """Everything that no order of events explains; empty when all is well."""
    found = list(rivals.wrong)
    async with httpx.AsyncClient(base_url=rivals.house.address + "/fhir/", headers=rivals.headers, timeout=30) as client:
        histories = [await _history(client, id, found) for id in rivals.ids]
        for key, told in rivals.keys.items():
            bundle = (await client.get(f"Patient?identifier={KEY}|{key}")).json()
            there = {e["resource"]["id"] for e in bundle.get("entry", [])}
            if len(told) != 1 or there != told:
                found.append(f"conditional creates of {key}: told {told}, there {there}")
    found += inexplicable(rivals, histories)
    return found + [f"trail: {text}" for text in await rivals.house.trail_faults()]


def inexplicable(rivals: Rivals, histories: list[list[str | None]]) -> list[str]:
    """What was told and seen, against the histories that are there."""
    found = [f"{rivals.ids[n]}: {text}" for n, history in enumerate(histories) for text in _of_one(rivals, n, history)]
    return [*found, *_torn(rivals, histories)]


async def _history(client: httpx.AsyncClient, id: str, found: list[str]) -> list[str | None]:
    """The mark of each version in order, None for a deletion; all pages."""
    marks: list[str | None] = []
    versions: list[int] = []
    address: str | None = f"Patient/{id}/_history?_count=200"
    while address:
        bundle = json.loads((await client.get(address)).content)
        for e in bundle.get("entry", []):
            versions.append(int(e["response"]["etag"].strip('W/"')))
            marks.append(e["resource"]["name"][0]["text"] if "resource" in e else None)
        address = next((link["url"] for link in bundle.get("link", []) if link["relation"] == "next"), None)
    if versions != list(range(len(versions), 0, -1)):
        found.append(f"{id}: the versions are not dense: {versions[:20]}")
    return marks[::-1]


def _of_one(rivals: Rivals, n: int, history: list[str | None]) -> Iterator[str]:
    writes = [t for t in rivals.told if n in t.at]
    by_mark = {t.mark: t for t in writes if not t.deletes}
    place = {mark: version for version, mark in enumerate(history, 1) if mark is not None}
    if len(place) != sum(mark is not None for mark in history):
        yield "a write was done twice"
    for mark, version in place.items():
        t = by_mark.get(mark)
        if t is None or t.outcome == "refused":
            yield f"version {version} is of a write that was refused: {t}"
        elif t.match and t.match[n] != version - 1:
            yield f"an update was lost: version {version} was to follow {t.match[n]}: {t}"
    for t in writes:
        version = t.versions.get(n)
        if version is None:
            continue
        if version > len(history) or history[version - 1] != (None if t.deletes else t.mark):
            yield f"acknowledged, but not there: {t}"
        if t.match and t.match[n] != version - 1:
            yield f"an update was lost: {t}"
    deleted = sum(mark is None for mark in history)
    sure = sum(t.deletes and n in t.versions for t in writes)
    if not sure <= deleted <= sure + sum(t.deletes and t.outcome == "unknown" for t in writes):
        yield f"{deleted} deletions are there, {sure} were acknowledged"
    yield from _in_time(rivals, n, history)


def _in_time(rivals: Rivals, n: int, history: list[str | None]) -> Iterator[str]:
    """What ended before something else began is before it in the history: for writes, reads and searches at either process."""
    done = sorted((t.ended, t.versions[n], t) for t in rivals.told if n in t.versions)
    ends = [e for e, _, _ in done]
    highest = list(itertools.accumulate((v for _, v, _ in done), max))

    def before(moment: float) -> int:
        """The highest version that was acknowledged before this moment."""
        low, high = 0, len(ends)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if ends[middle] < moment else (low, middle)
        return highest[low - 1] if low else 0

    for _, version, t in done:
        if version <= before(t.begun):
            yield f"was given a version that is not after the one acknowledged before it began: {t}"
    begun = {t.versions[n]: t.begun for _, _, t in done}
    for s in rivals.seen:
        if s.at != n:
            continue
        least = before(s.begun)
        if s.version is None:
            if least and None not in history[least - 1 :]:
                yield f"not found, though version {least} was there and nobody deleted it: {s}"
            continue
        if s.version > len(history) or history[s.version - 1] != s.mark:
            yield f"seen, but not there: {s}"
        if s.version < least:
            yield f"an old version was seen after {least} had been acknowledged: {s}"
        if s.version in begun and begun[s.version] > s.ended:
            yield f"seen before it was written: {s}"


def _torn(rivals: Rivals, histories: list[list[str | None]]) -> Iterator[str]:
    """A transaction is in the history of all its resources or of none."""
    there = [set(h) for h in histories]
    for t in rivals.told:
        done = [t.mark in there[n] for n in t.at]
        if len(t.at) > 1 and any(done) and not all(done):
            yield f"half a transaction: {t}"
