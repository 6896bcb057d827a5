"""Statement files of banks: CSV by a mapping, MT940 (SWIFT), camt.053 (ISO 20022). Bytes to movements, nothing else. Pure.

What has no number of the bank's own gets one made of what it says (and of how many the same there were before it that day), so
that a file imported twice is one file."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree
from mt940.models import Transactions

from longbien.base.errors import Invalid, LongbienError

from .bank_notice import HANOI, MOST_AMOUNT, Movement

MOST_ROWS = 50_000
_NOTHING = {"", "NONREF", "NOTPROVIDED"}


@dataclass(frozen=True, slots=True)
class Columns:
    """How a bank's CSV is laid out: names of columns as their header has them (case and blanks at the ends do not matter). Either
    `amount` (signed, or with `direction` saying in/out) or `credit` and `debit`. dates: strptime forms, tried in order. point: the
    sign before decimals; the other one of . and , is a thousands sign."""

    date: str
    text: str
    ref: str = ""
    time: str = ""
    amount: str = ""
    direction: str = ""
    credit: str = ""
    debit: str = ""
    payer: str = ""
    dates: Sequence[str] = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d")
    out: Sequence[str] = field(default=("out", "d", "debit", "ghi no", "chi"))
    point: str = "."


def read(kind: str, body: bytes, bin: str, account: str, columns: Columns | None = None) -> list[Movement]:
    """kind: csv, mt940, camt053. bin, account: of the account that the file is of; a file that names another account is refused.
    Raises Invalid with the line or the entry."""
    if kind == "csv" and columns is not None:
        found = _csv(body, bin, account, columns)
    elif kind == "mt940":
        found = _mt940(body, bin, account)
    elif kind == "camt053":
        found = _camt(body, bin, account)
    else:
        raise Invalid(f"There is no statement format {kind[:20]!r}.", code="not-supported")
    if len(found) > MOST_ROWS:
        raise Invalid(f"A statement may have at most {MOST_ROWS:,} movements: split it.", code="too-long")
    if any(not 2000 <= m.at.year < 2200 for m in found):
        raise Invalid("A movement's day is none of this century.", code="value")
    return _numbered(found)


def _numbered(found: list[Movement]) -> list[Movement]:
    seen: Counter[str] = Counter()
    made = []
    for m in found:
        if m.ref.strip().upper() in _NOTHING:
            said = f"{m.account}|{m.at.date()}|{m.amount}|{m.text}|{m.payer}"
            seen[said] += 1
            digest = hashlib.sha256(f"{said}|{seen[said]}".encode()).hexdigest()[:24]
            m = Movement(m.bin, m.account, f"x-{digest}", m.amount, m.at, m.text, m.payer)
        made.append(m)
    return made


def decoded(body: bytes) -> str:
    """Text of a bank's file: UTF-8 with or without mark, UTF-16 with one, else the Windows page of Vietnamese."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1258"]
    for name in encodings:
        try:
            text = body.decode(name)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise Invalid("This file is no text that can be read.", code="structure")


# ---- CSV -------------------------------------------------------------------------------------------------------------


def _csv(body: bytes, bin: str, account: str, c: Columns) -> list[Movement]:
    text = decoded(body)
    try:
        dialect: Any = csv.Sniffer().sniff(text[:20_000], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), dialect))
    except csv.Error as why:
        raise Invalid(f"This CSV cannot be read: {str(why)[:100]}", code="structure") from None
    start, places = _header(rows, c)
    found = []
    for n, row in enumerate(rows[start + 1 :], start + 2):
        if not any(cell.strip() for cell in row):
            continue
        m = _row(row, places, c, bin, account, f"line {n}")
        if m is not None:
            found.append(m)
    return found


def _header(rows: Sequence[Sequence[str]], c: Columns) -> tuple[int, dict[str, int]]:
    """The line with the names: banks put their own words above it."""
    wanted = {
        n: _plain(v)
        for n in ("date", "time", "text", "ref", "amount", "direction", "credit", "debit", "payer")
        if (v := getattr(c, n))
    }
    for n, row in enumerate(rows[:60]):
        there = {_plain(cell): i for i, cell in enumerate(row)}
        if all(v in there for v in wanted.values()):
            return n, {k: there[v] for k, v in wanted.items()}
    names = ", ".join(str(getattr(c, k)) for k in wanted)
    raise Invalid(f"No line of this file has the columns {names}: choose the bank's own layout.", code="structure")


def _plain(text: str) -> str:
    return " ".join(text.replace("\ufeff", "").split()).casefold()


def _row(row: Sequence[str], at: Mapping[str, int], c: Columns, bin: str, account: str, where: str) -> Movement | None:
    def cell(name: str) -> str:
        i = at.get(name)
        return row[i].strip() if i is not None and i < len(row) else ""

    if not any(x.isdigit() for x in cell("date")):  # a sum, a remark below the table
        return None
    if c.amount:
        amount = _dong(cell("amount"), c.point, where)
        if c.direction and _plain(cell("direction")) in c.out:
            amount = -abs(amount)
    else:
        amount = _dong(cell("credit") or "0", c.point, where) - abs(_dong(cell("debit") or "0", c.point, where))
    if amount == 0:
        return None
    moment = _day(f"{cell('date')} {cell('time')}".strip(), c.dates, where)
    return Movement(bin, account, cell("ref")[:100], amount, moment, cell("text")[:1000], cell("payer")[:200])


def _dong(text: str, point: str, where: str) -> int:
    thousands = "," if point == "." else "."
    cleaned = re.sub(r"[\s\u00a0+]|VND|đ", "", text.replace(thousands, "").replace(point, "."))
    try:
        value = Decimal(cleaned or "0")
    except InvalidOperation:
        raise Invalid(f"{where}: {text[:30]!r} is no amount.", code="value") from None
    if not value.is_finite() or value != value.to_integral_value() or abs(value) >= MOST_AMOUNT:
        raise Invalid(f"{where}: {text[:30]!r} is no whole number of dong.", code="value")
    return int(value)


def _day(text: str, forms: Sequence[str], where: str) -> datetime:
    for form in forms:
        try:
            return datetime.strptime(text, form).replace(tzinfo=HANOI)
        except ValueError:
            continue
    raise Invalid(f"{where}: {text[:30]!r} is no date of this layout.", code="value")


# ---- MT940 -----------------------------------------------------------------------------------------------------------


def _mt940(body: bytes, bin: str, account: str) -> list[Movement]:
    text = decoded(body)
    if ":20:" not in text or (":61:" not in text and ":60" not in text):
        raise Invalid("This is no MT940 statement.", code="structure")
    try:  # never mt940.parse: it would take a text that is the name of a file for that file
        read_ = Transactions()
        read_.parse(text)
        rows = list(read_)
    except LongbienError:
        raise
    except Exception as why:  # the library raises what its regular expressions and dates do
        raise Invalid(f"This MT940 cannot be read: {type(why).__name__}", code="structure") from None
    named = str(read_.data.get("account_identification") or "")
    _same_account(named, account)
    found = []
    for n, row in enumerate(rows, 1):
        d = row.data
        if "amount" not in d or "date" not in d:
            continue
        value = d["amount"].amount
        if d["amount"].currency not in (None, "", "VND") or value != value.to_integral_value() or abs(value) >= MOST_AMOUNT:
            raise Invalid(f"movement {n}: not a whole number of dong.", code="value")
        at = datetime(d["date"].year, d["date"].month, d["date"].day, tzinfo=HANOI)
        ref = str(d.get("bank_reference") or "") or str(d.get("customer_reference") or "")
        said = " ".join(str(d.get(k) or "") for k in ("transaction_details", "extra_details", "purpose") if d.get(k))
        if int(value):
            found.append(
                Movement(
                    bin,
                    account,
                    ref.strip()[:100],
                    int(value),
                    at,
                    " ".join(said.split())[:1000],
                    str(d.get("applicant_name") or "")[:200],
                )
            )
    return found


def _same_account(named: str, account: str) -> None:
    digits = re.sub(r"[^0-9A-Za-z]", "", named)
    if digits and not digits.endswith(account) and account not in digits:
        raise Invalid(f"This statement is of another account (…{digits[-4:]}).", code="value")


# ---- camt.053 --------------------------------------------------------------------------------------------------------


def _camt(body: bytes, bin: str, account: str) -> list[Movement]:
    """No DOCTYPE at all is taken, so no entity is; nothing is fetched."""
    if b"<!DOCTYPE" in body or "<!DOCTYPE".encode("utf-16-le") in body or "<!DOCTYPE".encode("utf-16-be") in body:
        raise Invalid("An XML statement with a DOCTYPE is not taken.", code="security")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as why:
        raise Invalid(f"This XML cannot be read: {str(why)[:120]}", code="structure") from None
    if str(getattr(root.getroottree().docinfo, "doctype", "")) or "camt.053" not in str(root.tag):
        raise Invalid("This is no camt.053 statement.", code="structure")
    found: list[Movement] = []
    for statement in _all(root, "BkToCstmrStmt/Stmt"):
        _same_account(_text(statement, "Acct/Id/IBAN") or _text(statement, "Acct/Id/Othr/Id"), account)
        for n, entry in enumerate(_all(statement, "Ntry"), 1):
            if (_text(entry, "Sts/Cd") or _text(entry, "Sts")) not in ("BOOK", ""):
                continue
            found += _entry(entry, bin, account, f"entry {n}")
    return found


def _entry(entry: Any, bin: str, account: str, where: str) -> list[Movement]:
    sign = {"CRDT": 1, "DBIT": -1}.get(_text(entry, "CdtDbtInd"))
    if sign is None:
        raise Invalid(f"{where}: neither credit nor debit.", code="value")
    at = _text(entry, "BookgDt/DtTm") or _text(entry, "BookgDt/Dt") or _text(entry, "ValDt/Dt")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise Invalid(f"{where}: {at[:30]!r} is no date.", code="value") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=HANOI)
    ref = _text(entry, "AcctSvcrRef") or _text(entry, "NtryRef")
    parts = _all(entry, "NtryDtls/TxDtls")
    whole = _amount(entry, "Amt", where)
    made = []
    for i, part in enumerate(parts if len(parts) > 1 else [parts[0] if parts else entry]):
        own = _text(part, "Refs/AcctSvcrRef")
        amount = (_amount(part, "Amt", where) or _amount(part, "AmtDtls/TxAmt/Amt", where)) if len(parts) > 1 else whole
        said = " ".join(_text(x) for x in _all(part, "RmtInf/Ustrd")) or _text(entry, "AddtlNtryInf")
        side = "Dbtr" if sign > 0 else "Cdtr"
        payer = _text(part, f"RltdPties/{side}/Nm") or _text(part, f"RltdPties/{side}/Pty/Nm")
        number = own or (f"{ref}-{i + 1}" if ref and len(parts) > 1 else ref)
        if amount:
            made.append(Movement(bin, account, number[:100], sign * amount, moment, said[:1000], payer[:200]))
    if sum(abs(m.amount) for m in made) != whole:
        raise Invalid(f"{where}: its parts do not sum to it.", code="value")
    return made


def _amount(at: Any, path: str, where: str) -> int:
    node = next(iter(_all(at, path)), None)
    if node is None:
        return 0
    if node.get("Ccy", "VND") != "VND":
        raise Invalid(f"{where}: not in dong.", code="value")
    return _dong(node.text or "", ".", where)


def _all(at: Any, path: str) -> list[Any]:
    """By local names, whatever version of the message its namespace says."""
    here = [at]
    for name in path.split("/"):
        here = [child for one in here for child in one if etree.QName(child).localname == name] if name else here
    return here


def _text(at: Any, path: str = "") -> str:
    node = next(iter(_all(at, path)), None) if path else at
    return " ".join((node.text or "").split()) if node is not None else ""
