"""The topics that this server publishes. http://hl7.org/fhir/uv/subscriptions-backport: "Topic-Based Subscription Components"

A table: what happens to a resource of which type. `current` and `previous` are searches over the version and over the one before
it; a create has none before, which counts as not matching `previous`'s opposite (R5 resultForCreate: test-passes)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from longbien.fhir import definitions

BASE = "https://longbien.org/fhir/SubscriptionTopic/"
Params = tuple[tuple[str, str], ...]


class Trigger(NamedTuple):
    """on: create, update, delete. previous None: whatever was before."""

    type: str
    on: tuple[str, ...]
    current: Params = ()
    previous: Params | None = None


class Topic(NamedTuple):
    name: str
    title: str
    triggers: tuple[Trigger, ...]

    @property
    def url(self) -> str:
        return BASE + self.name

    def narrowed(self, filters: Sequence[tuple[str, list[tuple[str, str]]]]) -> tuple[Trigger, ...]:
        """With a subscription's filters: where some speak of a type, one of them must hold beside the trigger (each filter is a
        rule of its own); of types that none speaks of nothing is told, once there are filters."""
        if not filters:
            return self.triggers
        return tuple(
            t._replace(current=(*t.current, *params)) for t in self.triggers for type_, params in filters if type_ == t.type
        )


_WRITES = ("create", "update")
_BED = ("class", "IMP,ACUTE,NONAC")
_FINAL = ("status", "final,amended,corrected")

TOPICS: tuple[Topic, ...] = (
    Topic("encounter-start", "An encounter begins",
          (Trigger("Encounter", _WRITES, (("status", "in-progress"),), (("status:not", "in-progress"),)),)),
    Topic("encounter-end", "An encounter ends",
          (Trigger("Encounter", _WRITES, (("status", "finished"),), (("status:not", "finished"),)),)),
    Topic("admission", "A patient is admitted to a bed",
          (Trigger("Encounter", _WRITES, (("status", "in-progress"), _BED), (("status:not", "in-progress"),)),)),
    Topic("discharge", "A patient who was admitted goes home",
          (Trigger("Encounter", _WRITES, (("status", "finished"), _BED), (("status:not", "finished"),)),)),
    Topic("new-result", "A report or an observation becomes final, or is changed after it was",
          (Trigger("DiagnosticReport", _WRITES, (_FINAL,)), Trigger("Observation", _WRITES, (_FINAL,)))),
)  # fmt: skip


@cache
def find(url: str) -> Topic | None:
    """By canonical address. BASE + '<Type>-change' is there for every type: any change of it, deletes too."""
    name = url.split("|")[0].removeprefix(BASE)
    if name == url.split("|")[0]:
        return None
    type_ = name.removesuffix("-change")
    if type_ != name and definitions.is_type(type_):
        return Topic(name, f"Any change of a {type_}", (Trigger(type_, ("create", "update", "delete")),))
    return next((t for t in TOPICS if t.name == name), None)


_R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic."


def basic(topic: Topic) -> dict[str, Any]:
    """The topic as R4 can hold it: a Basic with R5's elements as extensions. http://hl7.org/fhir/R5/versions.html#extensions"""
    said: list[dict[str, Any]] = [
        {"url": _R5 + "url", "valueUri": topic.url},
        {"url": _R5 + "title", "valueString": topic.title},
        {"url": _R5 + "status", "valueCode": "active"},
        *(_trigger(t) for t in topic.triggers),
    ]
    code = {"coding": [{"system": "http://hl7.org/fhir/fhir-types", "code": "SubscriptionTopic"}]}
    return {"resourceType": "Basic", "id": f"topic-{topic.name}", "extension": said, "code": code}


def _trigger(t: Trigger) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"url": "resource", "valueUri": f"http://hl7.org/fhir/StructureDefinition/{t.type}"}]
    parts += [{"url": "supportedInteraction", "valueCode": one} for one in t.on]
    query = [{"url": name, "valueString": "&".join(f"{k}={v}" for k, v in params)}
             for name, params in (("previous", t.previous), ("current", t.current)) if params]  # fmt: skip
    if query:
        more = [{"url": "resultForCreate", "valueCode": "test-passes"}, {"url": "requireBoth", "valueBoolean": True}]
        parts.append({"url": "queryCriteria", "extension": [*query, *(more if t.previous is not None else [])]})
    return {"url": _R5 + "resourceTrigger", "extension": parts}
