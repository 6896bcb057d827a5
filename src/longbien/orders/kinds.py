"""The kinds of orders, as a table: their code system, the category that their requests carry, what they are called."""

from __future__ import annotations

from typing import NamedTuple

from ..base.words import mark
from ..fhir import systems as s

SNOMED = "http://snomed.info/sct"


class Kind(NamedTuple):
    """`category`: SNOMED CT code, its display and its Vietnamese words, as ServiceRequest.category carries them; "" for drugs,
    whose category is the setting. `title`: a message. `plain`: the same in words for patients."""

    key: str
    system: str
    category: str
    display: str
    vi: str
    title: str
    plain: str


KINDS: dict[str, Kind] = {
    k.key: k
    for k in (
        Kind("drug", s.DRUG, "", "", "Thuốc", mark("Drug"), mark("Medicine")),
        Kind("lab", s.LAB, "108252007", "Laboratory", "Xét nghiệm", mark("Laboratory"), mark("Test")),
        Kind("imaging", s.IMAGING, "363679005", "Imaging", "Chẩn đoán hình ảnh", mark("Imaging"), mark("Picture or tracing")),
        Kind("procedure", s.SERVICE, "387713003", "Procedure", "Thủ thuật", mark("Procedure"), mark("Procedure")),
        Kind("consult", s.SERVICE, "11429006", "Consultation", "Khám", mark("Consultation"), mark("Consultation")),
        Kind("diet", s.DIET, "182922004", "Dietary regime", "Chế độ ăn", mark("Diet"), mark("Diet")),
        Kind("nursing", s.NURSING, "9632001", "Nursing procedure", "Chăm sóc", mark("Nursing"), mark("Nursing")),
        Kind("service", s.SERVICE, "", "", "Dịch vụ khác", mark("Other service"), mark("Service")),
    )
}
"""`service`: bed days, transport, certificates: in the catalogue and on the bill, but nobody orders them in the order box."""

OFFERED = tuple(k for k in KINDS if k != "service")
BY_CATEGORY = {k.category: k for k in KINDS.values() if k.category}
