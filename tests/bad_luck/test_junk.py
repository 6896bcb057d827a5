"""Junk at the doors of the running house, through real sockets: whatever comes, never a 500, and the house goes on."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from starlette.routing import Route

from longbien.app import PAGES
from longbien.base.errors import LongbienError
from longbien.fhir import definitions, xml
from real_house import BUILT, House, a_doctor, house

pytestmark = pytest.mark.skipif(not BUILT.is_dir(), reason="the FHIR definitions are not built: make build")
REQUESTS = int(os.environ.get("LONGBIEN_FUZZ", "60")) * 10
SEED = int(os.environ.get("LONGBIEN_TEST_SEED", "20261123"))
"""A run that found something names its request; the same seed gives the same requests."""
MODIFIERS = [
    "missing",
    "exact",
    "contains",
    "text",
    "not",
    "above",
    "below",
    "in",
    "not-in",
    "of-type",
    "identifier",
    "type",
    "Patient",
    "Nonsense",
    "",
    "iterate",
]
PREFIXES = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap", "zz"]
VALUES = [
    "",
    "0",
    "1",
    "-0",
    "1.50",
    "1e400",
    "-1e-400",
    "9" * 40,
    "NaN",
    "true",
    "2026",
    "2026-02-30",
    "2026-01-01T25:00:00Z",
    "0000",
    "9999-12-31T23:59:60+14:00",
    "0001-01-01",
    "a",
    "Nguyễn Ánh",
    "|",
    "|a",
    "http://loinc.org|",
    "http://loinc.org|718-7",
    "a|b|c",
    "5|http://unitsofmeasure.org|mg",
    "5||",
    "Patient/1",
    "Patient/",
    "http://[",
    "urn:uuid:1",
    "Patient/1/_history/1",
    "#x",
    "718-7$gt5",
    "$",
    "$$$",
    ",",
    ",,,",
    "a,b\\,c",
    "\\",
    "'",
    '"',
    "%",
    "_",
    "*",
    "'; DROP TABLE head; --",
    "<script>",
    "\0",
    "\ud7ff",
    "\uffff",
    "a" * 3000,
    ",".join("abcdefghij" * 60),
    "\u202e",
    "\r\nX: y",
    "\U0001f9ec",
    "{allowed}",
    "$1",
    "x" * 200 + "|",
]
CONTROLS = [
    "_sort",
    "_count",
    "_include",
    "_revinclude",
    "_summary",
    "_elements",
    "_total",
    "_page",
    "_has",
    "_format",
    "_pretty",
    "_contained",
    "_filter",
    "_query",
    "_list",
    "_type",
]
CONTROL_VALUES = [
    *VALUES,
    "-date",
    "_lastUpdated",
    "-_id,name",
    "Patient:general-practitioner",
    "Observation:subject:Patient",
    "*",
    "count",
    "accurate",
    "10000000000",
    "-5",
    "Observation:patient:code",
    "json",
    "xml",
]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(Path(tmp_path_factory.mktemp("j")) / "d") as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(running: House) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {running.token('junk')}"}
    async with httpx.AsyncClient(base_url=running.address, headers=headers, timeout=60) as made:
        await made.put("/fhir/Patient/1", json={"resourceType": "Patient", "id": "1", "name": [{"text": "Nguyễn Ánh"}]})
        yield made


async def each(requests: list[Any], send: Any) -> list[str]:
    """Send them, eight at a time; gives what was wrong."""
    wrong: list[str] = []
    left = iter(requests)

    async def some() -> None:
        wrong.extend([fault for one in left if (fault := await send(one)) is not None])

    await asyncio.gather(*(some() for _ in range(8)))
    return wrong


async def test_every_search_parameter_with_any_modifier_prefix_and_value(client: httpx.AsyncClient) -> None:
    chance = random.Random(SEED)
    said: Counter[int] = Counter()

    def question() -> tuple[str, bool]:
        type_ = chance.choice(definitions.types())
        names = sorted(definitions.search_params(type_)) or ["_id"]
        parts = []
        for _ in range(chance.choice([1, 1, 1, 2, 3])):
            if chance.random() < 0.2:
                name, value = chance.choice(CONTROLS), chance.choice(CONTROL_VALUES)
            else:
                name, value = chance.choice(names), chance.choice(PREFIXES) + chance.choice(VALUES)
                if chance.random() < 0.4:
                    name += ":" + chance.choice(MODIFIERS)
                if chance.random() < 0.2:
                    name += "." + chance.choice(["name", "_id", "identifier", "subject.name", "nonsense", ""])
                if chance.random() < 0.1:
                    name = f"_has:Observation:{chance.choice(['patient', 'subject', 'nonsense'])}:{name}"
            parts.append(f"{quote(name, safe=':.')}={quote(value, safe='|$,')}")
        return f"/fhir/{type_}?{'&'.join(parts)}", chance.random() < 0.5

    async def ask(question: tuple[str, bool]) -> str | None:
        address, strict = question
        answer = await client.get(address, headers={"Prefer": "handling=strict"} if strict else {})
        said[answer.status_code] += 1
        if answer.status_code not in (200, 400, 403, 404, 406, 413, 414, 429) or not _is_fhir(answer):
            return f"{answer.status_code} {address[:500]}: {answer.text[:200]}"
        return None

    wrong = await each([question() for _ in range(REQUESTS)], ask)
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:30])
    assert said[200] and said[400], said


def _is_fhir(answer: httpx.Response) -> bool:
    """Whether the body is a resource of the form that Content-Type says (_format=xml is among the questions)."""
    try:
        if answer.headers["content-type"] == "application/fhir+xml; charset=utf-8":
            return "resourceType" in xml.loads(answer.content)
        return "resourceType" in answer.json()
    except (LongbienError, ValueError, KeyError):
        return False


def raw(chance: random.Random, token: str) -> bytes:
    junk = chance.randbytes(chance.choice([0, 1, 20, 300]))
    method = chance.choice([b"GET", b"POST", b"PUT", b"BREW", b"", junk])
    path = chance.choice(
        [
            b"/fhir/Patient/1",
            b"/fhir/Patient/%",
            b"/fhir/%00",
            b"/fhir/Patient?name=%ff%fe",
            b"*",
            b"//",
            b"/fhir/\xff",
            b"http://[::1/fhir",
            b"/fhir/" + b"a/" * 3000,
            b"/patients/%c0%af",
            b"/static/x/../../etc",
            junk,
        ]
    )
    header = chance.choice(
        [
            b"X: y",
            b"X : y",
            b": y",
            b"X: \0",
            b"X: " + junk,
            b"Host: \xff",
            b"Content-Length: -1",
            b"Content-Length: 1e3",
            b"Content-Length: 5\r\nContent-Length: 6",
            b"Transfer-Encoding: nonsense",
            b"Transfer-Encoding: chunked",
            b"Accept: " + junk,
            b"If-Match: " + junk,
            b"Content-Type: " + junk,
            b"Accept-Encoding: " + junk,
            b"Cookie: " + junk,
            b"Prefer: " + junk,
            b"Forwarded: " + junk,
            b"X-Big: " + b"a" * 70_000,
            b"Upgrade: h2c\r\nConnection: Upgrade",
            b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13",
        ]
    )
    signed = chance.choice([b"", b"Authorization: Bearer " + token.encode() + b"\r\n", b"Authorization: " + junk + b"\r\n"])
    return method + b" " + path + b" HTTP/1.1\r\nHost: x\r\n" + signed + header + b"\r\nConnection: close\r\n\r\n" + junk


async def test_any_bytes_at_the_socket(running: House, client: httpx.AsyncClient) -> None:
    chance = random.Random(SEED)
    token = client.headers["Authorization"].partition(" ")[2]

    async def send(data: bytes) -> str | None:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        try:
            writer.write(data)
            writer.write_eof()
            answer = await asyncio.wait_for(reader.read(), 20)
        except ConnectionError:
            return None
        except TimeoutError:
            return f"no end: {data[:200]!r}"
        finally:
            writer.close()
        return f"{answer[:60]!r} for {data[:300]!r}" if answer.startswith((b"HTTP/1.1 500", b"HTTP/1.1 503")) else None

    wrong = await each([raw(chance, token) for _ in range(REQUESTS)], send)
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:30])
    assert (await client.get("/fhir/Patient/1")).status_code == 200
    assert "Traceback" not in running.said()


async def test_any_page_with_any_parts(running: House, client: httpx.AsyncClient) -> None:
    """Every route of the pages as a doctor, with junk for each part of its path, its query and its form."""
    chance = random.Random(SEED)
    cookie = await a_doctor(running, "1")
    csrf = await _csrf(running, cookie)
    paths = [(r.path, sorted(r.methods or ())) for r in PAGES if isinstance(r, Route) and not r.path.endswith("/live")]
    texts = [v for v in VALUES if v] + ["1", "1", "1", "note", "vitals", "allergy", "labs", "Observation", "../..", "."]

    def filled(path: str) -> str:
        out = []
        for part in path.split("/"):
            out.append(quote(chance.choice(texts), safe="") if "{" in part else part)
            if part == "{id}" and chance.random() < 0.7:
                out[-1] = "1"
        return "/".join(out)

    def visit() -> tuple[str, str, dict[str, str]]:
        path, methods = chance.choice(paths)
        names = [
            "q",
            "part",
            "span",
            "next",
            "lang",
            "tab",
            "code",
            "text",
            "value",
            "reason",
            "purpose",
            "date",
            "systolic",
            "name",
            "password",
            "status",
            "rid",
            "ids",
            "to",
            "from",
            "page",
            "at",
            "status",
            "substance",
            "criticality",
            "assessment",
        ]
        fields = {chance.choice(names): chance.choice(VALUES) for _ in range(chance.randrange(5))}
        return chance.choice(methods), filled(path), fields

    said: Counter[int] = Counter()
    async with httpx.AsyncClient(
        base_url=running.address, timeout=60, headers={"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}
    ) as browser:

        async def go(one: tuple[str, str, dict[str, str]]) -> str | None:
            method, path, fields = one
            if path.startswith(("/sign-out", "/lock")):  # what ends or locks this very session
                return None
            try:
                if method == "POST":
                    answer = await browser.post(path, data=fields | {"csrf": csrf})
                else:
                    answer = await browser.request(method, path, params=fields)
            except httpx.TransportError as why:
                return f"{type(why).__name__} {method} {path[:200]} {str(fields)[:300]}"
            said[answer.status_code] += 1
            return f"{answer.status_code} {method} {path[:200]} {str(fields)[:300]}" if answer.status_code >= 500 else None

        wrong = await each([visit() for _ in range(REQUESTS // 2)], go)
        assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:30]) + running.said()
        assert (await browser.get("/patients/1")).status_code == 200
        assert said[200] and said[404] and said[422], said


async def _csrf(running: House, cookie: str) -> str:
    async with httpx.AsyncClient(base_url=running.address, headers={"Cookie": cookie}) as browser:
        page = (await browser.get("/today")).text
    found = page.partition('name="csrf" value="')[2].partition('"')[0]
    assert found, page[:1000]
    return found
