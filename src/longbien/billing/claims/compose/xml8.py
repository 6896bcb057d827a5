"""XML8: the summary of the record, of stays and day care (and of 05: decision 3176)."""

from __future__ import annotations

from longbien.fhir import systems as s

from .case import Case, code_of
from .papers import DIRECTOR, EVERYBODY, Paper, dated, father, fields, mother, said
from .person import LINK
from .table import NOT_TRACED, SIGNED, Table, visit

KINDS = frozenset(("03", "04", "05", "06"))
SUMMARY = "18842-5"
DEAD_CHILD = ("NGAY_SINHCON", "NGAY_CONCHET", "SO_CONCHET")


def course(case: Case) -> str:
    return case.told("course", "QT_BENHLY", "Quá trình bệnh lý và diễn biến lâm sàng") or case.reason or case.diagnosis


def results(case: Case) -> str:
    """TOMTAT_KQ: as a paper says it; else the reports' conclusions; else that there were none."""
    said_ = case.told("results", "TOMTAT_KQ", "Tóm tắt kết quả cận lâm sàng có giá trị chẩn đoán")
    found = [str(r.get("conclusion")) for r in case.all("DiagnosticReport") if r.get("conclusion")]
    return said_ or "; ".join(found) or "Không có kết quả cần ghi."


def summaries(case: Case) -> list[Paper]:
    """The paper; else the doctor's own summary at discharge."""
    if case.kind not in KINDS:
        return []
    notes = [n for n in case.compositions if code_of(n.get("type"), s.LOINC) == SUMMARY]
    return [found] if (found := case.paper("discharge-summary") or (notes[-1] if notes else {})) else []


TABLE = Table(
    "XML8",
    {
        **fields({
            **LINK,
            "MA_LOAI_KCB": visit(lambda c: c.kind),
            "HO_TEN_CHA": father,
            "HO_TEN_ME": mother,
            "NGUOI_GIAM_HO": visit(lambda c: c.relative("GUARD")),
            "NGAY_VAO": EVERYBODY["NGAY_VAO"],
            "NGAY_RA": EVERYBODY["NGAY_RA"],
            "CHAN_DOAN_VAO": visit(lambda c: c.admitted_for),
            "KET_QUA_DTRI": visit(lambda c: c.result),
            "MA_TTDV": DIRECTOR,
            "NGAY_CT": dated,
        }),
        "CHAN_DOAN_RV": EVERYBODY["CHAN_DOAN_RV"],
        "QT_BENHLY": said("QT_BENHLY", "course", otherwise=visit(course)),
        "TOMTAT_KQ": said("TOMTAT_KQ", "results", otherwise=visit(results)),
        "PP_DIEUTRI": said("PP_DIEUTRI", "treatment", otherwise=visit(lambda c: c.treatment)),
        "GHI_CHU": said("GHI_CHU", "advice"),
        "DON_VI": said("DON_VI"),
        **{name: said(name) for name in DEAD_CHILD},
    },
    summaries,
    unknown={"MA_THE_TAM": NOT_TRACED + ": the portal gives it", "DU_PHONG": SIGNED},
)  # fmt: skip
