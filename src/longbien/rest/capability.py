"""GET [base]/metadata - http://hl7.org/fhir/R4/http.html#capabilities

Open to all, as the standard wants: it says what this server can do, and nothing of what is in it."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import longbien
from longbien.base.errors import Invalid
from longbien.fhir import compartments, definitions
from longbien.fhir import json as fhir_json
from longbien.fhir.definitions import SearchParam
from longbien.fhir.terminology import grammars
from longbien.record.search import registry
from longbien.record.search.parse import param
from longbien.subscriptions.topics import TOPICS

from . import forms, negotiate, operations, patch, terminology
from .faults import NotAllowed
from .negotiate import Shape
from .operations.expand import PARAMETERS
from .request import Answer, of_host, parse
from .settings import RestSettings

STARTED = "2026-11-30"
"""The date of this statement: change it with what the server can do."""
MODES = ("full", "normative", "terminology")
NOT_WRITTEN = frozenset({"AuditEvent"})
"""Types that the server makes by itself: read and searched, never written."""
NOT_PATCHED = frozenset({"Binary"})
"""http://hl7.org/fhir/R4/binary.html: bytes have no elements."""
NO_ENDPOINT = frozenset({"Parameters", "OperationOutcome"})
"""Types that only travel: http://hl7.org/fhir/R4/parameters.html"""


async def metadata(scope: Any, headers: dict[bytes, bytes], settings: RestSettings) -> tuple[Answer, Shape]:
    if scope["method"] not in ("GET", "HEAD"):
        raise NotAllowed("metadata can only be read.", "GET, HEAD")
    from_query = dict(parse(scope["query_string"])) if scope["query_string"] else {}
    shape = negotiate.shape(headers.get(b"accept", b""), from_query.get("_format"), from_query.get("_pretty"))
    mode = from_query.get("mode", "full")
    if mode not in MODES:
        raise Invalid(f"mode must be one of {', '.join(MODES)}, not {mode[:40]!r}.", code="value")
    base = settings.base_url.rstrip("/") or of_host(scope, headers)
    statement = _terminology(base) if mode == "terminology" else _statement(base, mode, *_known())
    if shape.form == "xml" and not shape.pretty:  # open to all, so nobody makes us write it again and again
        return Answer(200, _in_xml(statement), ((b"content-type", negotiate.XML),)), shape
    return Answer(200, statement), shape


_in_xml = lru_cache(32)(forms.as_xml)


def _known() -> tuple[int, int]:
    """What the statement changes with: this house's own search parameters."""
    return registry.current.stamp, registry.current.readied


@lru_cache(16)
def _statement(base: str, mode: str, stamp: int, readied: int) -> bytes:
    said = statement(base)
    return fhir_json.dumps(normative(said) if mode == "normative" else said)


_TRIAL = frozenset({"supportedProfile", "versioning", "readHistory", "updateCreate", "conditionalCreate", "conditionalRead",
                    "conditionalUpdate", "conditionalDelete", "referencePolicy", "searchInclude", "searchRevInclude"})  # fmt: skip
"""Elements of a resource's part that R4 itself marks as trial use (structuredefinition-standards-status)."""


def normative(said: dict[str, Any]) -> dict[str, Any]:
    """The normative portions of a statement: without the elements that are for trial use."""
    rest = [{k: v for k, v in r.items() if k != "security"} for r in said["rest"]]
    for one in rest:
        one["resource"] = [{k: v for k, v in r.items() if k not in _TRIAL} for r in one["resource"]]
    return said | {"rest": rest}


_SOCKET = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket"
_TOPIC = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/capabilitystatement-subscriptiontopic-canonical"


_SERVICE = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_OAUTH = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


def _oauth(issuer: str) -> dict[str, Any]:
    """Where apps ask (SMART 1.0; later ones look into .well-known/smart-configuration)."""
    names = ("authorize", "token")  # R4 knows no other part that is here
    return {"url": _OAUTH, "extension": [{"url": n, "valueUri": f"{issuer}/oauth/{n}"} for n in names]}


def statement(base: str) -> dict[str, Any]:
    """The CapabilityStatement of a server at `base`."""
    return {
        "resourceType": "CapabilityStatement",
        "url": f"{base}/metadata",
        "version": longbien.__version__,
        "name": "Longbien",
        "title": "Longbien FHIR R4 server",
        "status": "active",
        "date": STARTED,
        "kind": "instance",
        "software": {"name": "Longbien", "version": longbien.__version__},
        "implementation": {"description": "The Longbien health record", "url": base},
        "fhirVersion": definitions.VERSION,
        "format": ["json", "application/fhir+json", "xml", "application/fhir+xml"],
        "patchFormat": list(patch.FORMATS),
        "rest": [
            {
                "mode": "server",
                "extension": [{"url": _SOCKET, "valueUri": base.replace("http", "ws", 1) + "/ws"}],
                "security": {
                    "cors": False,
                    "extension": [_oauth(base.removesuffix("/fhir"))],
                    "service": [{"coding": [{"system": _SERVICE, "code": "SMART-on-FHIR"}], "text": "OAuth2 by SMART App Launch"}],
                    "description": "Every request needs a bearer token (Authorization: Bearer ...), except this statement. "
                    "Every read and write is audited; see AuditEvent.",
                },
                "resource": [_resource(t) for t in definitions.types() if t not in NO_ENDPOINT],
                "interaction": [{"code": "transaction"}, {"code": "batch"}, {"code": "search-system"}, {"code": "history-system"}],
                "operation": _operations(None),
                "compartment": [f"http://hl7.org/fhir/CompartmentDefinition/{n[0].lower()}{n[1:]}" for n in compartments.NAMES],
            }
        ],
    }


def _resource(type: str) -> dict[str, Any]:
    reads = ["read", "search-type"] if type in NOT_WRITTEN else ["read", "vread", "search-type", "history-instance", "history-type"]
    writes = [] if type in NOT_WRITTEN else ["create", "update", *(["patch"] if type not in NOT_PATCHED else []), "delete"]
    said: dict[str, Any] = {
        "type": type,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{type}",
        "interaction": [{"code": c} for c in reads + writes],
        "versioning": "no-version" if type in NOT_WRITTEN else "versioned-update",
        "readHistory": type not in NOT_WRITTEN,
    }
    if writes:
        said |= {
            "updateCreate": True,
            "conditionalCreate": True,
            "conditionalRead": "full-support",
            "conditionalUpdate": True,
            "conditionalDelete": "multiple",
            "referencePolicy": ["literal", "logical", "local", "enforced"],
        }
        said["searchInclude"] = sorted(f"{type}:{registry.public(p.code)}" for p in searched(type) if p.kind == "reference")
    if type == "Subscription":
        said["extension"] = [{"url": _TOPIC, "valueCanonical": t.url} for t in TOPICS]
    said["operation"] = _operations(type)
    said["searchParam"] = _TRAIL_PARAMS if type in NOT_WRITTEN else [_search_param(p) for p in searched(type)]
    return {k: v for k, v in said.items() if v != []}


def _operations(type: str | None) -> list[dict[str, str]]:
    """What can be called on the system itself, or on a type and its instances."""
    found = [
        o for o in operations.TABLE if o.listed and (o.stands_at(type, False) or (type is not None and o.stands_at(type, True)))
    ]
    return [{"name": o.name, "definition": o.definition} for o in found]


def searched(type: str) -> list[SearchParam]:
    """The parameters that a search of this type really answers: what the search's own reader takes, and of this house's own those
    that everything is indexed by."""
    codes = sorted({*definitions.search_params(type), "_list"})
    standard = [p for code in codes if (p := param(type, code)) is not None and registry.state(type, code) == (True, True)]
    return standard + [o.param for o in registry.current.of(type) if o.ready]


def _search_param(p: SearchParam) -> dict[str, Any]:
    said = {"name": registry.public(p.code), "definition": p.url, "type": p.kind}
    return {k: v for k, v in said.items() if v}


_TRAIL_PARAMS = [
    {"name": name, "definition": f"http://hl7.org/fhir/SearchParameter/{id}", "type": kind}
    for name, id, kind in (
        ("_id", "Resource-id", "token"),
        ("action", "AuditEvent-action", "token"),
        ("agent", "AuditEvent-agent", "reference"),
        ("entity", "AuditEvent-entity", "reference"),
        ("date", "AuditEvent-date", "date"),
        ("outcome", "AuditEvent-outcome", "token"),
        ("type", "AuditEvent-type", "token"),
        ("subtype", "AuditEvent-subtype", "token"),
        ("patient", "AuditEvent-patient", "reference"),
    )
]


@lru_cache(16)
def _terminology(base: str) -> bytes:
    return fhir_json.dumps(
        {
            "resourceType": "TerminologyCapabilities",
            "url": f"{base}/metadata?mode=terminology",
            "version": longbien.__version__,
            "name": "Longbien",
            "status": "active",
            "date": STARTED,
            "kind": "instance",
            "software": {"name": "Longbien", "version": longbien.__version__},
            "implementation": {"description": "The Longbien health record", "url": base},
            "lockedDate": False,
            "codeSystem": _code_systems(),
            "expansion": {
                "hierarchical": False,
                "paging": True,
                "incomplete": False,
                "parameter": [{"name": name} for name in PARAMETERS],
                "textFilter": "Beginnings of words of code, display and designations, in any order, with or without tones.",
            },
            "codeSearch": "explicit",
            "validateCode": {"translations": True},
            "translation": {"needsMap": False},
            "closure": {"translation": False},
        }
        | terminology.content()
    )


@cache
def _code_systems() -> list[dict[str, Any]]:
    """Those that every server has; what was loaded beside is in /CodeSystem, for those who may read it."""
    return [_code_system(url) for url in sorted([*definitions.table("codesystems"), *grammars.SYSTEMS])]


def _code_system(url: str) -> dict[str, Any]:
    raw = definitions.defined("codesystems", url) or {"version": grammars.SYSTEMS[url].version if url in grammars.SYSTEMS else None}
    version = {"code": raw["version"]} if raw.get("version") else {"isDefault": True}
    return {"uri": url, "version": [version | {"isDefault": True}], "subsumption": raw.get("content") == "complete"}
