"""The FHIR face as one ASGI application, mounted at /fhir. http://hl7.org/fhir/R4/http.html

Dispatch is by the number of path segments: the hot routes cost a split and a table look-up, nothing more."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol
from urllib.parse import unquote

from longbien.base.errors import LongbienError, NotFound, NotSupported, Unavailable
from longbien.base.ids import FHIR_ID
from longbien.fhir.compartments import NAMES as COMPARTMENTS
from longbien.record.store import Store
from longbien.record.types import number

from . import audit_event, batch, binary, capability, faults, forms, negotiate, openapi, operations, smart_configuration
from .body import Disconnected, Place, Receive
from .create import create
from .delete import conditional_delete, delete
from .faults import NotAllowed
from .history import history, history_of_all, history_of_type
from .negotiate import PLAIN, Shape
from .operations.operation import At, Operation
from .patch import conditional_patch, patch
from .read import read
from .request import Answer, Request, parse
from .search import search, search_by_post, search_compartment, search_compartment_by_post
from .send import Send, send
from .settings import RestSettings
from .update import conditional_update, update
from .vread import vread

PREFIX = "/fhir"
Handler = Callable[..., Awaitable[Answer]]
_TYPE = re.compile(r"[A-Za-z]{1,64}\Z")


class Door(Protocol):
    """Who asks, and what they may see: access.door.Door."""

    async def store(self, request: Mapping[str, Any], /) -> Store: ...


TYPE: dict[str, Handler] = {
    "GET": search, "HEAD": search, "POST": create, "PUT": conditional_update, "PATCH": conditional_patch,
    "DELETE": conditional_delete,
}  # fmt: skip
INSTANCE: dict[str, Handler] = {"GET": read, "HEAD": read, "PUT": update, "PATCH": patch, "DELETE": delete}
HISTORY: dict[str, Handler] = {"GET": history, "HEAD": history}
HISTORY_OF_TYPE: dict[str, Handler] = {"GET": history_of_type, "HEAD": history_of_type}
HISTORY_OF_ALL: dict[str, Handler] = {"GET": history_of_all, "HEAD": history_of_all}
SEARCH: dict[str, Handler] = {"POST": search_by_post}
COMPARTMENT: dict[str, Handler] = {"GET": search_compartment, "HEAD": search_compartment}
COMPARTMENT_SEARCH: dict[str, Handler] = {"POST": search_compartment_by_post}
TRAIL: dict[str, Handler] = {"GET": audit_event.search, "HEAD": audit_event.search}
TRAIL_SEARCH: dict[str, Handler] = {"POST": audit_event.search_by_post}
TRAIL_LINE: dict[str, Handler] = {"GET": audit_event.read, "HEAD": audit_event.read}
VERSION: dict[str, Handler] = {"GET": vread, "HEAD": vread}
BINARIES: dict[str, Handler] = {**TYPE, "POST": binary.create, "PATCH": binary.patch}
BINARY: dict[str, Handler] = {
    **INSTANCE, "GET": binary.read, "HEAD": binary.read, "PUT": binary.update, "PATCH": binary.patch,
}  # fmt: skip
BINARY_VERSION: dict[str, Handler] = {"GET": binary.vread, "HEAD": binary.vread}
SPECIAL = capability.NOT_WRITTEN | {"Binary"}
"""Types that have handlers of their own."""


OPEN = {
    "metadata": capability.metadata, "openapi.json": openapi.openapi,
    ".well-known/smart-configuration": smart_configuration.well_known,
}  # fmt: skip
"""What is for everybody: what this server can do."""


class Wire(Protocol):
    """Connections that are held open: subscriptions.wire.Wire."""

    async def stream(self, scope: Any, receive: Receive, send: Send, id: str, /) -> None: ...

    async def websocket(self, scope: Any, receive: Receive, send: Send, /) -> None: ...


class Fhir:
    """`door` and `wire` are given once the house is open; before that every answer is 503."""

    def __init__(self, settings: RestSettings | None = None, door: Door | None = None):
        self.settings = settings or RestSettings.read()
        self.door = door
        self.wire: Wire | None = None
        self._places = asyncio.Semaphore(2)

    async def __call__(self, scope: Any, receive: Receive, send_: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        shape = PLAIN
        place = Place(self._places)
        try:
            if self.wire is not None and b"text/event-stream" in headers.get(b"accept", b"") and (id := _followed(scope)):
                await self.wire.stream(scope, receive, send_, id)
                return
            answer, shape = await self._answer(scope, receive, headers, place)
        except Disconnected:
            return
        except Exception as error:
            answer, shape = faults.answer(error), _of_refusal(scope, headers)
        finally:
            place.give_back()
        if shape is not PLAIN:
            asks = scope["method"] in ("GET", "HEAD") or scope["path"].endswith("/_search")
            answer = await forms.shaped(answer, shape, not asks)
        await send(answer, send_, method=scope["method"], accept_encoding=headers.get(b"accept-encoding", b""))

    async def _answer(self, scope: Any, receive: Receive, headers: dict[bytes, bytes], place: Place) -> tuple[Answer, Shape]:
        path = scope["path"][len(PREFIX) :].strip("/")
        segments = path.split("/") if path else []
        if path in OPEN:
            return await OPEN[path](scope, headers, self.settings)
        if self.door is None:
            raise Unavailable("The server is starting.", 2)
        store = await self.door.store(scope)
        request = Request(scope, receive, headers, store, self.settings, place)
        if segments == ["$export-file"]:  # NDJSON, whatever the client likes best
            return await dispatch(request, segments), PLAIN
        if scope["query_string"]:
            asked = request.param("_format"), request.param("_pretty")
            request.shape = negotiate.shape(headers.get(b"accept", b""), *asked)
        elif (accept := headers.get(b"accept")) is not None:
            try:
                request.shape = negotiate.shape(accept)
            except NotSupported:
                if (
                    segments[:1] != ["Binary"] or len(segments) < 2
                ):  # which may be anything: its own handler says what it can be given as
                    raise
        return await dispatch(request, segments), request.shape


def _followed(scope: Any) -> str | None:
    """The subscription whose events shall be streamed: GET Subscription/[id]/$events."""
    parts = scope["path"][len(PREFIX) :].strip("/").split("/")
    if scope["method"] == "GET" and len(parts) == 3 and (parts[0], parts[2]) == ("Subscription", "$events"):
        return parts[1] if FHIR_ID.match(parts[1]) else None
    return None


def _of_refusal(scope: Any, headers: dict[bytes, bytes]) -> Shape:
    """How a refusal is to look: as was asked, where that can be understood."""
    try:
        asked = dict(parse(scope["query_string"])).get("_format")
    except LongbienError:
        asked = None
    return negotiate.shape_of_refusal(headers.get(b"accept", b""), asked)


async def dispatch(request: Request, segments: list[str]) -> Answer:
    """The answer to one request; also used for each entry of a batch. Raises what the handlers raise."""
    handlers, arguments = _route(request, segments)
    handler = handlers.get(request.method)
    if handler is None:
        allow = ", ".join(handlers)
        raise NotAllowed(f"{request.method[:20]} is not supported at this address. Supported: {allow}.", allow)
    return await handler(request, *arguments)


def _route(request: Request, segments: list[str]) -> tuple[dict[str, Handler], list[str]]:
    count = len(segments)
    if count == 0:
        return SYSTEM, []
    if segments[-1].startswith("$"):
        return _operation(segments), []
    type = segments[0]
    if count == 1 and type[:1] == "_":
        if type == "_search":
            return SEARCH, []
        if type == "_history":
            return HISTORY_OF_ALL, []
    if number(type) is None or type in capability.NO_ENDPOINT:
        raise _unknown(type)
    if type in SPECIAL and (own := _special(type, segments)) is not None:
        return own
    if count == 2 and FHIR_ID.match(segments[1]):
        return INSTANCE, segments
    if count == 1:
        return TYPE, segments
    if count == 2 and segments[1] == "_search":
        return SEARCH, [type]
    if count == 2 and segments[1] == "_history":
        return HISTORY_OF_TYPE, [type]
    if count == 3 and segments[2] == "_history":
        return HISTORY, segments[:2]
    if count == 4 and segments[2] == "_history":
        return VERSION, [type, segments[1], segments[3]]
    if type in COMPARTMENTS and count in (3, 4) and FHIR_ID.match(segments[1]):
        if segments[-1] == "_search" and (count == 3 or _in_compartment(segments[2])):
            return COMPARTMENT_SEARCH, segments[:-1]
        if count == 3 and _in_compartment(segments[2]):
            return COMPARTMENT, segments
    raise _nowhere(segments)


def _special(type: str, segments: list[str]) -> tuple[dict[str, Handler], list[str]] | None:
    """What the types that are not as the others do at an address; None where they are."""
    count = len(segments)
    if type in capability.NOT_WRITTEN:
        if count == 2 and segments[1] == "_search":
            return TRAIL_SEARCH, [type]
        return (TRAIL, segments) if count == 1 else (TRAIL_LINE, segments) if count == 2 else None
    if count == 1:
        return BINARIES, segments
    if count == 2 and FHIR_ID.match(segments[1]):
        return BINARY, segments
    return (BINARY_VERSION, [type, segments[1], segments[3]]) if count == 4 and segments[2] == "_history" else None


def _in_compartment(type: str) -> bool:
    return type == "*" or number(type) is not None


async def _bundle(request: Request) -> Answer:
    return await batch.system(request, dispatch)


SYSTEM: dict[str, Handler] = {"GET": search, "HEAD": search, "POST": _bundle}


def _operation(segments: list[str]) -> dict[str, Handler]:
    """[base]/$name, [base]/[type]/$name, [base]/[type]/[id]/$name."""
    *of, name = segments
    if len(of) > 2 or (of and number(of[0]) is None) or (len(of) == 2 and not FHIR_ID.match(of[1])):
        raise _nowhere(segments)
    at = At(of[0] if of else None, of[1] if len(of) == 2 else None)
    found = operations.find(name[1:], at.type, at.id is not None)
    if found is None:
        raise NotFound(f"Operation {unquote(name)[:60]!r} is not supported here.", code="not-supported")
    return dict.fromkeys(found.methods, _call(found, at))


def _call(operation: Operation, at: At) -> Handler:
    async def handler(request: Request) -> Answer:
        return await operation.handler(request, at)

    return handler


def _unknown(type: str) -> NotFound:
    return NotFound(f"{unquote(type)[:60]!r} is not a FHIR R4 resource type.", code="not-supported")


def _nowhere(segments: list[str]) -> NotFound:
    shown = "/".join(segments)[:100]
    return NotFound(f"There is nothing at {shown!r}.")
