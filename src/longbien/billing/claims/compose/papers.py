"""What the tables of papers (XML6 to XML15) share: a field that a section of the paper names is taken from there. Pure.

A paper is a Composition; a section whose code is the field's name (CodeSystem paper-field) holds the field's text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from . import spell
from .case import Case, Resource, said_in
from .person import CARD, LINK, ORIGIN, WHERE, WHO, number, social
from .table import Make, Table, visit

Paper = Resource


def of_kind(kind: str, when: Callable[[Case], bool] = lambda case: True) -> Callable[[Case], Iterable[Paper]]:
    """The newest paper of this kind, where the visit has one and `when` holds of it."""

    def items(case: Case) -> Iterable[Paper]:
        found = case.paper(kind)
        return [found] if found and when(case) else []

    return items


def said(name: str, *sections: str, most: int = 0, otherwise: Make | None = None) -> Make:
    """The field's own section, else one of these, else what `otherwise` makes."""

    def make(case: Case, paper: Paper) -> str:
        found = said_in(paper, name) or said_in(paper, *sections) if sections else said_in(paper, name)
        return spell.text(found or (otherwise(case, paper) if otherwise else ""), most)

    return make


def fields(made: Mapping[str, Make]) -> dict[str, Make]:
    """Every field: first as the paper's own section says it."""
    return {name: said(name, otherwise=make) for name, make in made.items()}


def paper_number(case: Case, paper: Paper) -> str:
    return str((paper.get("identifier") or {}).get("value") or paper.get("id") or "")


def dated(case: Case, paper: Paper) -> str:
    """NGAY_CT."""
    return spell.day(paper.get("date")) or spell.day((case.encounter.get("period") or {}).get("end"))


def author(case: Case, paper: Paper) -> str:
    return next((n for a in paper.get("author") or () if (n := case.licence(a))), "") or case.licence(case.doctor)


def author_name(case: Case, paper: Paper) -> str:
    return next((n for a in paper.get("author") or () if (n := case.staff(a))), "") or case.staff(case.doctor)


def father(case: Case, paper: Paper) -> str:
    return case.relative("FTH")


def mother(case: Case, paper: Paper) -> str:
    return case.relative("MTH")


DIRECTOR = visit(lambda c: c.licence(c.director))
TIMES: dict[str, Make] = {
    "NGAY_VAO": visit(lambda c: spell.at_moment(c.begin)),
    "NGAY_VAO_NOI_TRU": visit(lambda c: spell.at_moment(c.begin) if c.inpatient else ""),
    "NGAY_RA": visit(lambda c: spell.at_moment(c.end)),
}
DISEASE: dict[str, Make] = {
    "MA_BENH_CHINH": visit(lambda c: (c.icd or [""])[0][:7]),
    "MA_BENH_KT": visit(lambda c: spell.listed(c.icd[1:], 12)),
}
EVERYBODY: dict[str, Make] = {
    **LINK, **WHO, **WHERE, **ORIGIN, **CARD, **TIMES, **DISEASE, "MA_BN": visit(number), "MA_BHXH": visit(social),
    "MA_CSKCB": visit(lambda c: c.facility_code), "MA_TTDV": DIRECTOR, "HO_TEN_CHA": father, "HO_TEN_ME": mother,
    "MA_BS": author, "TEN_BS": author_name, "MA_BAC_SI": author, "NGAY_CT": dated,
    "CHAN_DOAN_RV": said("CHAN_DOAN_RV", "diagnosis", otherwise=visit(lambda c: c.diagnosis)),
    "MA_LOAI_RV": visit(lambda c: c.leaving), "MA_DOITUONG_KCB": visit(lambda c: c.object),
}  # fmt: skip
"""Fields that mean the same on every paper."""


def sheet(name: str, kind: str, own: Iterable[str], given: Mapping[str, Make], unknown: Mapping[str, str]) -> Table:
    """A table of which the record knows what a paper of this kind says, a section a field (`own`), and who the patient is."""
    made: dict[str, Make] = {**{f: said(f) for f in own}, **fields(given)}
    return Table(name, made, of_kind(kind), unknown)
