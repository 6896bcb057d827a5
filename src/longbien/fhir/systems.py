"""The names of code and identifier systems, in one place.

What an international body owns carries that body's URI. What is Vietnamese has no binding national URI (two rival "VN Core" drafts,
neither a standard: so local URIs under `https://longbien.example/fhir` are used, to be changed here and nowhere else).
"""

from __future__ import annotations

BASE = "https://longbien.example/fhir"

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
CITIZEN_ID = BASE + "/sid/citizen-id"  # số định danh cá nhân / căn cước, 12 digits
INSURANCE_NUMBER = BASE + "/sid/insurance-card"  # mã thẻ BHYT, 15 characters
SOCIAL_INSURANCE_NUMBER = BASE + "/sid/social-insurance"  # mã số BHXH, 10 digits: the tail of the card number
PATIENT_NUMBER = BASE + "/sid/patient-number"  # mã người bệnh, per facility
# --- identifiers of places, staff, things
FACILITY_CODE = BASE + "/sid/facility"  # mã cơ sở khám bệnh, chữa bệnh, 5 digits
FACILITY_MARK = BASE + "/sid/facility-mark"  # two letters that mark a facility on the chart
DEPARTMENT_CODE = BASE + "/sid/department"
PRACTICE_LICENCE = BASE + "/sid/practice-licence"  # giấy phép hành nghề
STAFF_LOGIN = BASE + "/sid/staff"
ENCOUNTER_NUMBER = BASE + "/sid/encounter"  # mã lần khám / mã bệnh án
ACCESSION_NUMBER = BASE + "/sid/accession"

# --- code systems of the house
ICD10_VN = BASE + "/CodeSystem/icd10-vn"
LAB = BASE + "/CodeSystem/lab"
LAB_GROUP = BASE + "/CodeSystem/lab-group"
VITAL = BASE + "/CodeSystem/vital"
DRUG = BASE + "/CodeSystem/drug"
IMAGING = BASE + "/CodeSystem/imaging"
SERVICE = BASE + "/CodeSystem/service"
WARD = BASE + "/CodeSystem/ward-hanoi"  # phường, xã from 1 July 2025
ETHNICITY = BASE + "/CodeSystem/ethnicity"
INSURANCE_OBJECT = BASE + "/CodeSystem/insurance-object"
STAFF_ROLE = BASE + "/CodeSystem/staff-role"
NOTE_TYPE = BASE + "/CodeSystem/note-type"
VACCINE = BASE + "/CodeSystem/vaccine"
ALLERGEN = BASE + "/CodeSystem/allergen"
FLAG = BASE + "/CodeSystem/flag"
DEPARTMENT_KIND = BASE + "/CodeSystem/department-kind"

# --- extensions of the house
EXT_MARK = BASE + "/StructureDefinition/facility-mark"
EXT_ETHNICITY = BASE + "/StructureDefinition/ethnicity"
EXT_DEPARTMENT = BASE + "/StructureDefinition/department"
EXT_BENEFIT_LEVEL = BASE + "/StructureDefinition/insurance-benefit-level"
EXT_EXPECTED_DISCHARGE = BASE + "/StructureDefinition/expected-discharge"
EXT_WARD = BASE + "/StructureDefinition/ward-code"

CODE_SYSTEMS = {
    ICD10_VN,
    LAB,
    LAB_GROUP,
    VITAL,
    DRUG,
    IMAGING,
    SERVICE,
    WARD,
    ETHNICITY,
    INSURANCE_OBJECT,
    STAFF_ROLE,
    NOTE_TYPE,
    VACCINE,
    ALLERGEN,
    FLAG,
    DEPARTMENT_KIND,
}
