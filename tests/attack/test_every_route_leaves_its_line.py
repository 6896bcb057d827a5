"""Generated over all routes and operations: whoever calls one leaves a line in the trail, whether it answers or refuses. What has
no line is named here, with the reason."""

from __future__ import annotations

from typing import Any

import pytest
from hospitals import City, form_token, lines, newest

from longbien.app import PAGES, App
from longbien.rest.operations import TABLE
from longbien.web.page import OPEN, Page

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: Nothing about anybody: no line is owed.
SILENT = {
    "/orders/collect": "an empty list here: each patient on it has a line, tests/orders/test_collecting.py",
    "/catalogue": "the same, all of it; what is written there is a version with its line",
    "/tariff": "prices, out of the price list; what is written there is a version with its line",
    "/orders/search": "what can be ordered, out of the catalogue; nothing of anybody",
    "/terms/icd10": "names of codes out of the house's own table",
    "/language": "the language of the pages",
    "/glass": "an empty list here: who stands in it is read by the store, with a line",
    "/search": "an empty form here: nobody was asked for; tests/attack/test_trail_of_everything.py asks",
    "/patients/{id}/drafts/{form}": "one's own unsigned words, kept while typing; the chart beside them and the signing have lines",
    "/": "leads on",
    "/sign-in": "a form; signing in has its own line",
}
FILLING = {
    "id": "p-a", "tab": "labs", "type": "Condition", "rid": "p-a-condition", "form": "note", "code": "4548-4", "day": "2026-11-01",
}  # fmt: skip


def pages() -> list[tuple[str, str]]:
    """(method, path with its parameters as they stand in the route) of every page that needs somebody."""
    found = []
    for route in PAGES:
        known = getattr(getattr(route, "endpoint", None), "page", None)
        if isinstance(known, Page) and known.permission is not OPEN:
            method = "POST" if "POST" in (route.methods or ()) else "GET"  # type: ignore[attr-defined]
            found.append((method, route.path))  # type: ignore[attr-defined]
    return found


def filled(path: str) -> str:
    out = []
    for part in path.split("/"):
        name = part.strip("{}").partition(":")[0]
        kind = part.strip("{}").partition(":")[2]
        out.append(FILLING.get(name, "1" if kind == "int" else "x") if part.startswith("{") else part)
    return "/".join(out)


ASKED = pages()


@pytest.mark.parametrize("n", range(len(ASKED)))
@pytest.mark.parametrize("role", ["doctor", "it"])
async def test_every_page_leaves_its_line(app: App, who: Any, city: City, role: str, n: int) -> None:
    method, path = ASKED[n]
    if path in SILENT or path.endswith("/live"):  # an open stream: below
        pytest.skip(SILENT.get(path, "a stream"))
    browser = await who(role)
    before = await newest(app.state.engine)
    data = {"csrf": form_token(browser)} if method == "POST" else None
    if path == "/sign-out":
        pytest.skip("it would end the session of the other tests; tests/access has its line")
    answer = await browser.request(method, filled(path), data=data, timeout=30)
    assert answer.status_code < 500, answer.text
    told = [x for x in await lines(app.state.engine) if x["seq"] > before]
    owed = answer.status_code in (200, 403) and path not in NO_PATIENT
    assert told or not owed, f"{method} {path}: {answer.status_code} without a line"


#: Pages that say nothing about a patient or about what somebody did.
NO_PATIENT = {
    "/me/ask",
    # one's own sign-in, apps and covers
    "/account", "/account/passkeys/ask", "/apps", "/cover",
    "/clinic/phrases",  # one's own shortcuts
    "/papers/keys",  # certificates of the staff and of the facility
    # accounts, apps and rights of the own facility; asked why of a patient, /permissions/why has its line
    "/invitations", "/accounts", "/admin/apps", "/permissions", "/permissions/why", "/permissions/accounts",
}  # fmt: skip


def operations() -> list[tuple[str, str]]:
    """(method, address) of every operation at every level it has."""
    found = []
    for o in TABLE:
        type_ = sorted(o.types)[0] if getattr(o, "types", None) else "Patient"
        for level in o.levels:
            at = {"system": "/fhir", "type": f"/fhir/{type_}", "instance": f"/fhir/{type_}/p-a"}[level]
            found.append(("GET", f"{at}/${o.name}"))
            found.append(("POST", f"{at}/${o.name}"))
    return found


OPS = operations()


@pytest.mark.parametrize("n", range(len(OPS)))
async def test_every_operation_that_answers_leaves_its_line(app: App, machine: Any, city: City, n: int) -> None:
    method, url = OPS[n]
    client = await machine("system/*.*")
    before = await newest(app.state.engine)
    body = {"resourceType": "Parameters"} if method == "POST" else None
    answer = await client.request(method, url, json=body, timeout=30)
    assert answer.status_code < 500, (url, answer.text)
    told = [x for x in await lines(app.state.engine) if x["seq"] > before]
    name = url.rpartition("$")[2]
    assert told or answer.status_code >= 400 or name in ABOUT_NOBODY, f"{method} {url}: {answer.status_code} without a line"


#: They look at what the caller brought or at the standard's own tables, never at a record.
ABOUT_NOBODY = {"validate", "versions", "topics"}
