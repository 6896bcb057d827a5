"""SMART App Launch and Backend Services against the real thing with two web processes: SMART's own fhirclient (PKCE, launch,
refresh), and by hand what an attacker would try."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import secrets
import subprocess
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fhirclient.client import FHIRClient
from fhirclient.models import observation, patient
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from longbien.access.apps import registry
from longbien.record.engine import Engine
from real_house import House, a_doctor, command, environment

BACK = "http://127.0.0.1:9/back"
LAB = "http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
MOST = (
    "launch launch/patient launch/encounter openid fhirUser offline_access online_access patient/*.rs user/*.cruds "
    "patient/Observation.cruds"
)


def _observation(who: str, category: str, code: str) -> dict[str, Any]:
    system = "http://terminology.hl7.org/CodeSystem/observation-category"
    return {"resourceType": "Observation", "status": "final", "subject": {"reference": f"Patient/{who}"}, "code": {"text": code},
            "category": [{"coding": [{"system": system, "code": category}]}]}  # fmt: skip


class World:
    """A house with two patients (one under the doctor's care, with a laboratory result and a pulse), a doctor, two apps."""

    def __init__(self, running: House, token: str):
        self.house, self.fhir = running, f"{running.address}/fhir"
        self.machine = httpx.Client(headers={"Authorization": f"Bearer {token}"})
        self.mine, self.other = (self.put({"resourceType": "Patient", "name": [{"family": n}]}) for n in ("Của", "Khác"))
        self.lab = self.put(_observation(self.mine, "laboratory", "HbA1c"))
        self.pulse = self.put(_observation(self.mine, "vital-signs", "Mạch"))
        self.cookie = asyncio.run(a_doctor(running, self.mine))
        self.browser = httpx.Client(base_url=running.address, headers={"Cookie": self.cookie, "Sec-Fetch-Site": "same-origin"})
        self.public, _ = self.app(registry.NewApp("Sổ Tiểu Đường", MOST, "none", (BACK,), launch_url="http://127.0.0.1:9/launch"))
        self.confidential, self.secret = self.app(registry.NewApp("Two", MOST, "client_secret_basic", (BACK, BACK + "2")))

    def put(self, resource: dict[str, Any]) -> str:
        made = self.machine.post(f"{self.fhir}/{resource['resourceType']}", json=resource)
        assert made.status_code == 201, made.text
        return str(made.headers["location"].split("/")[-3])

    def app(self, new: registry.NewApp) -> tuple[str, str | None]:
        async def make() -> tuple[str, str | None]:
            engine = await Engine.open(self.house.database_url(), services=True)
            try:
                return await registry.register(engine, new)
            finally:
                await engine.close()

        return asyncio.run(make())

    def sql(self, text: str) -> list[Any]:
        async def ask() -> list[Any]:
            engine = await Engine.open(self.house.database_url(), services=True)
            try:
                return list(await engine.db.fetch(text))
            finally:
                await engine.close()

        return asyncio.run(ask())

    def say(self, url: str, answer: str = "allow", **fields: str) -> httpx.Response:
        """The person at the consent page."""
        page = self.browser.get(url)
        assert page.status_code == 200, page.text[:2000]
        csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
        assert csrf
        asked = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
        return self.browser.post("/oauth/authorize", data={**asked, "csrf": csrf[1], "answer": answer, **fields})

    def wish(self, scope: str, client: str | None = None, **more: str) -> tuple[str, str]:
        """(address to open, the verifier)."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {"response_type": "code", "client_id": client or self.public, "redirect_uri": BACK, "scope": scope, "state": "s t&",
                 "aud": self.fhir, "code_challenge": challenge, "code_challenge_method": "S256", **more}  # fmt: skip
        return "/oauth/authorize?" + str(httpx.QueryParams({k: v for k, v in asked.items() if v})), verifier

    def code(self, scope: str, **more: str) -> tuple[str, str]:
        url, verifier = self.wish(scope, **more)
        sent = self.say(url, patient=self.mine)
        assert sent.status_code == 303, sent.text
        back = parse_qs(urlsplit(sent.headers["location"]).query)
        assert back["state"] == ["s t&"] and back["iss"] == [self.house.address], sent.headers["location"]
        return back["code"][0], verifier

    def token(self, auth: Any = None, **form: str) -> httpx.Response:
        return httpx.post(f"{self.house.address}/oauth/token", data=form, auth=auth)

    def form(self, code: str, verifier: str) -> dict[str, str]:
        """What the public app sends for a code."""
        return {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "client_id": self.public,
                "code_verifier": verifier}  # fmt: skip

    def exchange(self, scope: str) -> dict[str, Any]:
        code, verifier = self.code(scope)
        got = self.token(
            grant_type="authorization_code", code=code, redirect_uri=BACK, client_id=self.public, code_verifier=verifier
        )
        assert got.status_code == 200, got.text
        return dict(got.json())

    def get(self, token: str, path: str) -> httpx.Response:
        return httpx.get(f"{self.fhir}/{path}", headers={"Authorization": f"Bearer {token}"})


@pytest.fixture(scope="module")
def world(running: House, token: str) -> World:
    return World(running, token)


# -- a client of other hands ----------------------------------------------------------------------------------------------


def test_fhirclient_launches_reads_and_refreshes(world: World) -> None:
    scope = "launch/patient openid fhirUser offline_access patient/*.rs"
    client = FHIRClient(settings={"app_id": world.public, "api_base": world.fhir, "redirect_uri": BACK, "scope": scope})
    client.server.get_capability()
    url = client.authorize_url
    assert url.startswith(f"{world.house.address}/oauth/authorize?") and "code_challenge" in url
    sent = world.say(url.removeprefix(world.house.address), patient=world.mine)
    client.handle_callback(sent.headers["location"])
    assert client.patient_id == world.mine
    who = patient.Patient.read(world.mine, client.server)
    assert who.name[0].family == "Của"
    found = observation.Observation.where({}).perform_resources(client.server)
    assert {o.id for o in found} == {world.lab, world.pulse}
    before = client.server.auth.access_token
    assert client.reauthorize() and client.server.auth.access_token != before
    assert patient.Patient.read(world.mine, client.server).id == world.mine


def test_an_app_opened_from_a_patients_page_has_that_patient(world: World) -> None:
    listed = world.browser.get(f"/patients/{world.mine}/apps")
    assert "Sổ Tiểu Đường" in listed.text
    csrf = re.search(r'name="csrf" value="([^"]+)"', listed.text)
    assert csrf
    sent = world.browser.post(f"/patients/{world.mine}/apps/{world.public}", data={"csrf": csrf[1]})
    asked = parse_qs(urlsplit(sent.headers["location"]).query)
    assert sent.headers["location"].startswith("http://127.0.0.1:9/launch?") and asked["iss"] == [world.fhir]
    url, verifier = world.wish("launch patient/Observation.rs", launch=asked["launch"][0])
    back = world.say(url).headers["location"]
    got = world.token(grant_type="authorization_code", code=parse_qs(urlsplit(back).query)["code"][0], redirect_uri=BACK,
                      client_id=world.public, code_verifier=verifier).json()  # fmt: skip
    assert got["patient"] == world.mine and got["need_patient_banner"] is False and "encounter" not in got
    assert httpx.get(got["smart_style_url"]).json()["color_text"]


def test_the_visit_that_goes_on_comes_along(world: World) -> None:
    kind = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
    visit = {"resourceType": "Encounter", "class": kind, "subject": {"reference": f"Patient/{world.mine}"}}
    world.put({**visit, "status": "finished", "period": {"start": "2026-03-01T08:00:00+07:00", "end": "2026-03-01T09:00:00+07:00"}})
    runs = world.put({**visit, "status": "arrived", "period": {"start": "2026-02-01T08:00:00+07:00"}})
    csrf = re.search(r'name="csrf" value="([^"]+)"', world.browser.get(f"/patients/{world.mine}/apps").text)
    assert csrf
    sent = world.browser.post(f"/patients/{world.mine}/apps/{world.public}", data={"csrf": csrf[1]})
    launch = parse_qs(urlsplit(sent.headers["location"]).query)["launch"][0]
    url, verifier = world.wish("launch patient/Observation.rs", launch=launch)
    code = parse_qs(urlsplit(world.say(url).headers["location"]).query)["code"][0]
    got = world.token(**world.form(code, verifier)).json()
    assert (got["patient"], got["encounter"]) == (world.mine, runs), "opened from the page"
    assert world.exchange("launch/encounter patient/Observation.rs")["encounter"] == runs, "asked for by itself"
    assert "encounter" not in world.exchange("launch/patient patient/Observation.rs"), "not asked for"
    world.machine.put(f"{world.fhir}/Encounter/{runs}", json={**visit, "id": runs, "status": "finished"})
    assert "encounter" not in world.exchange("launch/encounter patient/Observation.rs")


# -- what a scope leaves --------------------------------------------------------------------------------------------------


def test_a_search_restriction_is_held_in_every_way_of_reading(world: World) -> None:
    got = world.exchange(f"launch/patient patient/Observation.rs?category={LAB}")
    token = got["access_token"]
    assert [e["resource"]["id"] for e in world.get(token, "Observation").json()["entry"]] == [world.lab]
    assert world.get(token, f"Observation/{world.lab}").status_code == 200
    assert world.get(token, f"Observation/{world.pulse}").status_code == 404
    assert world.get(token, f"Observation?_id={world.pulse}&_summary=count").json()["total"] == 0
    assert world.get(token, f"Observation/{world.lab}/_history").status_code == 403
    assert world.get(token, f"Patient/{world.mine}").status_code == 403
    assert world.get(token, f"Patient/{world.mine}/Observation?category=vital-signs&_summary=count").json()["total"] == 0


def test_reading_and_searching_are_two_rights(world: World) -> None:
    read = world.exchange("launch/patient patient/Observation.r")["access_token"]
    assert world.get(read, f"Observation/{world.lab}").status_code == 200 and world.get(read, "Observation").status_code == 403
    search = world.exchange("launch/patient patient/Observation.s")["access_token"]
    assert world.get(search, f"Observation/{world.lab}").status_code == 403 and world.get(search, "Observation").status_code == 200


def test_an_app_sees_no_more_than_its_person_and_only_the_patient_in_context(world: World) -> None:
    token = world.exchange("launch/patient patient/*.rs user/Practitioner.rs")["access_token"]
    assert world.get(token, f"Patient/{world.other}").status_code == 404
    assert world.get(token, f"Patient?_id={world.other}").json().get("entry", []) == []
    wide = world.exchange("user/*.cruds")["access_token"]
    assert world.get(wide, f"Patient/{world.mine}").status_code == 200
    assert world.get(wide, f"Patient/{world.other}").status_code == 404, "not under the doctor's care"
    assert world.get(wide, "Account").status_code == 403, "a doctor may not"
    made = httpx.post(
        f"{world.fhir}/Observation", json=_observation(world.mine, "laboratory", "x"), headers={"Authorization": f"Bearer {token}"}
    )
    assert made.status_code == 403
    page = httpx.get(f"{world.house.address}/today", headers={"Authorization": f"Bearer {wide}"})
    assert page.status_code == 403, "an app opens no page"


def test_the_trail_names_the_person_and_the_app(world: World) -> None:
    token = world.exchange("launch/patient patient/Observation.rs")["access_token"]
    world.get(token, f"Observation/{world.lab}")
    lines = world.machine.get(f"{world.fhir}/AuditEvent?patient=Patient/{world.mine}&_count=20").text
    assert f"app {world.public}" in lines and "Lê Hoàng Minh" in lines


# -- tokens ---------------------------------------------------------------------------------------------------------------


def test_the_id_token_is_signed_by_a_published_key_and_keys_rotate_without_a_gap(world: World) -> None:
    code, verifier = world.code("openid fhirUser", nonce="n-1")
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": BACK,
        "client_id": world.public,
        "code_verifier": verifier,
    }
    old = world.token(**form).json()["id_token"]
    said = httpx.get(f"{world.house.address}/.well-known/openid-configuration").json()

    def check(given: str) -> dict[str, Any]:
        known = KeySet.import_key_set(httpx.get(said["jwks_uri"]).json())
        assert all("d" not in k for k in httpx.get(said["jwks_uri"]).json()["keys"])
        return dict(jwt.decode(given, known, algorithms=["RS256"]).claims)

    claims = check(old)
    assert claims["iss"] == said["issuer"] == world.house.address and claims["aud"] == world.public and claims["nonce"] == "n-1"

    rotated = subprocess.run(
        command("app", "rotate-keys"), env=environment(LONGBIEN_DATA=str(world.house.data)), capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert rotated.returncode == 0, rotated.stderr
    new = world.exchange("openid fhirUser")["id_token"]
    kids = [json.loads(base64.urlsafe_b64decode(t.split(".")[0] + "=="))["kid"] for t in (old, new)]
    assert kids[0] != kids[1] == rotated.stdout.strip() and check(old) and check(new)
    rows = world.sql("SELECT private, sealed, public FROM sign_key")
    assert all(r["private"] is None and b'"d"' not in r["sealed"] and '"d"' not in r["public"] for r in rows), (
        "nobody signs by a copy"
    )


def test_online_access_ends_with_the_sign_in_and_offline_access_does_not(world: World) -> None:
    kept = world.browser.headers["Cookie"]
    try:
        world.browser.headers["Cookie"] = asyncio.run(a_doctor(world.house, world.mine))
        online = world.exchange("launch/patient online_access patient/Observation.rs")
        offline = world.exchange("launch/patient offline_access patient/Observation.rs")
        assert [world.get(t["access_token"], f"Observation/{world.lab}").status_code for t in (online, offline)] == [200, 200]
        csrf = re.search(r'name="csrf" value="([^"]+)"', world.browser.get("/apps").text)
        assert csrf and world.browser.post("/sign-out", data={"csrf": csrf[1]}).status_code == 303
    finally:
        world.browser.headers["Cookie"] = kept
    time.sleep(1.2)  # every process remembers a token for a second
    assert world.get(online["access_token"], f"Observation/{world.lab}").status_code == 401
    assert world.get(offline["access_token"], f"Observation/{world.lab}").status_code == 200
    form = {"grant_type": "refresh_token", "client_id": world.public}
    assert world.token(**form, refresh_token=online["refresh_token"]).json()["error"] == "invalid_grant"
    assert world.token(**form, refresh_token=offline["refresh_token"]).status_code == 200


def test_a_refresh_token_is_good_once_and_a_copy_ends_everything(world: World) -> None:
    first = world.exchange("launch/patient offline_access patient/Observation.rs")
    form = {"grant_type": "refresh_token", "client_id": world.public}
    second = world.token(refresh_token=first["refresh_token"], **form).json()
    assert second["refresh_token"] != first["refresh_token"]
    more = world.token(refresh_token=second["refresh_token"], scope="patient/Patient.rs", **form)
    assert more.json()["error"] == "invalid_scope"
    third = world.exchange("launch/patient offline_access patient/Observation.rs")
    fourth = world.token(refresh_token=third["refresh_token"], **form).json()
    assert world.get(fourth["access_token"], f"Observation/{world.lab}").status_code == 200
    assert world.token(refresh_token=third["refresh_token"], **form).json()["error"] == "invalid_grant"
    time.sleep(1.1)
    assert world.get(fourth["access_token"], f"Observation/{world.lab}").status_code == 401
    assert world.token(refresh_token=fourth["refresh_token"], **form).json()["error"] == "invalid_grant"


def test_a_code_is_good_once_and_a_second_use_ends_what_it_gave(world: World) -> None:
    code, verifier = world.code("launch/patient patient/Observation.rs")
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": BACK,
        "client_id": world.public,
        "code_verifier": verifier,
    }
    token = world.token(**form).json()["access_token"]
    assert world.token(**form).json()["error"] == "invalid_grant"
    time.sleep(1.1)
    assert world.get(token, "Observation").status_code == 401


@pytest.mark.parametrize("change", ["verifier", "redirect", "client", "none"])
def test_a_stolen_code_is_worth_nothing(world: World, change: str) -> None:
    code, verifier = world.code("launch/patient patient/Observation.rs")
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": BACK,
        "client_id": world.public,
        "code_verifier": verifier,
    }
    auth = None
    if change == "verifier":
        form["code_verifier"] = secrets.token_urlsafe(48)
    elif change == "redirect":
        form["redirect_uri"] = BACK + "2"
    elif change == "client":
        del form["client_id"]
        auth = (world.confidential, world.secret)
    else:
        del form["code_verifier"]
    assert world.token(auth, **form).json()["error"] == "invalid_grant"


def test_introspection_and_revocation_are_for_the_clients_own_tokens(world: World) -> None:
    url, verifier = world.wish("launch/patient offline_access patient/Observation.rs", world.confidential)
    code = parse_qs(urlsplit(world.say(url, patient=world.mine).headers["location"]).query)["code"][0]
    auth = (world.confidential, world.secret)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": verifier}
    got = world.token(auth, **form).json()
    ask = f"{world.house.address}/oauth/introspect"
    said = httpx.post(ask, data={"token": got["access_token"]}, auth=auth).json()  # type: ignore[arg-type]
    assert said["active"] and said["patient"] == world.mine and said["scope"] == got["scope"]
    foreign = world.exchange("launch/patient patient/Observation.rs")["access_token"]
    assert httpx.post(ask, data={"token": foreign}, auth=auth).json() == {"active": False}  # type: ignore[arg-type]
    assert httpx.post(ask, data={"token": foreign, "client_id": world.public}).status_code == 401
    assert httpx.post(ask, data={"token": got["access_token"]}, auth=(world.confidential, "wrong")).status_code == 401
    gone = httpx.post(f"{world.house.address}/oauth/revoke", data={"token": got["refresh_token"]}, auth=auth)  # type: ignore[arg-type]
    assert gone.status_code == 200
    time.sleep(1.1)
    assert world.get(got["access_token"], "Observation").status_code == 401
    assert httpx.post(ask, data={"token": got["access_token"]}, auth=auth).json() == {"active": False}  # type: ignore[arg-type]


def test_the_person_takes_an_app_back(world: World) -> None:
    token = world.exchange("launch/patient patient/Observation.rs")["access_token"]
    page = world.browser.get("/apps")
    csrf, number = re.search(r'name="csrf" value="([^"]+)"', page.text), re.search(r"/apps/(\d+)/end", page.text)
    assert csrf and number and "Sổ Tiểu Đường" in page.text
    for one in re.findall(r"/apps/(\d+)/end", page.text):
        assert world.browser.post(f"/apps/{one}/end", data={"csrf": csrf[1]}).status_code == 303
    assert world.browser.post(f"/apps/{number[1]}/end", data={"csrf": csrf[1]}).status_code == 404
    time.sleep(1.1)
    assert world.get(token, "Observation").status_code == 401


# -- what an attacker tries at the consent page ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [BACK + "/", BACK + "?x=1", BACK.upper(), "https://evil.example/", "//evil.example", "javascript:alert(1)", "", BACK + "%00"],
)
def test_nobody_is_sent_to_an_address_that_is_not_the_apps_own(world: World, uri: str) -> None:
    page = world.browser.get(world.wish("openid", redirect_uri=uri)[0])
    assert page.status_code == 400 and "location" not in page.headers


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"), ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"), ({"aud": "https://evil.example/fhir"}, "invalid_request"),
        ({"aud": ""}, "invalid_request"), ({"response_type": "token"}, "unsupported_response_type"),
        ({"state": ""}, "invalid_request"),
        ({"scope": "system/*.rs"}, "invalid_scope"), ({"scope": "patient/Observation.rs?code:in=http://x"}, "invalid_scope"),
        ({"scope": "patient/Observation.cud?category=x"}, "invalid_scope"), ({"scope": "patient/Nothing.rs"}, "invalid_scope"),
        ({"scope": "patient/Observation.rs?_has:x:y:z=1"}, "invalid_scope"), ({"scope": ""}, "invalid_scope"),
        ({"scope": "patient/Patient.c user/Patient.r"}, "invalid_scope"),
        ({"launch": "guess", "scope": "launch"}, "invalid_request"),
        ({"scope": "patient/Observation.rs?_count=5"}, "invalid_scope"),
        ({"scope": "patient/Observation.rs?subject.name=x"}, "invalid_scope"),
        ({"prompt": "none"}, "interaction_required"),
    ],
)  # fmt: skip
def test_what_cannot_be_granted_goes_back_as_an_error(world: World, change: dict[str, str], error: str) -> None:
    url, _ = world.wish(change.pop("scope", "patient/Observation.rs"), **change)
    sent = world.browser.get(url)
    assert sent.status_code == 303 and sent.headers["location"].startswith(BACK + "?"), sent.text[:500]
    assert parse_qs(urlsplit(sent.headers["location"]).query)["error"] == [error]


def test_the_consent_page_cannot_be_framed_forged_or_answered_by_another_site(world: World) -> None:
    url, _ = world.wish("launch/patient patient/Observation.rs")
    page = world.browser.get(url)
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy and page.headers["x-frame-options"] == "DENY"
    assert "form-action 'self' http://127.0.0.1:9" in policy
    asked = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example", "Sec-Fetch-Site": ""}, {}):
        forged = httpx.post(f"{world.house.address}/oauth/authorize", data={**asked, "answer": "allow", "patient": world.mine},
                            headers={"Cookie": world.cookie, **headers})  # fmt: skip
        assert forged.status_code == 403 and "location" not in forged.headers
    nobody = httpx.get(world.house.address + url)
    assert nobody.status_code == 303 and nobody.headers["location"].startswith("/sign-in?next=/oauth/authorize")


def test_no_is_an_answer_and_another_patient_is_none(world: World) -> None:
    url, _ = world.wish("launch/patient patient/Observation.rs")
    denied = world.say(url, "deny").headers["location"]
    assert "error=access_denied" in denied and "code=" not in denied
    assert world.say(url, patient=world.other).status_code == 404
    assert world.say(url).status_code == 422


# -- machines that come by themselves -------------------------------------------------------------------------------------


def _assertion(key: Any, client: str, aud: str, alg: str, **claims: Any) -> str:
    said = {"iss": client, "sub": client, "aud": aud, "exp": int(time.time()) + 120, "jti": secrets.token_hex(8), **claims}
    return jwt.encode({"alg": alg, "kid": key.kid, "typ": "JWT"}, said, key, algorithms=[alg])


@pytest.mark.parametrize("alg", ["RS384", "ES384"])
def test_a_backend_service_comes_with_a_signed_assertion(world: World, alg: str) -> None:
    key: Any = RSAKey.generate_key(2048, {"kid": "k1"}) if alg == "RS384" else ECKey.generate_key("P-384", {"kid": "k1"})
    jwks = json.dumps({"keys": [key.as_dict(private=False)]})
    client, _ = world.app(
        registry.NewApp("Lab system", f"system/Observation.rs?category={LAB} system/Patient.r", "private_key_jwt", jwks=jwks)
    )
    at = f"{world.house.address}/oauth/token"
    kind = {"grant_type": "client_credentials", "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}

    def ask(given: str, **form: str) -> httpx.Response:
        return world.token(client_assertion=given, **{**kind, **form})

    given = _assertion(key, client, at, alg)
    got = ask(given, scope=f"system/Observation.rs?category={LAB}")
    assert got.status_code == 200 and got.json()["expires_in"] <= 300, got.text
    token = got.json()["access_token"]
    assert world.get(token, f"Observation/{world.lab}").status_code == 200
    assert world.get(token, f"Observation/{world.pulse}").status_code == 404
    assert ask(given).json()["error"] == "invalid_client", "the same again"
    assert ask(_assertion(key, client, at, alg), scope="system/*.rs").json()["error"] == "invalid_scope"
    assert ask(_assertion(key, client, at, alg), grant_type="authorization_code").json()["error"] == "unauthorized_client"
    thief = RSAKey.generate_key(2048, {"kid": "k1"})
    wrong = [
        _assertion(key, client, "https://evil.example/token", alg), _assertion(key, client, at, alg, exp=int(time.time()) - 60),
        _assertion(key, client, at, alg, exp=int(time.time()) + 3600), _assertion(key, client, at, alg, sub="other"),
        _assertion(key, client, at, alg, jti=None), _assertion(key, client, at, alg, iss="nobody"), "a.b.c", "x" * 50,
        _assertion(thief, client, at, "RS384"), given.rsplit(".", 1)[0] + ".",
    ]  # fmt: skip
    for one in wrong:
        refused = ask(one)
        assert refused.status_code == 401 and refused.json()["error"] == "invalid_client", one


def test_what_is_said_of_the_server(world: World) -> None:
    said = httpx.get(f"{world.fhir}/.well-known/smart-configuration").json()
    assert said["token_endpoint"] == f"{world.house.address}/oauth/token" and said["code_challenge_methods_supported"] == ["S256"]
    assert {"launch-ehr", "launch-standalone", "permission-v2", "client-confidential-asymmetric"} <= set(said["capabilities"])
    assert "registration_endpoint" not in said
    assert httpx.post(f"{world.house.address}/oauth/register", json={"client_name": "x"}).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"grant_type",
        b"grant_type=%ff",
        b"a=1&a=1",
        b"code=%00&grant_type=authorization_code",
        b"x" * 70000,
        b"&".join([b"a=1"] * 90),
    ],
)
def test_what_is_no_form_is_refused_plainly(world: World, body: bytes) -> None:
    for at in ("token", "introspect", "revoke"):
        got = httpx.post(
            f"{world.house.address}/oauth/{at}", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        assert 400 <= got.status_code < 500 and got.json()["error"], (at, got.status_code)
