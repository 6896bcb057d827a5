"""Who may do what, for every route, interaction, operation, socket and job, and every role: expected from the tables of the house
(web.routes, rest.routes, operations.TABLE, roles.ROLES and the pages' permissions), done through the real door. Nobody is refused; a role
exactly where its table says so; another facility's patient is not there; and every refusal is a line of the trail."""

from __future__ import annotations

import asyncio
import json
import lzma
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hospitals import City, form_token, newest, records, tells
from matrix import (
    ABOUT_A_PATIENT,
    JOBS,
    NOT_PAGES,
    OPEN_OF_FHIR,
    OPEN_PAGES,
    SHAPES,
    STREAMS,
    WAYS,
    addresses_of,
    ask_socket,
    page_address,
)

from longbien import app as roof
from longbien.access import policy
from longbien.access.actor import Actor
from longbien.access.roles import FIND, PATIENTS, RIGHTS, ROLES, STAFF
from longbien.access.settings import AccessSettings
from longbien.app import App
from longbien.base.ids import patient_key
from longbien.fhir import definitions
from longbien.record import trail
from longbien.rest import capability, operations
from longbien.rest import routes as rest
from longbien.web.page import OPEN

pytestmark = pytest.mark.asyncio(loop_scope="session")
# ruff: noqa: E501 - what is asked stands as it is asked
PEOPLE = sorted(STAFF)
OWN_FACILITY = {"care": True, "care-ever": True, "open": False, "own": False, "cared": False, "order": None}
"""roles.RowRule: whether hospital a's own patient, who is there today, is open to such a role; None: it depends on what is ordered."""
Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture(autouse=True)
def no_limit(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked here in a minute nobody asks in a day."""
    monkeypatch.setattr(app.shield, "wait", lambda scope: 0.0)


def pages(app: App) -> list[tuple[str, str, Any]]:
    """(path, method, what is known of the page) of every page."""
    found = []
    for r in app.routes:
        if r.path not in NOT_PAGES:  # type: ignore[attr-defined]
            found += [(r.path, m, r.endpoint.page) for m in sorted(r.methods - {"HEAD", "OPTIONS"})]  # type: ignore[attr-defined]
    return found


async def asked(client: httpx.AsyncClient, path: str, method: str, id: str) -> httpx.Response | None:
    """None: it goes on answering."""
    data = {"csrf": form_token(client)} if method != "GET" else None
    try:
        async with asyncio.timeout(1 if STREAMS.search(path) else 30):
            return await client.request(method, page_address(path, id), data=data)
    except TimeoutError:
        assert STREAMS.search(path), f"{method} {path} does not end: is it a stream (matrix.STREAMS)?"
        return None


async def number_of(app: App, client: httpx.AsyncClient) -> int:
    actor = await app.state.door.actor({"type": "http", "method": "GET", "scheme": "http", "client": ("127.0.0.1", 1), "headers":
        [(b"cookie", f"longbien={client.cookies['longbien']}".encode())]})  # fmt: skip
    return int(actor.number)


async def refusals(app: App, actor: int, after: int) -> list[Any]:
    sql = "SELECT pat, type, why FROM audit WHERE seq > $1 AND actor = $2 AND outcome = $3 ORDER BY seq"
    return list(await app.state.engine.db.fetch(sql, after, actor, trail.REFUSED))


# -- what is there, and known ---------------------------------------------------------------------------------------------


async def test_every_door_is_known_here(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new one says here how it is called, or why it is open."""
    bare = [r.path for r in app.routes if getattr(getattr(r, "endpoint", None), "page", None) is None and r.path not in NOT_PAGES]  # type: ignore[attr-defined]
    assert not bare, f"no pages, and not in matrix.NOT_PAGES: {bare}"
    unknown = {(p, m[1]) for p, _, _ in pages(app) for m in re.finditer(r"\{([^}]+)\}", p) if m[1] != "id" and "{" not in m[1]}
    for path, name in unknown:
        page_address(path, "x")
        assert name
    open_ = {p for p, _, known in pages(app) if known.permission is OPEN}
    assert open_ == set(OPEN_PAGES), "a page for everybody says in matrix.OPEN_PAGES why"
    tables = {n for n, v in vars(rest).items() if n.isupper() and n != "OPEN" and isinstance(v, dict)}
    assert tables == set(SHAPES), "a table of handlers in rest.routes that matrix.SHAPES does not know"
    assert set(rest.OPEN) == OPEN_OF_FHIR
    assert {o.name for o in operations.TABLE} == set(WAYS), "an operation that matrix.WAYS does not know how to call"
    assert {r.rows for r in ROLES.values()} - {"everything"} <= set(OWN_FACILITY)


async def test_every_job_is_known_here(record_urls: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    class Seen:
        def __init__(self, db: Any, handlers: Any, **_: Any):
            seen.update(handlers)

        async def run(self, stop: asyncio.Event) -> None:
            return None

    monkeypatch.setattr(roof.jobs, "Workers", Seen)
    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(30):
        await roof.work(record_urls[1], stop)
    assert set(seen) == set(JOBS), "a job says in matrix.JOBS in whose name it works"


async def test_a_job_in_somebodys_name_ends_with_the_right_of_who_asked(app: App, machine: Any) -> None:
    """Both that work for an asker take their warrant anew from access.later, which gives none once the account is disabled."""
    token = await machine("system/Patient.rs")
    assert (await token.get("/fhir/Patient?_count=0")).status_code == 200
    row = await app.state.engine.db.fetchrow("SELECT number, account FROM api_token ORDER BY number DESC LIMIT 1")
    door = app.state.door
    assert await door.again(row["account"], row["number"]) is not None
    await app.state.engine.db.execute("UPDATE account SET disabled = now() WHERE number = $1", row["account"])
    assert await door.again(row["account"], row["number"]) is None


# -- nobody ---------------------------------------------------------------------------------------------------------------


async def test_nobody_is_refused_by_every_page(app: App, anonymous: httpx.AsyncClient, city: City) -> None:
    for path, method, known in pages(app):
        if known.permission is OPEN:
            continue
        answer = await anonymous.request(method, page_address(path, "p-a"))
        to_the_door = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?next=")
        assert to_the_door or answer.status_code == 401, (method, path, answer.status_code)
        assert not tells(answer.text)


async def test_nobody_is_refused_by_every_interaction_and_operation(anonymous: httpx.AsyncClient, city: City) -> None:
    for name, shapes in SHAPES.items():
        for shape in shapes:
            for method in getattr(rest, name):
                url = "/fhir" + shape.format(type="Observation", id="p-a-observation", patient="p-a")
                answer = await anonymous.request(method, url, json={} if method in ("POST", "PUT", "PATCH") else None)
                assert answer.status_code == 401 and not tells(answer.text), (method, url)
    for o in operations.TABLE:
        for where in addresses_of(o, "Patient", "p-a"):
            for method in o.methods:
                answer = await anonymous.request(
                    method, f"/fhir{where}?{WAYS[o.name].query.format(patient='p-a')}", json=WAYS[o.name].body
                )
                assert answer.status_code == 401 and not tells(answer.text), (method, where)


async def test_nobody_is_heard_on_a_socket(app: App, city: City) -> None:
    for headers in (
        [],
        [(b"authorization", b"Bearer lb_wrong")],
        [(b"cookie", b"longbien=wrong"), (b"origin", b"http://hanoi.test")],
    ):
        for path in (roof.SOCKET, "/ws", "/fhir/ws/x"):
            got = await ask_socket(app, path, headers, "bind p-a")
            assert not any("bound" in str(m.get("text", "")) or tells(str(m)) for m in got), (path, got)
            assert got[-1]["type"] in ("websocket.close", "websocket.http.response.start", "websocket.http.response.body"), (
                path,
                got,
            )


# -- each role, as its table says -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", PEOPLE)
async def test_a_role_opens_exactly_the_pages_whose_permission_names_it(app: App, who: Any, city: City, role: str) -> None:
    wrong = []
    client = await who(role, "a", 7)
    number = await number_of(app, client)
    for path, method, known in sorted(pages(app), key=lambda p: (p[1] == "POST", p[0] == "/sign-out", p[0])):
        if known.permission is OPEN:
            continue
        before = await newest(app.state.engine)
        answer = await asked(client, path, method, "p-a")
        said = [x for x in await refusals(app, number, before) if (x["why"] or "").endswith(f"may not: {known.permission.title}")]
        if role in known.permission.roles:
            if said or (answer is not None and (answer.status_code >= 500 or answer.status_code == 401)):
                wrong.append((method, path, answer and answer.status_code, "should be let in"))
        elif answer is None or answer.status_code != 403 or not said:
            wrong.append((method, path, answer and answer.status_code, len(said), "should be refused, with a line"))
        if answer is not None and tells(answer.text):
            wrong.append((method, path, "tells of the other hospital's patient"))
    assert not wrong


@pytest.fixture(scope="module")
def one_of_each(shared: Path) -> dict[str, dict[str, Any]]:
    """The smallest official example of each type."""
    found: dict[str, tuple[int, dict[str, Any]]] = {}
    with lzma.open(shared / "data" / "fhir" / "r4-examples.ndjson.xz") as f:
        for line in f:
            resource = json.loads(line)["resource"]
            if resource["resourceType"] not in found or len(line) < found[resource["resourceType"]][0]:
                found[resource["resourceType"]] = (len(line), resource)
    return {t: {k: v for k, v in r.items() if k != "id"} for t, (_, r) in found.items()}


@pytest.mark.parametrize("role", PEOPLE)
async def test_a_role_reads_creates_and_deletes_exactly_the_types_of_its_table(
    app: App, who: Any, city: City, role: str, one_of_each: dict[str, dict[str, Any]]
) -> None:
    client, table = await who(role), ROLES[role]
    may = {right: table.types(right, table.purposes[0]) for right in RIGHTS}
    number, before = await number_of(app, client), await newest(app.state.engine)
    wrong, refused, judged = [], 0, Counter[str]()
    for type in definitions.types():
        if type in capability.NO_ENDPOINT or type in capability.NOT_WRITTEN:
            continue
        asked_: list[tuple[str, str, httpx.Response]] = [
            ("r", "search", await client.get(f"/fhir/{type}?_count=0")),
            ("r", "read", await client.get(f"/fhir/{type}/not-there-at-all")),
            ("r", "history", await client.get(f"/fhir/{type}/_history?_count=1")),
            ("d", "delete", await client.delete(f"/fhir/{type}/not-there-at-all")),
        ]
        if type in one_of_each:
            asked_.append(
                (
                    "c",
                    "create",
                    await client.post(f"/fhir/{type}", json=one_of_each[type], headers={"Content-Type": "application/fhir+json"}),
                )
            )
        for right, what, answer in asked_:
            of_type = answer.status_code == 403
            if type not in may[right]:
                refused += of_type
                if not of_type and not (what == "create" and answer.status_code in (400, 422)):
                    wrong.append((type, what, answer.status_code, answer.text[:150]))
                judged[what] += of_type
            elif answer.status_code >= 500 or answer.status_code == 401 or (right != "c" and of_type):
                wrong.append((type, what, answer.status_code, answer.text[:150]))
            if tells(answer.text):
                wrong.append((type, what, "tells"))
    assert not wrong, wrong[:10]
    told = await refusals(app, number, before)
    assert len(told) >= refused, (len(told), refused)
    assert min(judged[w] for w in ("search", "read", "history", "delete", "create")) > 10, judged


@pytest.mark.parametrize("role", PEOPLE)
async def test_a_role_sees_and_changes_its_own_facilitys_patient_as_its_table_says(
    app: App, who: Any, city: City, role: str
) -> None:
    client, table = await who(role), ROLES[role]
    first = table.purposes[0]
    reads, updates = table.types("r", first), table.types("u", first)
    open_ = OWN_FACILITY[table.rows]
    wrong = []
    for type, id in city.of["a"].items():
        answer = await client.get(f"/fhir/{type}/{id}")
        if type not in reads:
            wrong += [(type, "read", answer.status_code)] if answer.status_code != 403 else []
        elif open_ is not None and answer.status_code != (200 if open_ else 404):
            wrong.append((type, "read", answer.status_code))
        body = next((r for r in records("p-a", "lời-a") if r["resourceType"] == type), None)
        if body is None:
            continue
        answer = await client.put(f"/fhir/{type}/{id}", json=body, headers={"Content-Type": "application/fhir+json"})
        if type not in updates:
            wrong += [(type, "update", answer.status_code)] if answer.status_code not in (403, 404) else []
        elif open_ is not None and answer.status_code not in ((200,) if open_ else (403, 404)):
            wrong.append((type, "update", answer.status_code, answer.text[:200]))
    assert not wrong


@pytest.mark.parametrize("role", sorted(STAFF | PATIENTS))
async def test_a_warrant_holds_what_the_table_says_for_every_purpose(role: str) -> None:
    table = ROLES[role]
    actor = Actor(1, "x", "person", "x", role, organization="bv-a")
    for purpose in table.purposes:
        made = policy.scope(actor, purpose, settings=AccessSettings())
        for type in definitions.types():
            assert made.may_read(type) == (type in table.types("r", purpose)), (purpose, type)
            for right, op in (("c", "create"), ("u", "update"), ("d", "delete")):
                assert made.may(op, type) == (type in table.types(right, purpose)), (purpose, type, op)  # type: ignore[arg-type]


# -- another facility's patient -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", PEOPLE)
async def test_another_facilitys_patient_is_not_there_in_fhir_and_asking_is_a_line(
    app: App, who: Any, city: City, role: str
) -> None:
    client = await who(role)
    number, reads = await number_of(app, client), ROLES[role].types("r", ROLES[role].purposes[0])
    wrong = []
    for name, shapes in SHAPES.items():
        for shape in (s for s in shapes if "{id}" in s or "{patient}" in s):
            for type, id in city.of["b"].items():
                if "{type}" not in shape and type != "Patient":
                    continue
                unknown = "z" * len(id)
                for method in getattr(rest, name):
                    before = await newest(app.state.engine)
                    got = []
                    for one in (id, unknown):
                        url = "/fhir" + shape.format(type=type, id=one, patient=one)
                        body = {"resourceType": type, "id": one, "status": "x"} if method in ("PUT", "PATCH") else None
                        got.append(await client.request(method, url, json=body))
                    hidden, absent = (a.text.replace(one, "ID") for a, one in zip(got, (id, unknown), strict=True))
                    if (
                        re.sub(r'"lastUpdated":"[^"]+"|"timestamp":"[^"]+"|"id":"[^"]+"|urn:uuid:[-0-9a-f]+', "", hidden)
                        != re.sub(r'"lastUpdated":"[^"]+"|"timestamp":"[^"]+"|"id":"[^"]+"|urn:uuid:[-0-9a-f]+', "", absent)
                        or got[0].status_code != got[1].status_code
                    ):
                        wrong.append(
                            (method, type, shape, got[0].status_code, got[1].status_code, got[0].text[:200], got[1].text[:200])
                        )
                    if (got[0].status_code in (200, 201) and "{patient}" not in shape) or tells(got[0].text):
                        wrong.append((method, type, shape, got[0].status_code, "tells"))
                    if name == "INSTANCE" and method == "GET" and type in reads and not await refusals(app, number, before):
                        wrong.append((method, type, shape, "no line"))
    assert not wrong, wrong[:5]


@pytest.mark.parametrize("role", PEOPLE)
async def test_another_facilitys_patient_is_not_there_for_any_operation(app: App, who: Any, city: City, role: str) -> None:
    client, reads = await who(role), ROLES[role].types("r", ROLES[role].purposes[0])
    wrong = []
    for o in operations.TABLE:
        way = WAYS[o.name]
        for here, there in zip(addresses_of(o, "Patient", "p-b"), addresses_of(o, "Patient", "zzz"), strict=True):
            for method in o.methods:
                body = way.body if method == "POST" else None
                answer = await client.request(method, f"/fhir{here}?{way.query.format(patient='p-b')}", json=body)
                if (answer.status_code >= 500 and answer.status_code != 501) or answer.status_code == 401 or tells(answer.text):
                    wrong.append((method, here, answer.status_code, answer.text[:200]))
                if way.needs and not way.needs <= reads and answer.status_code not in (400, 403, 404):
                    wrong.append((method, here, answer.status_code, "needs what the role may not read"))
                if here != there and "Patient" in here:
                    absent = await client.request(method, f"/fhir{there}?{way.query.format(patient='zzz')}", json=body)
                    if absent.status_code != answer.status_code:
                        wrong.append((method, here, answer.status_code, absent.status_code))
    assert not wrong, wrong[:8]


@pytest.mark.parametrize("role", PEOPLE)
async def test_another_facilitys_patient_is_not_there_on_any_page(app: App, who: Any, city: City, role: str) -> None:
    """Who may find people in the whole city is shown the name (finding is a line of its own), and never more."""
    client = await who(role, "a", 8)
    number, wrong = await number_of(app, client), []
    finds = role in FIND.roles
    for path, method, known in pages(app):
        if not ABOUT_A_PATIENT.match(path) or role not in known.permission.roles:
            continue
        before = await newest(app.state.engine)
        hidden, absent = await asked(client, path, method, "p-b"), await asked(client, path, method, "zzz")
        if hidden is None or absent is None:
            wrong.append((method, path, "goes on answering"))
            continue
        if (not finds and hidden.status_code != absent.status_code) or (
            hidden.status_code == 200 and method == "GET" and not finds
        ):
            wrong.append((method, path, hidden.status_code, absent.status_code))
        if "HIV" in hidden.text or (not finds and tells(hidden.text)):
            wrong.append((method, path, "tells"))
        told = await app.state.engine.db.fetch(
            "SELECT 1 FROM audit WHERE seq > $1 AND actor = $2 AND pat = $3", before, number, patient_key("p-b")
        )
        if not told and method == "GET":
            wrong.append((method, path, hidden.status_code, "no line"))
    assert not wrong, wrong


async def test_a_token_does_what_its_scope_names_and_nothing_else(app: App, machine: Any, city: City) -> None:
    client = await machine("system/Observation.rs")
    wrong = []
    for type in definitions.types():
        if type in capability.NO_ENDPOINT:
            continue
        answer = await client.get(f"/fhir/{type}?_count=0")
        if answer.status_code != (200 if type == "Observation" else 403):
            wrong.append((type, answer.status_code))
        if (await client.delete(f"/fhir/{type}/not-there-at-all")).status_code not in (403, 405):
            wrong.append((type, "delete"))
    assert not wrong, wrong
