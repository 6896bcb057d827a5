"""A whole claim: each row by its table, then what must agree between rows and tables (sums, products, order of times, which
tables a kind of visit has). Decision 3176/QĐ-BYT; what is read out of two texts that differ says so where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache, lru_cache

from longbien.base.words import mark

from .checking import CORRECT, row_faults, shown
from .fault import Fault, Level
from .tables import TABLES, Claim, Row, fields, holds, rows

CENT = Decimal("0.01")
SUMMED = ("T_BNTT", "T_BNCCT", "T_BHTT", "T_NGUONKHAC")
SOURCES = ("T_NGUONKHAC_NSNN", "T_NGUONKHAC_VTNN", "T_NGUONKHAC_VTTN", "T_NGUONKHAC_CL")
DRUG_GROUPS = frozenset(("4", "5", "6", "7", "17"))
NOT_INSURED = "9"
"""MA_DOITUONG_KCB of who pays alone (decision 3276)."""
MATERIAL_GROUPS = frozenset(("10", "11"))
AMOUNTS = mark("Make the bill again; amounts are not corrected by hand.")


def check(claim: Claim, day: date) -> list[Fault]:
    """What is wrong with a claim as it would be sent on `day`; [] when nothing is. The faults of a row come in the order of its
    table. A check-in (XML0 alone) is checked by its own table."""
    out: list[Fault] = []
    for table, found in claim.items():
        if table not in TABLES:
            out.append(Fault("stop", table, 0, "", "unknown", mark("There is no table %(table)s."), CORRECT, {"table": table}))
            continue
        for n, row in enumerate(found, 1):
            out.extend(row_faults(table, n, row, day))
    if "XML0" in claim and "XML1" not in claim:
        return [*out, *_times(claim, {})]
    return [*out, *_whole(claim, day)]


def _whole(claim: Claim, day: date) -> Iterator[Fault]:
    heads = claim.get("XML1", [])
    if len(heads) != 1:
        text = mark("A claim has exactly one row in XML1; there are %(count)s.")
        yield Fault("stop", "XML1", 0, "", "rows", text, CORRECT, {"count": str(len(heads))})
        return
    head = heads[0]
    yield from _linked(claim, head)
    yield from _present(claim, head)
    yield from _same(claim, head, day)
    yield from _cards(head)
    yield from _times(claim, head)
    yield from _lines(claim)
    yield from _sums(claim, head)
    yield from _days(claim, head)


# ---- one visit -------------------------------------------------------------------------------------------------------


def _linked(claim: Claim, head: Row) -> Iterator[Fault]:
    """MA_LK is the same everywhere; STT counts up from 1."""
    link = head.get("MA_LK", "")
    for table, found in claim.items():
        for n, row in enumerate(found, 1):
            if row.get("MA_LK", link) != link:
                text = mark("MA_LK is %(value)s here and %(other)s in XML1.")
                yield Fault("stop", table, n, "MA_LK", "linked", text, CORRECT, {"value": row["MA_LK"][:40], "other": link})
            if table in ("XML2", "XML3", "XML4", "XML5") and row.get("STT", str(n)) != str(n):
                text = mark("STT is %(value)s in row %(row)s; rows are counted from 1.")
                yield Fault("stop", table, n, "STT", "counted", text, CORRECT, {"value": row["STT"][:10], "row": str(n)})


def _present(claim: Claim, head: Row) -> Iterator[Fault]:
    for table, rule, condition, level in _presence():
        there = bool(claim.get(table))
        if rule == "never" and there:
            yield Fault(level, table, 0, "", "presence", mark("%(table)s is typed on the portal and not sent."),
                        mark("Leave the table out."), {"table": table})  # fmt: skip
        elif rule == "only" and there and condition != "XML1" and not holds(condition, head):
            values = {"table": table, "condition": condition}
            yield Fault(level, table, 0, "", "presence", mark("%(table)s is sent only where %(condition)s."),
                        mark("Leave the table out, or correct the kind of visit."), values)  # fmt: skip
        elif rule == "needed" and not there and holds(condition, head):
            values = {"table": table, "condition": condition}
            yield Fault(level, table, 0, "", "presence", mark("%(table)s is missing: it is sent where %(condition)s."),
                        mark("Write the paper that belongs to it."), values)  # fmt: skip
    if claim.get("XML4") and not any(r.get("MA_NHOM") in ("1", "2", "3") for r in claim.get("XML3", [])):
        text = mark("XML4 holds results, XML3 holds no test that they belong to.")
        yield Fault("warn", "XML4", 0, "", "presence", text, mark("Look whether the tests were charged."), {})
    if not claim.get("XML2") and not claim.get("XML3") and head.get("MA_DOITUONG_KCB") != NOT_INSURED:
        yield Fault("warn", "XML1", 0, "", "presence", mark("The claim has neither drugs nor services."),
                    mark("Look whether the charges of the visit are there."), {})  # fmt: skip


@cache
def _presence() -> tuple[tuple[str, str, str, Level], ...]:
    return tuple((r["table"], r["rule"], r["condition"], _level(r["level"])) for r in rows("presence"))


def _level(text: str) -> Level:
    return "warn" if text == "warn" else "stop"


def _same(claim: Claim, head: Row, day: date) -> Iterator[Fault]:
    """What a paper repeats of XML1 must be the same there (the portal's rule)."""
    for table, found in claim.items():
        repeated = _repeated(table, day)
        for n, row in enumerate(found, 1):
            for name in repeated:
                if row.get(name) and row[name] != head.get(name, ""):
                    text = mark("%(field)s differs from XML1.")
                    yield Fault("stop", table, n, name, "same", text, mark("Make both say the same."), {"field": name})


@lru_cache(512)
def _repeated(table: str, day: date) -> tuple[str, ...]:
    return tuple(f.name for f in fields(table, day) if f.same) if table in TABLES else ()


def _cards(head: Row) -> Iterator[Fault]:
    names = ("MA_THE_BHYT", "MA_DKBD", "GT_THE_TU", "GT_THE_DEN")
    counts = {n: len(v.split(";")) for n in names if (v := head.get(n, ""))}
    most = max(counts.values(), default=0)
    for name, count in counts.items():
        if count != most and not (name == "GT_THE_DEN" and count < most):
            yield Fault("stop", "XML1", 1, name, "cards", mark("%(field)s speaks of %(count)s cards, the others of %(most)s."),
                        CORRECT, {"field": name, "count": str(count), "most": str(most)})  # fmt: skip
    others = [c for c in head.get("MA_BENH_KT", "").split(";") if c]
    if len(others) > 12:
        yield Fault("stop", "XML1", 1, "MA_BENH_KT", "diagnoses", mark("There are %(count)s further diagnoses; 12 may be sent."),
                    mark("Keep the twelve that matter most."), {"count": str(len(others))})  # fmt: skip


# ---- times -----------------------------------------------------------------------------------------------------------


@cache
def _sequence() -> tuple[tuple[str, str, str, Level], ...]:
    return tuple((r["table"], r["earlier"], r["later"], _level(r["level"])) for r in rows("sequence"))


def _times(claim: Claim, head: Row) -> Iterator[Fault]:
    for table, earlier, later, level in _sequence():
        for n, row in enumerate(claim.get(table, []), 1):
            a, b = _moment(earlier, row, head), _moment(later, row, head)
            if not a or not b or a[: len(b)] <= b[: len(a)]:
                continue
            at = earlier if later.startswith("XML1.") else later
            yield Fault(level, table, n, at, "order", mark("%(later)s (%(b)s) comes before %(earlier)s (%(a)s)."),
                        mark("Correct the time where it was written."),
                        {"later": later, "earlier": earlier, "a": shown(a), "b": shown(b)})  # fmt: skip


def _moment(name: str, row: Row, head: Row) -> str:
    value = head.get(name[5:], "") if name.startswith("XML1.") else row.get(name, "")
    value = value.split(";")[0]
    if not value.isdigit():
        return ""
    return value[:4] if value[4:8] == "0000" else value


# ---- amounts ---------------------------------------------------------------------------------------------------------


def number(row: Row, name: str) -> Decimal | None:
    """The number in a field, 0 where it is empty; None for what is no number (its own fault)."""
    text = row.get(name, "")
    if not text:
        return Decimal(0)
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


def _off(table: str, n: int, row: Row, name: str, said: Decimal | None, right: Decimal | None, how: str) -> Iterator[Fault]:
    if said is None or right is None or cents(said) == cents(right):
        return
    yield Fault("stop", table, n, name, "sum", mark("%(field)s is %(value)s; %(how)s is %(right)s."), AMOUNTS,
                {"field": name, "value": format(said, "f"), "right": format(cents(right), "f"), "how": how})  # fmt: skip


def _product(row: Row, *names: str) -> Decimal | None:
    """The product of fields; those whose name begins with TYLE or MUC are per cent."""
    out = Decimal(1)
    for name in names:
        factor = number(row, name)
        if factor is None:
            return None
        out *= factor / 100 if name.startswith(("TYLE", "MUC")) else factor
    return out


def _total(parts: list[Decimal | None]) -> Decimal | None:
    if any(p is None for p in parts):
        return None
    return sum((p for p in parts if p is not None), Decimal(0))


def _lines(claim: Claim) -> Iterator[Fault]:
    for n, row in enumerate(claim.get("XML2", []), 1):
        yield from _group("XML2", n, row, row.get("MA_NHOM", "") in DRUG_GROUPS)
        yield from _line("XML2", n, row, ("SO_LUONG", "DON_GIA"), ("SO_LUONG", "DON_GIA", "TYLE_TT_BH"))
    for n, row in enumerate(claim.get("XML3", []), 1):
        yield from _group("XML3", n, row, row.get("MA_NHOM", "") not in DRUG_GROUPS - {"17"})
        yield from _line(
            "XML3", n, row, ("SO_LUONG", "DON_GIA_BV", "TYLE_TT_DV"), ("SO_LUONG", "DON_GIA_BH", "TYLE_TT_DV", "TYLE_TT_BH")
        )


def _group(table: str, n: int, row: Row, right: bool) -> Iterator[Fault]:
    if row.get("MA_NHOM") and not right:
        yield Fault("stop", table, n, "MA_NHOM", "group", mark("Group %(value)s does not belong into this table."), CORRECT,
                    {"value": row["MA_NHOM"][:4]})  # fmt: skip


def _line(table: str, n: int, row: Row, whole: tuple[str, ...], basis: tuple[str, ...]) -> Iterator[Fault]:
    total, insured = number(row, "THANH_TIEN_BV"), number(row, "THANH_TIEN_BH")
    yield from _off(table, n, row, "THANH_TIEN_BV", total, _product(row, *whole), " × ".join(whole))
    yield from _off(table, n, row, "THANH_TIEN_BH", insured, _product(row, *basis), " × ".join(basis))
    other = number(row, "T_NGUONKHAC")
    yield from _off(table, n, row, "T_NGUONKHAC", other, _total([number(row, s) for s in SOURCES]), " + ".join(SOURCES))
    shares = _total([number(row, s) for s in SUMMED])
    yield from _off(table, n, row, "THANH_TIEN_BV", total, shares, " + ".join(SUMMED))
    if other == 0 and insured is not None:
        part = _product(row, "THANH_TIEN_BH", "MUC_HUONG")
        yield from _off(table, n, row, "T_BHTT", number(row, "T_BHTT"), part, "THANH_TIEN_BH × MUC_HUONG")


def _sums(claim: Claim, head: Row) -> Iterator[Fault]:
    """Of who pays alone XML1 and XML8 are sent without the lines: then the head's own sum is all there is to look at."""
    drugs, services = claim.get("XML2", []), claim.get("XML3", [])
    both = [*drugs, *services]
    shares = _total([number(head, s) for s in SUMMED])
    yield from _off("XML1", 1, head, "T_TONGCHI_BV", number(head, "T_TONGCHI_BV"), shares, " + ".join(SUMMED))
    if not both and head.get("MA_DOITUONG_KCB") == NOT_INSURED:
        return
    materials = [r for r in services if r.get("MA_NHOM") in MATERIAL_GROUPS]
    paid = [r for r in both if r.get("MA_PTTT") == "1"]
    for name, of, part in (
        ("T_THUOC", drugs, "THANH_TIEN_BV"),
        ("T_VTYT", materials, "THANH_TIEN_BV"),
        ("T_TONGCHI_BV", both, "THANH_TIEN_BV"),
        ("T_TONGCHI_BH", both, "THANH_TIEN_BH"),
        *((s, both, s) for s in SUMMED),
        ("T_BHTT_GDV", paid, "T_BHTT"),
    ):
        right = _total([number(r, part) for r in of])
        yield from _off("XML1", 1, head, name, number(head, name), right, f"Σ {part}")


# ---- days ------------------------------------------------------------------------------------------------------------


def _days(claim: Claim, head: Row) -> Iterator[Fault]:
    """Kinds 05 and 07 count days of drugs, which the claim does not hold as a number: not checked. Kind 01: 0 by the portal's check
    file of decision 4750, the formula by decision 3176; both are taken."""
    kind, said = head.get("MA_LOAI_KCB", ""), number(head, "SO_NGAY_DTRI")
    right = _stay(head)
    if said is None or right is None or kind in ("05", "07"):
        return
    allowed = {"09": {0}, "01": {0, right}}.get(kind, {right})
    if kind in ("02", "08"):
        allowed = {len({m[:8] for r in claim.get("XML3", []) if (m := r.get("NGAY_TH_YL") or r.get("NGAY_YL", ""))})}
    if int(said) not in allowed:
        yield Fault("warn" if kind in ("02", "08") else "stop", "XML1", 1, "SO_NGAY_DTRI", "days",
                    mark("SO_NGAY_DTRI is %(value)s; by this kind of visit it is %(right)s."), CORRECT,
                    {"value": head.get("SO_NGAY_DTRI", ""), "right": str(max(allowed))})  # fmt: skip


def _stay(head: Row) -> int | None:
    try:
        first, last = (date.fromisoformat(f"{v[:4]}-{v[4:6]}-{v[6:8]}") for v in (head["NGAY_VAO"], head["NGAY_RA"]))
    except (KeyError, ValueError):
        return None
    return (last - first).days + 1
