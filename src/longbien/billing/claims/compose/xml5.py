"""XML5: the course of the illness, a note a row; of stays and of treatment that goes on at home (kinds 02, 05, 08)."""

from __future__ import annotations

from collections.abc import Iterator

from . import spell
from .case import Case, Resource, code_of, codings, said_in, whole
from .person import LINK
from .table import COUNTED, NOT_TRACED, SPARE, Table

PROGRESS, ADMISSION, OUTPATIENT = "11506-3", "34117-2", "34108-1"
SURGERY = "surgery"
NOTES = frozenset((PROGRESS, ADMISSION, OUTPATIENT, SURGERY, "treatment-sheet"))
KINDS = frozenset(("02", "03", "04", "05", "06", "08", "09"))


def notes(case: Case) -> Iterator[Resource]:
    if case.kind not in KINDS:
        return
    first, last = spell.at_moment(case.begin), spell.at_moment(case.end) or "9"
    for one in sorted(case.compositions, key=lambda n: str(n.get("date") or "")):
        kinds = {str(c.get("code")) for c in codings(one.get("type"))}
        if kinds & NOTES and first <= spell.at(one.get("date")) <= last and whole(one):
            yield one


def surgery(case: Case, note: Resource) -> str:
    return whole(note) if code_of(note.get("type")) == SURGERY else said_in(note, "operations", "29554-3")


TABLE = Table(
    "XML5",
    {
        **LINK,
        "STT": COUNTED,
        "DIEN_BIEN_LS": lambda c, x: whole(x),
        "HOI_CHAN": lambda c, x: said_in(x, "consultation", "HOI_CHAN"),
        "PHAU_THUAT": surgery,
        "THOI_DIEM_DBLS": lambda c, x: spell.at(x.get("date")),
        "NGUOI_THUC_HIEN": lambda c, x: next((n for a in x.get("author") or () if (n := c.licence(a))), "") or c.licence(c.doctor),
    },
    notes,
    unknown={"GIAI_DOAN_BENH": NOT_TRACED + ": a stage is not coded apart", "DU_PHONG": SPARE},
)
