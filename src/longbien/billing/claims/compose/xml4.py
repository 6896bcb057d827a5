"""XML4: results: an index a row; a report of images or of a function a row with its description and conclusion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from longbien.fhir import systems as s

from . import spell
from .case import Case, Resource, code_of, codings, reference_id, words_of
from .person import LINK
from .table import COUNTED, SPARE, Table

CONCLUDED = "Kết luận:"


@dataclass(frozen=True)
class Result:
    """An index (observation) with its report, or a report alone."""

    observation: Resource = field(default_factory=dict)
    report: Resource = field(default_factory=dict)


def laboratory(observation: Resource) -> bool:
    return any(c.get("code") == "laboratory" for c in codings(observation.get("category")))


def results(case: Case) -> Iterator[Result]:
    reports = [r for r in case.all("DiagnosticReport") if r.get("status") not in ("registered", "partial", "preliminary")]
    of = {reference_id(o): r for r in reports for o in r.get("result") or ()}
    for o in case.all("Observation"):
        if laboratory(o) and o.get("status") in ("final", "amended", "corrected") and (o.get("valueQuantity") or value(o)):
            yield Result(o, of.get(str(o.get("id")), {}))
    for r in reports:
        if r.get("conclusion") and not r.get("result"):
            yield Result(report=r)


def value(o: Resource) -> str:
    """GIA_TRI: the number as it was measured, or the word."""
    if (quantity := o.get("valueQuantity") or {}).get("value") is not None:
        return f"{quantity.get('comparator') or ''}{quantity['value']}"
    said = o.get("valueString") or words_of(o.get("valueCodeableConcept"))
    return spell.text(said if said else o.get("valueInteger"), 255)


def own_code(concept: object) -> str:
    return code_of(concept, s.LAB, s.IMAGING, s.SERVICE, s.LOINC)


def service(case: Case, x: Result) -> str:
    """MA_DICH_VU: as the bill calls what was done, by its house code; what was not charged keeps its house code."""
    mine = own_code(x.report.get("code") if x.report else x.observation.get("code"))
    of_line = {share.line.own: share.line.code for share in case.shares if share.line.own and share.line.code}
    single = own_code(x.observation.get("code"))
    return of_line.get(mine) or of_line.get(single) or mine


def at(x: Result) -> str:
    one = x.observation or x.report
    return spell.at(one.get("issued") or x.report.get("issued") or one.get("effectiveDateTime"))


def reader(case: Case, x: Result) -> str:
    """MA_BS_DOC_KQ."""
    for one in (x.report, x.observation):
        for key in ("resultsInterpreter", "performer"):
            if said := spell.listed(case.licence(p) for p in one.get(key) or ()):
                return said
    return ""


def described(x: Result) -> tuple[str, str]:
    """(what was seen, what it means) of a report."""
    said = spell.text(x.report.get("conclusion"))
    before, mark, after = said.partition(CONCLUDED)
    return (before.strip(), after.strip()) if mark else ("", said)


def ranged(o: Resource) -> str:
    """The unit of an index."""
    return spell.text((o.get("valueQuantity") or {}).get("unit"), 50)


TABLE = Table(
    "XML4",
    {
        **LINK,
        "STT": COUNTED,
        "MA_DICH_VU": service,
        "MA_CHI_SO": lambda c, x: own_code(x.observation.get("code")) if x.observation else "",
        "TEN_CHI_SO": lambda c, x: spell.text(
            next((k.get("display") for k in codings((x.observation or x.report).get("code")) if k.get("display")), "")
            or words_of((x.observation or x.report).get("code")), 255
        ),
        "GIA_TRI": lambda c, x: value(x.observation) if x.observation else "",
        "DON_VI_DO": lambda c, x: ranged(x.observation) if x.observation else "",
        "MO_TA": lambda c, x: "" if x.observation else described(x)[0],
        "KET_LUAN": lambda c, x: "" if x.observation else described(x)[1],
        "NGAY_KQ": lambda c, x: at(x),
        "MA_BS_DOC_KQ": reader,
    },
    results,
    unknown={"DU_PHONG": SPARE},
)  # fmt: skip
