"""Legal papers of the ward's people that wait for signatures: a consent form, and for who leaves today what they take along."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import escape
from typing import Any

from longbien.demo import facilities
from longbien.demo.life import Life
from longbien.demo.shapes import stamp
from longbien.demo.ward_stories import Patient

CODES = "https://longbien.org/fhir/CodeSystem/paper"
TITLES = {
    "consent-form": "Giấy cam kết chấp thuận", "discharge-paper": "Giấy ra viện", "discharge-summary": "Tóm tắt hồ sơ bệnh án",
}  # fmt: skip
CONSENT = (
    ("Nội dung", "Tôi đã được bác sĩ giải thích về bệnh, về việc điều trị tại khoa, các thủ thuật có thể phải làm, lợi ích và "
                 "nguy cơ của chúng, và các cách điều trị khác."),
    ("Tôi đồng ý", "Tôi đồng ý điều trị và làm thủ thuật theo chỉ định của bác sĩ; có thể thay đổi ý kiến trước khi bắt đầu."),
)  # fmt: skip


def write(life: Life, w: Patient, now: datetime) -> None:
    """Of one person of the ward, for the stay that runs."""
    stay = next((r for r in reversed(life.out) if r["resourceType"] == "Encounter" and r["status"] == "in-progress"), None)
    if stay is None:
        return
    if w.bed == 12:
        _paper(life, stay, "consent-form", now - timedelta(hours=1), CONSENT)
    if w.leaves_in == 0:
        parts = (
            ("Phương pháp điều trị", "; ".join(f"{use}" for _, use in w.drugs) or "Điều trị nội khoa."),
            ("Tình trạng ra viện", w.course[-1]),
            ("Ghi chú", "Uống thuốc đều, tái khám theo hẹn. Trở lại ngay khi đau ngực hoặc khó thở."),
        )
        _paper(life, stay, "discharge-paper", now - timedelta(minutes=20), parts)
        summary = (("Chẩn đoán lúc vào viện", w.reason), ("Quá trình bệnh lý và diễn biến lâm sàng", " ".join(w.course)), *parts)
        _paper(life, stay, "discharge-summary", now - timedelta(minutes=15), summary)


def _paper(life: Life, stay: dict[str, Any], kind: str, at: datetime, parts: tuple[tuple[str, str], ...]) -> None:
    doctor = next(p["individual"] for p in stay["participant"])
    life.new(
        "Composition",
        status="preliminary",
        type={"coding": [{"system": CODES, "code": kind, "display": TITLES[kind]}], "text": TITLES[kind]},
        subject=life.subject,
        encounter={"reference": f"Encounter/{stay['id']}"},
        date=stamp(at),
        author=[doctor],
        title=TITLES[kind],
        custodian=facilities.organization_reference("SN"),
        section=[
            {
                "title": head,
                "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{escape(text)}</p></div>'},
            }
            for head, text in parts
        ],
    )
