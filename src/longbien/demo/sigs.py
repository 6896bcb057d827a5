"""How a drug is taken when a doctor writes it: one dose, not the catalogue's span of doses. Adults unless said."""

from __future__ import annotations

import re
from typing import Any, Final

SIGS: Final[dict[str, str]] = {
    "para500": "Uống 1 viên/lần khi đau hoặc sốt, cách nhau ít nhất 6 giờ",
    "para1gtt": "Truyền tĩnh mạch 1 chai/lần khi sốt ≥ 38,5 °C, cách nhau ít nhất 6 giờ",
    "esom40": "Uống 1 viên/ngày, trước ăn sáng 30 phút",
    "rabe20": "Uống 1 viên/ngày, trước ăn sáng 30 phút",
    "alumag": "Uống 1 gói/lần, ngày 3 lần, sau ăn 1 giờ",
    "dompe10": "Uống 1 viên/lần, ngày 3 lần, trước ăn 15 phút",
    "melo75": "Uống 1 viên/ngày, sau ăn",
    "eper50": "Uống 1 viên/lần, ngày 3 lần, sau ăn",
    "ambro30": "Uống 1 viên/lần, ngày 3 lần",
    "azi500": "Uống 1 viên/ngày",
    "augm1g": "Uống 1 viên/lần, ngày 2 lần, đầu bữa ăn",
    "betah16": "Uống 1 viên/lần, ngày 3 lần, sau ăn",
    "feIII": "Uống 1 viên/ngày",
    "fosfo3": "Uống 1 gói, một lần duy nhất, lúc đói",
    "xylo": "Nhỏ mỗi bên mũi 1 giọt/lần, ngày 2 lần, không quá 5 ngày",
    "ors": "Pha 1 gói với 200 mL nước, uống sau mỗi lần đi lỏng",
    "ceftri1": "Tiêm tĩnh mạch chậm 2 lọ/ngày",
    "cefosul": "Tiêm tĩnh mạch chậm 1 lọ/lần, ngày 2 lần",
    "cefazo1": "Tiêm tĩnh mạch 2 lọ trước rạch da 30 phút",
    "metro500p": "Truyền tĩnh mạch 1 chai/lần, ngày 3 lần",
    "levo750p": "Truyền tĩnh mạch 1 chai/ngày",
    "mpred40": "Tiêm tĩnh mạch 1 lọ/ngày, buổi sáng",
    "combi": "Khí dung 1 ống/lần, ngày 4 lần",
    "furo20t": "Tiêm tĩnh mạch 2 ống/lần, ngày 2 lần",
    "enoxa40": "Tiêm dưới da 1 bơm/ngày",
    "panto40t": "Tiêm tĩnh mạch 1 lọ/lần, ngày 2 lần",
    "nacl09": "Truyền tĩnh mạch 500 mL, 40 giọt/phút",
    "ringer": "Truyền tĩnh mạch 500 mL, 40 giọt/phút, theo dõi hematocrit",
    "drota40t": "Tiêm bắp 1 ống/lần khi đau, ngày tối đa 2 lần",
    "spiro25": "Uống 1 viên/ngày, buổi sáng",
    "asp81": "Uống 1 viên/ngày, sau ăn trưa",
    "clopi75": "Uống 1 viên/ngày, buổi sáng",
    "atorva20": "Uống 1 viên/ngày, buổi tối",
    "tica90": "Uống 1 viên/lần, ngày 2 lần",
    "enoxa60": "Tiêm dưới da 1 bơm/lần, ngày 2 lần",
}
# Children: by weight, so the drug is chosen with the dose.
CHILD_SIGS: Final[dict[str, str]] = {
    "para80a": "Đặt hậu môn 1 viên/lần khi sốt ≥ 38,5 °C, cách nhau ít nhất 6 giờ",
    "para150g": "Uống 1 gói/lần khi sốt ≥ 38,5 °C, cách nhau ít nhất 6 giờ",
    "para250g": "Uống 1 gói/lần khi sốt ≥ 38,5 °C, cách nhau ít nhất 6 giờ",
    "para500": "Uống 1 viên/lần khi sốt ≥ 38,5 °C, cách nhau ít nhất 6 giờ",
    "amox250g": "Uống 1 gói/lần, ngày 2 lần",
    "zinc20": "Uống 2 viên/ngày, trong 10 ngày",
    "ceftri1": "Tiêm tĩnh mạch chậm 50 mg/kg/ngày, một lần",
    "azi500": "Uống 10 mg/kg/ngày, một lần",
    "lorat10": "Uống 1/2 viên/ngày",
    "ambro30": "Uống 1/2 viên/lần, ngày 2 lần",
}


def child_paracetamol(weight: float) -> str:
    """The form whose one dose is 10-15 mg/kg."""
    return "para80a" if weight < 8 else "para150g" if weight < 16 else "para250g" if weight < 28 else "para500"


def sig(drug: str, child: bool) -> str:
    """How to take it, or nothing where only the catalogue knows."""
    return (CHILD_SIGS.get(drug) if child else None) or SIGS.get(drug, "")


def timing(text: str, daily: int | None) -> dict[str, Any]:
    """What an order's own words say of when, as dosageInstruction has it: {"timing": ..., "asNeededBoolean": ...}. `daily`: how
    often a day by the catalogue, None where it does not say."""
    told = re.search(r"ngày (\d) lần|\bmỗi ngày (\d) lần", text)
    often = int(told[1] or told[2]) if told else daily
    if re.search(r"khi (đau|sốt|cần|khó thở)", text):
        apart = re.search(r"cách nhau ít nhất (\d+) giờ", text)
        return {
            "asNeededBoolean": True,
            "timing": {"repeat": {"frequency": 1, "period": int(apart[1]) if apart else 6, "periodUnit": "h"}},
        }
    hour = re.search(r"\b(\d{1,2}) giờ\b", text)
    if hour and int(hour[1]) < 24 and "cách" not in text and often in (None, 1):
        return {"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d", "timeOfDay": [f"{int(hour[1]):02d}:00:00"]}}}
    if "sáng" in text and "chiều" in text:
        return {"timing": {"repeat": {"when": ["MORN", "EVE.early"]}}}
    if "buổi tối" in text and often in (None, 1):
        return {"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d", "when": ["EVE"]}}}
    if "buổi sáng" in text and often in (None, 1):
        return {"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d", "when": ["MORN"]}}}
    return {"timing": {"repeat": {"frequency": often, "period": 1, "periodUnit": "d"}}} if often else {}
