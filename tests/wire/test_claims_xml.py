"""The claim of decision 3176 as files: tables, envelope, what is refused, what is found wrong."""

from __future__ import annotations

import base64
import csv
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from claim_rows import DAY, a_check_in, a_claim, row
from longbien.wire.claims_xml import Claim, Refused, check, envelope, read, signature, tables, tcvn3, write

SHARED = Path(__file__).parents[3] / "shared/vietnam/bhyt_xml/xml_fields_3176.csv"


# ---- tables ----


def test_the_tables_have_as_many_fields_as_the_decision():
    counts = {t: len(tables.fields(t, DAY)) for t in tables.TABLES}
    assert counts == {"XML0": 26, "XML1": 66, "XML2": 39, "XML3": 47, "XML4": 12, "XML5": 9, "XML6": 47, "XML7": 26, "XML8": 22,
                      "XML9": 35, "XML10": 13, "XML11": 23, "XML12": 35, "XML13": 37, "XML14": 22, "XML15": 20}  # fmt: skip


@pytest.mark.skipif(not SHARED.exists(), reason="the decision's annex is not at hand")
def test_names_types_and_lengths_are_those_of_the_annex():
    with SHARED.open(encoding="utf-8-sig", newline="") as file:
        said = [r for r in csv.DictReader(file) if r["status_3176"] != "dropped"]
    for r in said:
        field = tables.named(r["table"], date(2025, 6, 1))[r["field"]]
        assert (field.type, field.annex) == (r["type"], int(r["seq_in_annex"])), r["field"]
        assert field.max == (None if r["max_len"] == "n" else int(r["max_len"])), r["field"]


def test_the_order_of_writing_can_be_the_annexs():
    sender = [f.name for f in tables.fields("XML3", DAY)]
    annex = [f.name for f in tables.fields("XML3", DAY, "annex")]
    assert sender.index("T_BHTT") < sender.index("T_BNTT") and annex.index("T_BHTT") > annex.index("T_BNTT")
    assert sorted(sender) == sorted(annex)


def test_a_share_of_four_characters_is_taken_from_july_2026():
    claim = a_claim(benefit=80)
    assert tables.named("XML3", date(2026, 6, 30))["MUC_HUONG"].max == 3
    assert tables.named("XML3", date(2026, 7, 1))["MUC_HUONG"].max == 4
    claim["XML3"][0]["MUC_HUONG"] = "47.5"
    rules = {(f.table, f.field, f.rule) for f in check(claim, date(2026, 6, 30))}
    assert ("XML3", "MUC_HUONG", "length") in rules
    assert not any(f.field == "MUC_HUONG" for f in check(claim, date(2026, 7, 1)))


def test_kinds_of_visit_of_august_2026_are_not_known_before():
    assert "14" in tables.codes("MA_LOAI_KCB", date(2026, 8, 1)) and "14" not in tables.codes("MA_LOAI_KCB", date(2026, 7, 31))


def test_conditions():
    assert tables.holds("MA_NHOM=1|2", {"MA_NHOM": "2"}) and not tables.holds("MA_NHOM!=1|2", {"MA_NHOM": "2"})
    assert tables.holds("!A B", {"B": "x"}) and not tables.holds("!A B", {"A": "1", "B": "x"})
    assert tables.holds("always", {}) and not tables.holds("", {})


# ---- writing and reading ----


@pytest.mark.parametrize(
    "claim", [a_claim(), a_claim(stay=6), a_claim(insured=False, stay=3), a_check_in()], ids=["out", "in", "self", "in-0"]
)
def test_what_is_written_is_read_back(claim: Claim):
    data = write(claim, DAY)
    assert not data.startswith(b"\xef\xbb\xbf")
    found = read(data)
    assert (found.facility, found.made, found.signature) == ("01901", "20261130", b"")
    assert [dict(c) for c in found.claims] == [claim]


def test_free_text_stands_in_cdata_and_codes_do_not():
    inner = base64.b64decode(write(a_claim(), DAY).split(b"<LOAIHOSO>XML3</LOAIHOSO><NOIDUNGFILE>")[1].split(b"<")[0])
    assert (
        "<TEN_DICH_VU><![CDATA[Dịch vụ <1> & đo]]></TEN_DICH_VU>".encode() in inner and b"<MA_DICH_VU>02.1801</MA_DICH_VU>" in inner
    )


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_any_text_survives(text: str):
    claim = a_claim()
    claim["XML1"][0]["GHI_CHU"] = text.strip()
    if tcvn3.in_text(text):
        return
    assert read(write(claim, DAY)).claims[0]["XML1"][0]["GHI_CHU"] == text.strip()


def test_the_order_of_fields_is_not_relied_upon():
    claim = a_claim()
    shuffled = {t: [dict(reversed(r.items())) for r in rows] for t, rows in claim.items()}
    assert read(write(claim, DAY, order="annex")).claims[0] == shuffled


def test_several_claims_in_one_envelope():
    claims = [a_claim(f"01901.{n}") for n in range(3)]
    assert [c["XML1"][0]["MA_LK"] for c in read(envelope(claims, DAY, "01901")).claims] == ["01901.0", "01901.1", "01901.2"]


def test_a_control_character_is_not_written():
    claim = a_claim()
    claim["XML1"][0]["GHI_CHU"] = "a\x07b"
    with pytest.raises(Refused, match="XML1 1 GHI_CHU"):
        write(claim, DAY)
    assert [(f.field, f.rule) for f in check(claim, DAY)] == [("GHI_CHU", "control")]


def _with(table: str, inner: bytes) -> bytes:
    return (
        b"<GIAMDINHHS><THONGTINDONVI><MACSKCB>01901</MACSKCB></THONGTINDONVI><THONGTINHOSO><NGAYLAP>20261130</NGAYLAP>"
        b"<SOLUONGHOSO>1</SOLUONGHOSO><DANHSACHHOSO><HOSO><FILEHOSO><LOAIHOSO>%s</LOAIHOSO><NOIDUNGFILE>%s</NOIDUNGFILE></FILEHOSO>"
        b"</HOSO></DANHSACHHOSO></THONGTINHOSO><CHUKYDONVI/></GIAMDINHHS>" % (table.encode(), inner)
    )


def _file(text: str | bytes) -> bytes:
    return base64.b64encode(text.encode() if isinstance(text, str) else text)


LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><TONG_HOP><HO_TEN>&b;</HO_TEN></TONG_HOP>'
OUTSIDE = '<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]><TONG_HOP><HO_TEN>&x;</HO_TEN></TONG_HOP>'
HOSTILE = {
    "nothing": (b"", "xml", ""),
    "prose": (b"kinh gui quy bao hiem", "xml", "GIAMDINHHS"),
    "another": (b"<HSDLGCS/>", "root", "GIAMDINHHS"),
    "mark": (b"\xef\xbb\xbf" + write(a_claim(), DAY), "bom", "GIAMDINHHS"),
    "utf-16": (write(a_claim(), DAY).decode().encode("utf-16"), "encoding", "GIAMDINHHS"),
    "utf-16 inside": (_with("XML1", _file("<TONG_HOP/>".encode("utf-16-le"))), "encoding", "HOSO 1 XML1"),
    "says latin-1": (b'<?xml version="1.0" encoding="ISO-8859-1"?><GIAMDINHHS/>', "encoding", "GIAMDINHHS"),
    "not utf-8": (_with("XML1", _file(b"<TONG_HOP><HO_TEN>\xff\xfe\xfa</HO_TEN></TONG_HOP>")), "encoding", "HOSO 1 XML1"),
    "tcvn3 bytes": (_with("XML1", _file("<TONG_HOP><HO_TEN>NguyÔn</HO_TEN></TONG_HOP>".encode("latin-1"))), "tcvn3", "HOSO 1 XML1"),
    "tcvn3 letters": (_with("XML1", _file("<TONG_HOP><HO_TEN>TrÇn ThÞ Lôa</HO_TEN></TONG_HOP>")), "tcvn3", "HOSO 1 XML1 1 HO_TEN"),
    "bomb": (_with("XML1", _file(LAUGHS)), "doctype", "HOSO 1 XML1"),
    "entity outside": (_with("XML1", _file(OUTSIDE)), "doctype", "HOSO 1 XML1"),
    "bomb around": (LAUGHS.encode(), "doctype", "GIAMDINHHS"),
    "nonsense base64": (_with("XML1", b"%%%&#33;"), "base64", "HOSO 1 FILEHOSO 1 XML1"),
    "cut base64": (_with("XML1", b"QUJ"), "base64", "HOSO 1 FILEHOSO 1 XML1"),
    "base64 of nonsense": (_with("XML1", _file(bytes(range(32, 127)))), "xml", "HOSO 1 XML1"),
    "unknown table": (_with("XML16", _file("<A/>")), "unknown-table", "HOSO 1 FILEHOSO 1"),
    "wrong root": (_with("XML2", _file("<TONG_HOP/>")), "root", "HOSO 1 XML2"),
    "field twice": (_with("XML1", _file("<TONG_HOP><MA_LK>1</MA_LK><MA_LK>2</MA_LK></TONG_HOP>")), "twice", "HOSO 1 XML1 1 MA_LK"),
    "nested": (_with("XML1", _file("<TONG_HOP><MA_LK><b/></MA_LK></TONG_HOP>")), "nested", "HOSO 1 XML1 1 MA_LK"),
    "deep": (_with("XML1", _file("<a>" * 5000 + "</a>" * 5000)), "xml", "HOSO 1 XML1"),
    "empty": (b"<GIAMDINHHS/>", "empty", "DANHSACHHOSO"),
    "counted wrong": (write(a_claim(), DAY).replace(b"<SOLUONGHOSO>1<", b"<SOLUONGHOSO>2<"), "count", "SOLUONGHOSO"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_and_the_refusal_says_where(name: str):
    data, kind, where = HOSTILE[name]
    with pytest.raises(Refused) as refused:
        read(data)
    assert refused.value.kind == kind and where in refused.value.where and refused.value.status == 400


def test_200_megabytes_are_refused_before_they_are_looked_at():
    with pytest.raises(Refused) as refused:
        read(b"<" * (200 << 20))
    assert refused.value.kind == "large"


@given(st.binary(max_size=400))
def test_nothing_but_a_refusal_comes_of_any_bytes(data: bytes):
    for given_ in (data, _with("XML1", base64.b64encode(data))):
        with pytest.raises(Refused):
            read(given_)


@pytest.mark.parametrize(
    "text", ["Müller", "François Lefèvre", "Phạm Thị Ánh Tuyết", "5 µg/mL × 2", "Ông Ích Khiêm", "Panadol®", "CÔ ÚT", "Đỗ Ý"]
)
def test_unicode_is_not_taken_for_tcvn3(text: str):
    assert not tcvn3.in_text(text)


@pytest.mark.parametrize("text", ["NguyÔn V¨n An", "§ç ThÞ Hång", "BÖnh nh©n ®au bông", "ViÖt Nam"])
def test_tcvn3_is_recognised(text: str):
    assert tcvn3.in_text(text)


# ---- what is wrong ----


@pytest.mark.parametrize(
    "claim", [a_claim(), a_claim(stay=6), a_claim(insured=False), a_claim(insured=False, stay=2), a_check_in()]
)
def test_a_claim_that_is_right_has_no_fault(claim: Claim):
    assert check(claim, DAY) == []


def test_of_who_pays_alone_the_lines_are_not_missed():
    claim = a_claim(insured=False, stay=2)
    sent = {t: claim[t] for t in ("XML1", "XML8")}
    assert [f for f in check(sent, DAY) if f.level == "stop"] == []
    sent["XML1"][0]["T_BNTT"] = "1"
    assert [(f.field, f.rule) for f in check(sent, DAY) if f.level == "stop"] == [("T_TONGCHI_BV", "sum")]


def _faults(claim: Claim) -> set[tuple[str, int, str, str]]:
    return {(f.table, f.row, f.field, f.rule) for f in check(claim, DAY)}


@pytest.mark.parametrize(
    ("table", "n", "field", "value", "rule"),
    [
        ("XML1", 1, "HO_TEN", "", "needed"),
        ("XML1", 1, "GIOI_TINH", "4", "code"),
        ("XML1", 1, "NGAY_VAO", "20261130", "date"),
        ("XML1", 1, "NGAY_VAO", "202613300800", "date"),
        ("XML1", 1, "NGAY_RA", "202611300759", "order"),
        ("XML1", 1, "NGAY_SINH", "202611310000", "date"),
        ("XML1", 1, "MA_THE_BHYT", "DN901", "form"),
        ("XML1", 1, "MA_BENH_CHINH", "viêm", "form"),
        ("XML1", 1, "MA_BENH_KT", ";".join(["I10"] * 13), "diagnoses"),
        ("XML1", 1, "T_BHTT", "1", "sum"),
        ("XML1", 1, "T_TONGCHI_BV", "1.005", "decimals"),
        ("XML1", 1, "SO_NGAY_DTRI", "7", "days"),
        ("XML1", 1, "GT_THE_TU", "20260101;20261101", "cards"),
        ("XML2", 1, "SO_LUONG", "11", "sum"),
        ("XML2", 1, "SO_LUONG", "mười", "number"),
        ("XML2", 1, "SO_LUONG", "-1", "negative"),
        ("XML2", 2, "NGAY_YL", "202611300700", "order"),
        ("XML2", 1, "MA_NHOM", "13", "group"),
        ("XML3", 2, "NGAY_KQ", "202611300810", "order"),
        ("XML3", 2, "NGUOI_THUC_HIEN", "", "needed"),
        ("XML3", 1, "STT", "5", "counted"),
        ("XML3", 1, "MA_LK", "khác", "linked"),
        ("XML3", 1, "T_NGUONKHAC_CL", "5", "sum"),
        ("XML4", 1, "TEN_CHI_SO", "x" * 256, "length"),
    ],
)
def test_a_fault_names_table_row_and_field(table: str, n: int, field: str, value: str, rule: str):
    claim = a_claim()
    claim[table][n - 1][field] = value
    found = [f for f in check(claim, DAY) if f.table == table and f.rule == rule]
    assert found, [(f.table, f.row, f.field, f.rule) for f in check(claim, DAY)]
    assert all(f.row == n and f.text % f.values and f.todo for f in found)
    assert rule in ("sum", "cards") or field in {f.field for f in found}


def test_a_price_that_does_not_multiply_is_named_with_what_is_right():
    claim = a_claim()
    claim["XML3"][0]["DON_GIA_BV"] = "40000"
    fault = next(f for f in check(claim, DAY) if f.field == "THANH_TIEN_BV")
    assert fault.text % fault.values == "THANH_TIEN_BV is 37501.00; SO_LUONG × DON_GIA_BV × TYLE_TT_DV is 40000.00."


def test_tables_that_a_kind_of_visit_does_not_have():
    claim = a_claim()
    claim["XML8"] = a_claim(stay=2)["XML8"]
    claim["XML12"] = [row("XML12")]
    found = _faults(claim)
    assert ("XML8", 0, "", "presence") in found and ("XML12", 0, "", "presence") in found


def test_a_patient_moved_on_has_a_referral_paper():
    claim = a_claim()
    claim["XML1"][0]["MA_LOAI_RV"] = "2"
    assert ("XML13", 0, "", "presence") in _faults(claim)


def test_unknown_fields_and_tables_are_named():
    claim = a_claim()
    claim["XML1"][0]["TUOI"] = "9"
    claim["XML99"] = []
    assert {("XML1", 1, "TUOI", "unknown"), ("XML99", 0, "", "unknown")} <= _faults(claim)


def test_a_birth_of_which_only_the_year_is_known():
    claim = a_claim()
    claim["XML1"][0]["NGAY_SINH"] = "195800000000"
    assert check(claim, DAY) == []


def test_no_claim_without_its_head():
    assert _faults({"XML2": a_claim()["XML2"]}) == {("XML1", 0, "", "rows")}


NAMES = ["MA_LK", "NGAY_VAO", "NGAY_RA", "SO_LUONG", "T_BHTT", "STT", "MA_LOAI_KCB", "X"]
ROWS = st.lists(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=13), max_size=6), max_size=3)


@given(st.dictionaries(st.sampled_from([*tables.TABLES, "XML77"]), ROWS, max_size=5))
def test_checking_never_fails_whatever_it_is_given(claim: Claim):
    for fault in check(claim, DAY):
        assert fault.text % fault.values


# ---- signed ----

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
KEY = rsa.generate_private_key(65537, 2048)


def _certificate(key: rsa.RSAPrivateKey = KEY, until: datetime = NOW + timedelta(days=90)) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "BỆNH VIỆN ĐA KHOA BỒ ĐỀ")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(17)
    made = made.not_valid_before(NOW - timedelta(days=90)).not_valid_after(until)
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_signed_envelope_is_verified():
    data = signature.sign(write(a_claim(), DAY), KEY, _certificate())
    found = signature.verify(data, [_certificate()], NOW)
    assert found is not None and found.trusted and "BỒ ĐỀ" in found.subject
    assert read(data).claims[0] == a_claim() and read(data).signature
    assert signature.verify(write(a_claim(), DAY), [], NOW) is None


def test_another_tool_verifies_the_signature(tmp_path: Path):
    """xmlsec1 (Aleksey Sanin's XML Security Library) reads what is signed here, and refuses what was changed."""
    tool = shutil.which("xmlsec1")
    if tool is None:
        pytest.skip("xmlsec1 is not installed")
    data = signature.sign(write(a_claim(stay=2), DAY), KEY, _certificate())
    (tmp_path / "ca.der").write_bytes(_certificate())
    for name, content, right in (("good", data, True), ("bad", data.replace(b"<NGAYLAP>2026", b"<NGAYLAP>2027"), False)):
        (tmp_path / name).write_bytes(content)
        done = subprocess.run([tool, "--verify", "--pubkey-cert-der", "ca.der", "--enabled-key-data", "rsa", "--verification-time",
                               "2026-11-30+09:00:00", name], cwd=tmp_path, capture_output=True)  # fmt: skip
        assert (done.returncode == 0) is right, done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.replace(b"<MACSKCB>01901", b"<MACSKCB>01902"), "changed after"),
        (lambda d: d.replace(b"<DigestValue>", b"<DigestValue>AA"), "does not belong|not base64"),
        (lambda d: d.replace(b'URI=""', b'URI="#a"'), "whole file"),
        (lambda d: d.replace(b"xmldsig-more#rsa-sha256", b"xmldsig-more#rsa-md5"), "SignatureMethod"),
        (lambda d: d.replace(b"xmldsig#enveloped-signature", b"xmldsig#base64"), "transform"),
        (lambda d: d.replace(b"</CHUKYDONVI>", b"<!-- --><b/></CHUKYDONVI>"), "changed after"),
        (lambda d: d.replace(b"</Signature>", b"</Signature>x"), "changed after"),
        (lambda d: d.replace(b"<SignatureValue>", b"<SignatureValue>%%"), "not base64"),
        (lambda d: d.replace(b"<X509Certificate>", b"<X509Certificate>AAAA"), "cannot be read"),
    ],
)
def test_a_signature_that_is_not_right_is_refused(change: Callable[[bytes], bytes], said: str):
    data = change(signature.sign(write(a_claim(), DAY), KEY, _certificate()))
    with pytest.raises(Refused, match=said) as refused:
        signature.verify(data, [], NOW)
    assert refused.value.kind == "signature"


def test_a_certificate_that_has_run_out_or_is_weak_is_refused():
    for key, until, said in ((KEY, NOW - timedelta(days=1), "run out"), (rsa.generate_private_key(65537, 1024), NOW, "2048")):
        data = signature.sign(write(a_claim(), DAY), key, _certificate(key, until))
        with pytest.raises(Refused, match=said):
            signature.verify(data, [], NOW)


def test_somebody_elses_certificate_is_told():
    data = signature.sign(write(a_claim(), DAY), KEY, _certificate())
    other = rsa.generate_private_key(65537, 2048)
    found = signature.verify(data, [_certificate(other)], NOW)
    assert found is not None and not found.trusted
