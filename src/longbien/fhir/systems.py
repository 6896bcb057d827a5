"""The names of code and identifier systems, in one place.

What an international body owns carries that body's URI. What is Vietnamese has no binding national URI (two rival "VN Core" drafts,
neither a standard), so local URIs are used until there is one: settings, to be chosen before the first patient is registered, for
what is stored keeps the name that it was stored with.
"""

from __future__ import annotations

import re

from longbien.base.config import Settings, setting
from longbien.base.errors import Invalid

_URI = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*:[^\s|]+")


class SystemSettings(Settings):
    base: str = setting(
        "LONGBIEN_SYSTEMS",
        "https://longbien.example/fhir",
        "What the names of this house's own identifier and code systems begin with. To be chosen before the first patient is "
        "registered: what is stored keeps its names.",
    )
    citizen_id: str = setting(
        "LONGBIEN_SYSTEM_CITIZEN_ID",
        "",
        "Identifier system of the citizen's number (CCCD); empty: .../sid/citizen-id below LONGBIEN_SYSTEMS.",
    )
    insurance_number: str = setting(
        "LONGBIEN_SYSTEM_INSURANCE_NUMBER",
        "",
        "Identifier system of the health insurance card (BHYT); empty: .../sid/insurance-card.",
    )
    social_insurance_number: str = setting(
        "LONGBIEN_SYSTEM_SOCIAL_INSURANCE",
        "",
        "Identifier system of the social insurance number (BHXH); empty: .../sid/social-insurance.",
    )
    patient_number: str = setting(
        "LONGBIEN_SYSTEM_PATIENT_NUMBER", "", "Identifier system of a facility's patient numbers; empty: .../sid/patient-number."
    )
    facility_code: str = setting(
        "LONGBIEN_SYSTEM_FACILITY", "", "Identifier system of the ministry's facility codes; empty: .../sid/facility."
    )
    practice_licence: str = setting(
        "LONGBIEN_SYSTEM_PRACTICE_LICENCE", "", "Identifier system of practice licences (GPHN); empty: .../sid/practice-licence."
    )
    encounter_number: str = setting(
        "LONGBIEN_SYSTEM_ENCOUNTER",
        "",
        "Identifier system of visits and admissions (mã lần khám, mã bệnh án); empty: .../sid/encounter.",
    )

    def system(self, name: str, chosen: str = "") -> str:
        """The system that was chosen, or the house's own `name`. Raises Invalid for what is no absolute URI."""
        made = chosen or f"{self.base}/sid/{name}"
        if not _URI.fullmatch(made):
            raise Invalid(f"{made[:200]!r} cannot name an identifier system: it must be an absolute URI (see LONGBIEN_SYSTEMS).")
        return made


_settings = SystemSettings.read()
BASE = _settings.base

# --- international
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
ATC = "http://www.whocc.no/atc"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
ICD9CM_PROCEDURES = "http://hl7.org/fhir/sid/icd-9-cm"
CVX = "http://hl7.org/fhir/sid/cvx"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
DICOM_UID = "urn:dicom:uid"
LANGUAGE = "urn:ietf:bcp:47"

# --- HL7 terminology
HL7 = "http://terminology.hl7.org/CodeSystem/"
ACT_CODE = HL7 + "v3-ActCode"
ROLE_CODE = HL7 + "v3-RoleCode"
PARTICIPATION = HL7 + "v3-ParticipationType"
INTERPRETATION = HL7 + "v3-ObservationInterpretation"
OBSERVATION_CATEGORY = HL7 + "observation-category"
CONDITION_CATEGORY = HL7 + "condition-category"
CONDITION_CLINICAL = HL7 + "condition-clinical"
CONDITION_VERIFICATION = HL7 + "condition-ver-status"
ALLERGY_CLINICAL = HL7 + "allergyintolerance-clinical"
ALLERGY_VERIFICATION = HL7 + "allergyintolerance-verification"
DIAGNOSTIC_SECTION = HL7 + "v2-0074"
DIAGNOSIS_ROLE = HL7 + "diagnosis-role"
DISCHARGE = HL7 + "discharge-disposition"
IDENTIFIER_TYPE = HL7 + "v2-0203"
LOCATION_PHYSICAL = HL7 + "location-physical-type"
MEDICATION_CATEGORY = HL7 + "medicationrequest-category"
ORGANIZATION_TYPE = HL7 + "organization-type"
FLAG_CATEGORY = HL7 + "flag-category"
PLAN_TYPE = HL7 + "plan-definition-type"

# --- identifiers of people (Vietnam)
CITIZEN_ID = _settings.system("citizen-id", _settings.citizen_id)  # số định danh cá nhân / căn cước, 12 digits
INSURANCE_NUMBER = _settings.system("insurance-card", _settings.insurance_number)  # mã thẻ BHYT, 15 characters
SOCIAL_INSURANCE_NUMBER = _settings.system(
    "social-insurance", _settings.social_insurance_number
)  # mã số BHXH, 10 digits: the tail of the card number
PATIENT_NUMBER = _settings.system("patient-number", _settings.patient_number)  # mã người bệnh, per facility
OLD_CITIZEN_ID = BASE + "/sid/identity-card"  # số chứng minh nhân dân, 9 digits, on older papers
PASSPORT = "http://hl7.org/fhir/sid/passport-VNM"
NEWBORN_NUMBER = BASE + "/sid/newborn"  # the house's own, until the birth is registered
UNIDENTIFIED_NUMBER = BASE + "/sid/unidentified"  # the house's own, until somebody knows who it is
# --- identifiers of places, staff, things
FACILITY_CODE = _settings.system("facility", _settings.facility_code)  # mã cơ sở khám bệnh, chữa bệnh, 5 digits
FACILITY_MARK = BASE + "/sid/facility-mark"  # two letters that mark a facility on the chart
DEPARTMENT_CODE = BASE + "/sid/department"
PRACTICE_LICENCE = _settings.system("practice-licence", _settings.practice_licence)  # giấy phép hành nghề
STAFF_LOGIN = BASE + "/sid/staff"
ENCOUNTER_NUMBER = _settings.system("encounter", _settings.encounter_number)  # mã lần khám / mã bệnh án
ACCESSION_NUMBER = BASE + "/sid/accession"
QUEUE = BASE + "/sid/queue"  # the queue of one room on one day
QUEUE_TICKET = BASE + "/sid/queue-ticket"  # a number of it

# --- code systems of the house
ICD10_VN = BASE + "/CodeSystem/icd10-vn"
LAB = BASE + "/CodeSystem/lab"
LAB_GROUP = BASE + "/CodeSystem/lab-group"
VITAL = BASE + "/CodeSystem/vital"
DRUG = BASE + "/CodeSystem/drug"
IMAGING = BASE + "/CodeSystem/imaging"
SERVICE = BASE + "/CodeSystem/service"
DIET = BASE + "/CodeSystem/diet"
NURSING = BASE + "/CodeSystem/nursing"
WARD = BASE + "/CodeSystem/ward-hanoi"  # phường, xã from 1 July 2025
ETHNICITY = BASE + "/CodeSystem/ethnicity"
INSURANCE_OBJECT = BASE + "/CodeSystem/insurance-object"
STAFF_ROLE = BASE + "/CodeSystem/staff-role"
NOTE_TYPE = BASE + "/CodeSystem/note-type"
VACCINE = BASE + "/CodeSystem/vaccine"
ALLERGEN = BASE + "/CodeSystem/allergen"
FLAG = BASE + "/CodeSystem/flag"
DEPARTMENT_KIND = BASE + "/CodeSystem/department-kind"
PLACE_KIND = BASE + "/CodeSystem/place-kind"  # Location.type: theatre
COMMUNICATION_CATEGORY = BASE + "/CodeSystem/communication-category"
NOTICE = {"system": COMMUNICATION_CATEGORY, "code": "notice", "display": "Thông báo"}  # the house tells a patient something

# --- extensions of the house
EXT_MARK = BASE + "/StructureDefinition/facility-mark"
EXT_ETHNICITY = BASE + "/StructureDefinition/ethnicity"
EXT_DEPARTMENT = BASE + "/StructureDefinition/department"
EXT_BENEFIT_LEVEL = BASE + "/StructureDefinition/insurance-benefit-level"
EXT_EXPECTED_DISCHARGE = BASE + "/StructureDefinition/expected-discharge"
EXT_WARD = BASE + "/StructureDefinition/ward-code"
EXT_FOLLOWS = BASE + "/StructureDefinition/follows-visit"
"""Of a stay: the visit (emergency room, clinic) that its admission ended; what still ran there runs on in the stay."""

CODE_SYSTEMS = {
    ICD10_VN,
    LAB,
    LAB_GROUP,
    VITAL,
    DRUG,
    IMAGING,
    SERVICE,
    DIET,
    NURSING,
    WARD,
    ETHNICITY,
    INSURANCE_OBJECT,
    STAFF_ROLE,
    NOTE_TYPE,
    VACCINE,
    ALLERGEN,
    FLAG,
    DEPARTMENT_KIND,
    COMMUNICATION_CATEGORY,
}
