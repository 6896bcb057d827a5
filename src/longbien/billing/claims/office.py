"""What the insurance office sees and does, as verbs; pages.py shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from longbien.base import clock
from longbien.base.errors import Invalid, NotFound
from longbien.base.sql import queries
from longbien.base.words import mark
from longbien.fhir import json
from longbien.record.change import Change, Update
from longbien.record.engine import Engine
from longbien.record.store import Store
from longbien.wire.claims_xml import Fault, Row, check

from . import keeping, making, results, sending, shapes
from . import month as monthly
from .gateways import Answer
from .settings import ClaimsSettings, accounts
from .shapes import STATES, Kept, State

Q = queries(__file__, "sql/claims.sql")
PAGE = 100
AT_ONCE = 200
"""Claims that one click sends: what is left stays in the list."""


@dataclass(frozen=True)
class Desk:
    """One officer's facility. facility: its claim code, "" where it has none (then nothing can be sent)."""

    engine: Engine
    store: Store
    house: Store
    organization: str
    facility: str


async def listed(desk: Desk, state: State, *, count: int = PAGE) -> list[Kept]:
    """Claims of this facility in one state, the newest first."""
    found = await desk.store.search("Claim", [*_ours(desk, state), ("_sort", "-created"), ("_count", str(count))])
    return [shapes.of(json.loads(e.body, strict=False), e.version) for e in found.matches]


def _ours(desk: Desk, state: State) -> list[tuple[str, str]]:
    return [("_tag", f"{shapes.STATE}|{state}"), ("provider", f"Organization/{desk.organization}")]


async def counts(desk: Desk) -> dict[State, int]:
    out: dict[State, int] = {}
    for state in STATES:
        found = await desk.store.search("Claim", [*_ours(desk, state), ("_summary", "count")])
        out[state] = found.total or 0
    return out


async def find(desk: Desk, claim: str) -> Kept:
    """A claim of this facility. Raises NotFound, also for another facility's: a patient who was at both is known here, what the
    other one claims is not."""
    kept = await making.find(desk.store, claim)
    if (kept.resource.get("provider") or {}).get("reference") != f"Organization/{desk.organization}":
        raise NotFound("This claim is another facility's.")
    return kept


async def opened(desk: Desk, claim: str) -> tuple[Kept, dict[str, list[Row]], list[Fault]]:
    """A claim with its rows and their faults as of today. Raises NotFound, also for another facility's."""
    kept = await find(desk, claim)
    rows = await keeping.rows(kept.rows)
    return kept, rows, check(rows, clock.local(clock.now()).date())


async def send_ready(desk: Desk) -> tuple[int, list[str]]:
    """Send what is ready, so many at once; gives (how many, what went wrong, once each)."""
    sent, wrong = 0, dict[str, None]()
    for kept in await listed(desk, "ready", count=AT_ONCE):
        try:
            await sending.send(desk.store, kept)
            sent += 1
        except Invalid as why:
            wrong[why.text] = None
    return sent, list(wrong)


# ---- the month -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Month:
    """open: claims of the month that are not settled, by state. rows: the summary's, of those that were sent and taken."""

    month: str
    rows: Sequence[Row]
    totals: Sequence[monthly.Totals]
    open: dict[State, int]
    closings: Sequence[Any]


async def month_of(desk: Desk, name: str) -> Month:
    """The insured claims that belong to a month (NAM_QT, THANG_QT)."""
    tag = ("_tag", f"{shapes.MONTH}|{name}")
    waiting: dict[State, int] = {}
    for state in STATES[:-1]:
        found = await desk.store.search("Claim", [*_ours(desk, state), tag, ("_summary", "count")])
        waiting[state] = found.total or 0
    rows = [{**r, "STT": str(n)} for n, r in enumerate(await _lines(desk, tag), 1)]
    return Month(name, rows, monthly.totals(rows), waiting, await desk.engine.db.fetch(Q.closings, desk.facility, name))


async def _lines(desk: Desk, tag: tuple[str, str]) -> list[Row]:
    """The summary's rows of every claim of the month that was taken, page by page."""
    asked = [*_ours(desk, "sent"), tag, ("_sort", "created"), ("_count", "1000")]
    out: list[Row] = []
    while asked:
        found = await desk.store.search("Claim", asked)
        out += [json.loads(shapes.of(json.loads(e.body, strict=False)).line or "{}") for e in found.matches]
        asked = list(found.next_params or ())
    return out


async def close(desk: Desk, name: str, account: int) -> int:
    """Close a month: its summary is kept as it is now, and put in line for the portal. Raises Invalid: nothing was sent in it,
    it is not over, it was closed like this already."""
    found = await month_of(desk, name)
    if not found.rows:
        raise Invalid(mark("No claim of this month was taken by the portal yet."))
    if name >= clock.local(clock.now()).date().isoformat()[:7]:
        raise Invalid(mark("The month is not over yet."))
    data = monthly.summary(found.rows)
    digest = await keeping.keep(data)
    if found.closings and found.closings[0]["digest"] == digest:
        raise Invalid(mark("The month is closed already, and nothing has changed since."))
    whole = found.totals[-1]
    number: int = await desk.engine.db.fetchval(
        Q.close, desk.facility, name, digest, whole.claims, whole.amounts["T_TONGCHI_BV"], whole.amounts["T_BHTT"], account
    )
    if "portal" in _places(desk.facility):
        await sending.put_in_line(desk.engine, f"month-{desk.facility}-{name}", desk.facility, ["portal"], "5", digest)
    return number


def _places(facility: str) -> list[str]:
    account = accounts(ClaimsSettings.read()).get(facility)
    return ["portal"] if account and account.portal else []


async def summary_file(desk: Desk, number: int) -> bytes:
    """A closing's summary as it was kept. Raises NotFound, also for another facility's."""
    row = await desk.engine.db.fetchrow(Q.closing, number)
    if row is None or row["facility"] != desk.facility:
        raise NotFound("There is no such closing.")
    return await keeping.content(row["digest"])


def month_name(text: str, today: date) -> str:
    """yyyy-mm; the month before where it is none (that is the one to be closed)."""
    if len(text) == 7 and text[4] == "-" and text[:4].isdigit() and text[5:].isdigit() and "01" <= text[5:] <= "12":
        return text
    return f"{today.year - (today.month == 1)}-{(today.month - 2) % 12 + 1:02}"


# ---- the portal's results --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Imported:
    """refused: claims that became work; unknown: numbers that no claim here has."""

    refused: int
    unknown: Sequence[str]
    dong: Decimal


async def import_results(desk: Desk, data: bytes) -> Imported:
    """Take in the portal's results file: each claim that it refuses, or a line of it, becomes work with its reason. The same file
    again changes nothing. Raises Invalid."""
    by_link: dict[str, list[results.Line]] = {}
    for line in await asyncio.to_thread(results.read, data):
        by_link.setdefault(line.link, []).append(line)
    refused, unknown, dong = 0, list[str](), Decimal(0)
    for link, lines in by_link.items():
        bad = [x for x in lines if x.refused or (x.code not in ("", "200", "0", "00", "000"))]
        wanted = "".join(f"\\{c}" if c in "\\,|$" else c for c in link)
        asked = [("identifier", f"{shapes.LINK}|{wanted}"), ("provider", f"Organization/{desk.organization}")]
        found = await desk.store.search("Claim", asked)
        if not found.matches:
            unknown.append(link)
            continue
        kept = shapes.of(json.loads(found.matches[0].body, strict=False), found.matches[0].version)
        if bad:
            refused += await _refuse(desk, kept, bad)
            dong += sum((x.refused for x in bad), Decimal(0))
    return Imported(refused, unknown, dong)


async def _refuse(desk: Desk, kept: Kept, lines: Sequence[results.Line]) -> int:
    details = [{"maLoi": x.code or "?", "moTa": x.text, "bang": x.table, "stt": x.row, "truong": x.field} for x in lines]
    answer = Answer("205", "", "", "; ".join(dict.fromkeys(x.text for x in lines if x.text)), details)
    key = await keeping.keep("\n".join(sorted(f"{kept.link} {x}" for x in lines)).encode())
    made = sending.response(kept, f"cr-{key[:40]}", "portal", answer)
    changes: list[Change] = [Update(made)]
    if kept.state in ("sent", "waiting", "refused"):
        said = sending.reason(answer)
        if (kept.state, kept.answer) == ("refused", said[:1000]):
            return 0
        changes.append(Update(shapes.with_state(kept.resource, "refused", said), if_match=kept.version))
    await desk.store.commit(changes)
    return 1
