"""$status, $events, $get-ws-binding-token of subscriptions - http://hl7.org/fhir/uv/subscriptions-backport/operations.html

and four of our own: $topics, $dead-letters (what could not be told), $replay (try it again) and $discard (give it up)."""

from __future__ import annotations

from typing import Any

from longbien.base import clock
from longbien.fhir import definitions
from longbien.fhir import json as fhir_json
from longbien.subscriptions import notice, open, topics
from longbien.subscriptions.read import Sub

from ..bundle import bundle, entry
from ..request import Answer, Request
from .operation import At, Given, Operation, given, parameters, wrong

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-"
OURS = "https://longbien.org/fhir/OperationDefinition/Subscription-"
MOST_IDS = 100


async def status(request: Request, at: At) -> Answer:
    """A searchset of one status for each subscription that is asked for."""
    subs = await _asked(request, at, await given(request))
    found = [entry({"search": {"mode": "match"}}, fhir_json.dumps(notice.status(s.about, "query-status"))) for s in subs]
    return Answer(200, bundle("searchset", [], found, len(found)))


async def events(request: Request, at: At) -> Answer:
    """Past events by number, at most a hundred of them; a `next` link says that there are more."""
    asked = await given(request)
    after, upto = _number(asked, "eventsSinceNumber"), _number(asked, "eventsUntilNumber")
    sub = await open.own(request.store, at.id or "")
    content = asked.text("content") or sub.plan.content
    if content not in ("empty", "id-only", "full-resource"):
        raise wrong("content", "must be empty, id-only or full-resource.")
    start = 0 if after is None else after - 1  # both ends belong to it
    last = open.NEWEST if upto is None else upto
    found = await open.past(request.store, sub, start, last, open.PAGE + 1)
    more = len(found) > open.PAGE
    found = found[: open.PAGE]
    body = notice.notification(sub.about, "query-event", found, content)
    if more:
        query = f"eventsSinceNumber={found[-1].n + 1}&content={content}" + ("" if upto is None else f"&eventsUntilNumber={upto}")
        link = fhir_json.dumps([{"relation": "next", "url": f"{request.base_url}/Subscription/{sub.id}/$events?{query}"}])
        body = body.replace(b',"entry":', b',"link":' + link + b',"entry":', 1)
    return Answer(200, body)


async def binding_token(request: Request, at: At) -> Answer:
    """A ticket for a websocket: who sends `bind-with-token [ticket]` there within a minute is told of these subscriptions."""
    subs = await _asked(request, at, await given(request), own=True)
    for s in subs:
        if s.plan.channel != "websocket":
            raise wrong("id", f"names Subscription/{s.id}, whose channel is no websocket.")
    secret, until = await open.ticket(request.store, subs)
    address = request.base_url.replace("http", "ws", 1) + "/ws"
    said = [("token", "valueString", secret), ("expiration", "valueDateTime", clock.instant(until)),
            *(("subscription", "valueString", s.id) for s in subs), ("websocket-url", "valueUrl", address)]  # fmt: skip
    return Answer(200, fhir_json.dumps(parameters(*said)))


async def list_topics(request: Request, at: At) -> Answer:
    """The topics that can be subscribed to, each as R4 can hold it. Beside these there is '[Type]-change' for every type."""
    found = [
        entry({"search": {"mode": "match"}}, fhir_json.dumps(topics.basic(t))) for t in (*topics.TOPICS, *filter(None, _CHANGES))
    ]
    return Answer(200, bundle("searchset", [], found, len(found)))


_CHANGES = [topics.find(f"{topics.BASE}{t}-change") for t in definitions.types()]


async def dead_letters(request: Request, at: At) -> Answer:
    sub = await open.own(request.store, at.id or "")
    said = [("dead-letter", "part", _letter(one)) for one in await open.dead(request.store, sub)]
    return Answer(200, fhir_json.dumps(parameters(*said) if said else {"resourceType": "Parameters"}))


def _letter(one: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": "event-number", "valueString": str(one["n"])},
        {"name": "timestamp", "valueInstant": clock.instant(one["at"])},
        {"name": "focus", "valueReference": {"reference": f"{one['place']}/_history/{one['version']}"}},
        {"name": "attempts", "valueInteger": one["attempts"]},
        {"name": "error", "valueString": one["error"] or "unknown"},
    ]


async def replay(request: Request, at: At) -> Answer:
    return await _again(request, at, open.replay)


async def discard(request: Request, at: At) -> Answer:
    return await _again(request, at, open.discard)


async def _again(request: Request, at: At, do: Any) -> Answer:
    """`event` (several): the numbers that are meant; none: all dead letters."""
    asked = await given(request)
    numbers = [_whole("event", v) for v in asked.all("event")] or None
    sub = await open.own(request.store, at.id or "")
    done = await do(request.store.engine, request.store.scope, sub, numbers)
    return Answer(200, fhir_json.dumps(parameters(("count", "valueInteger", done))))


async def _asked(request: Request, at: At, asked: Given, *, own: bool = False) -> list[Sub]:
    listed = [at.id] if at.id else [i for v in [*asked.all("id"), *asked.all("ids")] for i in str(v).split(",") if i]
    if not 1 <= len(listed) <= MOST_IDS:
        raise wrong("id", f"must name 1 to {MOST_IDS} subscriptions.")
    look = open.own if own else open.seen
    subs = [await look(request.store, str(i).removeprefix("Subscription/")) for i in listed]
    wanted = asked.all("status")
    return [s for s in subs if not wanted or s.status in wanted]


def _number(asked: Given, name: str) -> int | None:
    found = asked.one(name)
    return None if found is None else _whole(name, found)


def _whole(name: str, value: Any) -> int:
    """Event numbers are integer64 in R5 and so strings here."""
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdigit() or len(text) > 18:
        raise wrong(name, "must be an event's number.")
    return int(text)


_ONE = ("Subscription",)
OPERATIONS = (
    Operation("status", ("type", "instance"), status, BACKPORT + "status", _ONE),
    Operation("events", ("instance",), events, BACKPORT + "events", _ONE),
    Operation("get-ws-binding-token", ("type", "instance"), binding_token, BACKPORT + "get-ws-binding-token", _ONE),
    Operation("topics", ("type",), list_topics, OURS + "topics", _ONE),
    Operation("dead-letters", ("instance",), dead_letters, OURS + "dead-letters", _ONE),
    Operation("replay", ("instance",), replay, OURS + "replay", _ONE, writes=True),
    Operation("discard", ("instance",), discard, OURS + "discard", _ONE, writes=True),
)
