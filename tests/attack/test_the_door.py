"""Coming in without a right to: nobody at all, a wrong token, a forged cookie, another site's page, a flood."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from typing import Any

import httpx
import pytest
from hospitals import BASE, NUMBER, PASSWORD, SECRET, City, form_token, lines, newest, tells

from longbien.access.accounts import NewAccount, create, disable
from longbien.access.passwords import Hasher
from longbien.access.settings import AccessSettings
from longbien.access.throttle import keys
from longbien.access.tokens import create_token, revoke
from longbien.app import App
from longbien.fhir import definitions
from longbien.web.page import OPEN

pytestmark = pytest.mark.asyncio(loop_scope="session")
# ruff: noqa: E501 - what is sent stands as it is sent
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
OPEN_PATHS = {
    "/healthz", "/readyz", "/static/{hash}/{name:path}", "/", "/sign-in", "/language", "/sign-in/passkey", "/sign-in/passkey/ask",
    "/sign-in/code", "/sign-in/badge", "/lock", "/unlock", "/welcome", "/welcome/{secret}", "/sign-in/with/{provider}",
    "/sign-in/with/{provider}/back", "/sign-in/with/{provider}/logout", "/.well-known/openid-configuration", "/oauth/jwks",
    "/oauth/style.json", "/verify", "/verify/{code}",
}  # fmt: skip
"""What is meant to be open: signs of life, the style sheet, the way in, public keys and where apps sign in."""


def filled(path: str) -> str:
    given = {"id": "p-b", "type": "Condition", "rid": "p-b-condition", "form": "note", "tab": "labs", "code:path": "x1", "name:path": "app.css",
             "hash": "0"}  # fmt: skip
    path = re.sub(r"\{\w+:int\}", "1", path)
    return re.sub(r"\{(\w+(?::path)?)\}", lambda m: given.get(m[1], "x"), path)


async def test_nobody_gets_in_by_any_route_or_method(app: App, anonymous: httpx.AsyncClient, city: City) -> None:
    paths = {(r.path, getattr(getattr(r, "endpoint", None), "page", None)) for r in app.routes}  # type: ignore[attr-defined]
    assert len(paths) > 15
    for path, page in paths:
        for method in METHODS:
            answer = await anonymous.request(method, filled(path))
            if path in OPEN_PATHS:
                assert page is None or page.permission is OPEN
                assert answer.status_code in (200, 204, 303, 405, 401, 404, 422), (method, path, answer.status_code)
            else:
                to_the_door = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?next=")
                refused = (401, 404, 405)
                if path.startswith("/oauth/"):  # machines' own door: it says no as OAuth says it (RFC 6749, 5.2; RFC 7591, 3.2.2)
                    refused = (400, 401, 403, 404, 405)
                if path.startswith(("/api/", "/bank/")):  # other protocols: what is no such message at all is refused as that
                    refused = (400, 401, 404, 405, 415)
                assert to_the_door or answer.status_code in refused, (method, path, answer.status_code)
            assert not tells(answer.text)


async def test_nobody_gets_anything_by_fhir_but_what_the_server_can_do(anonymous: httpx.AsyncClient, city: City) -> None:
    urls = [f"/fhir/{t}{tail}" for t in definitions.types() for tail in ("", "/x")]
    urls += ["/fhir", "/fhir/", "/fhir/_search", "/fhir/Patient/_search", "/fhir/Patient/p-b/_history/1", "/fhir/Patient/p-b/*", "/fhir/_history",
             "/fhir/$export", "/fhir/Patient/p-b/$everything", "/fhir//Patient/p-b", "/fhir/metadata/../Patient/p-b", "/fhir/Nothing/1"]  # fmt: skip
    for url in urls:
        for method in METHODS if "Patient" in url else ("GET", "POST"):
            answer = await anonymous.request(method, url)
            assert answer.status_code == 401, (method, url, answer.status_code)
    for method in METHODS:
        answer = await anonymous.request(method, "/fhir/metadata")
        assert answer.status_code == (200 if method in ("GET", "HEAD") else 405)


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer x", "bearer lb_" + "A" * 43, "Basic YTpi", "Bearer lb_é", "Bearer " + "x" * 9000,
                                    "Bearer lb_' OR 1=1 --", "Token x", ""])  # fmt: skip
async def test_a_wrong_token_is_nobody(anonymous: httpx.AsyncClient, header: str) -> None:
    answer = await anonymous.get("/fhir/Patient", headers={"Authorization": header.encode()})
    assert answer.status_code == 401


async def test_a_token_that_was_revoked_or_has_expired_or_whose_account_is_disabled_opens_nothing(app: App, anonymous: Any) -> None:
    engine = app.state.engine
    revoked, expired, disabled = [await create_token(engine, f"gone {n} {secrets.token_hex(3)}", hours=1) for n in range(3)]
    for token in (revoked, expired, disabled):
        assert (await anonymous.get("/fhir/Patient?_count=1", headers={"Authorization": f"Bearer {token}"})).status_code == 200
    rows = await engine.db.fetch("SELECT number, account FROM api_token ORDER BY number DESC LIMIT 3")
    await revoke(engine, rows[2]["number"])
    await disable(engine, None, rows[0]["account"])
    await asyncio.sleep(1.1)
    for token in (revoked, disabled):
        assert (await anonymous.get("/fhir/Patient", headers={"Authorization": f"Bearer {token}"})).status_code == 401
    short = await create_token(engine, "short", hours=0.0002)
    await asyncio.sleep(1.9)
    assert (await anonymous.get("/fhir/Patient", headers={"Authorization": f"Bearer {short}"})).status_code == 401


@pytest.mark.parametrize("value", ["x", "", "../../etc/passwd", "'; DROP TABLE session; --", "A" * 43, "%00", '"', "x" * 5000])
async def test_a_cookie_that_was_made_up_is_nobody(anonymous: httpx.AsyncClient, value: str) -> None:
    for name in ("longbien", "__Host-longbien"):
        answer = await anonymous.get("/today", headers={"Cookie": f"{name}={value}"})
        assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")


async def account(app: App, role: str = "doctor") -> str:
    login = f"d.{secrets.token_hex(5)}"
    await create(app.state.engine, app.state.door.hasher, None, NewAccount(login, "Người Thử", role, None, "bv-a"), PASSWORD)
    return login


async def test_a_session_is_new_with_each_sign_in_and_gone_with_the_sign_out(app: App, anonymous: Any, city: City) -> None:
    login = await account(app)
    planted = {"Cookie": "longbien=chosen-by-the-attacker", "Origin": BASE}
    first = await anonymous.post("/sign-in", data={"name": login, "password": PASSWORD}, headers=planted)
    set_cookie = first.headers["set-cookie"]
    anonymous.cookies.clear()
    assert "HttpOnly" in set_cookie and "SameSite=Lax" in set_cookie and "Path=/" in set_cookie and "Domain" not in set_cookie
    secret = set_cookie.split(";")[0].partition("=")[2]
    assert secret != "chosen-by-the-attacker" and len(secret) >= 40
    assert (await anonymous.get("/today", headers={"Cookie": "longbien=chosen-by-the-attacker"})).status_code == 303
    old = {"Cookie": f"longbien={secret}", "Origin": BASE}
    again = await anonymous.post("/sign-in", data={"name": login, "password": PASSWORD}, headers=old)
    newer = again.headers["set-cookie"].split(";")[0]
    anonymous.cookies.clear()
    assert newer != f"longbien={secret}"
    assert (await anonymous.get("/today", headers=old)).status_code == 303, "the session before is still open"
    token = form_token(type("C", (), {"cookies": {"longbien": newer.partition("=")[2]}}))
    out = await anonymous.post("/sign-out", data={"csrf": token}, headers={"Cookie": newer, "Origin": BASE})
    assert out.status_code == 303 and "Max-Age=0" in out.headers["set-cookie"]
    anonymous.cookies.clear()
    assert (await anonymous.get("/today", headers={"Cookie": newer})).status_code == 303


async def test_the_cookie_is_bound_to_https_where_there_is_https(app: App, city: City) -> None:
    login = await account(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://hanoi.test") as secure:
        answer = await secure.post("/sign-in", data={"name": login, "password": PASSWORD}, headers={"Origin": "https://hanoi.test"})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-longbien=") and "; Secure" in cookie


FOREIGN = [{"Origin": "http://evil.test"}, {"Origin": "null"}, {"Origin": "http://["}, {"Sec-Fetch-Site": "cross-site"},
           {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://hanoi.test.evil.test"}, {}]  # fmt: skip


@pytest.mark.parametrize("headers", FOREIGN)
async def test_another_sites_page_can_change_nothing(
    app: App, who: Any, anonymous: Any, city: City, headers: dict[str, str]
) -> None:
    cookie = {"Cookie": f"longbien={(await who('doctor')).cookies['longbien']}", **headers}
    wrong = []
    for route in app.routes:
        page = getattr(getattr(route, "endpoint", None), "page", None)
        if page is None or page.permission is OPEN or "POST" not in route.methods:  # type: ignore[attr-defined]
            continue
        for form in ({}, {"csrf": "x"}, {"csrf": ""}):
            answer = await anonymous.post(filled(route.path).replace("p-b", "p-a"), data={"text": "x", **form}, headers=cookie)  # type: ignore[attr-defined]
            if answer.status_code != 403:
                wrong.append((route.path, form, answer.status_code))  # type: ignore[attr-defined]
    for method, url in (("POST", "/fhir/Observation"), ("PUT", "/fhir/Patient/p-a"), ("DELETE", "/fhir/Patient/p-a"), ("POST", "/fhir"),
                        ("POST", "/fhir/Patient/_search")):  # fmt: skip
        answer = await anonymous.request(method, url, headers={**cookie, "Content-Type": "text/plain"}, content="{}")
        if answer.status_code != 403:
            wrong.append((method, url, answer.status_code))
    assert not wrong
    if headers:
        answer = await anonymous.post("/sign-in", data={"name": "x.y", "password": "z"}, headers=headers)
        assert answer.status_code == 403


@pytest.mark.parametrize("form", [{}, {"csrf": ""}, {"csrf": "x"}, {"csrf": "é" * 43}])
async def test_a_form_without_the_sessions_own_token_is_refused_from_our_own_pages_too(app: App, who: Any, form: Any) -> None:
    browser, other = await who("doctor"), await who("nurse")
    for route in app.routes:
        page = getattr(getattr(route, "endpoint", None), "page", None)
        if page is None or page.permission is OPEN or "POST" not in route.methods:  # type: ignore[attr-defined]
            continue
        path = filled(route.path).replace("p-b", "p-a")  # type: ignore[attr-defined]
        for given in (form, {"csrf": form_token(other)}):
            assert (await browser.post(path, data={"text": "x", **given})).status_code == 403, path


@pytest.mark.parametrize("target", ["//evil.test", "http://evil.test", "/\\evil.test", "\\\\evil.test", "/\t/evil.test", "/\n/evil.test", "javascript:x",
                                    "///evil.test", "http:evil.test", " //evil.test", "/%09/evil.test", "@evil.test", "/ok\r\nSet-Cookie: a=b"])  # fmt: skip
async def test_nobody_is_sent_to_another_site(app: App, anonymous: Any, city: City, target: str) -> None:
    login = await account(app)
    answers = [
        await anonymous.post("/sign-in", data={"name": login, "password": PASSWORD, "next": target}, headers={"Origin": BASE}),
        await anonymous.post("/language", data={"lang": "vi", "next": target}),
        await anonymous.post("/language", data={"lang": "vi"}, headers={"Referer": "http://evil.test//evil.test/x"}),
    ]
    anonymous.cookies.clear()
    for answer in answers:
        place = answer.headers["location"]
        assert answer.status_code == 303 and place.startswith("/") and not place.startswith(("//", "/\\")), place
        assert not re.search(r"[\t\r\n]", place) and "a=b" not in answer.headers.get("set-cookie", "")
    assert "evil.test" not in (await anonymous.get("/sign-in", params={"next": "//evil.test"})).text


@pytest.mark.parametrize("host", ["evil.test", 'a"><script>', "evil.test:80@x", "x\\y", "[::1]:8000"])
async def test_a_made_up_host_gets_into_no_page_and_no_script(anonymous: Any, who: Any, city: City, host: str) -> None:
    page = await anonymous.get("/sign-in", headers={"Host": host})
    assert "<script>" not in page.text.replace("</script>", "") and "evil.test" not in page.text
    doctor = await who("doctor")
    found = await doctor.get("/fhir/Patient?_count=1", headers={"Host": host})
    assert found.status_code == 200 and found.json()["resourceType"] == "Bundle"


async def test_an_address_that_a_stranger_names_is_not_believed(app: App, anonymous: Any, city: City) -> None:
    before = await newest(app.state.engine)
    spoofed = {"X-Forwarded-For": "203.0.113.77", "Forwarded": "for=203.0.113.77", "X-Real-IP": "203.0.113.77", "Origin": BASE}
    await anonymous.post("/sign-in", data={"name": "ai.do", "password": "sai"}, headers=spoofed)
    told = [x["addr"] for x in await lines(app.state.engine) if x["seq"] > before]
    assert told and "203.0.113.77" not in told


async def test_guessing_waits_whatever_the_sender_says_and_whoever_is_guessed(app: App, anonymous: Any, city: City) -> None:
    login, nobody = await account(app), f"d.{secrets.token_hex(5)}"
    told: dict[str, list[tuple[int, str]]] = {login: [], nobody: []}
    for n in range(7):
        for one in told:
            headers = {"Origin": BASE, "X-Forwarded-For": f"203.0.113.{n}", "User-Agent": f"x{n}"}
            name = one if n % 2 else f" {one.upper()} "
            answer = await anonymous.post("/sign-in", data={"name": name, "password": f"sai{n}"}, headers=headers)
            words = re.search(r'role="alert"[^>]*>([^<]*)', answer.text)
            told[one].append((answer.status_code, re.sub(r"\d+", "N", words[1]) if words else ""))
    assert told[login] == told[nobody], "words or status tell whether there is such an account"
    assert told[login][0][0] == 401 and told[login][-1][0] == 429
    right = await anonymous.post("/sign-in", data={"name": login, "password": PASSWORD}, headers={"Origin": BASE})
    assert right.status_code == 429


async def test_guessing_from_a_whole_network_of_addresses_is_one_guesser() -> None:
    settings = AccessSettings()
    one, other, elsewhere = (keys("x", a, settings) for a in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"))
    assert one == other and one[0] != elsewhere[0] and one[2] != elsewhere[2]
    assert keys("x", "::ffff:192.0.2.1", settings) == keys("x", "192.0.2.1", settings) != keys("x", "192.0.2.2", settings)


async def test_an_unknown_login_takes_as_long_as_a_wrong_password(app: App) -> None:
    hasher = Hasher(AccessSettings(password_time=2, password_memory=16384))
    known = await hasher.hash(PASSWORD)
    await hasher.verify(None, "x")

    async def took(stored: str | None) -> float:
        times = []
        for _ in range(7):
            began = time.perf_counter()
            assert not await hasher.verify(stored, "sai mật khẩu")
            times.append(time.perf_counter() - began)
        return sorted(times)[1]

    assert 0.4 < await took(None) / await took(known) < 2.5


async def test_a_flood_of_sign_ins_is_bounded(app: App) -> None:
    hasher = Hasher(AccessSettings(password_time=1, password_memory=8192, password_at_once=2))
    done = await asyncio.gather(*(hasher.verify(None, "x") for _ in range(200)), return_exceptions=True)
    assert sum(isinstance(x, Exception) for x in done) >= 100


@pytest.mark.parametrize("path", ["/sign-in", "/language"])
async def test_a_stranger_cannot_fill_memory_or_disk_with_a_form(anonymous: Any, path: str) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        yield b"name="
        for _ in range(200):
            sent += 65536
            yield b"x" * 65536

    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": BASE}
    assert (await anonymous.post(path, content=endless(), headers=form)).status_code == 413
    files = {"file": ("x.bin", b"x" * 100_000, "application/octet-stream")}
    assert (await anonymous.post(path, files=files, headers={"Origin": BASE})).status_code == 413
    small = {"file": ("x.bin", b"x" * 100, "application/octet-stream")}
    assert (await anonymous.post(path, files=small, headers={"Origin": BASE})).status_code == 400
    assert (await anonymous.post(path, content=b"a&" * 5000, headers=form)).status_code == 413


async def test_what_is_typed_at_the_door_is_kept_nowhere(app: App, anonymous: Any, caplog: pytest.LogCaptureFixture) -> None:
    typed, before = f"mật-khẩu-gõ-nhầm-{secrets.token_hex(4)}", await newest(app.state.engine)
    with caplog.at_level(logging.DEBUG):
        for form in ({"name": typed, "password": "x"}, {"name": "ai.do", "password": typed}):
            await anonymous.post("/sign-in", data=form, headers={"Origin": BASE})
    assert typed not in caplog.text
    assert not [x for x in await lines(app.state.engine) if x["seq"] > before and typed in str(dict(x))]


async def test_a_fault_of_a_page_tells_nothing_and_logs_no_text(
    app: App, who: Any, city: City, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: Any, **__: Any) -> None:
        raise KeyError(SECRET + NUMBER)

    doctor = await who("doctor")
    monkeypatch.setattr(app.state.door, "why", breaks)
    with caplog.at_level(logging.DEBUG):
        answer = await doctor.get("/patients/p-a")
    assert answer.status_code == 500 and "Traceback" not in answer.text and not tells(answer.text) and "KeyError" not in answer.text
    assert "incident" in caplog.text and "KeyError" in caplog.text and not tells(caplog.text)


async def test_every_answer_keeps_the_browser_from_guessing_and_caching(app: App, who: Any, anonymous: Any, city: City) -> None:
    doctor = await who("doctor")
    for browser, url in ((anonymous, "/sign-in"), (anonymous, "/today"), (anonymous, "/fhir/Patient"), (doctor, "/today"), (doctor, "/patients/p-a"),
                         (doctor, "/patients/p-b"), (doctor, "/patients/p-b?part=1"), (doctor, "/fhir/Patient/p-a"), (doctor, "/search?q=x"),
                         (anonymous, "/static/0/app.css")):  # fmt: skip
        headers = (await browser.get(url)).headers
        assert headers["x-content-type-options"] == "nosniff", url
        assert "no-store" in headers["cache-control"] or "no-cache" in headers["cache-control"], url
        if headers.get("content-type", "").startswith("text/html"):
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy
            assert "unsafe-inline" not in policy.split("style-src")[0] and "unsafe-eval" not in policy
