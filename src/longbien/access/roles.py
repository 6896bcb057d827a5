"""What each kind of staff may read and write, for which purposes, and whose rows. Tables: a role is data, not a branch.

A page asks `actor.may(CHART)`; a department adds permissions of its own by making a Permission that names the roles that have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .resource_types import CARE, DEFINITIONS, DIRECTORY, IDENTITY, MONEY, OPEN

RowRule = Literal["open", "own", "cared", "care", "care-ever", "everything"]
"""open: only what is about no patient. own: and one's own record. cared: and one's own, and those of the people one cares for (a
grant that rests on a RelatedPerson or a Consent). care: and patients under care at the facility (and for some time after), or by a
stated purpose. care-ever: and whoever was ever under care there. everything: no limit (machines with a system scope)."""


@dataclass(frozen=True)
class Role:
    """purposes: HL7 v3 PurposeOfUse codes, the first is the default. clinical: has a duty of care, may state a purpose."""

    name: str
    vi: str
    en: str
    rows: RowRule
    purposes: tuple[str, ...]
    reads: frozenset[str] | None = frozenset()
    writes: frozenset[str] | None = frozenset()
    clinical: bool = False


@dataclass(frozen=True)
class Permission:
    """Something a page does, and the roles that may."""

    code: str
    title: str
    roles: frozenset[str]


_RESULTS = frozenset(
    {"DiagnosticReport", "Observation", "Specimen", "ServiceRequest", "Task", "Media", "ImagingStudy", "DocumentReference"}
)
_DRUGS = frozenset({"MedicationRequest", "MedicationDispense", "MedicationAdministration", "MedicationStatement"})
_VISITS = frozenset({"Encounter", "EpisodeOfCare", "Appointment", "AppointmentResponse"})
_CONTEXT = frozenset({"AllergyIntolerance", "Condition", "Flag", "Procedure", "Consent"})
_CLINICAL = IDENTITY | CARE | OPEN
_PERSON_AND_VISIT = IDENTITY | _VISITS | {"Flag"} | OPEN

ROLES: dict[str, Role] = {
    r.name: r
    for r in (
        Role("clerk", "Nhân viên tiếp đón", "Reception clerk", "care", ("HOPERAT",),
             _PERSON_AND_VISIT | {"Coverage", "Consent", "Task", "ServiceRequest"},
             IDENTITY | _VISITS | {"Coverage", "Consent", "Task", "Flag"}, clinical=True),
        Role("nurse", "Điều dưỡng", "Nurse", "care", ("TREAT", "CAREMGT"), _CLINICAL | {"Coverage"},
             IDENTITY | CARE - {"MedicationRequest", "VisionPrescription"}, clinical=True),
        Role("doctor", "Bác sĩ", "Doctor", "care", ("TREAT", "CAREMGT"), _CLINICAL | {"Coverage"},
             IDENTITY | CARE, clinical=True),
        Role("head", "Trưởng khoa", "Head of department", "care", ("TREAT", "CAREMGT", "HOPERAT"), _CLINICAL | MONEY,
             IDENTITY | CARE, clinical=True),
        Role("laboratory", "Kỹ thuật viên xét nghiệm", "Laboratory technologist", "care", ("TREAT",),
             IDENTITY | OPEN | _RESULTS | {"Encounter", "Condition", "AllergyIntolerance", "Flag", "Device", "DeviceMetric"},
             frozenset({"DiagnosticReport", "Observation", "Specimen", "ServiceRequest", "Task"}), clinical=True),
        Role("imaging", "Bác sĩ chẩn đoán hình ảnh", "Radiologist", "care", ("TREAT",),
             IDENTITY | OPEN | _RESULTS | _CONTEXT | {"Encounter", "Device"}, _RESULTS - {"Specimen"}, clinical=True),
        Role("pharmacist", "Dược sĩ", "Pharmacist", "care", ("TREAT",),
             IDENTITY | OPEN | _DRUGS | _CONTEXT
             | {"Encounter", "Observation", "DetectedIssue", "Coverage", "Task", "SupplyDelivery"},
             frozenset({"MedicationDispense", "MedicationStatement", "DetectedIssue", "Task", "SupplyDelivery"}), clinical=True),
        Role("cashier", "Thu ngân", "Cashier", "care", ("HPAYMT",), _PERSON_AND_VISIT | MONEY,
             frozenset({"Account", "ChargeItem", "Invoice", "PaymentNotice", "PaymentReconciliation"})),
        Role("insurance", "Cán bộ bảo hiểm y tế", "Insurance officer", "care", ("HPAYMT",),
             _PERSON_AND_VISIT | MONEY | _DRUGS | {"Condition", "Procedure", "ServiceRequest", "DiagnosticReport"}, MONEY),
        Role("records", "Cán bộ lưu trữ hồ sơ bệnh án", "Medical records officer", "care-ever", ("HOPERAT", "PATRQT"),
             _CLINICAL | MONEY, IDENTITY | {"DocumentReference", "DocumentManifest", "Consent", "Task"}),
        Role("it", "Kỹ sư công nghệ thông tin", "IT engineer", "open", ("HSYSADMIN",), OPEN, DIRECTORY),
        Role("director", "Giám đốc", "Director", "open", ("HDIRECT", "HOPERAT"), OPEN),
        Role("analyst", "Chuyên viên phân tích, cơ quan y tế thành phố", "Health department analyst", "open", ("PUBHLTH",), OPEN,
             DEFINITIONS),
        # What a machine may is in its token's scope: policy.py takes reads and writes from there.
        Role("machine", "Máy", "Machine", "everything", ("HSYSADMIN", "TREAT", "HOPERAT", "HPAYMT", "PUBHLTH", "HRESCH")),
        # They read and ask; what they ask for is written by the house in their name (policy.asking), so `writes` stays empty.
        Role("patient", "Người bệnh", "Patient", "own", ("PATRQT",), _CLINICAL | MONEY),
        Role("carer", "Người nhà", "Carer", "cared", ("PATRQT",), _CLINICAL | MONEY),
    )
}  # fmt: skip

_CARERS = frozenset({"nurse", "doctor", "head"})
_SERVICES = frozenset({"laboratory", "imaging", "pharmacist"})
PATIENTS = frozenset({"patient", "carer"})
STAFF = frozenset(ROLES) - PATIENTS - {"machine"}

HOME = Permission("home", "Own home page", STAFF)
ME = Permission("me", "The patient's own pages", PATIENTS)
SIGN_OUT = Permission("sign-out", "End one's own sign-in", STAFF | PATIENTS)
CARERS = Permission("carers", "Say who may see a patient's record as their carer", frozenset({"clerk", "records"}))
CHART = Permission("chart", "Open a patient's chart", _CARERS | _SERVICES | {"records"})
CHART_WRITE = Permission("chart-write", "Write notes, vital signs, conditions and allergies", _CARERS)
FIND = Permission("find", "Find people in the whole city by name or number", _CARERS | _SERVICES | {"clerk", "records"})
SEARCH = Permission("search", "Search among the patients of the facility", STAFF - {"it", "director", "analyst"})
STATE_PURPOSE = Permission(
    "state-purpose", "Open a record by stating a purpose", frozenset(n for n, r in ROLES.items() if r.clinical)
)
BREAK_GLASS = Permission("break-glass", "Open a withheld or foreign record in an emergency", _CARERS | {"imaging", "pharmacist"})
REVIEW_GLASS = Permission("review-glass", "Review what colleagues opened in an emergency", frozenset({"head", "records"}))
CONSENT = Permission("consent", "See, take and withdraw a patient's consent", _CARERS | {"clerk", "records"})
WHO_SAW = Permission("who-saw", "See who opened a patient's record", _CARERS | {"records"})
WHAT_DID = Permission("what-did", "See what a member of staff did", frozenset({"head", "records", "director"}))
REGISTER = Permission(
    "register", "Put a patient under the facility's care whom it does not care for yet", frozenset({"clerk", "nurse"})
)
ACCOUNTS = Permission("accounts", "Make and disable accounts", frozenset({"it"}))
