"""One's own signing certificate, and the facility's: what it is, until when, taking one in, ending it."""

from __future__ import annotations

from types import SimpleNamespace
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from longbien.access.entry import Locked
from longbien.base.errors import Invalid, LongbienError, NotFound
from longbien.base.outside import Outside
from longbien.web.form import Files
from longbien.web.page import Call, page
from longbien.web.pages.frame import place_names

from ..roles import PAPERS, SEAL_KEY, SIGN
from ..signing.csc import Access
from ..signing.keys import LARGEST, Key, roots
from .desk import desk


def _shown(call: Call, key: Key | None) -> SimpleNamespace | None:
    if key is None:
        return None
    c = key.parsed
    source = {"training": call.w("training, worth nothing outside"), "imported": call.w("imported"),
              "service": call.w("held by a signing service")}[key.source]  # fmt: skip
    return SimpleNamespace(
        subject=key.subject, issuer=key.issuer, until=c.not_valid_after_utc, serial=f"{c.serial_number:x}"[:24], source=source,
        training=key.source == "training", service=key.source == "service",
    )  # fmt: skip


@page(PAPERS, "HOPERAT")
async def show(call: Call) -> Response:
    return await _show(call)


async def _show(call: Call, error: str = "", status: int = 200) -> Response:
    at = desk(call, "signing certificates")
    org = call.actor.organization or ""
    await place_names(call, {org} if org else set())
    mine = await at.keys.of_person(call.actor) if call.actor.may(SIGN) else None
    seal = await at.keys.of_facility(org) if org else None
    return call.html(
        "records/keys.html", status, nav="papers", mine=_shown(call, mine), seal=_shown(call, seal), error=error,
        may_sign=call.actor.may(SIGN), may_seal=call.actor.may(SEAL_KEY), training=at.keys.training, roots=len(roots()),
        stamped=at.keys.settings.timestamp, place=call.request.app.state.places.get(org, org), done=call.query.get("done", ""),
    )  # fmt: skip


def _said(call: Call, why: LongbienError) -> str:
    w = call.w
    if "cannot be opened" in why.text or "none of the kinds" in why.text:
        return w("The file cannot be opened: it is no .p12 file, or the password is not right.")
    if "No authority that counts" in why.text:
        return w(
            "No authority that counts here has issued this certificate. Ask IT to list its authority (LONGBIEN_SIGNING_ROOTS)."
        )
    if "run out" in why.text:
        return w("The certificate has run out, or does not hold yet.")
    if "too large" in why.text:
        return w("This file is too large to be a certificate.")
    if "no key" in why.text:
        return w("The file holds no key with its certificate.")
    if "Choose a file" in why.text:
        return w("Choose a file first.")
    return w("This did not work") + f": {why.text}"


async def _fresh(call: Call) -> Response | None:
    try:
        await call.door.entry.lately(call.request)
    except Locked:
        if call.part:
            raise
        return RedirectResponse(f"/unlock?next={quote('/papers/keys')}", 303)
    return None


def _whose(call: Call) -> str | None:
    """The facility whose seal it is, or None for one's own. Raises NotFound for who may do neither."""
    if call.field("whose", 10) == "seal":
        if not call.actor.may(SEAL_KEY) or call.actor.organization is None:
            raise NotFound("This account looks after no facility's certificate.")
        return call.actor.organization
    if not call.actor.may(SIGN):
        raise NotFound("This account signs nothing.")
    return None


@page(PAPERS, "HOPERAT", files=Files(1, LARGEST, ("application/x-pkcs12",)))
async def take_in(call: Call) -> Response:
    org = _whose(call)
    if (again := await _fresh(call)) is not None:
        return again
    at = desk(call, "signing certificates")
    try:
        given = await call.file("file")
        if given is None:
            raise Invalid("Choose a file first.", status=422)
        await at.keys.take_in(call.actor, given[1], call.field("word", 200), org=org)
    except LongbienError as why:
        return await _show(call, _said(call, why), why.status)
    return call.go("/papers/keys?done=taken")


@page(PAPERS, "HOPERAT")
async def service(call: Call) -> Response:
    """A key at a signing service (CSC API v2)."""
    _whose(call)
    if (again := await _fresh(call)) is not None:
        return again
    at = desk(call, "signing certificates")
    access = Access(call.field("address", 300), call.field("credential", 200), call.field("token", 4000))
    outside = Outside()
    try:
        outside.check(access.address)
        await at.keys.take_service(call.actor, access, outside)
    except LongbienError as why:
        return await _show(call, _said(call, why), why.status if why.status < 500 else 422)
    finally:
        await outside.close()
    return call.go("/papers/keys?done=taken")


@page(PAPERS, "HOPERAT")
async def end(call: Call) -> Response:
    org = _whose(call)
    if (again := await _fresh(call)) is not None:
        return again
    at = desk(call, "signing certificates")
    key = await (at.keys.of_facility(org) if org else at.keys.of_person(call.actor))
    if key is None:
        raise NotFound("There is no certificate.")
    await at.keys.end(key, call.actor, call.field("why", 200) or "ended by its owner")
    return call.go("/papers/keys?done=ended")
