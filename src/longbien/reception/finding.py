"""Who is this: by a scanned card, by a number, by likeness. The whole city is looked through (access.policy.finding: Patient only,
each one shown leaves a line); a record that was merged into another leads to the one that stands."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from ..fhir import systems as s
from ..record import people
from ..record.people import Nearby, Question, replaced_by
from ..record.store import Store
from ..wire.citizen_card import CitizenCard
from ..wire.insurance_card import InsuranceCard
from . import identity
from .identity import Likeness

_decode = msgspec.json.Decoder().decode
Resource = dict[str, Any]
SHOWN = 6


class Found(NamedTuple):
    """Somebody in the record; `pat` is the key of the record, `likeness` why they are shown (None: by number or by search)."""

    patient: Resource
    version: int
    pat: int
    likeness: Likeness | None = None

    @property
    def id(self) -> str:
        return str(self.patient["id"])


async def standing(city: Store, id_: str) -> Found:
    """The Patient of this id, or the one it was merged into. Raises NotFound, Gone."""
    for _ in range(5):
        there = await city.read("Patient", id_)
        body = _decode(there.body)
        after = replaced_by(body)
        if not after:
            return Found(body, there.version, there.pat or 0)
        id_ = after
    return Found(body, there.version, there.pat or 0)


async def by_number(city: Store, system: str, value: str) -> list[Found]:
    """Everybody who has this number, now or before; one who was merged is not shown beside who stands for them."""
    page = await city.search("Patient", [("identifier", f"{system}|{value}"), ("_count", "10")])
    found: dict[str, Found] = {}
    for entry in page.matches:
        body = _decode(entry.body)
        one = await standing(city, str(body["id"])) if replaced_by(body) else Found(body, entry.version, entry.pat or 0)
        found[one.id] = one
    return list(found.values())


async def by_card(city: Store, citizen: CitizenCard | None, insurance: InsuranceCard | None) -> list[Found]:
    """By the numbers that cards bear, the surest first."""
    asked: list[tuple[str, str]] = []
    if citizen:
        asked.append((s.CITIZEN_ID, citizen.number))
        if citizen.old_number:
            asked.append((s.OLD_CITIZEN_ID, citizen.old_number))
    if insurance:
        if len(insurance.number) == 15:
            asked.append((s.INSURANCE_NUMBER, insurance.number))
        asked.append((s.SOCIAL_INSURANCE_NUMBER, insurance.social))
    for system, value in asked:
        if found := await by_number(city, system, value):
            return found
    return []


async def alike(city: Store, asked: Resource, near: Nearby | None, *, but: str = "") -> list[Found]:
    """Who may be the same person as what is being typed, the likest first; each shown leaves a line. but: an id to leave out."""
    found: dict[int, people.Person] = {}
    for question in _questions(asked):
        rows, _ = await people.find(city.engine, city.scope, question, near)
        found |= {p.pat: p for p in rows}
    scored = []
    for p in found.values():
        body = _decode(p.body)
        if body["id"] == but or replaced_by(body):
            continue
        like = identity.likeness(asked, body)
        if like.score >= identity.ENOUGH:
            scored.append((p, Found(body, p.version, p.pat, like)))
    scored.sort(key=lambda x: (-(x[1].likeness.score if x[1].likeness else 0), x[1].id))
    await people.shown(city.engine, city.scope, [p for p, _ in scored[:SHOWN]])
    return [f for _, f in scored[:SHOWN]]


def _questions(asked: Resource) -> list[Question]:
    made = [Question((), None, None, (str(i["value"]),)) for i in asked.get("identifier") or () if i.get("value")]
    made += [Question((), None, None, (str(t["value"]),)) for t in asked.get("telecom") or () if t.get("value")]
    words = tuple(str((asked.get("name") or [{}])[0].get("text") or "").split()[: people.MOST_WORDS])
    born = str(asked.get("birthDate") or "")
    if words and born:
        made.append(Question(words, int(born[:4]), None, ()))
        if len(words) > 1:  # a slip in one word is found by the others
            made.append(Question((words[0], words[-1]), int(born[:4]), None, ()))
            made.append(Question((words[-1],), int(born[:4]), None, ()))
    elif len(words) >= 3:
        made.append(Question(words, None, None, ()))
    return made
