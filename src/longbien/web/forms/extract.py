"""What a signed form writes into the record beside its answers: Observations of its measures, scores and findings (SDC's
observation-based extraction), Conditions and other resources of its groups (definition-based extraction). Pure.

The ids come from the response's and the field's name, so that signing twice, or amending, writes the same resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from ...base import clock
from ...base.ids import key64
from ...base.words import words
from ...fhir.systems import UCUM
from ..entries import OBSERVATION_CATEGORY, Writer
from .filling import Filled, Node
from .populate import Source
from .scores import SYSTEM as SCORES
from .tree import Item, Resource
from .values import shown

CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
CONDITION_CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category"


@dataclass(slots=True)
class Signing:
    """Who signs what. id: of the response; sources: charted values taken over untouched."""

    id: str
    writer: Writer
    now: datetime
    sources: Mapping[str, Source] = field(default_factory=dict)
    amends: bool = False


def _author(writer: Writer) -> dict[str, str]:
    out = {"reference": f"Practitioner/{writer.practitioner}"} if writer.practitioner else {}
    return {**out, "display": writer.name} if writer.name else out


def own_id(response: str, name: str) -> str:
    """The id of what one field of a response becomes."""
    return f"{response[:47]}-{key64(name) & (2**48 - 1):012x}"


def _about(signing: Signing, kind: str, name: str) -> Resource:
    writer = signing.writer
    out: Resource = {"resourceType": kind, "id": own_id(signing.id, name), "subject": {"reference": f"Patient/{writer.patient}"}}
    if writer.encounter:
        out["encounter"] = {"reference": f"Encounter/{writer.encounter}"}
    return out


def response(filled: Filled, signing: Signing, status: str, copied: Sequence[str] = ()) -> Resource:
    """The QuestionnaireResponse to write. copied: fields that still hold what was copied forward: marked in the answer."""
    writer = signing.writer
    out = {
        **filled.response,
        "id": signing.id,
        "questionnaire": filled.form.canonical,
        "status": status,
        "subject": {"reference": f"Patient/{writer.patient}"},
        "authored": clock.instant(signing.now),
        "author": _author(writer),
    }
    if writer.encounter:
        out["encounter"] = {"reference": f"Encounter/{writer.encounter}"}
    return out


def extracted(filled: Filled, signing: Signing) -> list[Resource]:
    """The resources that the answers are: Observations first."""
    out: list[Resource] = []
    _observe(filled.nodes, filled, signing, out)
    for n in filled.each():
        if n.item.context and n.on:
            made = _defined(n, signing)
            if made is not None:
                out.append(made)
    return out


def _observe(nodes: Sequence[Node], filled: Filled, signing: Signing, out: list[Resource]) -> None:
    for n in nodes:
        if not n.on:
            continue
        if n.item.extract and n.item.type == "group":
            panel = _panel(n, signing)
            if panel is not None:
                out.append(panel)
            continue
        if n.item.extract and n.item.codes and n.answers and not _taken_over(n, signing):
            out.append(_observation(n, filled, signing, nodes))
        _observe(n.children, filled, signing, out)


def _taken_over(n: Node, signing: Signing) -> bool:
    """Does it still hold what was charted already? Then it is not charted again."""
    source = signing.sources.get(n.name)
    return source is not None and tuple(n.raw) == source.texts


def _base(n: Node, signing: Signing, category: str) -> Resource:
    made = _about(signing, "Observation", n.name) | {
        "status": "amended" if signing.amends else "final",
        "category": [{"coding": [{"system": OBSERVATION_CATEGORY, "code": category or "survey"}]}],
        "code": _code(n.item),
        "effectiveDateTime": clock.instant(signing.now),
        "issued": clock.instant(signing.now),
        "derivedFrom": [{"reference": f"QuestionnaireResponse/{signing.id}"}],
    }
    author = _author(signing.writer)
    return {**made, "performer": [author]} if author else made


def _code(item: Item) -> Resource:
    text = {"text": item.text.vi} if item.text.vi else {}
    return {"coding": [dict(c) for c in item.codes], **text}


def _value(n: Node) -> Resource:
    """value[x] of an Observation."""
    name, value = next((k, v) for k, v in n.answers[0].items() if k.startswith("value"))
    item = n.item
    if name in ("valueDecimal", "valueInteger"):
        unit = {"unit": item.unit.text or item.unit.code, "system": UCUM, "code": item.unit.code} if item.unit else {}
        return {"valueQuantity": {"value": value, **unit}}
    if name == "valueCoding":
        coding = {k: v for k, v in value.items() if k in ("system", "code", "display")}
        return {"valueCodeableConcept": {"coding": [coding], "text": value.get("display") or value.get("code")}}
    if name in ("valueDate", "valueUri"):
        return {"valueDateTime": value} if name == "valueDate" else {"valueString": value}
    return {name: value}


def _observation(n: Node, filled: Filled, signing: Signing, beside: Sequence[Node]) -> Resource:
    made = _base(n, signing, n.item.category) | _value(n)
    if n.item.shown == "total":
        made["component"] = _components(filled)
        meaning = next((m for m in beside if m.item.shown == "meaning" and m.answers and m.on), None)
        if meaning is not None:
            made["interpretation"] = [{"text": meaning.answers[0]["valueCoding"].get("display", "")}]
        made["derivedFrom"] += [{"reference": r} for r in dict.fromkeys(s.reference for s in signing.sources.values())]
        if not made["component"]:
            del made["component"]
    return made


def _components(filled: Filled) -> list[Resource]:
    """What was judged and what it was worth: each part of the sum, with its points."""
    out: list[Resource] = []
    for n in filled.each():
        points = _points(n)
        if points is None or not n.on:
            continue
        # Its own code, and no quantity: under the measure's code a chart would read the points of a pulse for a pulse.
        code = {"system": f"{SCORES}-item", "code": f"{filled.form.id.removeprefix('score-')}.{n.item.id}"}
        out.append({"code": {"coding": [code], "text": f"{n.item.text.vi}: {_words(n)}"}, "valueInteger": int(points)})
    return out


def _points(n: Node) -> Decimal | int | None:
    """The points of one answer: its own weight, or those of the calculated item below it."""
    below = next((c for c in n.children if c.item.shown == "points" and c.answers), None)
    if below is not None:
        found: int = below.answers[0]["valueInteger"]
        return found
    if not n.answers or n.item.calculated:
        return None
    coding = n.answers[0].get("valueCoding") or {}
    choice = next((c for c in n.item.choices if c.value.get("valueCoding", {}).get("code") == coding.get("code")), None)
    return choice.points if choice else None


def _words(n: Node) -> str:
    return "; ".join(shown(a, n.item, words("vi")) for a in n.answers)


def _panel(n: Node, signing: Signing) -> Resource | None:
    """A group as one Observation with its children as components (blood pressure). None where all was charted already, or empty."""
    parts = [c for c in n.children if c.on and c.answers and c.item.codes]
    if not parts or all(_taken_over(c, signing) for c in parts):
        return None
    components = [{"code": _code(c.item), **_value(c)} for c in parts]
    return _base(n, signing, n.item.category) | {"component": components}


def _defined(n: Node, signing: Signing) -> Resource | None:
    """A group as a resource of its own type: each child's `definition` says which element its answer is."""
    kind = n.item.context
    made = _about(signing, kind, n.name)
    if kind == "AllergyIntolerance":
        made["patient"] = made.pop("subject")
    said = False
    for child in _below(n):
        element = child.item.definition.partition("#")[2].removeprefix(f"{kind}.")
        if element and child.on and child.answers:
            _put(made, element, child)
            said = said or child.item.asked
    if not said:
        return None
    return _completed(made, kind, signing)


def _below(n: Node) -> list[Node]:
    out = []
    for c in n.children:
        out.append(c)
        out += _below(c)
    return out


CONCEPTS = frozenset({"code", "category", "clinicalStatus", "verificationStatus", "severity", "bodySite"})
LISTS = frozenset({"category", "bodySite", "note"})


def _put(made: Resource, element: str, child: Node) -> None:
    name, value = next((k, v) for k, v in child.answers[0].items() if k.startswith("value"))
    if element in CONCEPTS:
        coding = {k: v for k, v in value.items() if k in ("system", "code", "display")} if name == "valueCoding" else None
        text = coding.get("display") if coding else str(value)
        value = {"coding": [coding], "text": text} if coding and coding.get("code") else {"text": str(text)}
    elif element == "note":
        value = {"text": str(value)}
    made[element] = [*made.get(element, []), value] if element in LISTS else value


def _completed(made: Resource, kind: str, signing: Signing) -> Resource:
    """What every resource of this type says of itself where the form does not."""
    author = _author(signing.writer)
    if kind == "Condition":
        made.setdefault("clinicalStatus", {"coding": [{"system": CLINICAL, "code": "active"}]})
        made.setdefault("category", [{"coding": [{"system": CONDITION_CATEGORY, "code": "encounter-diagnosis"}]}])
        made["recordedDate"] = clock.instant(signing.now)
    if kind == "AllergyIntolerance":
        system = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
        made.setdefault("clinicalStatus", {"coding": [{"system": system, "code": "active"}]})
        made["recordedDate"] = clock.instant(signing.now)
    if kind in ("Condition", "AllergyIntolerance") and author.get("reference"):
        made["recorder"] = author
    return made
