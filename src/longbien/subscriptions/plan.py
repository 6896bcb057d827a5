"""What a Subscription asks for, read once. Pure: no look at the record or the network.

http://hl7.org/fhir/R4/subscription.html; the extensions of http://hl7.org/fhir/uv/subscriptions-backport make it one on a topic."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from longbien.base.errors import Invalid, Issue
from longbien.fhir.definitions import is_type

from . import topics
from .topics import Trigger

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
JSON, XML = "application/fhir+json", "application/fhir+xml"
_MIME = {"application/json": JSON, "application/xml": XML, "text/json": JSON, "text/xml": XML, JSON: JSON, XML: XML}
_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}):[ \t]*([\x20-\x7e]{0,4000})\Z")
OURS = frozenset(("host", "content-length", "transfer-encoding", "connection", "content-type", "te", "upgrade", "trailer",
                  "proxy-authorization", "proxy-connection", "keep-alive", "expect"))  # fmt: skip
"""Headers that are not the subscriber's to set."""
MOST_HEADERS = 20
MASK = "***"


@dataclass(frozen=True)
class Plan:
    """channel: 'rest-hook' or 'websocket' (which server-sent events serve too). topic: None for a plain R4 subscription, whose only
    rule is `filters[0]`. content: what a topic's notification holds. heartbeat, timeout: seconds; 0 none."""

    channel: str
    endpoint: str
    payload: str
    topic: str | None
    filters: tuple[str, ...]
    content: str = "full-resource"
    heartbeat: int = 0
    timeout: int = 0
    most: int = 1

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, raw: dict[str, Any]) -> Plan:
        return cls(**(raw | {"filters": tuple(raw["filters"])}))

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        """What is watched, with the filters of its type laid upon it."""
        if self.topic is None:
            type_, params = rule(self.filters[0])
            return (Trigger(type_, ("create", "update"), tuple(params)),)
        found = topics.find(self.topic)
        return found.narrowed([rule(f) for f in self.filters]) if found else ()


def rule(text: str) -> tuple[str, list[tuple[str, str]]]:
    """'Type?a=b&c=d' read apart. Raises ValueError with the reason."""
    type_, _, query = text.strip().removeprefix("/").partition("?")
    if not is_type(type_):
        raise ValueError(f"{type_[:60]!r} is not a resource type: criteria are written Type?parameter=value")
    try:
        params = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict", max_num_fields=100)
    except ValueError:
        raise ValueError("the part after '?' is not parameter=value, joined by '&'") from None
    if empty := [n for n, v in params if not v]:
        raise ValueError(f"parameter {empty[0][:60]!r} has no value")
    return type_, params


def wrong(text: str, where: str, code: str = "value") -> Invalid:
    said = f"{where}: {text}"
    return Invalid(said, issues=[Issue("error", code, said, where)], status=422)


def read(resource: dict[str, Any]) -> Plan:
    """Raises Invalid (422) naming the element. The resource is valid R4 already."""
    channel = _part(resource, "channel")
    topic, filters = _watched(resource)
    kind = _kind(channel)
    endpoint = str(channel.get("endpoint") or "")
    if kind == "rest-hook" and not endpoint:
        raise wrong("a rest-hook needs an address to call.", "Subscription.channel.endpoint", "required")
    payload = _payload(channel.get("payload"), topic)
    if topic is None:
        return Plan(kind, endpoint, payload, None, filters)
    more = {
        name: _whole(channel, f"backport-{name}", most)
        for name, most in (("heartbeat-period", 86400), ("timeout", 600), ("max-count", 100))
    }
    content = _extension(_part(channel, "_payload"), "backport-payload-content") or "id-only"
    if content not in ("empty", "id-only", "full-resource"):
        raise wrong("the payload content is empty, id-only or full-resource.", "Subscription.channel.payload.extension")
    return Plan(kind, endpoint, payload or JSON, topic, filters, content, heartbeat=more["heartbeat-period"],
                timeout=more["timeout"], most=more["max-count"] or 20)  # fmt: skip


def _watched(resource: dict[str, Any]) -> tuple[str | None, tuple[str, ...]]:
    criteria = str(resource.get("criteria") or "").strip()
    filters = tuple(_extensions(_part(resource, "_criteria"), "backport-filter-criteria"))
    if not criteria.startswith(("http://", "https://", "urn:")):
        try:
            rule(criteria)
        except ValueError as why:
            raise wrong(f"{why}.", "Subscription.criteria") from None
        if filters:
            raise wrong("a filter stands beside a topic; these criteria are no topic's address.", "Subscription.criteria.extension")
        return None, (criteria,)
    found = topics.find(criteria)
    if found is None:
        raise wrong(
            f"{criteria[:200]!r} is no topic of this server; metadata lists them.", "Subscription.criteria", "not-supported"
        )
    for n, text in enumerate(filters):
        _filter(found, text, f"Subscription.criteria.extension[{n}].valueString")
    return criteria, filters


def _filter(topic: topics.Topic, text: str, where: str) -> None:
    try:
        type_, _ = rule(text)
    except ValueError as why:
        raise wrong(f"{why}.", where) from None
    if type_ not in {t.type for t in topic.triggers}:
        raise wrong(f"the topic says nothing about {type_}.", where)


def _kind(channel: dict[str, Any]) -> str:
    kind = channel.get("type")
    if kind not in ("rest-hook", "websocket"):
        text = f"{str(kind)[:40]!r} is not served here: rest-hook and websocket are (and server-sent events, by a websocket's)."
        raise wrong(text, "Subscription.channel.type", "not-supported")
    return str(kind)


def _payload(given: Any, topic: str | None) -> str:
    if given is None or given == "":
        return ""
    name = str(given).partition(";")[0].strip().lower()
    if name not in _MIME or (topic is not None and _MIME[name] != JSON):
        known = JSON if topic is not None else f"{JSON}, {XML} or none"
        raise wrong(f"{str(given)[:60]!r} is not written here: {known}.", "Subscription.channel.payload", "not-supported")
    return _MIME[name]


def headers(resource: dict[str, Any], before: list[str]) -> list[str]:
    """channel.header as it is to be sent; where the mask stands, what was there before. Raises Invalid."""
    given = _part(resource, "channel").get("header") or []
    old = {h.partition(":")[0].lower(): h for h in before}
    found: list[str] = []
    if len(given) > MOST_HEADERS:
        raise wrong(f"at most {MOST_HEADERS} headers.", "Subscription.channel.header", "too-long")
    for n, text in enumerate(given):
        where = f"Subscription.channel.header[{n}]"
        match = _HEADER.match(str(text))
        if match is None:
            raise wrong("a header is written 'Name: value' in plain letters.", where)
        name = match[1].lower()
        if name in OURS:
            raise wrong(f"{match[1]} is set by this server.", where, "business-rule")
        if match[2].strip() == MASK:
            if name not in old:
                raise wrong("the value is hidden, and no earlier one is known.", where)
            text = old[name]
        found.append(str(text))
    return found


def masked(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource as it is kept and shown: the names of its headers, not their values."""
    channel = _part(resource, "channel")
    if not channel.get("header"):
        return resource
    shown = [f"{str(h).partition(':')[0]}: {MASK}" for h in channel["header"]]
    return resource | {"channel": channel | {"header": shown}}


def ends(resource: dict[str, Any]) -> datetime | None:
    text = resource.get("end")
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _part(holder: dict[str, Any], name: str) -> dict[str, Any]:
    found = holder.get(name)
    return found if isinstance(found, dict) else {}


def _extensions(holder: dict[str, Any], name: str) -> list[Any]:
    return [
        v for e in holder.get("extension") or () if e.get("url") == BACKPORT + name for k, v in e.items() if k.startswith("value")
    ]


def _extension(holder: dict[str, Any], name: str) -> Any:
    found = _extensions(holder, name)
    return found[-1] if found else None


def _whole(channel: dict[str, Any], name: str, most: int) -> int:
    found = _extension(channel, name)
    if found is None:
        return 0
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= most:
        raise wrong(f"{name} is a whole number from 0 to {most}.", "Subscription.channel.extension")
    return found
