"""The chart's typed inputs, and how FHIR R4 resources (plain dicts) become them. Readers never raise on odd content: what
cannot be read is left empty, because a chart with one strange entry must still open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from html import unescape
from typing import Any

from ...base.fold import fold
from ...base.words import parse_instant
from ...fhir.systems import EXT_EXPECTED_DISCHARGE, UNIDENTIFIED_NUMBER

Resource = Mapping[str, Any]


@dataclass(slots=True)
class Series:
    """All values of one coded quantity, as columns in ascending time. `ids` and `updated` (when the record learned of it) are
    as long as `times`, or empty when they are not known."""

    system: str
    code: str
    unit: str
    times: list[datetime]
    values: list[float]
    ids: list[str] = field(default_factory=list)
    updated: list[datetime] = field(default_factory=list)
    name: str = ""  # the display that came with the code
    low: float | None = None  # the range printed with the latest result; wins over the catalogue
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    name: str
    sex: str
    birth: str
    dead: str = ""
    citizen_id: str = ""
    insurance: str = ""
    phone: str = ""
    address: str = ""
    version: str = ""
    ward: str = ""  # where the person lives, without the house
    unidentified: str = ""  # the house's number of somebody whom nobody knows yet


@dataclass(frozen=True, slots=True)
class Visit:
    id: str
    start: datetime
    end: datetime | None
    kind: str  # AMB, EMER, IMP, HH, VR
    status: str
    place: str  # organization id, or its name
    place_name: str
    title: str
    ward: str = ""
    bed: str = ""
    leaves: str = ""  # the day expected for discharge, as a FHIR date

    @property
    def inpatient(self) -> bool:
        return self.kind in ("IMP", "ACUTE", "NONAC")

    @property
    def open(self) -> bool:
        return self.end is None and self.status in ("in-progress", "onleave", "arrived", "triaged")


@dataclass(frozen=True, slots=True)
class DrugOrder:
    id: str
    key: str
    name: str
    dose: str
    start: datetime
    end: datetime | None
    status: str
    place: str = ""
    author: str = ""
    updated: datetime | None = None


@dataclass(frozen=True, slots=True)
class Note:
    id: str
    type: str
    time: datetime
    title: str
    author: str
    text: str = ""
    updated: datetime | None = None
    html: str = ""  # the XHTML of its first section, not yet read: few are ever shown

    @property
    def words(self) -> str:
        """What it says, as far as a line of a list needs it."""
        return self.text or bare(self.html)


@dataclass(frozen=True, slots=True)
class Image:
    id: str
    type: str
    time: datetime
    modality: str
    title: str
    status: str = ""
    updated: datetime | None = None
    read: bool = True  # is there a report of it?


@dataclass(frozen=True, slots=True)
class Problem:
    id: str
    name: str
    code: str
    active: bool
    onset: str = ""
    updated: datetime | None = None
    recorded: datetime | None = None
    visit: str = ""  # the id of the Encounter in which it was diagnosed


@dataclass(frozen=True, slots=True)
class Allergy:
    id: str
    substance: str
    reaction: str
    since: str
    severe: bool
    place: str = ""
    updated: datetime | None = None
    recorded: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """Ordered, not answered. `due` = when an answer was to be expected."""

    id: str
    title: str
    ordered: datetime
    due: datetime
    owner: str


@dataclass(frozen=True, slots=True)
class Alert:
    """A Flag. `kind`: isolation, fall, code (resuscitation) or other."""

    id: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Taken:
    """Who took note of a critical result, and when. `task`: the id of the Task that says so."""

    name: str
    time: datetime | None
    task: str = ""


@dataclass(slots=True)
class Life:
    """What the chart needs to know of one patient."""

    person: Person
    visits: list[Visit] = field(default_factory=list)
    drugs: list[DrugOrder] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    allergies: list[Allergy] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    coverage: list[tuple[str, str, str]] = field(default_factory=list)  # (name, number, valid to)
    team: list[tuple[str, str]] = field(default_factory=list)  # (role, name)
    acknowledged: Mapping[str, Taken] = field(default_factory=dict)  # by the id of the result
    withheld: int = 0
    alerts: list[Alert] = field(default_factory=list)
    pregnant: str = ""  # the Condition that says so
    corrections: list[str] = field(default_factory=list)  # what the patient asks to correct and is not answered yet


# ---- small readings of FHIR types ------------------------------------------------------------------------------------


def moment(value: Any) -> datetime | None:
    try:
        return parse_instant(value) if isinstance(value, str) and value else None
    except ValueError:
        return None


def first(resource: Any, *path: str) -> Any:
    """The first value at a path; lists are entered at their first element. None where the path ends early."""
    for step in path:
        while resource.__class__ is list:
            resource = resource[0] if resource else None
        if resource.__class__ is not dict:
            return None
        resource = resource.get(step)
    while resource.__class__ is list:
        resource = resource[0] if resource else None
    return resource


def concept(value: Any, lang: str = "vi") -> str:
    """A CodeableConcept in words: Vietnamese staff read its text; other readers what its code system calls it in their language
    (`lang.names`, see terms.Tongue), else its first display; else what there is."""
    if value.__class__ is list:
        value = value[0] if value else None
    if value.__class__ is not dict:
        return ""
    if names := getattr(lang, "names", None):
        for c in value.get("coding") or ():
            if name := names.get((c.get("system"), c.get("code"))):
                return str(name)
    display = next((str(c["display"]) for c in value.get("coding") or () if c.get("display")), "")
    text = str(value.get("text") or "")
    code = next((str(c["code"]) for c in value.get("coding") or () if c.get("code")), "")
    return (display or text or code) if lang == "en" else (text or display or code)


def code_of(value: Any, *systems: str) -> str:
    """The first code of a CodeableConcept, of one of `systems` where given."""
    if isinstance(value, list):
        value = value[0] if value else None
    for c in (first({"v": value}, "v") and value.get("coding")) or ():
        if c.get("code") and (not systems or c.get("system") in systems):
            return str(c["code"])
    return ""


def reference_id(value: Any) -> str:
    ref = str(first({"v": value}, "v", "reference") or "")
    return ref.rsplit("/", 1)[-1].removeprefix("urn:uuid:")


def human(names: Any) -> str:
    """A HumanName list as one line, official or usual first: name.text, else family + given (Vietnamese order)."""
    ranked = sorted(
        (n for n in names or () if isinstance(n, Mapping)),
        key=lambda n: {"official": 0, "usual": 1, None: 2}.get(n.get("use"), 3),
    )
    for n in ranked:
        if n.get("text"):
            return str(n["text"])
        parts = [str(n.get("family") or ""), *map(str, n.get("given") or ())]
        if joined := " ".join(p for p in parts if p):
            return joined
    return ""


@lru_cache(4096)
def initials(name: str) -> str:
    """The two-letter mark of a facility: the initials of its last two words (Bệnh viện Sông Hồng -> SH)."""
    words = [w for w in name.replace("-", " ").split() if w[:1].isalpha()]
    own = [w for w in words if w[:1].isupper()] or words
    return "".join(w[0].upper() for w in own[-2:]) or "?"


KINDS = (
    "bệnh viện", "đa khoa", "chuyên khoa", "thành phố", "khu vực", "quận", "huyện", "trung tâm", "y tế", "trạm", "phòng khám",
    "phường", "xã", "hospital",
)  # fmt: skip


@lru_cache(4096)
def short_place(name: str) -> str:
    """A facility's name without the words that say what it is: Bệnh viện đa khoa Sông Nhuệ -> Sông Nhuệ."""
    rest = name
    while found := next((k for k in KINDS if rest.lower().startswith(k + " ")), None):
        rest = rest[len(found) + 1 :]
    return rest[:1].upper() + rest[1:]


def _place(ref: Any, names: Mapping[str, str]) -> tuple[str, str]:
    key = reference_id(ref)
    return key, names.get(key) or str(first({"v": ref}, "v", "display") or "") or key


CITIZEN_MARKS = ("cccd", "citizen", "cmnd", "NI", "NNVNM")
INSURANCE_MARKS = ("bhyt", "insurance", "bhxh", "SS", "HC", "MB")


def _identifier(p: Resource, marks: Iterable[str]) -> str:
    for i in p.get("identifier") or ():
        label = f"{i.get('system', '')} {code_of(i.get('type'))} {concept(i.get('type'))}"
        if any(m.lower() in label.lower() if len(m) > 3 else m in label.split() for m in marks):
            return str(i.get("value") or "")
    return ""


_WARDS = ("Phường ", "Xã ", "P. ", "X. ")


def person(p: Resource) -> Person:
    phone = next((str(t.get("value") or "") for t in p.get("telecom") or () if t.get("system") == "phone"), "")
    address = first(p, "address") or {}
    where = address.get("text") or ", ".join(
        str(x) for x in (*(address.get("line") or ()), address.get("district"), address.get("city")) if x
    )
    dead = p.get("deceasedDateTime") or ("yes" if p.get("deceasedBoolean") else "")
    return Person(
        str(p.get("id", "")),
        human(p.get("name")),
        str(p.get("gender") or ""),
        str(p.get("birthDate") or ""),
        str(dead),
        _identifier(p, CITIZEN_MARKS),
        _identifier(p, INSURANCE_MARKS),
        phone,
        where,
        str(first(p, "meta", "versionId") or ""),
        str(address.get("district") or next((x for x in where.split(", ") if x.startswith(_WARDS)), "")),
        next(
            (
                str(i.get("value") or "")
                for i in p.get("identifier") or ()
                if i.get("system") == UNIDENTIFIED_NUMBER and i.get("use") == "temp"
            ),
            "",
        ),
    )


def updated(r: Resource) -> datetime | None:
    return moment(first(r, "meta", "lastUpdated"))


def visit(r: Resource, places: Mapping[str, str], lang: str) -> Visit | None:
    start = moment(first(r, "period", "start"))
    if start is None or r.get("status") in ("cancelled", "entered-in-error"):
        return None
    place, place_name = _place(r.get("serviceProvider"), places)
    reason = concept(r.get("reasonCode"), lang)
    where = where_now((str(x.get("status") or ""), str(first(x, "location", "display") or "")) for x in r.get("location") or ())
    return Visit(
        str(r.get("id", "")),
        start,
        moment(first(r, "period", "end")),
        str(first(r, "class", "code") or ""),
        str(r.get("status") or ""),
        place,
        place_name,
        concept(r.get("type"), lang) or reason,
        concept(r.get("serviceType"), lang),
        str(where or ""),
        expected_discharge(r),
    )


def where_now(spots: Iterable[tuple[str, str]]) -> str:
    """Of a visit's places, (status, name) in the order of time: where the patient is now, else was last; what is only promised
    does not count beside one that is not."""
    best, name = -1, ""
    for status, display in spots:
        rank = 2 if status == "active" else 0 if status == "reserved" else 1
        if rank >= best:
            best, name = rank, display
    return name


def expected_discharge(r: Resource) -> str:
    """The day an Encounter is expected to end, as a FHIR date; "" when nobody said."""
    return next((str(x.get("valueDate") or "") for x in r.get("extension") or () if x.get("url") == EXT_EXPECTED_DISCHARGE), "")


#: Routes, units and roles of a care team that come as Vietnamese text, without a code.
ENGLISH = {
    "uống": "oral", "tiêm tĩnh mạch": "IV", "truyền tĩnh mạch": "IV infusion", "tiêm bắp": "IM", "tiêm dưới da": "SC",
    "ngậm dưới lưỡi": "sublingual", "hít": "inhaled", "khí dung": "nebulised", "bôi": "topical", "nhỏ mắt": "eye drops",
    "đặt hậu môn": "rectal", "viên": "tablet", "ống": "ampoule", "gói": "sachet", "lọ": "vial", "nhát": "puff", "giọt": "drop",
    "bác sĩ điều trị": "Doctor", "điều dưỡng": "Nurse", "dược sĩ": "Pharmacist",
}  # fmt: skip


def uncoded(value: Any, lang: str) -> str:
    """A concept that is often text only, in English where that is known."""
    text = concept(value, lang)
    return text if lang == "vi" else ENGLISH.get(text.lower(), text)


def _dose(r: Resource, lang: str) -> str:
    d = first(r, "dosageInstruction") or first(r, "dosage") or {}
    quantity = first(d, "doseAndRate", "doseQuantity") or {}
    times = first(d, "timing", "repeat", "frequency")
    if quantity.get("value") is not None:
        unit = str(quantity.get("unit") or quantity.get("code") or "")
        amount = f"{quantity['value']} {unit if lang == 'vi' else ENGLISH.get(unit.lower(), unit)}".strip()
        if lang == "vi":
            amount = amount.replace(".", ",")
        route = uncoded(d.get("route"), lang)
        return " ".join(x for x in (amount, route.lower() if len(route) < 14 else "", f"× {times}" if times else "") if x)
    return str(d.get("text") or "")


_STRENGTH = re.compile(r" \d.*$")


def _with_strength(name: str, text: str) -> str:
    """A designation names the substance; the strength belongs to it and stands in the order's own text only."""
    found = _STRENGTH.search(text)
    words = found[0].replace("đơn vị", "units").split() if found else []
    return " ".join((name, *(w for w in words if w not in name.split())))


def drug(r: Resource, places: Mapping[str, str], lang: str) -> DrugOrder | None:
    """A MedicationRequest or MedicationStatement."""
    start = moment(
        first(r, "dosageInstruction", "timing", "repeat", "boundsPeriod", "start")
        or first(r, "effectivePeriod", "start")
        or r.get("effectiveDateTime")
        or r.get("authoredOn")
        or r.get("dateAsserted")
    )
    if start is None or r.get("status") in ("draft", "entered-in-error"):
        return None
    end = moment(
        first(r, "dosageInstruction", "timing", "repeat", "boundsPeriod", "end")
        or first(r, "dispenseRequest", "validityPeriod", "end")
        or first(r, "effectivePeriod", "end")
    )
    supply = first(r, "dispenseRequest", "expectedSupplyDuration")
    if end is None and isinstance(supply, Mapping) and supply.get("value") and r.get("status") != "active":
        days = {"d": 1, "wk": 7, "mo": 30, "h": 1 / 24}.get(str(supply.get("code") or "d"), 1)
        end = start + timedelta(days=float(supply["value"]) * days)
    what = r.get("medicationCodeableConcept")
    name = concept(what, lang) or str(first(r, "medicationReference", "display") or "")
    if lang != "vi" and what:
        name = _with_strength(name, str(what.get("text") or ""))
    key = code_of(what, "http://www.whocc.no/atc") or code_of(what) or fold(name) or reference_id(r.get("medicationReference"))
    place, _ = _place(r.get("performer"), places)
    return DrugOrder(
        str(r.get("id", "")),
        key,
        name,
        _dose(r, lang),
        start,
        end,
        str(r.get("status") or ""),
        place,
        str(first(r, "requester", "display") or ""),
        updated(r),
    )


def note(r: Resource, lang: str) -> Note | None:
    """A DocumentReference, Composition, ClinicalImpression or narrative DiagnosticReport."""
    time = moment(r.get("date") or r.get("effectiveDateTime") or first(r, "effectivePeriod", "start") or r.get("issued"))
    if time is None or r.get("status") == "entered-in-error" or r.get("docStatus") == "entered-in-error":
        return None
    title = str(r.get("title") or "") or concept(r.get("type"), lang) or concept(r.get("code"), lang)
    author = str(first(r, "author", "display") or first(r, "performer", "display") or first(r, "assessor", "display") or "")
    text = str(r.get("description") or r.get("summary") or r.get("conclusion") or "")
    html = "" if text else str(first(r, "section", "text", "div") or first(r, "text", "div") or "")
    return Note(str(r.get("id", "")), str(r.get("resourceType")), time, title, author, text, updated(r), html)


_TAG = re.compile(r"<[^<>]*>")


def bare(html: str) -> str:
    """A Narrative's XHTML as one line of text: tags gone, entities read. The template escapes it again."""
    return " ".join(unescape(_TAG.sub(" ", html)).split())


#: DICOM modality -> what stands in the mark; X-ray and ultrasound are said differently in the two languages.
MODALITY = {
    "vi": {"DX": "XQ", "CR": "XQ", "RF": "XQ", "US": "SA", "ES": "NS", "ECG": "ĐT", "MG": "NA"},
    "en": {"DX": "XR", "CR": "XR", "RF": "XR"},
}


def image(r: Resource, lang: str) -> Image | None:
    """An ImagingStudy, or an imaging DiagnosticReport."""
    time = moment(r.get("started") or r.get("effectiveDateTime") or r.get("issued"))
    if time is None:
        return None
    modality = str(first(r, "modality", "code") or first(r, "series", "modality", "code") or "")
    coded = concept(r.get("procedureCode"), lang) or concept(r.get("code"), lang)
    said = str(r.get("description") or "")
    title = (said or coded) if lang == "vi" else (coded or said)
    if not title:
        title = str(first(r, "series", "bodySite", "display") or "")
    return Image(
        str(r.get("id", "")),
        str(r.get("resourceType")),
        time,
        MODALITY[lang].get(modality, modality or "?")[:3],
        title,
        str(r.get("status") or ""),
        updated(r),
    )


ICD10 = "http://hl7.org/fhir/sid/icd-10"


def problem(r: Resource, lang: str) -> Problem | None:
    if code_of(r.get("verificationStatus")) in ("refuted", "entered-in-error"):
        return None
    clinical = code_of(r.get("clinicalStatus"))
    active = clinical in ("active", "recurrence", "relapse", "") and not r.get("abatementDateTime")
    code = next(
        (
            str(c["code"])
            for c in (r.get("code") or {}).get("coding") or ()
            if c.get("code") and "icd" in str(c.get("system", "")).lower()
        ),
        "",
    )
    onset = str(r.get("onsetDateTime") or r.get("recordedDate") or "")[:10]
    return Problem(
        str(r.get("id", "")), concept(r.get("code"), lang), code, active, onset, updated(r), moment(r.get("recordedDate")),
        reference_id(r.get("encounter")),
    )  # fmt: skip


def allergy(r: Resource, lang: str) -> Allergy | None:
    if code_of(r.get("verificationStatus")) in ("refuted", "entered-in-error") or code_of(r.get("clinicalStatus")) == "resolved":
        return None
    reaction = concept(first(r, "reaction", "manifestation"), lang)
    severe = r.get("criticality") == "high" or first(r, "reaction", "severity") == "severe"
    since = str(r.get("onsetDateTime") or r.get("recordedDate") or "")[:4]
    return Allergy(
        str(r.get("id", "")), concept(r.get("code"), lang), reaction, since, severe, "", updated(r), moment(r.get("recordedDate"))
    )


#: How long an answer may take before it is late, by category of the order.
EXPECTED = {
    "laboratory": timedelta(hours=4),
    "108252007": timedelta(hours=4),
    "imaging": timedelta(hours=24),
    "363679005": timedelta(hours=24),
}


LIVES_ON = frozenset({"182922004", "9632001"})
"""Categories (SNOMED CT: dietary regime, nursing procedure) of what goes on until it ends: nobody waits for an answer to it."""


def pending(r: Resource, lang: str) -> Pending | None:
    """An active ServiceRequest; due when it says (occurrence), else after the time that its kind usually takes."""
    ordered = moment(r.get("authoredOn"))
    if code_of(r.get("category")) in LIVES_ON:
        return None
    if r.get("status") != "active" or r.get("intent") not in ("order", "original-order", "filler-order", None) or ordered is None:
        return None
    due = moment(first(r, "occurrencePeriod", "end") or r.get("occurrenceDateTime"))
    wait = EXPECTED.get(code_of(r.get("category")), timedelta(hours=24))
    due = due or ordered + wait
    return Pending(
        str(r.get("id", "")),
        concept(r.get("code"), lang),
        ordered,
        due,
        str(first(r, "performer", "display") or ""),
    )


def _active(r: Resource) -> bool:
    return r.get("status") in ("active", None) and not first(r, "period", "end")


def alert(r: Resource, lang: str) -> Alert | None:
    """A Flag that holds now. Its kind is told by its code: of the house's flags, or SNOMED CT's do-not-resuscitate."""
    if not _active(r):
        return None
    code = code_of(r.get("code"))
    kind = (
        "isolation" if code.startswith("isolation") else "fall" if code.startswith("fall")
        else "code" if code.startswith(("dnr", "code-status")) or code in ("304253006", "304251008") else "other"
    )  # fmt: skip
    text = concept(r.get("code"), lang)
    return Alert(str(r.get("id", "")), kind, text) if text else None


def pregnancy(problems: Iterable[Problem], now: datetime) -> str:
    """The active condition that tells of a pregnancy (ICD-10 chapter XV but for the puerperium, Z33 to Z35) begun within ten
    months; "" when there is none."""
    since = (now - timedelta(days=300)).strftime("%Y-%m-%d")
    for p in problems:
        carries = p.code[:3] in ("Z33", "Z34", "Z35") or ("O00" < p.code[:3] < "O80")
        if p.active and carries and p.onset >= since[: len(p.onset)]:
            return p.name
    return ""
