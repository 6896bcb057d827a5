"""One visit as a claim is made of it: what was read, and the questions that several tables ask of it. Pure.

A resource is the dict that FHIR's JSON is. What is not known is "", never a guess."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from longbien.base.fold import fold
from longbien.fhir import systems as s

from ...lines import Bill, Share
from . import spell
from .departments import claim_code

Resource = Mapping[str, Any]
PAPER = "https://longbien.org/fhir/CodeSystem/paper"
PAPER_FIELD = "https://longbien.org/fhir/CodeSystem/paper-field"
EXT_OCCUPATION = s.BASE + "/StructureDefinition/occupation"
EXT_LINE = s.BASE + "/StructureDefinition/insurance-line"
EXT_RESULT = s.BASE + "/StructureDefinition/treatment-result"
KIND_CODES = s.BASE + "/CodeSystem/discharge-kind"
WEIGHT, HEIGHT = "29463-7", "8302-2"
SHORT = timedelta(hours=4)
"""A stay below this is of kind 09 (decision 3176, MA_LOAI_KCB)."""
DRUG_GROUPS = frozenset(("4", "5", "6", "7", "17"))
"""MA_NHOM of what stands in XML2: drugs and blood; everything else stands in XML3."""
SUPPLY_GROUPS = frozenset(("10", "11"))
DAYS = frozenset(("02", "08"))
NOT_INSURED = "9"


def reference_id(reference: Any) -> str:
    return str((reference or {}).get("reference") or "").rpartition("/")[2]


def codings(concept: Any) -> Iterator[Resource]:
    if isinstance(concept, list):
        for one in concept:
            yield from codings(one)
    elif isinstance(concept, Mapping):
        yield from concept.get("coding") or ()


def code_of(concept: Any, *systems: str) -> str:
    """The code in the first of these systems that the concept has; without systems the first code."""
    if not systems:
        return next((str(c.get("code") or "") for c in codings(concept)), "")
    for wanted in systems:
        if found := next((str(c.get("code") or "") for c in codings(concept) if c.get("system") == wanted), ""):
            return found
    return ""


def words_of(concept: Any) -> str:
    if isinstance(concept, list):
        return "; ".join(w for w in map(words_of, concept) if w)
    if not isinstance(concept, Mapping):
        return ""
    return str(concept.get("text") or next((c.get("display") for c in codings(concept) if c.get("display")), "") or "")


def extension(resource: Resource, url: str) -> Resource:
    return next((x for x in resource.get("extension") or () if x.get("url") == url), {})


def identifier(resource: Resource, system: str) -> str:
    """The number of this system that holds now."""
    found = [i for i in resource.get("identifier") or () if i.get("system") == system and i.get("value")]
    found.sort(key=lambda i: i.get("use") == "old")
    return str(found[0]["value"]) if found else ""


def name_of(person: Resource) -> str:
    names = sorted(person.get("name") or (), key=lambda n: ("official", "usual", "temp").index(n.get("use", "official"))
                   if n.get("use", "official") in ("official", "usual", "temp") else 9)  # fmt: skip
    n = names[0] if names else {}
    return str(n.get("text") or " ".join(filter(None, (n.get("family"), *(n.get("given") or ())))))


@dataclass(frozen=True)
class Case:
    """encounter, patient, facility: as stored. of: type -> what the record holds of this visit, oldest first. covers: the person's
    Coverages. relatives: RelatedPersons. named: "Type/id" -> staff, places and facilities that these name. measured: weights and
    heights of the person up to the end of the visit, oldest first. bill: the visit judged; None where nothing was charged.
    births: visits of children born in this one. drugs: what the pharmacy says of a drug (Medication), by the house's code."""

    encounter: Resource
    patient: Resource
    facility: Resource
    of: Mapping[str, Sequence[Resource]] = field(default_factory=dict)
    covers: Sequence[Resource] = ()
    relatives: Sequence[Resource] = ()
    named: Mapping[str, Resource] = field(default_factory=dict)
    measured: Sequence[Resource] = ()
    bill: Bill | None = None
    births: Sequence[Case] = ()
    drugs: Mapping[str, Resource] = field(default_factory=dict)

    # ---- the visit

    @property
    def id(self) -> str:
        return str(self.encounter.get("id") or "")

    @property
    def number(self) -> str:
        """MA_LK: unique and never changed: the visit's own number with the facility's code before it."""
        return f"{self.facility_code}.{identifier(self.encounter, s.ENCOUNTER_NUMBER) or self.id}"

    @property
    def facility_code(self) -> str:
        return identifier(self.facility, s.FACILITY_CODE)

    @property
    def begin(self) -> datetime | None:
        return spell.moment((self.encounter.get("period") or {}).get("start"))

    @property
    def end(self) -> datetime | None:
        return spell.moment((self.encounter.get("period") or {}).get("end"))

    @property
    def inpatient(self) -> bool:
        return (self.encounter.get("class") or {}).get("code") == "IMP"

    @property
    def kind(self) -> str:
        """MA_LOAI_KCB."""
        if self.bill is not None and self.bill.visit.kind:
            return self.bill.visit.kind
        if self.inpatient:
            short = self.begin and self.end and self.end - self.begin < SHORT
            return "09" if short else "03"
        return "14" if (self.encounter.get("class") or {}).get("code") == "VR" else "01"

    @property
    def days(self) -> int:
        """SO_NGAY_DTRI: 0 for an examination; for 02 and 08 the days with a service; else both ends counted."""
        if self.kind in ("01", "07", "09") or not self.begin or not self.end:
            return 0
        if self.kind in DAYS:
            return len({share.line.at.date() for share in self.shares}) or 1
        return (self.end.date() - self.begin.date()).days + 1

    @property
    def object(self) -> str:
        """MA_DOITUONG_KCB: as the bill was judged; before that, as the desk wrote it; without a card "9"."""
        if self.bill is not None and self.bill.object:
            return self.bill.object
        said = extension(self.encounter, EXT_LINE).get("extension") or ()
        return next(
            (str((x.get("valueCoding") or {}).get("code")) for x in said if x.get("url") == "line"), "" if self.cover else "9"
        )

    @property
    def result(self) -> str:
        """KET_QUA_DTRI; of a visit that says nothing: 2 (eased) after a stay, 7 (not determined) after an examination."""
        said = (extension(self.encounter, EXT_RESULT).get("valueCoding") or {}).get("code")
        return str(said or ("2" if self.inpatient else "7"))

    @property
    def leaving(self) -> str:
        """MA_LOAI_RV."""
        disposition = (self.encounter.get("hospitalization") or {}).get("dischargeDisposition")
        return code_of(disposition, KIND_CODES) or ("2" if self.paper("referral") else "1")

    @property
    def department(self) -> str:
        """MA_KHOA of the visit."""
        return claim_code(code_of(self.encounter.get("serviceType"), s.DEPARTMENT_KIND))

    def department_of(self, organization: str) -> str:
        """MA_KHOA of a department by the id of its Organization; "" where it is not known."""
        there = self.named.get(f"Organization/{organization}", {})
        return claim_code(code_of(there.get("type"), s.DEPARTMENT_KIND))

    @property
    def departments(self) -> str:
        """MA_KHOA: every department that the bill's lines name, the visit's own first."""
        return spell.listed((self.department, *(self.department_of(share.line.department) for share in self.shares)))

    @property
    def reason(self) -> str:
        return spell.text(words_of(self.encounter.get("reasonCode")))

    # ---- the person

    @property
    def birth(self) -> str:
        born = extension(self.patient.get("_birthDate") or {}, "http://hl7.org/fhir/StructureDefinition/patient-birthTime")
        return spell.at(born.get("valueDateTime") or self.patient.get("birthDate"))

    @property
    def sex(self) -> str:
        return {"male": "1", "female": "2"}.get(str(self.patient.get("gender")), "3")

    @property
    def citizen(self) -> str:
        return next((n for system in (s.CITIZEN_ID, s.PASSPORT, s.OLD_CITIZEN_ID) if (n := identifier(self.patient, system))), "")

    @property
    def address(self) -> Resource:
        return next((a for a in self.patient.get("address") or () if a.get("use") != "old"), {})

    @property
    def ward(self) -> str:
        return str((extension(self.address, s.EXT_WARD).get("valueCoding") or {}).get("code") or "")

    @property
    def years(self) -> int:
        """Whole years at the beginning of the visit; 99 where nobody knows."""
        if not self.begin or len(self.birth) < 8:
            return 99
        y, m, d = int(self.birth[:4]), int(self.birth[4:6]), int(self.birth[6:8])
        return self.begin.year - y - ((self.begin.month, self.begin.day) < (m, d))

    def relative(self, *kinds: str) -> str:
        """The name of a mother (MTH), father (FTH), guardian; "" where the record has none."""
        return next((name_of(r) for r in self.relatives if code_of(r.get("relationship"), s.ROLE_CODE) in kinds), "")

    @property
    def cover(self) -> Resource:
        """The first card of this visit, {} without one."""
        cards = self.cards
        return cards[0] if cards else {}

    @property
    def cards(self) -> list[Resource]:
        """Cards that paid for a line; before there are such, the one that the desk named, else those that ran during it. None
        where the visit is not insured."""
        said = extension(self.encounter, EXT_LINE).get("extension") or ()
        parts = {x.get("url"): x for x in said}
        line = (parts.get("line", {}).get("valueCoding") or {}).get("code")
        if line == NOT_INSURED or (self.bill is not None and self.bill.object == NOT_INSURED):
            return []
        used = {share.card for share in self.shares if share.card}
        named = reference_id(parts.get("coverage", {}).get("valueReference"))
        begin, end = (f"{t:%Y-%m-%d}" if t else "" for t in (self.begin, self.end))
        chosen = [c for c in self.covers if used & {str(c.get("subscriberId")), str(c.get("id"))}] or [
            c for c in self.covers if named and c.get("id") == named
        ]
        return chosen or [
            c for c in self.covers if c.get("status") == "active" and _runs(c.get("period") or {}, begin, end or begin)
        ]

    # ---- what was found, and by whom

    def paper(self, code: str) -> Resource:
        """The paper of this kind, the newest; {} where there is none."""
        return next((c for c in reversed(self.compositions) if code_of(c.get("type"), PAPER) == code), {})

    @property
    def compositions(self) -> list[Resource]:
        return [c for c in self.of.get("Composition", ()) if c.get("status") != "entered-in-error"]

    def all(self, type_: str) -> list[Resource]:
        return [r for r in self.of.get(type_, ()) if r.get("status") not in ("entered-in-error", "cancelled")]

    @property
    def conditions(self) -> list[Resource]:
        """What the visit was for, the principal one first; without what was only thought at admission, or suspected."""
        by_id = {str(c["id"]): c for c in self.of.get("Condition", ())}
        named = sorted(
            (d for d in self.encounter.get("diagnosis") or () if code_of(d.get("use")) != "AD"), key=lambda d: d.get("rank") or 99
        ) or sorted(self.encounter.get("diagnosis") or (), key=lambda d: d.get("rank") or 99)  # fmt: skip
        found = [by_id[i] for d in named if (i := reference_id(d.get("condition"))) in by_id]
        here = [c for c in by_id.values() if reference_id(c.get("encounter")) == self.id]
        chosen = found or here
        sure = [c for c in chosen if code_of(c.get("verificationStatus")) not in ("provisional", "differential", "refuted")]
        return sure or chosen

    @property
    def icd(self) -> list[str]:
        return list(dict.fromkeys(c for x in self.conditions if (c := code_of(x.get("code"), s.ICD10_VN, s.ICD10))))

    @property
    def diagnosis(self) -> str:
        """CHAN_DOAN_RV in words, the principal one first."""
        return spell.text("; ".join(dict.fromkeys(w for c in self.conditions if (w := words_of(c.get("code"))))))

    @property
    def admitted_for(self) -> str:
        """CHAN_DOAN_VAO: what was thought when the patient came; else the first diagnosis."""
        at_first = [d for d in self.encounter.get("diagnosis") or () if code_of(d.get("use")) == "AD"]
        said = "; ".join(str((d.get("condition") or {}).get("display") or "") for d in at_first)
        main = self.conditions[0] if self.conditions else {}
        return spell.text(self.told("admission-diagnosis") or said or words_of(main.get("code")))

    def told(self, *wanted: str) -> str:
        """What the visit's papers and notes say under one of these section codes, or in a section of this title; the newest."""
        titles = {fold(w) for w in wanted}
        for note in reversed(self.compositions):
            if said := said_in(note, *wanted) or _titled(note, titles):
                return said
        return ""

    @property
    def treatment(self) -> str:
        """PP_DIEU_TRI as the papers say it; else by what was done: ngoại khoa after an operation, nội khoa otherwise."""
        if said := self.told("treatment", "PP_DIEUTRI", "Phương pháp điều trị"):
            return said
        cut = any(share.line.group == "8" for share in self.shares)
        return "Ngoại khoa" if cut else "Nội khoa"

    def licence(self, reference: Any) -> str:
        """The practice licence of somebody (GPHN); who has none: the citizen's number; "" where neither is known."""
        who = self.named.get(str((reference or {}).get("reference") or ""), {})
        return identifier(who, s.PRACTICE_LICENCE) or identifier(who, s.CITIZEN_ID)

    def staff(self, reference: Any) -> str:
        who = self.named.get(str((reference or {}).get("reference") or ""), {})
        return name_of(who) or str((reference or {}).get("display") or "")

    @property
    def doctor(self) -> Resource:
        found = [p.get("individual") or {} for p in self.encounter.get("participant") or () if code_of(p.get("type")) != "ADM"]
        return found[0] if found else {}

    @property
    def head(self) -> Resource:
        """Who answers for the department, else the doctor: signs the discharge paper."""
        return self._answering("head") or self.doctor

    @property
    def director(self) -> Resource:
        """Who answers for the facility (MA_TTDV)."""
        return self._answering("director") or self.head

    def _answering(self, role: str) -> Resource:
        for one in self.named.values():
            if one.get("resourceType") == "PractitionerRole" and code_of(one.get("code"), s.STAFF_ROLE) == role:
                return one.get("practitioner") or {}
        return {}

    def measure(self, loinc: str) -> Any:
        """The newest value of a measured quantity up to the end of the visit, None without one."""
        mine = [
            o
            for o in self.measured
            if code_of(o.get("code"), s.LOINC) == loinc and (o.get("valueQuantity") or {}).get("value") is not None
        ]
        return mine[-1]["valueQuantity"]["value"] if mine else None

    # ---- amounts

    @property
    def shares(self) -> Sequence[Share]:
        """Lines that stand: what was reversed, and its reversal, are not on the claim."""
        if self.bill is None:
            return ()
        gone = {share.line.reverses for share in self.bill.shares if share.line.reverses}
        return [x for x in self.bill.shares if not x.line.reverses and x.line.id not in gone]

    def lines(self, drugs: bool) -> list[Share]:
        return [x for x in self.shares if (x.line.group in DRUG_GROUPS) is drugs]


def _runs(period: Resource, begin: str, end: str) -> bool:
    return str(period.get("start") or "")[:10] <= end and begin <= str(period.get("end") or "9999")[:10]


def text_of(part: Resource) -> str:
    """What a section says, as plain text."""
    return spell.text(spell.plain((part.get("text") or {}).get("div")))


def said_in(note: Resource, *wanted: str) -> str:
    """The text of the first section with one of these codes, "" without."""
    for part in _parts(note.get("section") or ()):
        mine = {str(c.get("code")) for c in codings(part.get("code"))} & set(wanted)
        if mine and (said := text_of(part)):
            return said
    return ""


def _titled(note: Resource, titles: Iterable[str]) -> str:
    for part in _parts(note.get("section") or ()):
        if fold(str(part.get("title") or "")) in titles and (said := text_of(part)):
            return said
    return ""


def _parts(sections: Iterable[Resource]) -> Iterator[Resource]:
    for part in sections:
        yield part
        yield from _parts(part.get("section") or ())


def whole(note: Resource) -> str:
    """Everything a note says, a line a section."""
    told = ((part.get("title"), text_of(part)) for part in _parts(note.get("section") or ()))
    return "\n".join(f"{title}: {said}" if title else said for title, said in told if said)
