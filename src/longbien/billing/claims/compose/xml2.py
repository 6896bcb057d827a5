"""XML2: drugs and blood that were charged, a row a line of the bill."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ...lines import Share
from . import spell
from .case import Case, Resource, codings, extension, identifier, words_of
from .lines import AMOUNTS, WHICH, done, more, request
from .person import LINK
from .routes import route_code
from .table import COUNTED, NOT_TRACED, SPARE, Table

REGISTRATION = "https://longbien.org/fhir/sid/drug-registration"
TENDER = "https://longbien.org/fhir/StructureDefinition/drug-tender"
DAILY = {"d": Decimal(1), "h": Decimal(24), "wk": Decimal(1) / 7}


def asked(case: Case, share: Share) -> Resource:
    """The prescription of this drug: named by the charge, else the visit's own of the same code."""
    if found := request(case, share.line):
        return found
    wanted = {share.line.own, share.line.code} - {""}
    for one in case.of.get("MedicationRequest", ()):
        if wanted & {str(c.get("code")) for c in codings(one.get("medicationCodeableConcept"))}:
            return one
    return {}


def dosage(case: Case, share: Share) -> Resource:
    found = asked(case, share).get("dosageInstruction") or ()
    return next(iter(found), {})


def often(given: Mapping[str, Any]) -> Decimal | None:
    """Times a day."""
    repeat = (given.get("timing") or {}).get("repeat") or {}
    if repeat.get("frequency") and repeat.get("period"):
        return (
            Decimal(str(repeat["frequency"]))
            / Decimal(str(repeat["period"]))
            * DAILY.get(str(repeat.get("periodUnit")), Decimal(1))
        )
    when = repeat.get("when") or repeat.get("timeOfDay") or ()
    return Decimal(len(when)) if when else None


def dose(case: Case, share: Share) -> str:
    """LIEU_DUNG: "2 viên/lần * 2 lần/ngày * 5 ngày [4 viên/ngày]"; in a ward without the days; where the prescription counts no
    units, its own words."""
    given = dosage(case, share)
    rates: list[Resource] = list(given.get("doseAndRate") or ())
    quantity: Resource = (rates[0].get("doseQuantity") if rates else None) or {}
    unit = str(quantity.get("unit") or share.line.unit or "").lower()
    each, times = quantity.get("value"), often(given)
    if each is None or not times:
        return spell.text(given.get("text") or _given(share), 1024)
    day = Decimal(str(each)) * times
    said = f"{spell.number(each)} {unit}/lần * {spell.number(times, 2)} lần/ngày"
    if not case.inpatient and (days := _days(asked(case, share), share, day)):
        said += f" * {days} ngày"
    return f"{said} [{spell.number(day)} {unit}/ngày]"


def _days(prescribed: Resource, share: Share, day: Decimal) -> str:
    supply = prescribed.get("dispenseRequest") or {}
    for_days = (supply.get("expectedSupplyDuration") or {}).get("value")
    if for_days is not None:
        return spell.number(for_days, 0)
    period = supply.get("validityPeriod") or {}
    begin, end = spell.moment(period.get("start")), spell.moment(period.get("end"))
    return str((end - begin).days) if begin and end and 0 < (end - begin).days <= 90 else ""


def _given(share: Share) -> str:
    return f"{spell.number(share.line.quantity)} {share.line.unit}".strip()


def route(case: Case, share: Share) -> str:
    return str(share.line.more.get("DUONG_DUNG") or "") or route_code(words_of(dosage(case, share).get("route")))


def strength(case: Case, share: Share) -> str:
    """HAM_LUONG: of the price list, else what the drug's name ends with. Gases and blood have none."""
    if share.line.group == "7":
        return ""
    if said := str(share.line.more.get("HAM_LUONG") or ""):
        return spell.text(said, 1024)
    words = share.line.name.split()
    at = next((n for n, w in enumerate(words) if w[:1].isdigit()), None)
    return " ".join(words[at:]) if at else ""


def held(case: Case, share: Share) -> Resource:
    """What the pharmacy says of the drug."""
    return case.drugs.get(share.line.own) or {}


def form(case: Case, share: Share) -> str:
    return spell.text(share.line.more.get("DANG_BAO_CHE") or words_of(held(case, share).get("form")), 1024)


def registration(case: Case, share: Share) -> str:
    """SO_DANG_KY, without blanks."""
    said = share.line.more.get("SO_DANG_KY") or identifier(held(case, share), REGISTRATION)
    return "".join(str(said or "").split())[:255]


def tender(case: Case, share: Share) -> str:
    said = share.line.more.get("TT_THAU") or extension(held(case, share), TENDER).get("valueString")
    return "" if share.line.group in ("7", "17") else spell.text(said, 50)


TABLE = Table(
    "XML2",
    {
        **LINK,
        "STT": COUNTED,
        "MA_THUOC": lambda c, x: x.line.code or x.line.own,
        "TEN_THUOC": lambda c, x: spell.text(x.line.name, 1024),
        "HAM_LUONG": strength,
        "DUONG_DUNG": route,
        "DANG_BAO_CHE": form,
        "LIEU_DUNG": dose,
        "CACH_DUNG": lambda c, x: spell.text(dosage(c, x).get("text"), 1024),
        "SO_DANG_KY": registration,
        "TT_THAU": tender,
        "DON_GIA": lambda c, x: spell.number(x.line.price),
        **WHICH,
        **AMOUNTS,
        "NGAY_TH_YL": done,
        "MA_DICH_VU": more("MA_DICH_VU"),
        "NGUON_CTRA": lambda c, x: "1" if x.basis else "4",
    },
    lambda case: case.lines(drugs=True),
    unknown={
        "MA_PP_CHEBIEN": NOT_TRACED + ": no traditional drugs",
        "MA_CSKCB_THUOC": NOT_TRACED + ": no drugs lent by another facility",
        "VET_THUONG_TP": NOT_TRACED,
        "DU_PHONG": SPARE,
    },
)
