"""Who somebody is here whom an identity provider vouches for: the account that was linked, or, for VNeID, the one whose record
has the same citizen number, name and birth date. All three must agree: a number that was mistyped once must not open a
stranger's record."""

from __future__ import annotations

import re
import secrets
import unicodedata
from typing import Any

from longbien.base.errors import Conflict, Unauthenticated
from longbien.base.fold import fold
from longbien.base.sql import queries
from longbien.fhir import json
from longbien.fhir.systems import CITIZEN_ID
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store

from . import accounts
from .accounts import NewAccount
from .oidc import Vouched
from .oidc_settings import Provider
from .passwords import Hasher

Q = queries(__file__, "sql/sign_in.sql")
_NUMBER = re.compile(r"[0-9]{12}\Z")


async def link(engine: Engine, provider: Provider, said: Vouched, account: int) -> None:
    """Raises Conflict: this identity belongs to another account."""
    if await engine.db.fetchval(Q.identity_new, provider.name, said.subject, account) is None:
        row = await engine.db.fetchrow(Q.identity_whose, provider.name, said.subject)
        if row is None or row["account"] != account:
            raise Conflict("This identity is linked to another account.", code="duplicate")


async def account(engine: Engine, hasher: Hasher, provider: Provider, said: Vouched) -> int:
    """Raises Unauthenticated: nobody here is linked to it, or the record does not agree."""
    row = await engine.db.fetchrow(Q.identity_whose, provider.name, said.subject)
    if row is None:
        if provider.match != "citizen":
            raise Unauthenticated("No account here is linked to this identity.")
        number = await _matched(engine, hasher, provider, said.claims)
        await link(engine, provider, said, number)
        return number
    if row["disabled"]:
        raise Unauthenticated("This account cannot sign in.")
    await engine.db.execute(Q.identity_used, provider.name, said.subject)
    found: int = row["account"]
    return found


async def _matched(engine: Engine, hasher: Hasher, provider: Provider, claims: dict[str, Any]) -> int:
    number, name, birth = (claims.get(c) for c in (provider.citizen_claim, provider.name_claim, provider.birth_claim))
    if not (isinstance(number, str) and _NUMBER.match(number) and isinstance(name, str) and isinstance(birth, str)):
        raise Unauthenticated("The provider gave no citizen number, name and birth date.")
    type_ = "Patient" if provider.whom == "patients" else "Practitioner"
    store = Store(engine, system("who a provider vouches for"))
    page = await store.search(type_, [("identifier", f"{CITIZEN_ID}|{number}"), ("_count", "3")])
    people = [json.loads(found.body) for found in page.matches]
    if len(people) != 1 or not same(people[0], name, birth):
        raise Unauthenticated("The record does not agree with what the provider says.")
    id_ = people[0]["id"]
    patient, practitioner = (id_, None) if type_ == "Patient" else (None, id_)
    known = await engine.db.fetch(Q.person_of_record, patient, practitioner)
    if len(known) == 1:
        return int(known[0]["number"])
    if known or practitioner:
        raise Unauthenticated("There is no one account of this person.")
    login = f"nb-{secrets.token_hex(6)}"
    return await accounts.create(engine, hasher, None, NewAccount(login, name, "patient", patient=patient))


def same(person: dict[str, Any], name: str, birth: str) -> bool:
    """Name and birth date of a resource against what was vouched for: accents and case do not matter, every word does."""
    names = [_words(_full(n)) for n in person.get("name") or [] if isinstance(n, dict)]
    return person.get("birthDate") == _day(birth) and _words(name) in names


def _full(name: dict[str, Any]) -> str:
    return name.get("text") or " ".join([name.get("family", ""), *(name.get("given") or [])])


def _words(name: str) -> tuple[str, ...]:
    return tuple(fold(unicodedata.normalize("NFC", name)).split())


def _day(text: str) -> str:
    """A birth date as a provider writes it: 1990-05-17, 17/05/1990, 19900517."""
    if found := re.fullmatch(r"(\d{4})-?(\d\d)-?(\d\d)", text):
        return "-".join(found.groups())
    if found := re.fullmatch(r"(\d\d)/(\d\d)/(\d{4})", text):
        return "-".join(reversed(found.groups()))
    return text
