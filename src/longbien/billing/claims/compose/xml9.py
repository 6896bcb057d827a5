"""XML9: the birth certificate, a row a child born alive in this stay; of the mother's claim."""

from __future__ import annotations

from collections.abc import Sequence

from longbien.fhir import systems as s

from . import spell
from .case import Case, Resource, code_of, identifier, name_of
from .person import LINK, ORIGIN, WHERE, WHO, card_number, social
from .table import NOT_TRACED, SIGNED, Make, Table, visit
from .xml1 import grams

GESTATION = ("11884-4", "11885-1", "49051-6", "18185-9")
PLAIN = "Khỏe mạnh"


def births(case: Case) -> Sequence[Case]:
    return case.births


def weeks(child: Case) -> int | None:
    for o in child.of.get("Observation", ()):
        if code_of(o.get("code"), s.LOINC) in GESTATION and (o.get("valueQuantity") or {}).get("value") is not None:
            return int(o["valueQuantity"]["value"])
    return None


def _cut(procedure: Resource) -> bool:
    code = procedure.get("code") or {}
    return code_of(code, s.ICD9CM_PROCEDURES).startswith("74") or "mổ lấy thai" in str(code.get("text")).lower()


def caesarean(case: Case) -> bool:
    return any(_cut(p) for p in case.all("Procedure"))


def note(case: Case, child: Case) -> str:
    n = weeks(child)
    parts = [
        "Sinh con phải phẫu thuật" if caesarean(case) else "",
        "Sinh con dưới 32 tuần tuổi" if n is not None and n < 32 else "",
    ]
    return "; ".join(p for p in parts if p) or "Không"


MOTHER: dict[str, Make] = {
    "MA_BHXH_NND": visit(social), "MA_THE_NND": visit(lambda c: card_number(c.cover)), "HO_TEN_NND": WHO["HO_TEN"],
    "NGAYSINH_NND": visit(lambda c: c.birth[:8]), "MA_DANTOC_NND": ORIGIN["MA_DANTOC"], "SO_CCCD_NND": WHO["SO_CCCD"],
    "NOI_CU_TRU_NND": WHO["DIA_CHI"], "MA_QUOCTICH": ORIGIN["MA_QUOCTICH"], **WHERE,
}  # fmt: skip
TABLE = Table(
    "XML9",
    {
        **LINK,
        **MOTHER,
        "HO_TEN_CHA": lambda c, x: x.relative("FTH"),
        "HO_TEN_CON": lambda c, x: spell.text(name_of(x.patient), 255),
        "GIOI_TINH_CON": lambda c, x: x.sex,
        "SO_CON": lambda c, x: str(len(c.births)),
        "CAN_NANG_CON": lambda c, x: grams(x),
        "NGAY_SINH_CON": lambda c, x: x.birth if not x.birth.endswith("0000") else spell.at_moment(x.begin),
        "NOI_SINH_CON": visit(lambda c: spell.text(f"{c.facility.get('name') or ''}, {_where(c)}".strip(", "), 1024)),
        "TINH_TRANG_CON": lambda c, x: x.diagnosis or PLAIN,
        "SINHCON_PHAUTHUAT": visit(lambda c: "1" if caesarean(c) else "0"),
        "SINHCON_DUOI32TUAN": lambda c, x: "1" if (n := weeks(x)) is not None and n < 32 else "0",
        "GHI_CHU": note,
        "NGUOI_DO_DE": lambda c, x: c.staff(x.doctor) or c.staff(c.doctor),
        "NGUOI_GHI_PHIEU": lambda c, x: c.staff(x.doctor) or c.staff(c.doctor),
        "NGAY_CT": lambda c, x: spell.at_moment(c.end)[:8],
        "SO": lambda c, x: identifier(x.patient, s.NEWBORN_NUMBER) or x.id,
        "QUYEN_SO": visit(lambda c: f"{c.end:%Y}" if c.end else ""),
        "MA_TTDV": visit(lambda c: c.licence(c.director)),
    },
    births,
    unknown={
        "MAHUYEN_CU_TRU": "districts ended on 1 July 2025",
        "NGAYCAP_CCCD_NND": NOT_TRACED, "NOICAP_CCCD_NND": NOT_TRACED, "MA_THE_TAM": NOT_TRACED + ": the portal gives it",
        "LAN_SINH": NOT_TRACED + ": earlier births are told in words only",
        "SO_CON_SONG": NOT_TRACED + ": earlier births are told in words only",
        "DU_PHONG": SIGNED,
    },
)  # fmt: skip


def _where(case: Case) -> str:
    return str(next((a.get("text") for a in case.facility.get("address") or ()), "") or "")
