"""What every answer carries, asked of every route, and what happens to who asks too fast."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from hospitals import BASE, City, lines, newest
from matrix import STREAMS
from test_the_door import filled

from longbien.access.limits import Limits, LimitSettings
from longbien.app import App, create_app
from longbien.rest import operations

# ruff: noqa: E501
pytestmark = pytest.mark.asyncio(loop_scope="session")
EXACT = {"x-content-type-options": "nosniff", "x-frame-options": "DENY", "cross-origin-opener-policy": "same-origin",
         "cross-origin-resource-policy": "same-origin", "referrer-policy": "same-origin"}  # fmt: skip
PUBLIC = re.compile(r"/\.well-known/|/oauth/(?:jwks|style\.json)\Z")
"""What is the same for everybody and may be kept."""
WEAK = re.compile(r"unsafe-eval|(?:script-src|default-src)[^;]*(?:'unsafe|\*|https?:|data:)|style-src(?:-elem)? [^;]*'unsafe")


def faults(answer: httpx.Response) -> list[str]:
    """What is wrong with an answer's headers."""
    h = answer.headers
    wrong = [f"{k}: {h.get(k)}" for k, v in EXACT.items() if h.get(k) != v]
    policy = h.get("content-security-policy", "")
    if "default-src 'none'" not in policy or "frame-ancestors 'none'" not in policy or "base-uri 'none'" not in policy:
        wrong.append(f"policy: {policy}")
    if WEAK.search(policy):
        wrong.append(f"weak policy: {policy}")
    kept = h.get("cache-control", "")
    if not (PUBLIC.search(answer.url.path) or "no-store" in kept or "no-cache" in kept or "immutable" in kept):
        wrong.append(f"cache: {kept}")
    if "server" in h or "x-powered-by" in h:
        wrong.append("says what it is made of")
    if answer.content and answer.status_code not in (204, 304) and not h.get("content-type"):
        wrong.append("no content type")
    for cookie in h.get_list("set-cookie"):
        if "httponly" not in cookie.lower() and not cookie.startswith("lang="):
            wrong.append(f"cookie: {cookie}")
        if "samesite" not in cookie.lower():
            wrong.append(f"cookie: {cookie}")
    return wrong


def addresses(app: App) -> list[str]:
    """Every route of the roof, and of FHIR one address of each shape and every operation."""
    pages = [filled(r.path) for r in app.routes]  # type: ignore[attr-defined]
    fhir = ["", "/metadata", "/openapi.json", "/Patient", "/Patient/p-a", "/Patient/p-b", "/_history", "/Binary/x",
            "/Patient/p-a/_history", "/Patient/p-a/_history/1", "/Patient/p-a/Observation", "/AuditEvent", "/AuditEvent/1", "/Nothing/1", "/a/b/c/d/e"]  # fmt: skip
    fhir += [f"/{t}/${o.name}" for o in operations.TABLE for t in o.types or ("Patient",)]
    return [*pages, "/nowhere", "/static/x/nothing.css", "/static/x/../../etc/passwd", *(f"/fhir{x}" for x in fhir)]


async def test_every_answer_of_every_route_carries_the_headers(
    app: App, who: Any, machine: Any, anonymous: Any, city: City
) -> None:
    wrong, asked = [], 0
    for client in (anonymous, await who("doctor"), await machine()):
        for url in addresses(app):
            for method in ("GET", "POST", "OPTIONS"):
                if url == "/sign-out" and method == "POST":
                    continue
                if method == "GET" and client is not anonymous and STREAMS.search(url):
                    continue  # does not end by itself
                answer = await client.request(method, url)
                asked += 1
                wrong += [(method, url, answer.status_code, f) for f in faults(answer)]
    assert asked > 300
    assert not wrong, wrong[:20]


async def test_who_came_by_https_is_told_to_come_by_nothing_else(app: App) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE.replace("http:", "https:")) as secure:
        for url in ("/", "/sign-in", "/fhir/metadata", "/fhir/Patient", "/nowhere", "/healthz"):
            said = (await secure.get(url)).headers["strict-transport-security"]
            assert int(re.search(r"max-age=(\d+)", said)[1]) >= 31_536_000 and "includeSubDomains" in said  # type: ignore[index]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as plain:
        assert "strict-transport-security" not in (await plain.get("/sign-in")).headers


async def test_a_cookie_of_https_has_the_prefix_that_binds_it_to_this_host(app: App, who: Any, city: City) -> None:
    await who("nurse")  # the account's password is the city's
    login = await app.state.engine.db.fetchval("SELECT login FROM account WHERE role = 'nurse' LIMIT 1")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE.replace("http:", "https:")) as secure:
        answer = await secure.post("/sign-in", data={"name": login, "password": "mưa rào tháng bảy"})
        cookie = next(c for c in answer.headers.get_list("set-cookie") if "longbien" in c)
        assert cookie.startswith("__Host-longbien=") and "Secure" in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie
        assert "Domain" not in cookie and "Path=/" in cookie


async def test_who_asks_too_fast_is_told_when_to_come_back_and_it_is_noted(
    app: App, who: Any, machine: Any, monkeypatch: Any
) -> None:
    doctor, token = await who("doctor", "a", 5), await machine()
    before = await newest(app.state.engine)
    monkeypatch.setattr(app.shield, "limits", Limits(LimitSettings(person=1, machine=1, address=1000, burst=3)))
    page = [await doctor.get("/today") for _ in range(5)]
    assert [a.status_code for a in page] == [200, 200, 200, 429, 429]
    fhir = [await token.get("/fhir/Patient/p-a") for _ in range(5)]
    assert [a.status_code for a in fhir] == [200, 200, 200, 429, 429]
    for answer in (page[-1], fhir[-1]):
        assert int(answer.headers["retry-after"]) >= 1 and not faults(answer)
    assert fhir[-1].json()["issue"][0]["code"] == "throttled"
    assert (await doctor.get("/healthz")).status_code == 200  # a sign of life is never refused
    await app.state.door.knocks.close()
    assert [x for x in await lines(app.state.engine, why="too many requests") if x["seq"] > before]


async def test_before_the_house_is_open_the_headers_are_there_too(record_urls: tuple[str, str]) -> None:
    closed = create_app(record_urls[1])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(closed, raise_app_exceptions=False), base_url=BASE) as early:
        for url in ("/fhir/Patient/1", "/readyz", "/sign-in"):
            answer = await early.get(url)
            assert answer.status_code >= 500 and not faults(answer), (url, answer.headers)
