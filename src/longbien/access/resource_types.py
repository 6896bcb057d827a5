"""The R4 resource types by what they are about. Each type stands in exactly one group (a test holds that)."""

from __future__ import annotations

from typing import NamedTuple


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


DIRECTORY = _names("""
    Endpoint HealthcareService Location Organization OrganizationAffiliation Practitioner PractitionerRole Schedule Slot""")
"""Who and what there is to work with: not about a patient."""

DEFINITIONS = _names("""
    ActivityDefinition CapabilityStatement CatalogEntry ChargeItemDefinition CodeSystem CompartmentDefinition ConceptMap
    DeviceDefinition EffectEvidenceSynthesis EventDefinition Evidence EvidenceVariable ExampleScenario GraphDefinition
    ImplementationGuide InsurancePlan Library Measure Medication MedicationKnowledge MedicinalProduct
    MedicinalProductAuthorization MedicinalProductContraindication MedicinalProductIndication MedicinalProductIngredient
    MedicinalProductInteraction MedicinalProductManufactured MedicinalProductPackaged MedicinalProductPharmaceutical
    MedicinalProductUndesirableEffect MessageDefinition NamingSystem ObservationDefinition OperationDefinition PlanDefinition
    Questionnaire ResearchDefinition ResearchElementDefinition RiskEvidenceSynthesis SearchParameter SpecimenDefinition
    StructureDefinition StructureMap Substance SubstanceNucleicAcid SubstancePolymer SubstanceProtein
    SubstanceReferenceInformation SubstanceSourceMaterial SubstanceSpecification TerminologyCapabilities TestScript ValueSet""")
"""Knowledge and vocabulary: not about a patient."""

IDENTITY = _names("Patient RelatedPerson Person")

VISITS = _names("Appointment AppointmentResponse Encounter EpisodeOfCare")
PLANS = _names("CarePlan CareTeam Goal RequestGroup")
NOTES = _names("""
    ClinicalImpression Communication CommunicationRequest Composition DocumentManifest DocumentReference GuidanceResponse List
    Provenance QuestionnaireResponse""")
PROBLEMS = _names("""
    AdverseEvent AllergyIntolerance BodyStructure Condition DetectedIssue FamilyMemberHistory Flag RiskAssessment""")
ORDERS = _names("DeviceRequest NutritionOrder ServiceRequest SupplyRequest Task VisionPrescription")
RESULTS = _names("DiagnosticReport ImagingStudy Media MolecularSequence Observation Specimen")
DRUGS = _names("MedicationAdministration MedicationDispense MedicationRequest MedicationStatement")
PREVENTION = _names("Immunization ImmunizationEvaluation ImmunizationRecommendation")
PROCEDURES = _names("Device DeviceMetric DeviceUseStatement Procedure SupplyDelivery")
CONSENTS = _names("Consent")

CARE = VISITS | PLANS | NOTES | PROBLEMS | ORDERS | RESULTS | DRUGS | PREVENTION | PROCEDURES | CONSENTS
"""What is written about somebody's health and care."""

COVERAGE = _names("""
    Coverage CoverageEligibilityRequest CoverageEligibilityResponse EnrollmentRequest EnrollmentResponse""")
BILLS = _names("Account ChargeItem Invoice PaymentNotice PaymentReconciliation")
CLAIMS = _names("Claim ClaimResponse Contract ExplanationOfBenefit")

MONEY = COVERAGE | BILLS | CLAIMS

MACHINERY = _names("""
    AuditEvent Basic Binary BiologicallyDerivedProduct Bundle Group Linkage MeasureReport MessageHeader OperationOutcome
    Parameters ResearchStudy ResearchSubject Subscription TestReport VerificationResult""")
"""May hold anything, or a patient that no key names: nobody's by default."""

OPEN = DIRECTORY | DEFINITIONS
"""Rows of these types that carry no patient key may be read by every role that may read the type. Nothing else is."""


class Kind(NamedTuple):
    """A kind of resource as the tables of roles name it, and as a page calls it."""

    vi: str
    en: str
    types: frozenset[str]


KINDS: dict[str, Kind] = {
    "directory": Kind("danh bạ cơ sở, khoa phòng, nhân viên", "the directory of facilities, departments and staff", DIRECTORY),
    "definitions": Kind("danh mục và từ điển mã", "catalogues and code systems", DEFINITIONS),
    "identity": Kind("thông tin hành chính của người bệnh", "who the patient is", IDENTITY),
    "visits": Kind("lượt khám, đợt điều trị và lịch hẹn", "visits, stays and appointments", VISITS),
    "plans": Kind("kế hoạch và nhóm chăm sóc", "care plans and care teams", PLANS),
    "notes": Kind("ghi chép và giấy tờ trong hồ sơ", "notes and documents", NOTES),
    "problems": Kind("chẩn đoán, dị ứng và cảnh báo", "diagnoses, allergies and warnings", PROBLEMS),
    "orders": Kind("chỉ định và việc cần làm", "orders and tasks", ORDERS),
    "results": Kind("kết quả xét nghiệm, chẩn đoán hình ảnh và số đo", "laboratory and imaging results, measurements", RESULTS),
    "drugs": Kind("đơn thuốc, cấp phát và dùng thuốc", "prescriptions, dispensing and administration of drugs", DRUGS),
    "prevention": Kind("tiêm chủng", "immunisations", PREVENTION),
    "procedures": Kind("thủ thuật, phẫu thuật và thiết bị", "procedures and devices", PROCEDURES),
    "consents": Kind("văn bản đồng ý", "consents", CONSENTS),
    "coverage": Kind("thẻ bảo hiểm và quyền lợi", "insurance cards and entitlements", COVERAGE),
    "bills": Kind("viện phí và thanh toán", "bills and payments", BILLS),
    "claims": Kind("hồ sơ đề nghị thanh toán bảo hiểm", "insurance claims", CLAIMS),
    "machinery": Kind("dữ liệu kỹ thuật", "technical data", MACHINERY),
}
"""Every R4 type stands in exactly one."""

NAMES: dict[str, tuple[str, str]] = {
    "ChargeItem": ("khoản viện phí", "charges"), "Invoice": ("hoá đơn viện phí", "bills"),
    "ChargeItemDefinition": ("bảng giá", "price lists"),
    "ActivityDefinition": ("danh mục y lệnh", "the catalogue of orders"), "PlanDefinition": ("bộ y lệnh", "order sets"),
    "AllergyIntolerance": ("dị ứng", "allergies"), "Condition": ("chẩn đoán", "diagnoses"),
    "Consent": ("văn bản đồng ý", "consents"), "Coverage": ("thẻ bảo hiểm", "insurance cards"),
    "DetectedIssue": ("cảnh báo dùng thuốc", "drug safety issues"), "Device": ("thiết bị", "devices"),
    "DeviceMetric": ("thông số thiết bị", "device metrics"), "DeviceRequest": ("yêu cầu thiết bị", "device requests"),
    "DiagnosticReport": ("phiếu kết quả", "reports of results"), "DocumentManifest": ("tập giấy tờ", "sets of documents"),
    "DocumentReference": ("giấy tờ quét, tệp", "documents and scans"), "Encounter": ("lượt khám, đợt điều trị", "visits and stays"),
    "Flag": ("cảnh báo", "warnings"), "ImagingStudy": ("ảnh chẩn đoán", "imaging studies"),
    "Location": ("tình trạng giường", "the state of a bed"),
    "Schedule": ("lịch của phòng khám", "schedules of rooms"), "Slot": ("giờ hẹn của phòng khám", "times of rooms"),
    "Media": ("ảnh chụp", "pictures"), "MedicationAdministration": ("lần dùng thuốc", "administered drugs"),
    "MedicationDispense": ("cấp phát thuốc", "dispensed drugs"), "MedicationRequest": ("đơn thuốc", "prescriptions"),
    "MedicationStatement": ("thuốc đang dùng", "drugs in use"), "NutritionOrder": ("chế độ ăn", "diet orders"),
    "Observation": ("chỉ số, kết quả", "measurements and results"), "Procedure": ("thủ thuật, phẫu thuật", "procedures"),
    "Provenance": ("chữ ký, xuất xứ", "signatures and provenance"),
    "ServiceRequest": ("chỉ định", "orders"), "Specimen": ("mẫu xét nghiệm", "specimens"),
    "SupplyDelivery": ("giao vật tư", "deliveries of supplies"), "SupplyRequest": ("yêu cầu vật tư", "requests for supplies"),
    "Task": ("việc cần làm", "tasks"), "VisionPrescription": ("đơn kính", "prescriptions of glasses"),
}  # fmt: skip
"""What the types that a role's table names one by one are called."""
