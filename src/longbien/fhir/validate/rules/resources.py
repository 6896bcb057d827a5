"""Invariants of the resources that a record is full of; each resource's page says them (https://hl7.org/fhir/R4/)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..context import Context
from .words import Rule, any_of, codings, has, has_choice, needs, not_after, not_both, one_of_two

_TERM = "http://terminology.hl7.org/CodeSystem/"
_ALLERGY_ERROR = (_TERM + "allergyintolerance-verification", "entered-in-error")
_CONDITION_ERROR = (_TERM + "condition-ver-status", "entered-in-error")
_CONDITION_OVER = {(_TERM + "condition-clinical", code) for code in ("resolved", "remission", "inactive")}


def ait_1(v: dict[str, Any], c: Context) -> bool:
    return "clinicalStatus" in v or _ALLERGY_ERROR in codings(v.get("verificationStatus"))


def ait_2(v: dict[str, Any], c: Context) -> bool:
    return "clinicalStatus" not in v or _ALLERGY_ERROR not in codings(v.get("verificationStatus"))


def con_4(v: dict[str, Any], c: Context) -> bool:
    return not has_choice(v, "abatement") or any(x in _CONDITION_OVER for x in codings(v.get("clinicalStatus")))


def con_5(v: dict[str, Any], c: Context) -> bool:
    return "clinicalStatus" not in v or _CONDITION_ERROR not in codings(v.get("verificationStatus"))


def obs_7(v: dict[str, Any], c: Context) -> bool:
    """A component does not repeat the code of the observation when that has a value of its own."""
    if "component" not in v or not has_choice(v, "value"):
        return True
    own = set(codings(c.resource.get("code")))
    return not any(own & set(codings(part.get("code"))) for part in v["component"])


def app_3(v: dict[str, Any], c: Context) -> bool:
    return (has(v, "start") and has(v, "end")) or v.get("status") in ("proposed", "cancelled", "waitlist")


def org_not_home(v: dict[str, Any], c: Context) -> bool:
    return v.get("use") != "home"


def ppc_scope(code: str) -> Rule:
    return lambda v, c: has(v, "patient") or ("something", code) not in codings(v.get("scope"))


def inv_1_parameters(v: dict[str, Any], c: Context) -> bool:
    value, resource, part = has_choice(v, "value"), "resource" in v, "part" in v
    return (part and not value and not resource) or (not part and value != resource)


def inv_1_task(v: dict[str, Any], c: Context) -> bool:
    return "lastModified" not in v or "authoredOn" not in v or not_after(v["authoredOn"], v["lastModified"])


def mdd_1(v: dict[str, Any], c: Context) -> bool:
    return "whenHandedOver" not in v or "whenPrepared" not in v or not_after(v["whenPrepared"], v["whenHandedOver"])


def lst_2(v: dict[str, Any], c: Context) -> bool:
    return v.get("mode") == "changes" or not any(has(e, "deleted") for e in v.get("entry", ()))


def lst_3(v: dict[str, Any], c: Context) -> bool:
    return v.get("mode") == "working" or not any(has(e, "date") for e in v.get("entry", ()))


def que_1(v: dict[str, Any], c: Context) -> bool:
    kind = v.get("type")
    return (kind != "group" or "item" in v) and (kind != "display" or "item" not in v)


def que_2(v: dict[str, Any], c: Context) -> bool:
    """linkId is unique in the whole questionnaire."""
    ids = list(_link_ids(v))
    return len(ids) == len(set(ids))


def _link_ids(v: dict[str, Any]) -> Iterator[str]:
    stack = list(v.get("item", ()))
    while stack:
        item = stack.pop()
        yield item.get("linkId")
        stack.extend(item.get("item", ()))


def not_display(*names: str) -> Rule:
    return lambda v, c: v.get("type") != "display" or not any(has(v, n) for n in names)


_MAX_LENGTH = ("boolean", "decimal", "integer", "string", "text", "url", "open-choice")
_ANSWERS = ("choice", "open-choice", "decimal", "integer", "date", "dateTime", "time", "string", "quantity")


def que_5(v: dict[str, Any], c: Context) -> bool:
    return v.get("type") in _ANSWERS or not (has(v, "answerValueSet") or has(v, "answerOption"))


def csd_1(v: dict[str, Any], c: Context) -> bool:
    """Codes are unique in a code system."""
    stack, codes = list(v.get("concept", ())), []
    while stack:
        concept = stack.pop()
        codes.append(concept.get("code"))
        stack.extend(concept.get("concept", ()))
    return len(codes) == len(set(codes))


def bdl_3(v: dict[str, Any], c: Context) -> bool:
    wanted = v.get("type") in ("batch", "transaction", "history")
    return all(("request" in e) == wanted for e in v.get("entry", ()))


def bdl_4(v: dict[str, Any], c: Context) -> bool:
    wanted = v.get("type") in ("batch-response", "transaction-response", "history")
    return all(("response" in e) == wanted for e in v.get("entry", ()))


def bdl_7(v: dict[str, Any], c: Context) -> bool:
    """A fullUrl occurs once, or once a version."""
    if v.get("type") == "history":
        return True
    seen = []
    for e in v.get("entry", ()):
        if "fullUrl" in e:
            meta = e.get("resource", {}).get("meta", {})
            seen.append((e["fullUrl"], meta.get("versionId")))
    return len(seen) == len(set(seen))


def bdl_first(kind: str, resource_type: str) -> Rule:
    def rule(v: dict[str, Any], c: Context) -> bool:
        if v.get("type") != kind:
            return True
        entries = v.get("entry", ())
        return len(entries) > 0 and entries[0].get("resource", {}).get("resourceType") == resource_type

    return rule


def bdl_9(v: dict[str, Any], c: Context) -> bool:
    identifier = v.get("identifier", {})
    return v.get("type") != "document" or (has(identifier, "system") and has(identifier, "value"))


RULES: dict[str, Rule] = {
    "ait-1": ait_1,
    "ait-2": ait_2,
    "app-1": any_of("type", "actor"),
    "app-2": lambda v, c: has(v, "start") == has(v, "end"),
    "app-3": app_3,
    "app-4": lambda v, c: not has(v, "cancelationReason") or v.get("status") in ("noshow", "cancelled"),
    "apr-1": any_of("participantType", "actor"),
    "bdl-1": lambda v, c: not has(v, "total") or v.get("type") in ("searchset", "history"),
    "bdl-2": lambda v, c: v.get("type") == "searchset" or not any("search" in e for e in v.get("entry", ())),
    "bdl-3": bdl_3,
    "bdl-4": bdl_4,
    "bdl-5": any_of("resource", "request", "response"),
    "bdl-7": bdl_7,
    "bdl-8": lambda v, c: "/_history/" not in v.get("fullUrl", ""),
    "bdl-9": bdl_9,
    "bdl-10": lambda v, c: v.get("type") != "document" or "timestamp" in v,
    "bdl-11": bdl_first("document", "Composition"),
    "bdl-12": bdl_first("message", "MessageHeader"),
    "ces-1": one_of_two("category", "productOrService"),
    "cmp-1": any_of("text", "entry", "section"),
    "cmp-2": not_both("emptyReason", "entry"),
    "con-1": any_of("summary", "assessment"),
    "con-2": any_of("code", "detail"),
    "con-4": con_4,
    "con-5": con_5,
    "cpl-3": not_both("detail", "reference"),
    "csd-1": csd_1,
    # The member may be anywhere; only what is contained can be looked at, and a test for that would say little.
    "ctm-1": lambda v, c: True,
    "fhs-1": lambda v, c: not (has_choice(v, "age") and has_choice(v, "born")),
    "fhs-2": lambda v, c: has_choice(v, "age") or not has(v, "estimatedAge"),
    "gol-1": lambda v, c: not has_choice(v, "detail") or has(v, "measure"),
    "grp-1": lambda v, c: not has(v, "member") or v.get("actual") is True,
    "imm-1": any_of("documentType", "reference"),
    "imr-1": any_of("vaccineCode", "targetDisease"),
    "ipn-1": any_of("identifier", "name"),
    "Parameters/inv-1": inv_1_parameters,
    "Task/inv-1": inv_1_task,
    "lnk-1": lambda v, c: len(v.get("item", ())) > 1,
    "lst-1": not_both("emptyReason", "entry"),
    "lst-2": lst_2,
    "lst-3": lst_3,
    "mad-1": lambda v, c: has(v, "dose") or has_choice(v, "rate"),
    "mdd-1": mdd_1,
    "nor-1": any_of("oralDiet", "supplement", "enteralFormula"),
    "obs-3": any_of("low", "high", "text"),
    "obs-6": lambda v, c: "dataAbsentReason" not in v or not has_choice(v, "value"),
    "obs-7": obs_7,
    "org-1": any_of("identifier", "name"),
    "org-2": org_not_home,
    "org-3": org_not_home,
    "pat-1": any_of("name", "telecom", "address", "organization"),
    "ppc-1": any_of("policy", "policyRule"),
    "ppc-2": ppc_scope("patient-privacy"),
    "ppc-3": ppc_scope("research"),
    "ppc-4": ppc_scope("adr"),
    "ppc-5": ppc_scope("treatment"),
    "prr-1": needs("orderDetail", "code"),
    "qrs-1": not_both("answer", "item"),
    "que-1": que_1,
    "que-2": que_2,
    "que-3": not_display("code"),
    "que-4": not_both("answerOption", "answerValueSet"),
    "que-5": que_5,
    "que-6": not_display("required", "repeats"),
    "que-7": lambda v, c: v.get("operator") != "exists" or has(v, "answerBoolean"),
    "que-8": lambda v, c: v.get("type") not in ("group", "display") or not has(v, "initial"),
    "que-9": not_display("readOnly"),
    "que-10": lambda v, c: v.get("type") in _MAX_LENGTH or not has(v, "maxLength"),
    "que-11": not_both("answerOption", "initial"),
    "que-12": lambda v, c: len(v.get("enableWhen", ())) <= 1 or has(v, "enableBehavior"),
    "que-13": lambda v, c: v.get("repeats") is True or len(v.get("initial", ())) <= 1,
    "ras-2": lambda v, c: v.get("probabilityDecimal", 0) <= 100,
    "rqg-1": one_of_two("resource", "action"),
    "sev-1": not_both("name", "query"),
    "spd-1": needs("xpath", "xpathUsage"),
    "spd-2": lambda v, c: not has(v, "chain") or v.get("type") == "reference",
    "vsd-1": any_of("valueSet", "system"),
    "vsd-2": lambda v, c: not (has(v, "concept") or has(v, "filter")) or has(v, "system"),
    "vsd-3": not_both("concept", "filter"),
    "vsd-6": any_of("code", "display"),
    "vsd-9": lambda v, c: has(v, "code") or v.get("abstract") is True,
    "vsd-10": needs("code", "system"),
}
