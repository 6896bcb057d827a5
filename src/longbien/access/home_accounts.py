"""Accounts of patients and of who cares for them, made at a hospital's desk. Whoever stands there has shown a paper; they leave
with a code on paper that opens once. The patient is told in their own notices of every account that opens their record, so that
one made behind their back does not stay unseen."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

from longbien.base import clock
from longbien.base.db import Row
from longbien.base.errors import Conflict, Forbidden, Invalid, NotFound
from longbien.base.ids import patient_key
from longbien.base.sql import queries
from longbien.base.words import mark
from longbien.fhir import json
from longbien.fhir.systems import NOTICE
from longbien.record import trail
from longbien.record.change import Create, Manner
from longbien.record.engine import Engine
from longbien.record.life import named
from longbien.record.scope import Scope, system
from longbien.record.sensitive import CONFIDENTIALITY
from longbien.record.store import Store
from longbien.record.types import type_name

from . import accounts, carers, consent, invitations, sessions
from .accounts import NewAccount
from .actor import Actor
from .consent import Proof
from .door import Door
from .lines import by
from .roles import CARERS, PATIENTS
from .rows import VOID_BASIS

Q = queries(__file__, "sql/home.sql")
SHOWN: dict[str, str] = {
    "citizen-card": mark("citizen card with chip"),
    "vneid": mark("VNeID level 2 on their phone"),
    "passport": mark("passport"),
    "birth-certificate": mark("birth certificate and the parent's citizen card"),
    "guardian": mark("decision on guardianship and citizen card"),
}
"""Papers by which the desk knows who stands there (Law on Identification 26/2023/QH15; decree 123/2015/ND-CP for births)."""
CODE_BYTES = 17
"""136 random bits, so a plain hash is enough (ASVS 6.5.2 asks for 112)."""
_CROCKFORD = str.maketrans("abcdefghijklmnopqrstuvwxyz234567", "abcdefghjkmnpqrstvwxyz0123456789")
"""Base32 in letters and digits of which none is taken for another (no i, l, o, u: Crockford's)."""
_MEANT = str.maketrans("oil", "011")
_LENGTH = 28


class Opens(NamedTuple):
    """One account that opens a record. basis: what a carer's rests on. waiting: until when a code is good that was not used."""

    number: int
    login: str
    name: str
    role: Literal["patient", "carer"]
    disabled: bool
    signed_in: datetime | None
    waiting: datetime | None
    basis: tuple[str, str] | None
    until: datetime | None
    demo: bool


def code() -> str:
    """A secret that a person can type: 28 letters and digits in groups of four."""
    text = base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode().lower().rstrip("=").translate(_CROCKFORD)
    return _grouped(text)


def _grouped(text: str) -> str:
    return "-".join(text[i : i + 4] for i in range(0, len(text), 4))


def typed(text: str) -> str:
    """A code as it was printed, from what somebody typed; anything else stays as it is (the secrets of links are longer)."""
    plain = "".join(text[:200].replace("-", "").split()).lower().translate(_MEANT)
    return _grouped(plain) if len(plain) == _LENGTH and plain.isascii() and plain.isalnum() else text.strip()


async def opens(engine: Engine, patient_id: str) -> list[Opens]:
    """Who may open this record from home. The caller has seen to it that the record is open to whoever is told."""
    rows = await engine.db.fetch(Q.of_record, patient_id, patient_key(patient_id), list(VOID_BASIS))
    return [
        Opens(r["number"], r["login"], r["name"], r["role"], r["disabled"], r["signed_in"], r["waiting"],
              (type_name(r["type"]), r["basis"]) if r["basis"] else None, r["until"], r["demo"])
        for r in rows
    ]  # fmt: skip


def _may(actor: Actor, shown: str | None = None) -> None:
    if not actor.may(CARERS):
        raise Forbidden(f"{actor.name} may not make accounts of patients.")
    if shown is not None and shown not in SHOWN:
        raise Invalid("Say which paper showed who this is.", code="required")


async def _open(door: Door, actor: Actor, patient_id: str) -> Scope:
    """The scope in which this record is open to whoever sits at the desk. Raises NotFound."""
    reason = await door.why(actor, patient_id)
    if reason is None:
        raise NotFound("There is no such record, or it is not open to you.")
    return door.scope(actor, reason=reason)


async def invite_patient(door: Door, actor: Actor, patient_id: str, login: str, name: str, shown: str) -> str:
    """The patient's own account and its code. Raises Forbidden, Invalid, NotFound, Conflict (there is one; the login is taken)."""
    _may(actor, shown)
    scope = await _open(door, actor, patient_id)
    await Store(door.engine, scope).read("Patient", patient_id)
    new = NewAccount(login.strip().lower(), name, "patient", patient=patient_id)
    number = await accounts.create(door.engine, door.hasher, actor, new)
    return await _handed(door, actor, scope, number, patient_id, shown, "Tài khoản của ông/bà trên Longbien đã được lập")


async def invite_carer(
    door: Door, actor: Actor, patient_id: str, relative: str, login: str, name: str, shown: str, paper: str = "",
    scan: tuple[str, bytes] | None = None,
) -> str | None:  # fmt: skip
    """Let a RelatedPerson (id) of this patient see the record: by the relation itself while the patient is a child, else by the
    patient's own consent on paper (its number, or its scan), which is taken with it. Gives the code of a new account; None where
    the login is that of a carer's account already, which then opens this record too. Raises Forbidden, Invalid, NotFound,
    Conflict."""
    _may(actor, shown)
    scope = await _open(door, actor, patient_id)
    store = Store(door.engine, scope)
    await store.read("Patient", patient_id)
    related = await store.read("RelatedPerson", relative)
    if related.pat != patient_key(patient_id):
        raise NotFound(f"RelatedPerson/{relative} is not known.")
    known = await accounts.by_login(door.engine.db, login.strip().lower())
    if known is not None and (known["role"] != "carer" or known["disabled"]):
        raise Conflict("There is an account with this login already.", code="duplicate")
    basis = ("RelatedPerson", relative)
    if paper.strip() or scan is not None:
        stored = await consent.take_for_carer(door, actor, patient_id, relative, Proof("paper", paper, scan=scan))
        basis = ("Consent", stored.id)
    else:
        await carers.check(store, *basis)  # before an account is made that opens nothing
    number = known["number"] if known is not None else None
    if number is None:
        number = await accounts.create(door.engine, door.hasher, actor, NewAccount(login.strip().lower(), name, "carer"))
    await carers.grant(door.engine, scope, actor, number, *basis)
    said = f"{name} có thể xem hồ sơ này từ tài khoản của mình"
    if known is not None:
        await _tell(door.engine, actor, patient_id, f"{said}.", shown)
        return None
    return await _handed(door, actor, scope, number, patient_id, shown, said)


async def again(door: Door, actor: Actor, patient_id: str, number: int, shown: str) -> str:
    """A new code for an account that opens this record, for who lost their way in; what was handed out before opens nothing any
    more. Raises Forbidden, Invalid, NotFound."""
    _may(actor, shown)
    scope = await _open(door, actor, patient_id)
    one = await _one(door.engine, patient_id, number)
    if one.demo:
        raise Forbidden("A demo account is shared by all visitors: its sign-in stays as it is.")
    return await _handed(door, actor, scope, number, patient_id, shown, f"Mã đăng nhập mới đã được cấp cho {one.name}")


async def end(door: Door, actor: Actor, patient_id: str, number: int) -> None:
    """The account opens this record no more: a patient's own is disabled, a carer's grant ends. Raises Forbidden, NotFound."""
    _may(actor)
    scope = await _open(door, actor, patient_id)
    one = await _one(door.engine, patient_id, number)
    if one.demo:
        raise Forbidden("A demo account is shared by all visitors: its sign-in stays as it is.")
    if one.role == "carer":
        await carers.end(door.engine, scope, actor, number, patient_id)
        text = f"{one.name} không còn xem được hồ sơ này"
    else:
        await door.engine.db.execute("UPDATE account SET disabled = now() WHERE number = $1 AND disabled IS NULL", number)
        await sessions.end_all(door.engine.db, number)
        await door.engine.trail.write([trail.line(scope, "account", pat=patient_key(patient_id), why=f"account {number} disabled")])
        text = "Tài khoản của ông/bà đã được đóng"
    await _tell(door.engine, actor, patient_id, f"{text}.", "")


async def reopen(door: Door, actor: Actor, patient_id: str, number: int, shown: str) -> str:
    """A patient's own account that was disabled: open again, with a new code. Raises as `again`."""
    _may(actor, shown)
    scope = await _open(door, actor, patient_id)
    one = await _one(door.engine, patient_id, number)
    if one.role != "patient" or not one.disabled or one.demo:
        raise NotFound("There is no such account.")
    await door.engine.db.execute("UPDATE account SET disabled = NULL, enabled = now() WHERE number = $1", number)
    await door.engine.trail.write([trail.line(scope, "account", pat=patient_key(patient_id), why=f"account {number} enabled")])
    return await _handed(door, actor, scope, number, patient_id, shown, "Tài khoản của ông/bà đã được mở lại")


async def waiting(engine: Engine, actor: Actor) -> Sequence[Row]:
    """Codes that this facility handed out and that were not used: number, account, login, name, role, patient, created, expires."""
    _may(actor)
    return await engine.db.fetch(Q.waiting, actor.organization, sorted(PATIENTS))


async def revoke(engine: Engine, actor: Actor, number: int) -> None:
    """A code that was lost opens nothing any more. Raises Forbidden, NotFound."""
    _may(actor)
    account = await engine.db.fetchval(Q.revoke, number, actor.organization, sorted(PATIENTS))
    if account is None:
        raise NotFound("There is no such code.")
    scope = by(actor.number, address=actor.address, org=actor.org)
    await engine.trail.write([trail.line(scope, "account", why=f"code of account {account} revoked")])


async def _one(engine: Engine, patient_id: str, number: int) -> Opens:
    found = next((o for o in await opens(engine, patient_id) if o.number == number), None)
    if found is None:
        raise NotFound("There is no such account.")
    return found


async def _handed(door: Door, actor: Actor, scope: Scope, number: int, patient_id: str, shown: str, said: str) -> str:
    """A code for the account, in the trail and told to everybody whose record it opens before anybody has it."""
    why = f"code for account {number} handed out, seen: {shown}"
    await door.engine.trail.write([trail.line(scope, "account", pat=patient_key(patient_id), why=why)])
    secret = await invitations.issue(door.engine, door.settings, actor.number, number, code())
    await _tell(door.engine, actor, patient_id, f"{said}.", shown)
    for other in await door.engine.db.fetch(Q.also_opens, number, patient_id, list(VOID_BASIS)):
        text = f"Mã đăng nhập mới đã được cấp cho một tài khoản có thể xem hồ sơ này, tại {await _place(door, actor)}."
        await _tell(door.engine, actor, other["patient"], text, shown)
    return secret


async def _place(door: Door, actor: Actor) -> str:
    """The facility's name, as a notice says it."""
    bodies = await named(door.engine, "Organization", [actor.organization]) if actor.organization else {}
    name = next((json.loads(b, strict=False).get("name") for b in bodies.values()), None)
    return str(name or "một cơ sở y tế")


PAPERS = {
    "citizen-card": "thẻ căn cước", "vneid": "VNeID mức 2", "passport": "hộ chiếu",
    "birth-certificate": "giấy khai sinh và thẻ căn cước của cha hoặc mẹ", "guardian": "quyết định giám hộ và thẻ căn cước",
}  # fmt: skip


async def _tell(engine: Engine, actor: Actor, patient_id: str, said: str, shown: str) -> None:
    """The house's notice in the patient's own language: what was done, by whom, on which paper."""
    paper = f" Giấy tờ đã xuất trình: {PAPERS[shown]}." if shown in PAPERS else ""
    text = f"{said} Người làm: {actor.name}.{paper} Nếu ông/bà không biết việc này, hãy báo ngay cho bệnh viện."
    made: dict[str, Any] = {
        "resourceType": "Communication", "status": "completed",
        "meta": {"security": [{"system": CONFIDENTIALITY, "code": "R", "display": "restricted"}]},
        "category": [{"coding": [NOTICE]}], "topic": {"text": "Tài khoản xem hồ sơ"},
        "subject": {"reference": f"Patient/{patient_id}"}, "recipient": [{"reference": f"Patient/{patient_id}"}],
        "sent": clock.instant(clock.now()), "payload": [{"contentString": text}],
    }  # fmt: skip
    if actor.organization:
        made["sender"] = {"reference": f"Organization/{actor.organization}"}
    house = replace(system("told the patient of an account"), org=actor.org)
    await Store(engine, house).commit([Create(made)], Manner(references="trust", checked=True))
