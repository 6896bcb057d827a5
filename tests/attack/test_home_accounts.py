"""Accounts of patients and carers, made at the desk: who may, on which paper, what they open and when that ends; and scans of
papers, sent by whoever means no good."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from hospitals import BASE, City, form_token, lines, newest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longbien.access import carers, home_accounts
from longbien.app import App
from longbien.base import clock
from longbien.base.ids import patient_key
from longbien.fhir import json
from longbien.record.change import Update
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.web.form import Files

pytestmark = pytest.mark.asyncio(loop_scope="session")
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 4 + b"&" * 300
PASSWORD = "con đò sang sông Hồng"


def unsigned(app: App) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=BASE, headers={"Origin": BASE}
    )


def code_on(page: str) -> str:
    found = re.search(r'id="code">([^<]+)<', page)
    assert found, page[:2000]
    return found[1]


async def comes_in(app: App, code: str) -> Any:
    """A browser that types the code and sets a password."""
    client = unsigned(app)
    there = await client.post("/welcome", data={"code": code.upper().replace("-", " ")})
    assert there.status_code == 303 and there.headers["location"] == f"/welcome/{code}"
    assert (await client.get(there.headers["location"])).status_code == 200
    taken = await client.post(there.headers["location"])
    assert taken.status_code == 303, taken.text
    assert (await client.get("/me")).status_code == 303, "nothing opens before one's own way in is set up"
    done = await client.post("/account/password", data={"csrf": form_token(client), "new": PASSWORD})
    assert done.status_code == 303, done.text
    return client


async def notices(app: App, patient: str) -> list[str]:
    store = Store(app.state.engine, system("test"))
    found = (await store.search("Communication", [("_sort", "-_lastUpdated")], patient=patient)).matches
    return [json.loads(e.body)["payload"][0]["contentString"] for e in found]


async def test_a_clerk_hands_out_a_code_and_the_patient_sees_their_own_record(app: App, who: Any, city: City) -> None:
    clerk = await who("clerk")
    before = await newest(app.state.engine)
    form = {"csrf": form_token(clerk), "whose": "patient", "login": "0912 111 222".replace(" ", ""), "shown": "citizen-card"}
    made = await clerk.post("/patients/p-a/accounts", data=form)
    assert made.status_code == 200 and "0912111222" in made.text and "<svg" in made.text
    code = code_on(made.text)
    assert len(code.replace("-", "")) == 28 and home_accounts.typed(code.upper().replace("0", "O")) == code
    told = [x["why"] for x in await lines(app.state.engine, pat=patient_key("p-a")) if x["seq"] > before and x["why"]]
    assert any("seen: citizen-card" in why for why in told)
    assert "thẻ căn cước" in (await notices(app, "p-a"))[0]
    home = await comes_in(app, code)
    assert (await home.get("/me")).status_code == 200
    assert (await home.get("/me/results", params={"of": "p-b"})).status_code == 404
    assert (await unsigned(app).post(f"/welcome/{code}")).status_code == 404, "a code opens once"
    again = await clerk.post("/patients/p-a/accounts", data={**form, "login": "khac"})
    assert again.status_code == 409 and "đã có tài khoản" in again.text


async def test_who_is_not_at_the_desk_or_shows_no_paper_gets_no_account(app: App, who: Any, city: City) -> None:
    form = {"whose": "patient", "login": "x.nobody", "shown": "citizen-card"}
    for role, at, status in (("doctor", "a", 403), ("it", "a", 403), ("clerk", "b", 404), ("records", "b", 404)):
        client = await who(role, at)
        assert (await client.get("/patients/p-both/accounts" if at == "a" else "/patients/p-a/accounts")).status_code == status
        at_ = "p-both" if at == "a" else "p-a"
        assert (await client.post(f"/patients/{at_}/accounts", data={"csrf": form_token(client), **form})).status_code == status
        assert (await client.get("/accounts")).status_code == (403 if status == 403 else 200)
    clerk = await who("clerk")
    for shown in ("", "smile"):
        refused = await clerk.post("/patients/p-both/accounts", data={"csrf": form_token(clerk), **form, "shown": shown})
        assert refused.status_code in (400, 422) and 'role="alert"' in refused.text
    assert (await clerk.post("/patients/p-both/accounts", data=form)).status_code == 403, "no form of ours"
    assert not await home_accounts.opens(app.state.engine, "p-both")


async def _child(app: App) -> None:
    body = {
        "resourceType": "Patient", "id": "p-kid", "birthDate": f"{clock.local(clock.now()).year - 5}-02-03",
        "name": [{"text": "Bùi Gia Bảo"}],
    }  # fmt: skip
    encounter = {
        "resourceType": "Encounter", "id": "p-kid-e", "status": "in-progress", "subject": {"reference": "Patient/p-kid"},
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "period": {"start": clock.instant(clock.now())}, "serviceProvider": {"reference": "Organization/bv-a"},
    }  # fmt: skip
    mother = {
        "resourceType": "RelatedPerson", "id": "p-kid-m", "active": True, "patient": {"reference": "Patient/p-kid"},
        "name": [{"text": "Trần Thị Mai"}], "telecom": [{"system": "phone", "value": "0987 654 321"}],
    }  # fmt: skip
    await Store(app.state.engine, system("test")).commit([Update(body), Update(encounter), Update(mother)])


async def test_a_mother_gets_access_by_her_relation_and_loses_it_at_the_desk(app: App, who: Any, city: City) -> None:
    await _child(app)
    clerk = await who("clerk")
    form = {"csrf": form_token(clerk), "whose": "carer", "relative": "p-kid-m", "shown": "birth-certificate"}
    assert (await clerk.post("/patients/p-kid/accounts", data={**form, "relative": "p-a-relatedperson"})).status_code == 422
    made = await clerk.post("/patients/p-kid/accounts", data=form)
    assert made.status_code == 200 and "0987654321" in made.text, made.text
    mother = await comes_in(app, code_on(made.text))
    assert "Bùi Gia Bảo" in (await mother.get("/me")).text.replace("<b>", "")
    (one,) = await home_accounts.opens(app.state.engine, "p-kid")
    assert one.basis == ("RelatedPerson", "p-kid-m")
    sister = {"resourceType": "Patient", "id": "p-kid-2", "birthDate": f"{clock.local(clock.now()).year - 3}-02-03"}
    store = Store(app.state.engine, system("test"))
    hers = {**await _body(store, "p-kid-m"), "id": "p-kid-2-m", "patient": {"reference": "Patient/p-kid-2"}}
    await store.commit([Update(sister), Update(hers)])
    await carers.grant(app.state.engine, system("test"), None, one.number, "RelatedPerson", "p-kid-2-m")
    again = {"csrf": form_token(clerk), "shown": "citizen-card"}
    assert (await clerk.post(f"/patients/p-kid/accounts/{one.number}/again", data=again)).status_code == 200
    assert "có thể xem hồ sơ này" in (await notices(app, "p-kid-2"))[0], "everybody whose record it opens is told"
    gone = await clerk.post(f"/patients/p-kid/accounts/{one.number}/end", data={"csrf": form_token(clerk)})
    assert gone.status_code == 303
    assert (await mother.get("/me", params={"of": "p-kid"})).status_code == 404
    assert "không còn xem được" in (await notices(app, "p-kid"))[0]
    assert (await clerk.post(f"/patients/p-kid/accounts/{one.number}/end", data={"csrf": form_token(clerk)})).status_code == 404


async def _body(store: Store, id_: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((await store.read("RelatedPerson", id_)).body)
    return read


async def test_a_relative_of_an_adult_needs_the_signed_paper_and_a_withdrawal_ends_it(app: App, who: Any, city: City) -> None:
    engine = app.state.engine
    relative = {
        "resourceType": "RelatedPerson", "id": "p-both-d", "active": True, "patient": {"reference": "Patient/p-both"},
        "name": [{"text": "Lê Thị Con"}],
    }  # fmt: skip
    await Store(engine, system("test")).commit([Update(relative)])
    records = await who("records")
    form = {"csrf": form_token(records), "whose": "carer", "relative": "p-both-d", "login": "con.gai", "shown": "citizen-card"}
    refused = await records.post("/patients/p-both/accounts", data=form)
    assert refused.status_code == 400 and "đã thành niên" in refused.text
    assert await engine.db.fetchval("SELECT count(*) FROM account WHERE login = 'con.gai'") == 0, "no account that opens nothing"
    made = await records.post("/patients/p-both/accounts", data=form, files={"scan": ("x.exe", PDF, "application/x-msdownload")})
    assert made.status_code == 200, made.text
    daughter = await comes_in(app, code_on(made.text))
    assert "Lê Văn Chung" in (await daughter.get("/me")).text.replace("<b>", "")
    (one,) = await home_accounts.opens(engine, "p-both")
    assert one.basis is not None and one.basis[0] == "Consent"
    consent = json.loads((await Store(engine, system("test")).read("Consent", one.basis[1])).body)
    assert not await engine.db.fetchval("SELECT count(*) FROM directive WHERE pat = $1", patient_key("p-both")), (
        "it opens nothing to any facility"
    )
    page = (await records.get("/patients/p-both/consents")).text
    assert "một người thân" in page and f"/consents/{consent['id']}/scan" in page
    scan = await records.get(f"/patients/p-both/consents/{consent['id']}/scan")
    assert scan.content == PDF and scan.headers["content-type"] == "application/pdf"
    assert scan.headers["x-content-type-options"] == "nosniff"
    other = await who("records", "b", 5)
    assert (await other.get(f"/patients/p-a/consents/{consent['id']}/scan")).status_code == 404
    ended = await records.post(f"/patients/p-both/consents/{consent['id']}/withdraw", data={"csrf": form_token(records)})
    assert ended.status_code == 303
    assert (await daughter.get("/me", params={"of": "p-both"})).status_code == 404


async def test_a_new_code_ends_the_old_one_and_a_closed_account_opens_again_only_by_one(app: App, who: Any, city: City) -> None:
    clerk = await who("clerk")
    own = next(o for o in await home_accounts.opens(app.state.engine, "p-a") if o.role == "patient")
    at, form = f"/patients/p-a/accounts/{own.number}", {"csrf": form_token(clerk), "shown": "vneid"}
    first = code_on((await clerk.post(f"{at}/again", data=form)).text)
    second = code_on((await clerk.post(f"{at}/again", data=form)).text)
    assert (await unsigned(app).get(f"/welcome/{first}")).status_code == 404
    waiting = (await clerk.get("/accounts")).text
    number = re.search(r'name="number" value="(\d+)"', waiting)
    assert number and "0912111222" in waiting
    elsewhere = await who("clerk", "b", 3)
    assert (await elsewhere.post("/accounts/revoke", data={"csrf": form_token(elsewhere), "number": number[1]})).status_code == 404
    assert (await clerk.post("/accounts/revoke", data={"csrf": form_token(clerk), "number": number[1]})).status_code == 303
    assert (await unsigned(app).get(f"/welcome/{second}")).status_code == 404
    home = await comes_in(app, code_on((await clerk.post(f"{at}/again", data=form)).text))
    assert (await clerk.post(f"{at}/end", data=form)).status_code == 303
    assert (await home.get("/me")).status_code == 303, "signed out everywhere"
    third = code_on((await clerk.post(f"{at}/reopen", data=form)).text)
    assert (await (await comes_in(app, third)).get("/me")).status_code == 200
    assert (await clerk.post(f"{at}/sing", data=form)).status_code == 404


@pytest.mark.parametrize("lang", ["vi", "en"])
async def test_the_pages_stand_in_both_languages(app: App, who: Any, city: City, lang: str) -> None:
    clerk = await who("clerk")
    headers = {"Cookie": f"longbien={clerk.cookies['longbien']}; lang={lang}"}
    for path in ("/accounts?q=Nguyễn", "/patients/p-a/accounts"):
        page = await clerk.get(path, headers=headers)
        assert page.status_code == 200 and f'lang="{lang}"' in page.text and "Nguyễn Văn An" in page.text.replace("<b>", "")
    assert ("Mã của bệnh viện" if lang == "vi" else "Code from the hospital") in (
        await unsigned(app).get("/welcome", headers={"Cookie": f"lang={lang}"})
    ).text


KINDS = Files(1, 2 << 20, ("application/pdf", "image/jpeg", "image/png"))


@pytest.mark.parametrize(
    "scan, status",
    [
        (b"<script>alert(1)</script>", 422), (b"MZ\x90\0 program", 422), (b"GIF89a", 422), (b"%PD", 422),
        (b"%PDF-" + b"x" * (2 << 20), 413), (b"%PDF-" + b"x" * (4 << 20), 413),
        (b"\xff\xd8\xff\xe0" + bytes(100), 303), (b"\x89PNG\r\n\x1a\n" + bytes(100), 303), (b"", 303),
    ],
)  # fmt: skip
async def test_a_scan_is_what_its_bytes_are_and_not_larger_than_it_may_be(
    app: App, who: Any, city: City, scan: bytes, status: int
) -> None:
    clerk = await who("clerk")
    form = {"csrf": form_token(clerk), "effect": "deny", "whom": "all", "category": "mental", "how": "paper", "number": "GDY-1"}
    answer = await clerk.post("/patients/p-a/consents", data=form, files={"scan": ("giấy.pdf", scan, "application/pdf")})
    assert answer.status_code == status or (status == 422 and answer.status_code == 400), answer.text[:500]
    more = [("scan", ("a", PDF, "application/pdf")), ("scan", ("b", PDF, "application/pdf"))]
    assert (await clerk.post("/patients/p-a/consents", data=form, files=more)).status_code == 400, "one, not two"
    plain = await clerk.post("/cover", data={"csrf": form_token(clerk)}, files={"scan": ("a", PDF, "application/pdf")})
    assert plain.status_code in (400, 403), "a page that says nothing of files takes none"


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.binary(max_size=400), boundary=st.binary(min_size=0, max_size=80), cut=st.integers(0, 400))
async def test_no_bytes_make_the_form_fail(app: App, who: Any, city: City, body: bytes, boundary: bytes, cut: int) -> None:
    clerk = await who("clerk")
    good = b'--x\r\nContent-Disposition: form-data; name="scan"; filename="a"\r\n\r\n' + body + b"\r\n--x--\r\n"
    for content, mark in ((good[:cut], b"x"), (good, boundary), (body, b"x")):
        kind = b"multipart/form-data; boundary=" + bytes(b for b in mark if 32 < b < 127)
        headers = {"Content-Type": kind.decode(), "X-CSRF-Token": form_token(clerk)}
        answer = await clerk.post("/patients/p-a/consents", content=content, headers=headers)
        assert answer.status_code in (400, 413, 422), (answer.status_code, answer.text[:300])
