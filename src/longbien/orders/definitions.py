"""What can be ordered, as FHIR R4: one ActivityDefinition for each test, imaging study, drug, procedure, diet and nursing
measure; one PlanDefinition (order-set) for what is ordered together. Pure: builders, and a reader that gives the catalogue's Item.

Where R4 has no element an extension of the house holds it (below LONGBIEN_SYSTEMS/StructureDefinition/):
catalogue-alias (valueString, several): what it is also called; catalogue-rank (valueInteger): its place among its like;
turnaround-routine, turnaround-urgent (valueDuration); drug-paediatric-rule (valueString); drug-high-alert (valueBoolean).
Diagnoses for which it is a favourite are its useContext `focus`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ..base import clock
from ..base.words import parse_instant
from ..fhir import systems as s
from .kinds import KINDS

Resource = dict[str, Any]
EXT = f"{s.BASE}/StructureDefinition/"
ALIAS, RANK, CHILD = EXT + "catalogue-alias", EXT + "catalogue-rank", EXT + "drug-paediatric-rule"
HIGH_ALERT = EXT + "drug-high-alert"
ROUTINE, URGENT = EXT + "turnaround-routine", EXT + "turnaround-urgent"
USAGE_CONTEXT = "http://terminology.hl7.org/CodeSystem/usage-context-type"
PUBLISHER = "Longbien"
LAST = 10**9


def definition_id(kind: str, code: str) -> str:
    """The id of a definition: made of its kind and code, so that a second load changes nothing. A legal FHIR id."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c == ".") else "-" for c in code)
    return f"cd-{kind}-{safe}".lower()[:64]


def set_id(code: str) -> str:
    return f"yl-{code}".lower()


def definition(
    kind: str,
    code: str,
    vi: str,
    en: str = "",
    *,
    group: str = "",
    aliases: Iterable[str] = (),
    codings: Sequence[Mapping[str, str]] = (),
    text: str = "",
    rank: int | None = None,
    favours: Iterable[str] = (),
    start: str = "",
    end: str = "",
    status: str = "active",
    version: str = "1",
    when: str = "",
    usage: str = "",
    turnaround: tuple[int, int] | None = None,
    dosage: Mapping[str, Any] | None = None,
    child: str = "",
    high_alert: bool = False,
    product: str = "",
    unit: str = "",
    specimen: Mapping[str, str] | None = None,
    members: Iterable[Mapping[str, str]] = (),
) -> Resource:
    """An ActivityDefinition. `codings`: further codes beside the house's own (LOINC, ATC, ICD-9-CM). `favours`: ICD-10 codes.
    `turnaround`: minutes, routine and urgent. `child`: the rule for children's doses in words. `product`: reference to the
    Medication. `unit`: what is handed out. `specimen`, `members`: references (reference, display)."""
    id_ = definition_id(kind, code)
    extensions: list[Resource] = [{"url": ALIAS, "valueString": a} for a in aliases if a]
    if rank is not None:
        extensions.append({"url": RANK, "valueInteger": rank})
    if child:
        extensions.append({"url": CHILD, "valueString": child})
    if high_alert:
        extensions.append({"url": HIGH_ALERT, "valueBoolean": True})
    for url, minutes in zip((ROUTINE, URGENT), turnaround or (), strict=False):
        extensions.append({"url": url, "valueDuration": {"value": minutes, "unit": "min", "system": s.UCUM, "code": "min"}})
    own = {"system": KINDS[kind].system, "code": code, "display": vi}
    made: Resource = {
        "resourceType": "ActivityDefinition",
        "id": id_,
        "extension": extensions,
        "url": f"{s.BASE}/ActivityDefinition/{id_}",
        "version": version,
        "name": "Order" + "".join(c for c in f"{kind}_{code}".title() if c.isascii() and (c.isalnum() or c == "_")),
        "title": vi,
        "subtitle": en,
        "status": status,
        "experimental": False,
        "date": when,
        "publisher": PUBLISHER,
        "usage": usage,
        "effectivePeriod": {k: v for k, v in (("start", start), ("end", end)) if v},
        "useContext": [
            {"code": {"system": USAGE_CONTEXT, "code": "focus"},
             "valueCodeableConcept": {"coding": [{"system": s.ICD10_VN, "code": icd}]}}
            for icd in favours
        ],
        "topic": [{"text": group}] if group else [],
        "kind": "MedicationRequest" if kind == "drug" else "ServiceRequest",
        "code": {"coding": [own, *map(dict, codings)], "text": text or vi},
        "productReference": {"reference": product} if product else {},
        "quantity": {"unit": unit} if unit else {},
        "dosage": [dict(dosage)] if dosage else [],
        "specimenRequirement": [dict(specimen)] if specimen else [],
        "observationResultRequirement": [dict(m) for m in members],
    }  # fmt: skip
    return {k: v for k, v in made.items() if v not in ("", [], {})}


def order_set(
    code: str, vi: str, en: str, actions: Sequence[Resource], *, topics: Iterable[Mapping[str, str]] = (), advice: str = "",
    setting: str = "", status: str = "active", version: str = "1", when: str = "", start: str = "", end: str = "",
) -> Resource:  # fmt: skip
    """A PlanDefinition of type order-set. `topics`: codings of the diagnoses it is for."""
    id_ = set_id(code)
    made: Resource = {
        "resourceType": "PlanDefinition",
        "id": id_,
        "url": f"{s.BASE}/PlanDefinition/{id_}",
        "identifier": [{"value": code}],
        "version": version,
        "name": "OrderSet" + "".join(c for c in code if c.isascii() and (c.isalnum() or c == "_")),
        "title": vi,
        "subtitle": en,
        "type": {"coding": [{"system": s.PLAN_TYPE, "code": "order-set", "display": "Order Set"}]},
        "status": status,
        "date": when,
        "publisher": PUBLISHER,
        "description": advice or vi,
        "usage": setting,
        "effectivePeriod": {k: v for k, v in (("start", start), ("end", end)) if v},
        "topic": [{"coding": [dict(t)]} for t in topics],
        "action": list(actions),
    }
    return {k: v for k, v in made.items() if v not in ("", [], {})}


def action(kind: str, code: str, vi: str, ticked: bool, hint: str = "") -> Resource:
    """One item of an order set; `hint`: how it is to be given or done, in words."""
    made: Resource = {
        "title": vi,
        "code": [{"coding": [{"system": KINDS[kind].system, "code": code, "display": vi}]}],
        "requiredBehavior": "could",
        "precheckBehavior": "yes" if ticked else "no",
        "definitionCanonical": f"{s.BASE}/ActivityDefinition/{definition_id(kind, code)}",
    }
    return {**made, "textEquivalent": hint} if hint else made


# ---- reading -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """One item of an order set: the id of its definition."""

    definition: str
    title: str
    ticked: bool
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """Something that can be ordered. `id`: of its definition; `kind`: of KINDS, or "set"; `code`: a CodeableConcept;
    `start`, `end`: when it may be ordered; `parts`: of a set; `turnaround`: minutes, (routine, urgent)."""

    id: str
    version: int
    kind: str
    key: str
    vi: str
    en: str = ""
    url: str = ""
    business: str = ""
    status: str = "active"
    group: str = ""
    aliases: tuple[str, ...] = ()
    code: Mapping[str, Any] | None = None
    dosage: Mapping[str, Any] | None = None
    child: str = ""
    high_alert: bool = False
    unit: str = ""
    usage: str = ""
    specimen: str = ""
    rank: int = LAST
    favours: frozenset[str] = frozenset()
    start: str = ""
    end: str = ""
    turnaround: tuple[int, int] = (0, 0)
    parts: tuple[Part, ...] = ()

    def name(self, lang: str) -> str:
        return self.vi if lang == "vi" else (self.en or self.vi)

    def offered(self, now: datetime) -> bool:
        """May it be ordered at this moment? A date without a time counts whole (Hanoi)."""
        today = clock.local(now).date()
        return self.status == "active" and _begun(self.start, now, today) and not _over(self.end, now, today)

    @property
    def dose(self) -> str:
        """The usual dose in words."""
        return str((self.dosage or {}).get("text") or "")

    def codes(self) -> tuple[tuple[str, str], ...]:
        """(system, code) of all its codings."""
        return tuple((str(c.get("system") or ""), str(c.get("code") or "")) for c in (self.code or {}).get("coding") or ())

    def atc(self) -> str:
        return next((c for system, c in self.codes() if system == s.ATC), "")


def _begun(start: str, now: datetime, today: date) -> bool:
    if not start:
        return True
    return start <= today.isoformat()[: len(start)] if len(start) <= 10 else parse_instant(start) <= now


def _over(end: str, now: datetime, today: date) -> bool:
    if not end:
        return False
    return end < today.isoformat()[: len(end)] if len(end) <= 10 else parse_instant(end) < now


def _extension(r: Mapping[str, Any], url: str) -> Any:
    """The first value of an extension."""
    for x in r.get("extension") or ():
        if x.get("url") == url:
            return next((v for k, v in x.items() if k.startswith("value")), None)
    return None


def _minutes(r: Mapping[str, Any], url: str) -> int:
    value = _extension(r, url)
    try:
        return int(float(value["value"])) if isinstance(value, Mapping) else 0
    except (KeyError, TypeError, ValueError):
        return 0


def _favours(r: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(
        str(c["code"])
        for u in r.get("useContext") or ()
        if (u.get("code") or {}).get("code") == "focus"
        for c in (u.get("valueCodeableConcept") or {}).get("coding") or ()
        if c.get("code")
    )


_KIND_OF = {k.system: k.key for k in KINDS.values() if k.key not in ("consult", "service")}


def _kind(r: Mapping[str, Any], id_: str) -> str:
    """By the id where the house made it; else by the system of its code."""
    of_id = id_.split("-")[1] if id_.startswith("cd-") and id_.count("-") >= 2 else ""
    if of_id in KINDS:
        return of_id
    systems = [c.get("system") for c in (r.get("code") or {}).get("coding") or ()]
    return next((_KIND_OF[x] for x in systems if x in _KIND_OF), "drug" if r.get("kind") == "MedicationRequest" else "procedure")


def read(r: Mapping[str, Any], version: int = 0) -> Item | None:
    """An ActivityDefinition or an order-set PlanDefinition as an Item; None for what is neither or has no name."""
    id_, title = str(r.get("id") or ""), str(r.get("title") or r.get("name") or "")
    if not id_ or not title:
        return None
    period = r.get("effectivePeriod") or {}
    start, end = str(period.get("start") or ""), str(period.get("end") or "")
    shared = (str(r.get("url") or ""), str(r.get("version") or ""), str(r.get("status") or "unknown"))
    if r.get("resourceType") == "PlanDefinition":
        if not any(c.get("code") == "order-set" for c in (r.get("type") or {}).get("coding") or ()):
            return None
        key = next((str(i["value"]) for i in r.get("identifier") or () if i.get("value")), id_)
        topics = frozenset(str(c["code"]) for t in r.get("topic") or () for c in t.get("coding") or () if c.get("code"))
        return Item(
            id_, version, "set", key, title, str(r.get("subtitle") or ""), *shared, usage=str(r.get("description") or ""),
            group=str(r.get("usage") or ""), favours=topics, start=start, end=end, parts=tuple(_parts(r)),
        )  # fmt: skip
    if r.get("resourceType") != "ActivityDefinition" or not r.get("code"):
        return None
    kind = _kind(r, id_)
    codings = r["code"].get("coding") or ()
    key = next((str(c["code"]) for c in codings if c.get("system") == KINDS[kind].system and c.get("code")), "")
    rank = _extension(r, RANK)
    return Item(
        id_, version, kind, key or str(next((c["code"] for c in codings if c.get("code")), id_)), title,
        str(r.get("subtitle") or ""), *shared,
        group=next((str(t["text"]) for t in r.get("topic") or () if t.get("text")), ""),
        aliases=tuple(str(x["valueString"]) for x in r.get("extension") or () if x.get("url") == ALIAS and x.get("valueString")),
        code=r["code"], dosage=next(iter(r.get("dosage") or ()), None), child=str(_extension(r, CHILD) or ""),
        high_alert=_extension(r, HIGH_ALERT) is True,
        unit=str((r.get("quantity") or {}).get("unit") or ""), usage=str(r.get("usage") or ""),
        specimen=next((str(x["display"]) for x in r.get("specimenRequirement") or () if x.get("display")), ""),
        rank=rank if isinstance(rank, int) else LAST, favours=_favours(r), start=start, end=end,
        turnaround=(_minutes(r, ROUTINE), _minutes(r, URGENT)),
    )  # fmt: skip


def _parts(r: Mapping[str, Any]) -> Iterable[Part]:
    for a in r.get("action") or ():
        target = str(a.get("definitionCanonical") or "").split("|")[0].rsplit("/", 1)[-1]
        if target:
            yield Part(target, str(a.get("title") or ""), a.get("precheckBehavior") == "yes", str(a.get("textEquivalent") or ""))
