"""What each kind of staff may do to which kinds of resource, for which purposes, and whose rows. Tables: a role is data, not a
branch.

A page asks `actor.may(CHART)`; a department adds permissions of its own by making a Permission that names the roles that have it.
What a role may do stands in lines of `rights: kinds and types`. rights are letters of r (read and search), c (create), u (update,
patch), d (delete), all for one purpose after an @; kinds are those of resource_types.KINDS (lower case), types R4's own. What no
line names is refused. Nobody deletes what was written about a patient: it is marked as entered in error (the record is kept by
law)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from .resource_types import KINDS

RowRule = Literal["open", "own", "cared", "care", "order", "care-ever", "everything"]
"""open: only what is about no patient. own: and one's own record. cared: and one's own, and those of the people one cares for (a
grant that rests on a RelatedPerson or a Consent). care: and patients under care at the facility (and for some time after), or by a
stated purpose. order: of those only who has an order, a prescription or a sample for this role's work, or who is tied to this
person or their department by name. care-ever: and whoever was ever under care there. everything: no limit (machines with a system
scope)."""

Right = Literal["r", "c", "u", "d"]
RIGHTS: tuple[Right, ...] = ("r", "c", "u", "d")


class Grant(NamedTuple):
    """One line of a role's table. kinds: names of KINDS; named: types beside them; purpose: only for this one (None: for all of the
    role's)."""

    rights: str
    purpose: str | None
    kinds: tuple[str, ...]
    named: frozenset[str]

    @property
    def types(self) -> frozenset[str]:
        return self.named.union(*(KINDS[k].types for k in self.kinds))


def _lines(*table: str) -> tuple[Grant, ...]:
    made = []
    for line in table:
        what, _, words = line.partition(": ")
        rights, _, purpose = what.partition("@")
        kinds = tuple(x for x in words.split() if x.islower())
        made.append(Grant(rights, purpose or None, kinds, frozenset(words.split()) - set(kinds)))
    return tuple(made)


@dataclass(frozen=True)
class Role:
    """purposes: HL7 v3 PurposeOfUse codes, the first is the default. clinical: has a duty of care, may state a purpose.
    work: whose orders `rows` "order" means (record.ties.WORKS). personal: in a strict facility only patients of the own department,
    of those one cares for oneself or stands in for (see access/reach.py)."""

    name: str
    vi: str
    en: str
    rows: RowRule
    purposes: tuple[str, ...]
    grants: tuple[Grant, ...] = ()
    clinical: bool = False
    work: str | None = None
    personal: bool = False

    def types(self, right: Right, purpose: str | None = None) -> frozenset[str]:
        """What the role has this right to for a purpose; None: for any of its purposes."""
        of = (g.types for g in self.grants if right in g.rights and (purpose is None or g.purpose in (None, purpose)))
        return frozenset().union(*of)

    @cached_property
    def reads(self) -> frozenset[str]:
        return self.types("r")

    @cached_property
    def writes(self) -> frozenset[str]:
        """What it may write in one way or another."""
        return self.types("c") | self.types("u") | self.types("d")


@dataclass(frozen=True)
class Permission:
    """Something a page does, and the roles that may."""

    code: str
    title: str
    roles: frozenset[str]


_KNOWS = "r: directory definitions"
_CLINICAL = "identity visits plans notes problems orders results drugs prevention procedures consents"

ROLES: dict[str, Role] = {
    r.name: r
    for r in (
        Role("clerk", "Nhân viên tiếp đón", "Reception clerk", "care", ("HOPERAT",), _lines(
            _KNOWS,
            "rcu: identity visits Coverage Consent Task Flag",
            "cu: Schedule Slot",  # the times of a room: reception/booking.py
            "r: ServiceRequest",
            "u: Location",  # how a bed is, and nothing else: ward/beds.py
        ), clinical=True),
        Role("nurse", "Điều dưỡng", "Nurse", "care", ("TREAT", "CAREMGT"), _lines(
            _KNOWS,
            "rcu: identity visits plans notes problems results prevention procedures consents",
            "rcu: ServiceRequest Task NutritionOrder DeviceRequest SupplyRequest",
            "rcu: MedicationAdministration MedicationDispense MedicationStatement",
            "r: MedicationRequest VisionPrescription Coverage",
            "r: ChargeItem Invoice",  # what holds the bill of the day open: billing/charges
            "cu: Schedule Slot",
            "u: Location",
        ), clinical=True, personal=True),
        Role("doctor", "Bác sĩ", "Doctor", "care", ("TREAT", "CAREMGT"), _lines(
            _KNOWS,
            f"rcu: {_CLINICAL}",
            "r: Coverage ChargeItem Invoice",
            "cu: Schedule Slot",
            "u: Location",
        ), clinical=True, personal=True),
        Role("head", "Trưởng khoa", "Head of department", "care", ("TREAT", "CAREMGT", "HOPERAT"), _lines(
            _KNOWS,
            f"rcu: {_CLINICAL}",
            "r: coverage ChargeItem Invoice",
            "r@HOPERAT: bills claims",
            "cu: Schedule Slot",
            "u: Location",
        ), clinical=True, personal=True),
        Role("laboratory", "Kỹ thuật viên xét nghiệm", "Laboratory technologist", "order", ("TREAT",), _lines(
            _KNOWS,
            "rcu: DiagnosticReport Observation Specimen ServiceRequest Task Media",
            "r: identity Encounter Condition AllergyIntolerance Flag Device DeviceMetric",
        ), clinical=True, work="laboratory"),
        Role("imaging", "Bác sĩ chẩn đoán hình ảnh", "Radiologist", "order", ("TREAT",), _lines(
            _KNOWS,
            "rcu: DiagnosticReport Observation ServiceRequest Task Media ImagingStudy DocumentReference",
            "r: identity Encounter Specimen AllergyIntolerance Condition Flag Procedure Consent Device",
        ), clinical=True, work="imaging"),
        Role("pharmacist", "Dược sĩ", "Pharmacist", "order", ("TREAT",), _lines(
            _KNOWS,
            "rcu: MedicationDispense MedicationStatement DetectedIssue Task SupplyDelivery",
            "rcu: ActivityDefinition PlanDefinition",  # the catalogue of what can be ordered
            "r: identity Encounter MedicationRequest MedicationAdministration AllergyIntolerance Condition Flag Procedure Consent",
            "r: Observation Coverage",
        ), clinical=True, work="pharmacy"),
        Role("cashier", "Thu ngân", "Cashier", "care", ("HPAYMT",), _lines(
            _KNOWS,
            "rcu: bills",
            "r: identity visits Flag coverage claims",
            "r: ServiceRequest Task",  # what was ordered and is not done holds a bill open
        )),
        Role("insurance", "Cán bộ bảo hiểm y tế", "Insurance officer", "care", ("HPAYMT",), _lines(
            _KNOWS,
            "rcu: coverage bills claims",
            "rcu: ChargeItemDefinition",  # the price lists
            "r: identity visits drugs Flag Condition Procedure ServiceRequest DiagnosticReport",
            "r: Specimen Observation",  # the order of times, and results that a rule asks for: billing/rules
            "rcu: Task",  # findings of the rules, as work items
        )),
        Role("records", "Cán bộ lưu trữ hồ sơ bệnh án", "Medical records officer", "care-ever", ("HOPERAT", "PATRQT"), _lines(
            _KNOWS,
            "rcu: identity Consent Task",
            "rcud: DocumentReference DocumentManifest",  # a scan filed in the wrong record
            "c: Provenance",  # the facility's signature, the closing of a record
            f"r: {_CLINICAL} coverage bills claims",
        )),
        Role("it", "Kỹ sư công nghệ thông tin", "IT engineer", "open", ("HSYSADMIN",), _lines(
            "rcud: directory",
            "r: definitions",
            "rcu: ActivityDefinition PlanDefinition ChargeItemDefinition",
        )),
        # Asks who saw whom (access/trail_queries.py), opens no record.
        Role("security", "Cán bộ an toàn thông tin", "Information security officer", "open", ("HOPERAT",), _lines(_KNOWS)),
        Role("director", "Giám đốc", "Director", "open", ("HDIRECT", "HOPERAT"), _lines(_KNOWS)),
        Role("analyst", "Chuyên viên phân tích, cơ quan y tế thành phố", "Health department analyst", "open", ("PUBHLTH",), _lines(
            "rcud: definitions",
            "r: directory",
        )),
        # What a machine may is in its token's scope: policy.py takes reads and writes from there.
        Role("machine", "Máy", "Machine", "everything", ("HSYSADMIN", "TREAT", "HOPERAT", "HPAYMT", "PUBHLTH", "HRESCH")),
        # A hospital's own system that sends claims to the city's data axis (billing/axis): opens no record at all.
        Role("sender", "Hệ thống của bệnh viện gửi hồ sơ", "Hospital system that sends claims", "open", ("HPAYMT",)),
        # They read and ask; what they ask for is written by the house in their name (policy.asking), so nothing may be written.
        Role("patient", "Người bệnh", "Patient", "own", ("PATRQT",), _lines(_KNOWS, f"r: {_CLINICAL} coverage bills claims")),
        Role("carer", "Người nhà", "Carer", "cared", ("PATRQT",), _lines(_KNOWS, f"r: {_CLINICAL} coverage bills claims")),
    )
}  # fmt: skip

_CARERS = frozenset({"nurse", "doctor", "head"})
_SERVICES = frozenset({"laboratory", "imaging", "pharmacist"})
PATIENTS = frozenset({"patient", "carer"})
MACHINES = frozenset({"machine", "sender"})
STAFF = frozenset(ROLES) - PATIENTS - MACHINES

HOME = Permission("home", "Own home page", STAFF)
ME = Permission("me", "The patient's own pages", PATIENTS)
SIGN_OUT = Permission("sign-out", "End one's own sign-in", STAFF | PATIENTS)
OWN_ACCOUNT = Permission("own-account", "One's own sign-in: passkeys, password, devices", STAFF | PATIENTS)
ANSWER = Permission("answer", "Answer what patients ask by law about their record", frozenset({"records"}))
RETENTION = Permission("retention", "Look after how long records are kept", frozenset({"records"}))
CARERS = Permission("carers", "Say who may see a patient's record as their carer", frozenset({"clerk", "records"}))
CHART = Permission("chart", "Open a patient's chart", _CARERS | _SERVICES | {"records"})
CHART_WRITE = Permission("chart-write", "Write notes, vital signs, conditions and allergies", _CARERS)
FIND = Permission("find", "Find people in the whole city by name or number", _CARERS | _SERVICES | {"clerk", "records"})
SEARCH = Permission("search", "Search among the patients of the facility", STAFF - {"it", "director", "analyst", "security"})
STATE_PURPOSE = Permission(
    "state-purpose", "Open a record by stating a purpose", frozenset(n for n, r in ROLES.items() if r.clinical)
)
BREAK_GLASS = Permission("break-glass", "Open a withheld or foreign record in an emergency", _CARERS | {"imaging", "pharmacist"})
REVIEW_GLASS = Permission("review-glass", "Review what colleagues opened in an emergency", frozenset({"head", "records"}))
CONSENT = Permission("consent", "See, take and withdraw a patient's consent", _CARERS | {"clerk", "records"})
WHO_SAW = Permission("who-saw", "See who opened a patient's record", _CARERS | {"records"})
ANOMALIES = Permission(
    "anomalies", "Review what in the trail asks for a word", frozenset({"head", "records", "director", "security"})
)
WHAT_DID = Permission("what-did", "See what a member of staff did", frozenset({"head", "records", "director", "security"}))
REGISTER = Permission(
    "register", "Put a patient under the facility's care whom it does not care for yet", frozenset({"clerk", "nurse"})
)
ACCOUNTS = Permission("accounts", "Make and disable accounts", frozenset({"it"}))
PERMISSIONS = Permission("permissions", "See who may do what, and why", frozenset({"it", "director", "head", "records"}))
COVER = Permission(
    "cover", "Stand in for a colleague or a department for some time", frozenset(n for n, r in ROLES.items() if r.personal)
)
ARRANGE = Permission("arrange", "Say who stands in for whom at the facility", frozenset({"it", "head"}))
APPS = Permission("apps", "Let an app use the record on one's own behalf, and take that back", STAFF | PATIENTS)
APP_REGISTER = Permission("app-register", "Register apps and stop them", frozenset({"it"}))
