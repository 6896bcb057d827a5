"""The receiving side of the city's axis: a hospital's own system signs in, sends, asks; what it sent is in the record."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from axis_house import CODE, OTHER, Hospital, claim, file, house
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from longbien.access import policy
from longbien.access.door import Door
from longbien.access.tokens import create_token
from longbien.base import clock
from longbien.base.errors import Unavailable
from longbien.billing.axis import facts, senders, taking
from longbien.billing.axis.of_visit import base_of
from longbien.billing.axis.taking import take_file
from longbien.billing.charges import reactions
from longbien.fhir import systems as s
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.wire.claims_xml import signature

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def begun(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Any:
    os.environ["LONGBIEN_DATA"] = str(tmp_path_factory.mktemp("data"))
    await house(engine)
    yield engine
    del os.environ["LONGBIEN_DATA"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hospital(begun: Engine) -> Hospital:
    return await Hospital(begun).begin()


def store(engine: Engine) -> Store:
    return Store(engine, system("test"))


async def search(engine: Engine, type_: str, **params: str) -> list[dict[str, Any]]:
    page = await store(engine).search(type_, [*params.items(), ("_count", "200")])
    return [json.loads(e.body) for e in page.matches]


async def refusals(engine: Engine) -> int:
    return int(await engine.db.fetchval("SELECT count(*) FROM audit WHERE outcome <> 0"))


# ---- signing in


async def test_a_token_is_given_as_the_axis_is_documented(hospital: Hospital) -> None:
    body = {"username": hospital.login, "password": hospital.secret, "code": CODE}
    answer = await hospital.web.post("/api/auth/token/take", json=body)
    key = answer.json()["apiKey"]
    assert answer.status_code == 200 and answer.json()["maKetQua"] is True
    assert key["tokenType"] == "Bearer" and key["expiresIn"] == 3600 and key["username"] == hospital.login


@pytest.mark.parametrize("wrong", [{"password": "x"}, {"code": OTHER}, {"username": "nobody"}])
async def test_wrong_credentials_say_no_more_than_that_they_are_wrong(hospital: Hospital, wrong: dict[str, str]) -> None:
    body = {"username": hospital.login, "password": hospital.secret, "code": CODE} | wrong
    answer = await hospital.web.post("/api/auth/token/take", json=body)
    assert answer.status_code == 401 and answer.json()["maKetQua"] is False and "apiKey" not in answer.json()


async def test_who_was_stopped_sends_no_more(begun: Engine) -> None:
    his = await Hospital(begun).begin()
    await senders.end(begun, his.login)
    assert (await his.post([file(claim("X.1"))])).status_code == 403
    again = await his.web.post("/api/auth/token/take", json={"username": his.login, "password": his.secret, "code": CODE})
    assert again.status_code == 401


async def test_without_a_token_and_with_another_machines_nothing_is_taken(hospital: Hospital) -> None:
    before = await refusals(hospital.engine)
    body = {"loaiHoSo": "3176", "maCSKCB": CODE, "files": []}
    assert (await hospital.web.post("/api/kcb/xml/qd3176/guiHoSoXml", json=body)).json()["maKetQua"] == "401"
    machine = await create_token(hospital.engine, "analyser", "system/*.*")
    head = {"Authorization": f"Bearer {machine}"}
    assert (await hospital.web.post("/api/kcb/xml/qd3176/guiHoSoXml", json=body, headers=head)).status_code == 403
    assert await refusals(hospital.engine) > before


async def test_a_senders_token_opens_nothing_of_the_record(hospital: Hospital) -> None:
    door = Door(hospital.engine)
    scope = {
        "type": "http",
        "method": "GET",
        "headers": [(b"authorization", f"Bearer {hospital.token}".encode())],
        "client": ("1.1.1.1", 1),
    }
    actor = await door.actor(scope)
    made = policy.scope(actor, settings=door.settings)
    assert made.reads == frozenset() and made.writes == frozenset()


# ---- sending


async def test_a_claim_becomes_a_visit_in_the_record_of_the_patient_who_is_known(hospital: Hospital) -> None:
    answer = (await hospital.post([file(claim("BG.1"))])).json()
    assert answer["maKetQua"] == "200" and answer["totalSuccess"] == 1 and answer["totalFailed"] == 0
    receipt = answer["fileResults"][0]["maGiaoDich"]
    assert (await hospital.status(receipt)).json()["trangThai"] == "Đã tiếp nhận, chờ xử lý"
    await hospital.take_in()
    status = (await hospital.status(receipt)).json()
    assert status["trangThai"] == "Đã xử lý" and status["hoSo"] == [
        {"MA_LK": "BG.1", "maKetQua": "200", "trangThai": "moi", "thongDiep": ""}
    ]
    visit = (await search(hospital.engine, "Encounter", _id=base_of(CODE, "BG.1")))[0]
    assert visit["subject"] == {"reference": "Patient/p-an"} and visit["serviceProvider"]["reference"] == f"Organization/bv-{CODE}"
    assert visit["meta"]["source"] == f"urn:longbien:axis:{receipt}"
    found = await everything(hospital.engine, "BG.1")
    assert {f[1] for f in facts.of_resources(found) if f[0] == "disease"} == {"I10", "E11.9"}
    assert ("index", "HGB", "121", "g/L", "2026-11-30T09:30") in facts.of_resources(found)
    note = await search(hospital.engine, "Provenance", target=f"Encounter/{visit['id']}")
    assert note[0]["agent"][0]["who"]["reference"] == f"Organization/bv-{CODE}"


async def everything(engine: Engine, link: str) -> list[dict[str, Any]]:
    row = await engine.db.fetchrow("SELECT made FROM axis_claim WHERE link = $1", link)
    out = []
    for name in row["made"]:
        type_, _, id_ = name.partition("/")
        out.append(json.loads((await store(engine).read(type_, id_)).body))
    return out


async def test_every_coded_fact_that_was_sent_is_in_the_record(hospital: Hospital) -> None:
    sent = claim("BG.2", citizen="001158099999", name="Trần Văn Mới")
    sent["XML1"][0]["MA_THE_BHYT"] = ""
    await hospital.post([file(sent)])
    await hospital.take_in()
    assert facts.of_rows(sent) == facts.of_resources(await everything(hospital.engine, "BG.2"))


async def test_the_same_visit_again_is_a_new_version_and_what_is_left_out_is_entered_in_error(hospital: Hospital) -> None:
    await hospital.post([file(claim("BG.3"))])
    await hospital.take_in()
    shorter = claim("BG.3")
    del shorter["XML4"]
    shorter["XML1"][0]["MA_BENH_KT"] = ""
    answer = (await hospital.post([file(shorter)])).json()
    await hospital.take_in()
    base = base_of(CODE, "BG.3")
    assert (await hospital.status(answer["fileResults"][0]["maGiaoDich"])).json()["hoSo"][0]["trangThai"] == "cap-nhat"
    assert len(await search(hospital.engine, "Encounter", identifier="BG.3")) == 1
    gone = json.loads((await store(hospital.engine).read("Observation", f"{base}-o1")).body)
    condition = json.loads((await store(hospital.engine).read("Condition", f"{base}-c2")).body)
    assert gone["status"] == "entered-in-error"
    assert condition["verificationStatus"]["coding"][0]["code"] == "entered-in-error"


async def test_the_same_file_twice_has_one_receipt_and_changes_nothing(hospital: Hospital) -> None:
    sent = file(claim("BG.4"))
    one = (await hospital.post([sent, sent])).json()
    assert one["fileResults"][0]["maGiaoDich"] == one["fileResults"][1]["maGiaoDich"]
    await hospital.take_in()
    two = (await hospital.post([sent])).json()
    await hospital.take_in()
    assert two["fileResults"][0]["maGiaoDich"] == one["fileResults"][0]["maGiaoDich"]
    assert (await store(hospital.engine).read("Encounter", base_of(CODE, "BG.4"))).version == 1


async def test_a_number_that_leads_to_somebody_else_joins_nobody(hospital: Hospital) -> None:
    odd = claim("BG.5", name="Phạm Quốc Khánh")
    odd["XML1"][0] |= {"NGAY_SINH": "199001010000", "GIOI_TINH": "1"}
    answer = (await hospital.post([file(odd)])).json()
    await hospital.take_in()
    visit = (await search(hospital.engine, "Encounter", _id=base_of(CODE, "BG.5")))[0]
    assert visit["subject"]["reference"] != "Patient/p-an"
    told = (await hospital.status(answer["fileResults"][0]["maGiaoDich"])).json()["hoSo"][0]
    assert "another name" in told["thongDiep"]


async def test_a_visit_that_the_facility_wrote_here_itself_is_not_doubled(hospital: Hospital) -> None:
    own = {
        "resourceType": "Encounter", "id": "own-visit", "status": "finished", "class": {"system": s.ACT_CODE, "code": "AMB"},
        "identifier": [{"system": s.ENCOUNTER_NUMBER, "value": "BG.OWN"}], "subject": {"reference": "Patient/p-an"},
        "serviceProvider": {"reference": f"Organization/bv-{CODE}"}, "period": {"start": "2026-11-30T08:00:00+07:00"},
    }  # fmt: skip
    await store(hospital.engine).commit([Update(own)], Manner(references="trust"))
    await hospital.post([file(claim("BG.OWN"))])
    await hospital.take_in()
    assert [e["id"] for e in await search(hospital.engine, "Encounter", identifier="BG.OWN")] == ["own-visit"]


async def test_each_file_is_answered_by_itself(hospital: Hospital) -> None:
    bad = claim("BG.7")
    bad["XML1"][0]["NGAY_VAO"] = "2026-11-30"
    answer = (await hospital.post([file(claim("BG.6")), file(bad), "???", file(claim("BG.8", code=OTHER), code=OTHER)])).json()
    assert [x["maKetQua"] for x in answer["fileResults"]] == ["200", "205", "205", "123"]
    assert answer["totalSuccess"] == 1 and answer["totalFailed"] == 3
    assert answer["fileResults"][1]["loi"][0]["truong"] == "NGAY_VAO"
    assert OTHER in answer["fileResults"][3]["thongDiep"]


async def test_another_facilitys_claims_are_refused_and_the_trail_says_so(hospital: Hospital) -> None:
    before = await refusals(hospital.engine)
    answer = await hospital.post([file(claim("BG.9"))], maCSKCB=OTHER)
    assert answer.status_code == 403 and answer.json()["maKetQua"] == "403"
    assert await refusals(hospital.engine) > before


async def test_two_senders_at_once_make_one_patient(begun: Engine) -> None:
    one, two = await Hospital(begun).begin(), await Hospital(begun, OTHER).begin()
    new = {"name": "Lê Thị Hai Nơi", "citizen": "001190012399"}
    await asyncio.gather(one.post([file(claim("HN.1", **new))]), two.post([file(claim("HN.1", code=OTHER, **new), code=OTHER)]))
    numbers = [r["number"] for r in await begun.db.fetch("SELECT number FROM axis_file WHERE state = 'received'")]
    await asyncio.gather(*(take_file(begun, n) for n in numbers))
    people = await search(begun, "Patient", identifier="001190012399")
    assert len(people) == 1
    visits = await search(begun, "Encounter", subject=f"Patient/{people[0]['id']}")
    assert {v["serviceProvider"]["reference"] for v in visits} == {f"Organization/bv-{CODE}", f"Organization/bv-{OTHER}"}


# ---- bad input


async def test_whatever_is_sent_is_answered_and_never_by_an_incident(hospital: Hospital) -> None:
    good = file(claim("FZ.1"))
    chance = random.Random(3176)
    odd: list[bytes | str] = [
        "",
        "AAAA",
        "=" * 9,
        "\u0111",
        base64.b64encode(b"\xef\xbb\xbf" + good).decode(),
        good.decode("utf-8"),
    ]
    odd += [good[: chance.randrange(len(good))] for _ in range(20)]
    odd += [good.decode().encode("utf-16"), good.replace(b"utf-8", b"tcvn-3"), b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + good, b"\0" * 99]
    odd += [
        b"<GIAMDINHHS/>",
        b"<x>" * 5000,
        good.replace(b"<HOSO>", b"<HOSO><HOSO>"),
        b"<GIAMDINHHS><DANHSACHHOSO><HOSO/></DANHSACHHOSO></GIAMDINHHS>",
    ]
    for _ in range(30):
        broken = bytearray(good)
        for _ in range(chance.randrange(1, 6)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        odd.append(bytes(broken))
    answer = await hospital.post(odd)
    assert answer.status_code == 200
    told = answer.json()["fileResults"]
    assert len(told) == len(odd) and {x["maKetQua"] for x in told} <= {"200", "205", "123", "124", "1001"}
    assert all(x["thongDiep"] for x in told)
    await hospital.take_in()
    assert await hospital.engine.db.fetchval("SELECT count(*) FROM axis_file WHERE state = 'received'") == 0


@pytest.mark.parametrize(
    "body, status",
    [(b"", 400), (b"{", 400), (b"[]", 400), (b'{"files": 3}', 400), (b"\xff\xfe", 400), (b"[" * 100_000, 400),
     (b'{"loaiHoSo":"3176","maCSKCB":"99002","files":[null]}', 400), (b'{"loaiHoSo":"130","maCSKCB":"99002","files":["a"]}', 400),
     (b'{"loaiHoSo":"3176","maCSKCB":"99002","files":[]}', 400)],
)  # fmt: skip
async def test_a_body_that_is_none_is_a_clear_refusal(hospital: Hospital, body: bytes, status: int) -> None:
    head = {"Authorization": f"Bearer {hospital.token}", "content-type": "application/json"}
    answer = await hospital.web.post("/api/kcb/xml/qd3176/guiHoSoXml", content=body, headers=head)
    assert answer.status_code == status and answer.json()["thongDiep"] and "incident" not in answer.text


async def test_what_is_too_large_is_refused_before_it_is_read(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGBIEN_AXIS_BYTES", "20000")
    answer = await hospital.post([b"x" * 60_000])
    assert answer.status_code == 413 and answer.json()["maKetQua"] == "1001"


async def test_unsigned_files_are_refused_where_the_house_asks_for_signatures(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGBIEN_AXIS_SIGNATURE", "required")
    answer = (await hospital.post([file(claim("SG.1"))])).json()
    assert answer["fileResults"][0]["maKetQua"] == "124" and answer["maKetQua"] == "205"


async def test_a_receipt_of_another_sender_is_not_there(begun: Engine, hospital: Hospital) -> None:
    receipt = (await hospital.post([file(claim("RC.1"))])).json()["fileResults"][0]["maGiaoDich"]
    other = await Hospital(begun, OTHER).begin()
    assert (await other.status(receipt)).status_code == 404
    assert (await other.status("../../x")).status_code == 404


async def test_the_file_lies_sealed_on_the_disk(hospital: Hospital) -> None:
    await hospital.post([file(claim("BL.1", name="Nguyễn Thị Niêm Phong"))])
    for path in (Path(os.environ["LONGBIEN_DATA"]) / "blobs" / "axis").rglob("*"):
        if path.is_file():
            assert b"GIAMDINHHS" not in path.read_bytes() and path.stat().st_mode & 0o077 == 0


async def test_what_another_hospital_did_is_not_charged_here(hospital: Hospital) -> None:
    await hospital.post([file(claim("CH.1"))])
    await hospital.take_in()
    at = store(hospital.engine)
    for type_, act in (("Encounter", reactions.visit), ("DiagnosticReport", reactions.report)):
        for one in await everything(hospital.engine, "CH.1"):
            if one["resourceType"] == type_:
                await act(at, one)
    assert await search(hospital.engine, "ChargeItem", context=f"Encounter/{base_of(CODE, 'CH.1')}") == []


async def test_a_worker_that_dies_half_way_leaves_whole_claims_and_the_next_one_goes_on(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = (await hospital.post([file(claim("KL.1"), claim("KL.2"))])).json()
    whole, calls = taking.take_claim, []

    async def dies(*given: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise Unavailable("The database is away.")
        return await whole(*given)

    monkeypatch.setattr(taking, "take_claim", dies)
    with pytest.raises(Unavailable):
        await hospital.take_in()
    monkeypatch.setattr(taking, "take_claim", whole)
    await hospital.take_in()
    told = (await hospital.status(answer["fileResults"][0]["maGiaoDich"])).json()["hoSo"]
    assert [x["trangThai"] for x in told] == ["khong-doi", "moi"]
    assert (await store(hospital.engine).read("Encounter", base_of(CODE, "KL.1"))).version == 1


async def test_what_is_answered_with_200_waits_in_line_with_its_file(hospital: Hospital) -> None:
    """The process may die right after its answer: the job and the sealed file are there."""
    receipt = (await hospital.post([file(claim("KL.3"))])).json()["fileResults"][0]["maGiaoDich"]
    row = await hospital.engine.db.fetchrow("SELECT number, digest FROM axis_file WHERE receipt = $1", receipt)
    waiting = "SELECT count(*) FROM job WHERE queue = $1 AND key = $2"
    assert await hospital.engine.db.fetchval(waiting, taking.QUEUE, f"file {row['number']}") == 1
    assert await taking.blobs().size(row["digest"]) > 1000


def pair() -> tuple[rsa.RSAPrivateKey, bytes]:
    """A key and its certificate, DER."""
    key = rsa.generate_private_key(65537, 2048)
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Bệnh viện thử")]), clock.now()
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    return key, made.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


async def test_a_signature_is_checked_and_must_be_the_senders_own(begun: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGBIEN_AXIS_SIGNATURE", "required")
    key, cert = pair()
    his = await Hospital(begun).begin(hashlib.sha256(cert).digest())
    good = signature.sign(file(claim("SI.1")), key, cert)
    other = signature.sign(file(claim("SI.2")), *pair())
    changed = good.replace(b"<NGAYLAP>2026", b"<NGAYLAP>2025")
    answer = (await his.post([good, other, changed])).json()
    assert [x["maKetQua"] for x in answer["fileResults"]] == ["200", "124", "124"]
    receipt = answer["fileResults"][0]["maGiaoDich"]
    assert (await his.status(receipt)).json()["chuKy"].startswith("có")
