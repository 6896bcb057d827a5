"""What a subscriber is sent. Pure. The bytes of resources go in as they lie in the store.

http://hl7.org/fhir/uv/subscriptions-backport/notifications.html: a history Bundle, its first entry the status as R4 Parameters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from longbien.base import clock, ids
from longbien.fhir import json

PROFILE = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"


class Event(NamedTuple):
    """body None: its owner may not see it any more, or nothing but the number is told. `gone`: a delete."""

    n: int
    at: datetime
    type: str
    id: str
    version: int
    gone: bool
    hidden: bool
    body: bytes


class About(NamedTuple):
    """The subscription: base is this server's address or empty, events the last number given."""

    id: str
    topic: str | None
    status: str
    base: str
    events: int
    error: str | None = None


def status(about: About, kind: str, events: Sequence[Event] = (), content: str = "id-only") -> dict[str, Any]:
    """SubscriptionStatus as Parameters. kind: handshake, heartbeat, event-notification, query-status, query-event."""
    said: list[dict[str, Any]] = [
        {"name": "subscription", "valueReference": {"reference": _at(about, f"Subscription/{about.id}")}},
        *([{"name": "topic", "valueCanonical": about.topic}] if about.topic else []),
        {"name": "status", "valueCode": about.status},
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(about.events)},
    ]
    said += [{"name": "notification-event", "part": _event(about, e, content)} for e in events]
    if about.error:
        said.append({"name": "error", "valueCodeableConcept": {"text": about.error}})
    profile = [PROFILE + "backport-subscription-status-r4"]
    return {"resourceType": "Parameters", "id": ids.new_id(), "meta": {"profile": profile}, "parameter": said}


def _event(about: About, e: Event, content: str) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = [
        {"name": "event-number", "valueString": str(e.n)},
        {"name": "timestamp", "valueInstant": clock.instant(e.at)},
    ]
    if content != "empty" and not e.hidden:
        said.append({"name": "focus", "valueReference": {"reference": _at(about, f"{e.type}/{e.id}")}})
    return said


def notification(about: About, kind: str, events: Sequence[Event] = (), content: str = "id-only") -> bytes:
    """The Bundle."""
    front = json.dumps(
        {
            "resourceType": "Bundle",
            "id": ids.new_id(),
            "meta": {"profile": [PROFILE + "backport-subscription-notification-r4"]},
            "type": "history",
            "timestamp": clock.instant(clock.now()),
        }
    )
    said = status(about, kind, events, content)
    first = {
        "fullUrl": f"urn:uuid:{said['id']}",
        "resource": said,
        "request": {"method": "GET", "url": f"Subscription/{about.id}/$status"},
        "response": {"status": "200"},
    }
    entries = [json.dumps(first)]
    if content != "empty":
        entries += [_entry(about, e, content) for e in events if not e.hidden]
    return front[:-1] + b',"entry":[' + b",".join(entries) + b"]}"


def _entry(about: About, e: Event, content: str) -> bytes:
    method, url = ("DELETE", f"{e.type}/{e.id}") if e.gone else ("POST", e.type) if e.version == 1 else ("PUT", f"{e.type}/{e.id}")
    code = "204" if e.gone else "201" if e.version == 1 else "200"
    more = json.dumps({"request": {"method": method, "url": url}, "response": {"status": code}})[1:-1]
    parts = [b'"fullUrl":' + json.dumps(_at(about, f"{e.type}/{e.id}"))] if about.base else []
    if content == "full-resource" and e.body:
        parts.append(b'"resource":' + e.body)
    return b"{" + b",".join([*parts, more]) + b"}"


def _at(about: About, place: str) -> str:
    return f"{about.base}/{place}" if about.base else place
