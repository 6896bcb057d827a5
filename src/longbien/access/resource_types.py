"""The R4 resource types by what they are about. Each type stands in exactly one group (a test holds that)."""

from __future__ import annotations


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

CARE = _names("""
    AdverseEvent AllergyIntolerance Appointment AppointmentResponse BodyStructure CarePlan CareTeam ClinicalImpression
    Communication CommunicationRequest Composition Condition Consent DetectedIssue Device DeviceMetric DeviceRequest
    DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference Encounter EpisodeOfCare FamilyMemberHistory Flag Goal
    GuidanceResponse ImagingStudy Immunization ImmunizationEvaluation ImmunizationRecommendation List Media
    MedicationAdministration MedicationDispense MedicationRequest MedicationStatement MolecularSequence NutritionOrder
    Observation Procedure Provenance QuestionnaireResponse RequestGroup RiskAssessment ServiceRequest Specimen SupplyDelivery
    SupplyRequest Task VisionPrescription""")

MONEY = _names("""
    Account ChargeItem Claim ClaimResponse Contract Coverage CoverageEligibilityRequest CoverageEligibilityResponse
    EnrollmentRequest EnrollmentResponse ExplanationOfBenefit Invoice PaymentNotice PaymentReconciliation""")

MACHINERY = _names("""
    AuditEvent Basic Binary BiologicallyDerivedProduct Bundle Group Linkage MeasureReport MessageHeader OperationOutcome
    Parameters ResearchStudy ResearchSubject Subscription TestReport VerificationResult""")
"""May hold anything, or a patient that no key names: nobody's by default."""

OPEN = DIRECTORY | DEFINITIONS
"""Rows of these types that carry no patient key may be read by every role that may read the type. Nothing else is."""
