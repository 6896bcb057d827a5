"""R4's compartments beside the Patient's: by which search parameters a resource is in one. http://hl7.org/fhir/R4/compartmentdefinition.html

Written down from the published definitions (the package that the other tables are made of has the Patient's only). A holder's own
type without parameters stands for the holder itself ("{def}"). AuditEvent is left out: it is asked for at the trail."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

_TEXT = {
    "Device": """
        Account subject; Appointment actor; AppointmentResponse actor; ChargeItem enterer performer-actor; Claim
        procedure-udi item-udi detail-udi subdetail-udi; Communication sender recipient; CommunicationRequest sender
        recipient; Composition author; DetectedIssue author; DeviceRequest device subject requester performer;
        DeviceUseStatement device; DiagnosticReport subject; DocumentManifest subject author; DocumentReference subject
        author; ExplanationOfBenefit procedure-udi item-udi detail-udi subdetail-udi; Flag author; Group member; Invoice
        participant; List subject source; Media subject; MedicationAdministration device; MessageHeader target;
        Observation subject device; Provenance agent; QuestionnaireResponse author; RequestGroup author; RiskAssessment
        performer; Schedule actor; ServiceRequest performer requester; Specimen subject; SupplyRequest requester""",
    "Encounter": """
        CarePlan encounter; CareTeam encounter; ChargeItem context; Claim encounter; ClinicalImpression encounter;
        Communication encounter; CommunicationRequest encounter; Composition encounter; Condition encounter; DeviceRequest
        encounter; DiagnosticReport encounter; DocumentManifest related-ref; DocumentReference encounter; Encounter;
        ExplanationOfBenefit encounter; Media encounter; MedicationAdministration context; MedicationRequest encounter;
        NutritionOrder encounter; Observation encounter; Procedure encounter; QuestionnaireResponse encounter;
        RequestGroup encounter; ServiceRequest encounter; VisionPrescription encounter""",
    "Practitioner": """
        Account subject; AdverseEvent recorder; AllergyIntolerance recorder asserter; Appointment actor;
        AppointmentResponse actor; Basic author; CarePlan performer; CareTeam participant; ChargeItem enterer
        performer-actor; Claim enterer provider payee care-team; ClaimResponse requestor; ClinicalImpression assessor;
        Communication sender recipient; CommunicationRequest sender recipient requester; Composition subject author
        attester; Condition asserter; CoverageEligibilityRequest enterer provider; CoverageEligibilityResponse requestor;
        DetectedIssue author; DeviceRequest requester performer; DiagnosticReport performer; DocumentManifest subject
        author recipient; DocumentReference subject author authenticator; Encounter practitioner participant;
        EpisodeOfCare care-manager; ExplanationOfBenefit enterer provider payee care-team; Flag author; Group member;
        Immunization performer; Invoice participant; Linkage author; List source; Media subject operator;
        MedicationAdministration performer; MedicationDispense performer receiver; MedicationRequest requester;
        MedicationStatement source; MessageHeader receiver author responsible enterer; NutritionOrder provider;
        Observation performer; Patient general-practitioner; PaymentNotice provider; PaymentReconciliation requestor;
        Person practitioner; Practitioner; PractitionerRole practitioner; Procedure performer; Provenance agent;
        QuestionnaireResponse author source; RequestGroup participant author; ResearchStudy principalinvestigator;
        RiskAssessment performer; Schedule actor; ServiceRequest performer requester; Specimen collector; SupplyDelivery
        supplier receiver; SupplyRequest requester; VisionPrescription prescriber""",
    "RelatedPerson": """
        AdverseEvent recorder; AllergyIntolerance asserter; Appointment actor; AppointmentResponse actor; Basic author;
        CarePlan performer; CareTeam participant; ChargeItem enterer performer-actor; Claim payee; Communication sender
        recipient; CommunicationRequest sender recipient requester; Composition author; Condition asserter; Coverage
        policy-holder subscriber payor; DocumentManifest author recipient; DocumentReference author; Encounter
        participant; ExplanationOfBenefit payee; Invoice recipient; MedicationAdministration performer;
        MedicationStatement source; Observation performer; Patient link; Person link; Procedure performer; Provenance
        agent; QuestionnaireResponse author source; RelatedPerson; RequestGroup participant; Schedule actor;
        ServiceRequest performer; SupplyRequest requester""",
}
NAMES = ("Patient", *_TEXT)
"""The compartments that R4 defines."""


@cache
def listed(name: str) -> Mapping[str, tuple[str, ...]]:
    """Type -> codes of search parameters. Raises KeyError for what is no compartment here."""
    rows = [one.split() for one in _TEXT[name].split(";")]
    return {type_: tuple(codes) for type_, *codes in rows}
