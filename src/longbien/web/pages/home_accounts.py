"""The desk's page: accounts by which a patient, or who cares for them, opens the record from home; and where their codes are
typed."""

from __future__ import annotations

import re
import secrets
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from starlette.responses import Response

from ...access import consent, home_accounts, totp
from ...access.carers import comes_of_age
from ...access.roles import CARERS, CHART, CONSENT
from ...base import clock
from ...base.errors import Conflict, Forbidden, Invalid, LongbienError, NotFound, TooLarge
from ...base.ids import FHIR_ID
from ...base.words import mark
from ...fhir import json
from ...record.store import Store
from ..chart.record import Person, human, person
from ..form import Files
from ..page import NOBODY_PURPOSE, OPEN, Call, page

SCAN = Files(1, consent.LARGEST_SCAN, consent.SCANS)
MOST_FOUND = 20
DONE = {"end": mark("Ended. The account opens this record no more."), "revoke": mark("The code opens nothing any more.")}


def _id(call: Call) -> str:
    given: str = call.request.path_params["id"]
    if not FHIR_ID.match(given):
        raise NotFound("There is no such patient.")
    return given


async def _store(call: Call, patient: str) -> Store:
    reason = await call.door.why(call.actor, patient)
    if reason is None:
        raise NotFound("There is no such record, or it is not open to you.")
    return Store(call.engine, call.scope(reason))


async def _show(
    call: Call, *, error: str = "", status: int = 200, code: str = "", about: str = "", whose: str = "", asked: str = ""
) -> Response:
    """code: just handed out, shown this once; about: the login that it is for. asked: which form `error` is about."""
    id_ = _id(call)
    store = await _store(call, id_)
    who = person(json.loads((await store.read("Patient", id_)).body))
    opens = await home_accounts.opens(call.engine, id_)
    relatives = [_relative(json.loads(e.body)) for e in (await _relatives(store, id_))]
    link = f"{call.door.entry.site(call.request).origin}/welcome/{code}" if code else ""
    done = call.query.get("done", "")
    return call.html(
        "home/record.html", status, id=id_, who=who, error=error, asked=asked,
        own=next((o for o in opens if o.role == "patient"), None), carers=[o for o in opens if o.role == "carer"],
        relatives=relatives, child=_child(who, call),
        shown=[(k, call.w(t)) for k, t in home_accounts.SHOWN.items()], done=call.w(DONE[done]) if done in DONE else "",
        handed=SimpleNamespace(code=code, login=about, name=whose, link=link, qr=Markup(totp.picture(link)),  # noqa: S704 - our own SVG
                               hours=round(call.door.settings.invitation_hours)) if code else None,
        given={k: call.field(k, 200) if error else "" for k in ("login", "shown", "relative", "paper")},
        phone=_login(who.phone), charts=call.actor.may(CHART), consents=call.actor.may(CONSENT), most=consent.LARGEST_SCAN >> 20,
    )  # fmt: skip


def _child(who: Person, call: Call) -> bool:
    try:
        return comes_of_age(who.birth) > clock.local(call.now).date()
    except ValueError:
        return False


async def _relatives(store: Store, patient: str) -> list[Any]:
    return list((await store.search("RelatedPerson", [("active", "true"), ("_count", "30")], patient=patient)).matches)


def _relative(body: dict[str, Any]) -> SimpleNamespace:
    relation = next((r.get("text") or next((c.get("display") for c in r.get("coding") or () if c.get("display")), "")
                     for r in body.get("relationship") or ()), "")  # fmt: skip
    phone = next((str(t.get("value") or "") for t in body.get("telecom") or () if t.get("system") == "phone"), "")
    return SimpleNamespace(id=body["id"], name=human(body.get("name")) or "–", relation=relation or "", phone=phone)


def _login(phone: str) -> str:
    """A telephone number as a login; "" where it is none."""
    digits = re.sub(r"[ .\-]", "", phone or "")
    return digits if re.fullmatch(r"\d{9,12}", digits) else ""


@page(CARERS, "HOPERAT")
async def show(call: Call) -> Response:
    return await _show(call)


@page(CARERS, "HOPERAT", files=SCAN)
async def invite(call: Call) -> Response:
    """whose: patient, or carer (with relative, and of an adult the consent's paper or scan)."""
    id_, whose, shown = _id(call), call.field("whose", 10), call.field("shown", 30)
    store = await _store(call, id_)
    try:
        if whose == "patient":
            who = person(json.loads((await store.read("Patient", id_)).body))
            name, login = who.name, call.field("login", 100) or _login(who.phone) or f"nb.{secrets.token_hex(3)}"
            code: str | None = await home_accounts.invite_patient(call.door, call.actor, id_, login, name, shown)
        elif whose == "carer":
            relative = call.field("relative", 64)
            one = next((r for r in map(_of, await _relatives(store, id_)) if r.id == relative), None)
            if one is None:
                return await _show(call, error=call.w("Choose who cares for the patient."), status=422, asked=whose)
            name, login = one.name, call.field("login", 100) or _login(one.phone) or f"nn.{secrets.token_hex(3)}"
            code = await home_accounts.invite_carer(
                call.door, call.actor, id_, relative, login, name, shown, call.field("paper", 200), await call.file("scan")
            )
        else:
            raise Invalid("Say whose account it is.", code="value")
    except (Invalid, Conflict, TooLarge) as wrong:
        return await _show(call, error=_said(call, wrong), status=wrong.status, asked=whose)
    if code is None:
        return call.go(f"/patients/{id_}/accounts")
    return await _show(call, code=code, about=login.lower(), whose=name)


def _of(entry: Any) -> SimpleNamespace:
    return _relative(json.loads(entry.body))


SAID = (
    ("Say which paper", mark("Say which paper showed who this is.")),
    ("There is an account", mark("There is an account with this login already. Choose another login name.")),
    ("Login", mark("A login name has 2 to 100 of a–z, 0–9, '.', '_', '-', '@'.")),
    ("The patient is of age", mark("The patient is of age: they sign a consent first. Say its number, or add its scan.")),
    ("The patient's birth date", mark("The birth date is not known, so a consent is needed: say its number, or add its scan.")),
    ("This file", mark("The scan must be a PDF, JPEG or PNG.")),
    ("A file may", mark("The scan is too large.")),
)


def _said(call: Call, wrong: LongbienError) -> str:
    known = next((m for begin, m in SAID if wrong.text.startswith(begin)), None)
    if known is None and isinstance(wrong, Conflict):
        return call.w("This patient has an account already.")
    return call.w(known) if known else call.w("This could not be done. Look at what is filled in, and try again.")


@page(CARERS, "HOPERAT")
async def change(call: Call) -> Response:
    """act: again (a new code), end, reopen."""
    id_, act, text = _id(call), call.request.path_params["act"], call.request.path_params["number"]
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    await _store(call, id_)
    one = next((o for o in await home_accounts.opens(call.engine, id_) if o.number == number), None)
    if one is None:
        raise NotFound("There is no such account.")
    try:
        if act == "end":
            await home_accounts.end(call.door, call.actor, id_, number)
            return call.go(f"/patients/{id_}/accounts?done=end")
        if act not in ("again", "reopen"):
            raise NotFound("There is no such act.")
        do = home_accounts.again if act == "again" else home_accounts.reopen
        code = await do(call.door, call.actor, id_, number, call.field("shown", 30))
    except Invalid as wrong:
        return await _show(call, error=_said(call, wrong), status=wrong.status, asked=str(number))
    except Forbidden:
        text = call.w("A demo account is shared by all visitors: its sign-in stays as it is.")
        return await _show(call, error=text, status=403, asked=str(number))
    return await _show(call, code=code, about=one.login, whose=one.name)


# -- all of them at this desk ---------------------------------------------------------------------------------------------


@page(CARERS, "HOPERAT")
async def listed(call: Call) -> Response:
    """?q= a name or a whole number: whose accounts."""
    text = call.query.get("q", "").strip()[:100]
    found: list[Person] = []
    if text:
        asked = (
            ("identifier", text.replace(" ", ""))
            if text.replace(" ", "").isalnum() and any(c.isdigit() for c in text)
            else ("name", text)
        )
        store = Store(call.engine, call.scope("finding whose account"))
        found = [person(json.loads(e.body)) for e in (await store.search("Patient", [asked, ("_count", str(MOST_FOUND))])).matches]
    done = call.query.get("done", "")
    return call.html(
        "home/waiting.html", q=text, found=found, waiting=await home_accounts.waiting(call.engine, call.actor),
        done=call.w(DONE[done]) if done in DONE else "",
    )  # fmt: skip


@page(CARERS, "HOPERAT")
async def revoke(call: Call) -> Response:
    text = call.field("number", 9)
    await home_accounts.revoke(call.engine, call.actor, int(text) if text.isascii() and text.isdigit() else 0)
    return call.go("/accounts?done=revoke")


# -- at home --------------------------------------------------------------------------------------------------------------


@page(OPEN, NOBODY_PURPOSE)
async def type_code(call: Call) -> Response:
    return call.html("home/code.html", error="", here="/welcome")


@page(OPEN, NOBODY_PURPOSE)
async def typed(call: Call) -> Response:
    code = home_accounts.typed(call.field("code", 200))
    if not re.fullmatch(r"[A-Za-z0-9_-]{20,100}", code):
        text = call.w("The code has 28 letters and digits, in groups of four. Look at the paper again.")
        return call.html("home/code.html", 422, error=text, here="/welcome")
    return call.go(f"/welcome/{quote(code)}")
