"""A page: a handler that names the permission it needs and the purpose it is opened for. A route without both does not start.

    @page(CHART, "TREAT")
    async def chart(call: Call) -> Response: ...

    routes = [route("/patients/{id}", chart)]

`OPEN` pages (sign-in, language) need nobody. Every other page knows its actor before the handler runs; a form must carry the
session's token; an error of the house gets the face of a page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec
from markupsafe import Markup
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from ..access.actor import Actor
from ..access.door import Door
from ..access.entry import Locked, Unfinished
from ..access.roles import (
    ACCOUNTS,
    ANSWER,
    APP_REGISTER,
    CARERS,
    COVER,
    ME,
    OWN_ACCOUNT,
    PATIENTS,
    PERMISSIONS,
    ROLES,
    SEARCH,
    SIGN_OUT,
    WHAT_DID,
    Permission,
)  # fmt: skip
from ..base import clock, log
from ..base.db import ours
from ..base.errors import Forbidden, LongbienError, NotFound, Unauthenticated, Unavailable
from ..base.ids import FHIR_ID
from ..base.words import Words, choose, words
from ..record.engine import Engine
from ..record.people import replaced_by
from ..record.scope import Scope
from ..record.store import Store
from . import render
from .chart.record import short_place
from .form import MOST, MOST_OF_STRANGERS, Files, received
from .terms import Terms, Tongue

_log = log.get(__name__)
OPEN = Permission("open", "A page that needs nobody", frozenset())
NOBODY_PURPOSE = "none"
LANGUAGE_COOKIE = "lang"
ABOUT_A_PATIENT = frozenset({"patients", "search"})
"""Where a page's address goes on with a patient's id."""


@dataclass
class Me:
    """Who is signed in, as the top bar shows it."""

    name: str
    role: str
    place: str
    login: str = ""
    searches: bool = True
    answers: bool = False
    audits: bool = False
    permissions: str = ""
    """Where the pages of permissions begin for this reader."""
    invites: bool = False
    carers: bool = False
    registers: bool = False
    staff: bool = True


@dataclass
class Call:
    """One request on its way through a handler."""

    request: Request
    door: Door
    w: Words
    purpose: str
    who: Actor | None = None
    now: datetime = field(default_factory=lambda: clock.now())  # asked each time: the clock of the house may be set
    form: FormData | None = None
    files: Files | None = None

    @property
    def actor(self) -> Actor:
        if self.who is None:
            raise Unauthenticated("Sign in first.")
        return self.who

    @property
    def engine(self) -> Engine:
        return self.door.engine

    @property
    def lang(self) -> Tongue:
        """The reader's language, with what codes are called in it."""
        return self.terms.tongue(self.w.lang)

    @property
    def terms(self) -> Terms:
        """What codes are called; as new as the last `fresh`."""
        found: Terms = self.request.app.state.terms
        return found

    @property
    def query(self) -> Any:
        return self.request.query_params

    @property
    def part(self) -> bool:
        """Does the browser ask for a part of a page, to put into the one it shows?"""
        return self.query.get("part") == "1" or self.request.headers.get("x-part") == "1"

    def field(self, name: str, limit: int = 20_000) -> str:
        """A form field as text, trimmed, without NUL; "" when it is not there."""
        value = self.form.get(name) if self.form is not None else None
        return value.replace("\0", "").replace("\r\n", "\n").strip()[:limit] if isinstance(value, str) else ""

    async def file(self, name: str) -> tuple[str, bytes] | None:
        """(media type, bytes) of a file of the form; None where none was chosen. Raises Invalid (none of the kinds that this page
        takes, whatever it is called), TooLarge."""
        given = self.form.get(name) if self.form is not None and self.files is not None else None
        if not isinstance(given, UploadFile) or self.files is None:
            return None
        return await self.files.taken(given)

    def scope(self, reason: str | None = None, purpose: str | None = None) -> Scope:
        return self.door.scope(self.actor, purpose or self._own_purpose(), reason=reason)

    def _own_purpose(self) -> str | None:
        """The page's purpose where the role has it, else the role's first."""
        role = self.actor.known_role
        return self.purpose if role and self.purpose in role.purposes else None

    def me(self) -> Me | None:
        if self.who is None:
            return None
        role = ROLES.get(self.who.role)
        title = (role.vi if self.lang == "vi" else role.en) if role else self.who.role
        places: dict[str, str] = self.request.app.state.places if hasattr(self.request.app.state, "places") else {}
        return Me(
            self.who.name,
            title,
            short_place(places.get(self.who.organization or "", "")),
            self.who.login,
            self.who.may(SEARCH),
            self.who.may(ANSWER),
            self.who.may(WHAT_DID),
            _permissions(self.who),
            self.who.may(ACCOUNTS),
            self.who.may(CARERS) and self.who.organization is not None,
            self.who.may(APP_REGISTER),
            self.who.role not in PATIENTS,
        )

    def html(self, template: str, status: int = 200, headers: dict[str, str] | None = None, **context: Any) -> Response:
        given = {
            "now": self.now,
            "me": self.me(),
            "csrf": self.door.csrf(self.request),
            "demo": bool(getattr(self.request.app.state, "demo", False)),
            "user": self.who.number if self.who else "",
            "lock": self._lock(),
            "navs": self.request.app.state.navs(self.who),
            **context,
        }
        page = render.html(template, self.lang, **given).encode()
        more = {**render.HEADERS, **(headers or {})}
        if self._packs():
            more["Content-Encoding"], page = "gzip", render.packed(page)
        return HTMLResponse(page, status, more)

    def piece(self, template: str, **context: Any) -> Markup:
        """A template as a part of another page."""
        given = {"now": self.now, "me": self.me(), "csrf": self.door.csrf(self.request), **context}
        return Markup(render.html(template, self.lang, **given))  # noqa: S704 - a template's own output, escaped there

    def _lock(self) -> int:
        """Seconds without anybody at the keyboard after which the page locks itself; 0: never."""
        locks = self.who is not None and self.who.role not in PATIENTS
        return round(self.door.settings.lock_minutes * 60) if locks else 0

    def _packs(self) -> bool:
        """A page that another site's link or script opens is never packed: its size would tell what it holds beside a text that the
        other site chose (BREACH)."""
        asked = self.request.headers
        return "gzip" in asked.get("accept-encoding", "") and asked.get("sec-fetch-site", "none") != "cross-site"

    def go(self, href: str) -> Response:
        """On to another page. A script that sent the form is told where (X-Go) and goes itself."""
        if self.part:
            return Response(status_code=204, headers={"X-Go": quote(href, safe="/?&=%#")})
        return RedirectResponse(href, 303)


def _permissions(actor: Actor) -> str:
    """An IT engineer comes for the accounts, a doctor for standing in, others for the roles."""
    ways = ((ACCOUNTS, "/permissions/accounts"), (PERMISSIONS, "/permissions"), (COVER, "/cover"))
    return next((href for permission, href in ways if actor.may(permission)), "") if actor.organization else ""


Handler = Callable[[Call], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Page:
    """What is known of a page without opening it; for the tests of the house."""

    permission: Permission
    purpose: str
    handler: str
    files: Files | None = None


PAGES: list[Page] = []


def page(permission: Permission, purpose: str, *, files: Files | None = None) -> Callable[[Handler], Endpoint]:
    """Make a Starlette endpoint of a handler. files: what its form may bring besides text; by default none."""

    def make(handler: Handler) -> Endpoint:
        known = Page(permission, purpose, f"{handler.__module__}.{handler.__qualname__}", files)
        PAGES.append(known)

        async def endpoint(request: Request) -> Response:
            door: Door = request.app.state.door
            w = words(choose(request.cookies.get(LANGUAGE_COOKIE)))
            call = Call(request, door, w, purpose)
            try:
                response = await _run(call, permission, handler, files)
            except Exception as error:
                mine = ours(error)
                if isinstance(mine, NotFound | Forbidden) and (after := await _joined(call)):
                    return moved(call, after)
                if mine is None:  # its text may quote a record: the log gets kind and place only
                    mine = LongbienError(f"incident {log.incident(_log, error)}")
                response = await _face(call, await _noted(call, mine))
            for name, value in render.HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        endpoint.page = known  # type: ignore[attr-defined]
        endpoint.__name__ = handler.__name__
        return endpoint

    return make


def route(path: str, endpoint: Endpoint, methods: Sequence[str] = ("GET",)) -> Route:
    """A route of a page. Raises TypeError for an endpoint that names no permission and purpose."""
    if not isinstance(getattr(endpoint, "page", None), Page):
        raise TypeError(f"{path}: the handler needs @page(permission, purpose)")
    return Route(path, endpoint, methods=list(methods))


async def _run(call: Call, permission: Permission, handler: Handler, files: Files | None) -> Response:
    writes = call.request.method not in ("GET", "HEAD")
    if permission is not OPEN:
        call.who = await call.door.actor(
            call.request, touch=not _by_itself(call.request), unfinished=permission in (OWN_ACCOUNT, SIGN_OUT)
        )
        if not call.who.may(permission):
            error = Forbidden(f"{call.who.role} may not: {permission.title}")
            await call.door.refused(call.who, error)
            raise error
        await _names(call)
    else:
        call.who = await _perhaps(call)
    if writes:
        call.files = files
        call.form = await received(call.request, MOST if permission is not OPEN else MOST_OF_STRANGERS, files)
        if permission is not OPEN:
            given = call.request.headers.get("x-csrf-token") or call.field("csrf")
            call.door.check_csrf(call.request, given)
    return await handler(call)


async def _noted(call: Call, error: LongbienError) -> LongbienError:
    """A page's no about one patient is a line of the trail, whoever said it and however early. What the answer then is: the error
    itself, or that the line could not be written."""
    place, _, rest = call.request.url.path[1:].partition("/")
    id = rest.partition("/")[0]
    if call.who is None or not isinstance(error, NotFound | Forbidden) or place not in ABOUT_A_PATIENT or not FHIR_ID.match(id):
        return error
    try:
        await call.door.refused(call.who, error, patient=id)
    except LongbienError as why:
        return why
    return error


def moved(call: Call, after: str) -> Response:
    """On to the record that stands for the one which was asked for: the same page of it. A script that sends or asks is told where
    (X-Moved) and goes there with what was typed; nothing is written on the way."""
    _, place, _, rest = [*call.request.url.path.split("/", 3), ""][:4]
    if call.part or call.request.method != "GET":
        text = call.w("This record was joined into another one, which stands for it. Nothing was written here; open that one.")
        return PlainTextResponse(text, 409, {"X-Moved": f"/patients/{after}", **render.HEADERS})
    query = f"?{call.request.url.query}" if call.request.url.query else "?done=joined"
    path = f"/{place}/{after}" + (f"/{rest}" if rest else "")
    return RedirectResponse(quote(path, safe="/") + query, 303, render.HEADERS)


async def _joined(call: Call) -> str:
    """The id of the record that stands for the one whose page was refused; "" where it stands itself, or is nobody's to find."""
    place, _, rest = call.request.url.path[1:].partition("/")
    id = rest.partition("/")[0]
    if call.who is None or place != "patients" or not FHIR_ID.match(id) or not call.who.may(SEARCH):
        return ""
    try:
        patient = msgspec.json.decode((await call.door.finding(call.who).read("Patient", id)).body)
    except LongbienError:
        return ""
    return replaced_by(patient)


async def _names(call: Call) -> None:
    """What codes are called, now and then asked anew."""
    if call.terms.due and (scope := call.scope("names of codes")).may_read("CodeSystem"):
        await call.terms.fresh(Store(call.engine, call.scope(scope.reason)))


def _by_itself(request: Request) -> bool:
    """Does the page ask, and not the person: to keep itself up to date? That does not keep a session alive."""
    return request.headers.get("x-by-itself") == "1" or "text/event-stream" in request.headers.get("accept", "")


async def _perhaps(call: Call) -> Actor | None:
    try:
        return await call.door.actor(call.request)
    except Unavailable:  # nobody was signed out: say what is the matter instead of asking for a password
        raise
    except LongbienError:
        return None


async def _face(call: Call, error: LongbienError) -> Response:
    """An error as a page: what happened, in the reader's words, and what to do next."""
    w, request = call.w, call.request
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if isinstance(error, Locked):
        back = path if request.method == "GET" else "/account"
        if call.part:
            return PlainTextResponse(w("The screen is locked."), 401, {"X-Locked": "1"})
        return RedirectResponse(f"/unlock?next={quote(back)}", 303)
    if isinstance(error, Unfinished) and not call.part:
        return RedirectResponse("/account", 303)
    if isinstance(error, Unauthenticated):
        if call.part:
            return PlainTextResponse(w("Sign in again; what you wrote is kept."), 401)
        if request.method != "GET":
            text = w("Your sign-in has ended. Sign in, then go back: your browser still holds what you wrote.")
            return call.html("sign-in.html", 401, name="", error=text, next="/today", place="", logins=(), providers=())
        return RedirectResponse(f"/sign-in?next={quote(path)}", 303)
    title, text = {
        400: (w("This cannot be read"), w("The address or the form holds something that cannot be used.")),
        403: (w("Not allowed"), w("Your account does not have the right to open this page.")),
        404: (w("Not found"), w("There is no such record, or it is not open to you.")),
        409: (w("Somebody else was first"), w("The record changed in the meantime. Load the page again; your draft is kept.")),
        412: (w("Somebody else was first"), w("The record changed in the meantime. Load the page again; your draft is kept.")),
        410: (w("Removed"), w("This was removed from the record.")),
        422: (w("This cannot be recorded"), w("Something in it does not hold. Go back: your draft is kept.")),
        429: (w("A little too fast"), w("Wait a moment, then try again.")),
        503: (w("The record is not reachable"), w("It usually comes back within seconds. Your drafts are kept.")),
        507: (w("The disk is full"), w("Reading goes on; nothing can be written until there is room.")),
    }.get(error.status, (w("This did not work"), w("It has been noted. Go back and try again.")))
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, Unavailable) else {}
    if error.status >= 500:
        _log.warning("%s: %s", request.url.path.split("/")[1], error.text)
    if call.part:
        return PlainTextResponse(f"{title}. {text}", error.status, headers)
    template = "me/error.html" if call.who and call.who.may(ME) else "error.html"
    return call.html(template, error.status, headers, title=title, text=text, detail="", href="/", action=w("To the start"))
