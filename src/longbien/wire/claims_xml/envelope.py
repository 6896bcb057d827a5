"""The envelope GIAMDINHHS around a claim's tables: written and read. Order of fields is not relied upon when reading.

    <GIAMDINHHS><THONGTINDONVI><MACSKCB/></THONGTINDONVI>
     <THONGTINHOSO><NGAYLAP/><SOLUONGHOSO/><DANHSACHHOSO><HOSO><FILEHOSO><LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE>base64</NOIDUNGFILE>
     ...</THONGTINHOSO><CHUKYDONVI/></GIAMDINHHS>

UTF-8 without a mark, numbers with a point, text in CDATA. Nothing in a file may name another file: documents with a DOCTYPE are
refused before they are parsed. Seen in a Hanoi hospital's sender; the official schema was not to be had."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from lxml import etree

from . import tcvn3
from .refused import Refused
from .tables import TABLES, Claim, Order, Row, fields, wrappers

LARGEST = 20 << 20
"""Bytes of an envelope that are read, unless the caller says otherwise."""
MOST_CLAIMS = 1000
MOST_ROWS = 20_000
_NS = 'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_PLAIN = re.compile(r"[\w.;/:+\- ]*\Z")
_DECLARED = re.compile(r"""\A\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.\-]+)["']""")
DSIG = "http://www.w3.org/2000/09/xmldsig#"


@dataclass(frozen=True)
class Envelope:
    """facility: MACSKCB. made: NGAYLAP as written. claims: in their order. signature: what CHUKYDONVI holds, b"" when nothing
    (verified by `signature.verify` over the whole file)."""

    facility: str
    made: str
    claims: Sequence[Claim]
    signature: bytes


# ---- writing ---------------------------------------------------------------------------------------------------------


def write(claim: Claim, day: date, *, facility: str = "", order: Order = "sender") -> bytes:
    """One claim in its envelope, unsigned. `facility`: MACSKCB where it is not in XML1 or XML0. Raises Refused for what XML cannot
    hold and for a table or field that nobody knows."""
    head = next((rows[0] for t in ("XML1", "XML0") if (rows := claim.get(t))), {})
    return envelope([claim], day, facility or head.get("MA_CSKCB", ""), order=order)


def envelope(claims: Sequence[Claim], day: date, facility: str, *, order: Order = "sender") -> bytes:
    files = "".join(f"<HOSO>{_files(c, day, order)}</HOSO>" for c in claims)
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<GIAMDINHHS {_NS}><THONGTINDONVI><MACSKCB>{text(facility, "MACSKCB")}</MACSKCB>'
        f"</THONGTINDONVI><THONGTINHOSO><NGAYLAP>{day:%Y%m%d}</NGAYLAP><SOLUONGHOSO>{len(claims)}</SOLUONGHOSO>"
        f"<DANHSACHHOSO>{files}</DANHSACHHOSO></THONGTINHOSO><CHUKYDONVI></CHUKYDONVI></GIAMDINHHS>"
    ).encode()


def _files(claim: Claim, day: date, order: Order) -> str:
    unknown = sorted(set(claim) - set(TABLES))
    if unknown:
        raise Refused("unknown-table", unknown[0], "There is no table of this name.")
    return "".join(
        f"<FILEHOSO><LOAIHOSO>{t}</LOAIHOSO><NOIDUNGFILE>{base64.b64encode(file(t, claim[t], day, order)).decode()}"
        "</NOIDUNGFILE></FILEHOSO>"
        for t in TABLES
        if claim.get(t)
    )


def file(table: str, rows: Sequence[Row], day: date, order: Order = "sender") -> bytes:
    """One table as the file that stands in NOIDUNGFILE."""
    wrap = wrappers()[table]
    names = [f.name for f in fields(table, day, order)]
    if not wrap.root:
        raise Refused("no-file", table, "This table is typed on the portal; there is no file of it.")
    if not wrap.item and len(rows) != 1:
        raise Refused("rows", table, "This table has one row.")
    inner = "".join(_row(table, wrap.item, n, row, names) for n, row in enumerate(rows, 1))
    inner = f"<{wrap.list}>{inner}</{wrap.list}>" if wrap.list else inner
    return f'<?xml version="1.0" encoding="utf-8"?>\n<{wrap.root}>{inner}</{wrap.root}>'.encode()


def _row(table: str, item: str, n: int, row: Mapping[str, str], names: Sequence[str]) -> str:
    unknown = set(row) - set(names)
    if unknown:
        raise Refused("unknown-field", f"{table} {n} {min(unknown)}", "There is no field of this name in the table.")
    inner = "".join(f"<{name}>{text(row.get(name, ''), f'{table} {n} {name}')}</{name}>" for name in names)
    return f"<{item}>{inner}</{item}>" if item else inner


def text(value: str, where: str) -> str:
    """Codes and numbers plain, everything else in CDATA. `]]>` is cut in two CDATA parts. Line ends as XML reads them."""
    if _PLAIN.match(value) and value == value.strip():
        return value
    if _FORBIDDEN.search(value):
        raise Refused("control", where, "The text holds a control character that XML cannot carry.")
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    return "<![CDATA[" + value.replace("]]>", "]]]]><![CDATA[>") + "]]>"


# ---- reading ---------------------------------------------------------------------------------------------------------


def read(data: bytes, *, largest: int = LARGEST) -> Envelope:
    """Raises Refused, naming where, for whatever is no such envelope: too large, another encoding, a byte order mark, a DOCTYPE,
    broken XML or base64, a table that nobody knows, a table twice, text in TCVN3."""
    root = parse(data, "GIAMDINHHS", largest=largest)
    if _name(root) != "GIAMDINHHS":
        raise Refused("root", "GIAMDINHHS", f"The outermost element is {_name(root)[:60]}, not GIAMDINHHS.")
    holders = [e for e in root.iter("{*}HOSO") if isinstance(e.tag, str)]
    if not holders:
        raise Refused("empty", "DANHSACHHOSO", "The envelope holds no claim.")
    if len(holders) > MOST_CLAIMS:
        raise Refused("many", "DANHSACHHOSO", f"The envelope holds more than {MOST_CLAIMS} claims.")
    said = _one(root, "SOLUONGHOSO")
    if said and said != str(len(holders)):
        raise Refused("count", "SOLUONGHOSO", f"The envelope says {said[:20]} claims and holds {len(holders)}.")
    claims = [_claim(h, n) for n, h in enumerate(holders, 1)]
    signed = next((e for e in root.iter(f"{{{DSIG}}}Signature")), None)
    return Envelope(_one(root, "MACSKCB"), _one(root, "NGAYLAP"), claims, etree.tostring(signed) if signed is not None else b"")


def parse(data: bytes, where: str, *, largest: int = LARGEST) -> etree._Element:
    """XML from anybody: nothing outside is read, nothing is expanded. Raises Refused."""
    if len(data) > largest:
        raise Refused("large", where, f"The file has more than {largest >> 20} MiB.")
    text = _decoded(data, where)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise Refused("doctype", where, "A DOCTYPE or an entity is not taken: such a file can name others or grow without end.")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True,
                             remove_pis=True, recover=False)  # fmt: skip
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as why:
        line = getattr(why, "lineno", None)
        raise Refused(
            "xml", f"{where}{f' line {line}' if line else ''}", f"This is no well-formed XML: {str(why)[:120]}."
        ) from None


def _decoded(data: bytes, where: str) -> str:
    if data.startswith(b"\xef\xbb\xbf"):
        raise Refused("bom", where, "The file begins with a byte order mark; write UTF-8 without it.")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or data[:4].count(0) > 1:
        raise Refused("encoding", where, "The file is UTF-16 or UTF-32; write UTF-8.")
    try:
        text = data.decode()
    except UnicodeDecodeError as why:
        if tcvn3.in_bytes(data):
            raise Refused("tcvn3", where, "The text is TCVN3 (ABC); turn it into Unicode, UTF-8.") from None
        raise Refused("encoding", where, f"Byte {why.start} is not UTF-8.") from None
    said = _DECLARED.match(text[:200])
    if said and said[1].lower() not in ("utf-8", "utf8"):
        raise Refused("encoding", where, f"The file says that it is {said[1][:20]}; only UTF-8 is taken.")
    return text


def _claim(holder: etree._Element, n: int) -> Claim:
    out: Claim = {}
    for m, part in enumerate((e for e in holder.iter("{*}FILEHOSO")), 1):
        table, where = _one(part, "LOAIHOSO"), f"HOSO {n} FILEHOSO {m}"
        if table not in TABLES:
            raise Refused("unknown-table", where, f"LOAIHOSO is {table[:40] or 'empty'}: there is no such table.")
        if table in out:
            raise Refused("twice", where, f"{table} comes twice in one claim.")
        out[table] = rows_of(table, _unpacked(_one(part, "NOIDUNGFILE"), f"{where} {table}"), f"HOSO {n} {table}")
    if not out:
        raise Refused("empty", f"HOSO {n}", "The claim holds no file.")
    return out


def _unpacked(text: str, where: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("base64", where, "NOIDUNGFILE is not base64.") from None


def rows_of(table: str, data: bytes, where: str) -> list[Row]:
    """The rows of one table's file, whatever the order of its fields. Raises Refused."""
    root, wrap = parse(data, where), wrappers()[table]
    if _name(root) != wrap.root:
        raise Refused("root", where, f"The outermost element is {_name(root)[:60]}, not {wrap.root or table}.")
    items = list(root.iter(f"{{*}}{wrap.item}")) if wrap.item else [root]
    if len(items) > MOST_ROWS:
        raise Refused("many", where, f"The table has more than {MOST_ROWS} rows.")
    return [_values(item, f"{where} {n}") for n, item in enumerate(items, 1)]


def _values(item: etree._Element, where: str) -> Row:
    out: Row = {}
    for child in item:
        name = _name(child)
        if name in out:
            raise Refused("twice", f"{where} {name}", "The field comes twice in one row.")
        if len(child):
            raise Refused("nested", f"{where} {name}", "The field holds elements where text is expected.")
        out[name] = text = (child.text or "").strip()
        if not text.isascii() and tcvn3.in_text(text):
            raise Refused("tcvn3", f"{where} {name}", "The text is TCVN3 (ABC); turn it into Unicode, UTF-8.")
    return out


def _name(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _one(root: etree._Element, name: str) -> str:
    found = next(root.iter(f"{{*}}{name}"), None)
    return (found.text or "").strip() if found is not None else ""
