"""Statement files of banks. The MT940 follows SWIFT's field rules (:61: 6!n[4!n]2a[1!a]15d1!a3!c16x[//16x]), the camt.053 the
message definition of ISO 20022 (version 2 and 8 differ in Sts and in Dbtr/Pty)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longbien.base.errors import Invalid, LongbienError
from longbien.billing.money.layouts import layouts
from longbien.wire.bank_statement import Columns, read

BIN, ACCOUNT = "970436", "0123456789"
PLAIN = layouts()["plain"]
CSV = """NGAN HANG MAU;;;;
Sao ke tai khoan 0123456789;;;;
Ngày giao dịch;Số tham chiếu;Ghi nợ;Ghi có;Nội dung
30/11/2026 08:15:02;FT2633400001;;1,284,500;MBVCB.1.LB7K2M9QXT4A.CT tu 0011
30/11/2026 09:00:00;FT2633400002;11,000;;Phi dich vu
;;;;
Tổng cộng;;11,000;1,284,500;
"""
MT940 = b""":20:STMT261130
:25:970436/0123456789
:28C:334/1
:60F:C261129VND1000000,
:61:2611301130C1284500,NTRFNONREF//FT2633400001
:86:LB7K2M9QXT4A CT TU 0011 NGUYEN THI LUA
:61:2611301130D11000,NCHGNONREF//FT2633400002
:86:PHI DICH VU
:62F:C261130VND2273500,
-
"""
CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document
xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt><Acct><Id><Othr><Id>0123456789</Id></Othr></Id></Acct>
<Ntry><Amt
Ccy="VND">1284500</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-11-30</Dt></BookgDt><AcctSvcrRef>FT2633400001</AcctSvcrRef>
<NtryDtls><TxDtls><RltdPties><Dbtr><Nm>NGUYEN THI
LUA</Nm></Dbtr></RltdPties><RmtInf><Ustrd>LB7K2M9QXT4A</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry> <Ntry><Amt
Ccy="VND">300</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-11-30</Dt></BookgDt><AcctSvcrRef>FT9</AcctSvcrRef>
<NtryDtls><TxDtls><Amt Ccy="VND">100</Amt></TxDtls><TxDtls><Amt Ccy="VND">200</Amt></TxDtls></NtryDtls></Ntry> <Ntry><Amt
Ccy="VND">5</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>PDNG</Sts><BookgDt><Dt>2026-11-30</Dt></BookgDt></Ntry>
</Stmt></BkToCstmrStmt></Document>"""


def test_a_csv_by_its_layout() -> None:
    found = read("csv", CSV.encode(), BIN, ACCOUNT, PLAIN)
    assert [(m.ref, m.amount, m.at.isoformat()) for m in found] == [
        ("FT2633400001", 1_284_500, "2026-11-30T08:15:02+07:00"),
        ("FT2633400002", -11_000, "2026-11-30T09:00:00+07:00"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_csv_in_the_encodings_that_banks_write(encoding: str) -> None:
    assert len(read("csv", CSV.encode(encoding), BIN, ACCOUNT, PLAIN)) == 2


def test_mt940() -> None:
    found = read("mt940", MT940, BIN, ACCOUNT)
    assert [(m.ref, m.amount) for m in found] == [("FT2633400001", 1_284_500), ("FT2633400002", -11_000)]
    assert "LB7K2M9QXT4A" in found[0].text


@pytest.mark.parametrize("version", ["02", "08"])
def test_camt053(version: str) -> None:
    body = CAMT.replace("053.001.02", f"053.001.{version}")
    if version == "08":
        body = body.replace("<Sts>BOOK</Sts>", "<Sts><Cd>BOOK</Cd></Sts>").replace("<Sts>PDNG</Sts>", "<Sts><Cd>PDNG</Cd></Sts>")
        body = body.replace("<Dbtr><Nm>NGUYEN THI LUA</Nm></Dbtr>", "<Dbtr><Pty><Nm>NGUYEN THI LUA</Nm></Pty></Dbtr>")
    found = read("camt053", body.encode(), BIN, ACCOUNT)
    assert [(m.ref, m.amount, m.payer) for m in found] == [
        ("FT2633400001", 1_284_500, "NGUYEN THI LUA"),
        ("FT9-1", -100, ""),
        ("FT9-2", -200, ""),
    ]
    assert found[0].text == "LB7K2M9QXT4A"


def test_all_three_say_the_same_numbers() -> None:
    """So that whatever way a movement is told of, it is one."""
    for kind, body in (("csv", CSV.encode()), ("mt940", MT940), ("camt053", CAMT.encode())):
        assert read(kind, body, BIN, ACCOUNT, PLAIN)[0].ref == "FT2633400001"


def test_without_numbers_the_same_file_gives_the_same_ones() -> None:
    bare = CSV.replace("FT2633400001", "").replace("FT2633400002", "")
    twice = bare + "30/11/2026 08:15:02;;;1,284,500;MBVCB.1.LB7K2M9QXT4A.CT tu 0011\n"
    one, two = (read("csv", x.encode(), BIN, ACCOUNT, PLAIN) for x in (bare, twice))
    assert [m.ref for m in one] == [m.ref for m in two][:2]
    assert len({m.ref for m in two}) == 3  # two payments alike are two payments


BOMB = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt>&b;</BkToCstmrStmt></Document>"""
OUTSIDE = BOMB.replace('<!ENTITY a "aaaaaaaaaa">', '<!ENTITY a SYSTEM "file:///etc/passwd">')


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("camt053", BOMB.encode()),
        ("camt053", OUTSIDE.encode()),
        ("camt053", BOMB.replace('version="1.0"', 'version="1.0" encoding="UTF-16"').encode("utf-16")),
        ("camt053", b"<a><b></a>"),
        ("camt053", b"<Document/>"),
        ("camt053", b""),
        ("camt053", b"<a>" * 100_000),
        ("camt053", CAMT.replace('Ccy="VND">1284500', 'Ccy="USD">12').encode()),
        ("camt053", CAMT.replace("0123456789", "9999999999").encode()),
        ("camt053", CAMT.replace(">200<", ">201<").encode()),
        ("mt940", b"/etc/passwd"),
        ("mt940", b":20:x\n:25:1\n:60F:garbage\n:61:xx\n"),
        ("mt940", MT940.replace(b"0123456789", b"5555555555")),
        ("csv", b"a;b;c\n1;2;3\n"),
        ("csv", CSV.replace("1,284,500;M", "1.5;M").encode()),
        ("csv", CSV.replace("30/11/2026 08", "31/02/2026 08").encode()),
        ("csv", b"\x00\x01\x02" * 100),
        ("pdf", b"%PDF"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(kind: str, body: bytes) -> None:
    with pytest.raises(Invalid):
        read(kind, body, BIN, ACCOUNT, PLAIN)


@settings(max_examples=300)
@given(st.sampled_from(["csv", "mt940", "camt053"]), st.binary(max_size=300), st.integers(0, 400), st.booleans())
def test_a_damaged_file_is_never_a_fault_of_ours(kind: str, junk: bytes, at: int, whole: bool) -> None:
    good = {"csv": CSV.encode(), "mt940": MT940, "camt053": CAMT.encode()}[kind]
    with contextlib.suppress(LongbienError):
        read(kind, junk if whole else good[:at] + junk + good[at:], BIN, ACCOUNT, PLAIN)


def test_every_layout_of_the_table_is_whole() -> None:
    for columns in layouts().values():
        assert isinstance(columns, Columns) and columns.date and columns.text and (columns.amount or columns.credit)
