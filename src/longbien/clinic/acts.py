"""The acts of the visit's form, and whose turn it is next."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from starlette.responses import Response

from ..base import clock
from ..record.store import Store
from ..web.chart.record import concept
from ..web.page import Call
from . import actions, leave, phrases, readings, view, worklist
from .dosing import MOST_LINES
from .forms import FIELDS, Typed
from .view import Desk


async def act(call: Call, one: Desk, name: str) -> None:
    """Change what is typed by one act: copy, repeat, dx-add, dx-drop.0, dx-first.1, dx-sure.0, dx-take.I10,
    done-add.cd-procedure-x, rx-add, rx-drop.2, days.30, follow.30, template.h3."""
    verb, _, what = name.partition(".")
    typed = one.typed
    at = int(what) if re.fullmatch(r"\d{1,3}", what) else -1
    if verb == "copy":
        copy(call, one)
    elif verb == "repeat":
        repeat(one, call)
    elif verb == "dx-take":
        typed.dx = _with(typed, what)
    elif verb.startswith("dx-") and 0 <= at < len(typed.dx):
        _diagnosis(typed, verb, at)
    elif verb == "rx-add":
        await add_drug(call, one, call.field("rx_code", 60))
    elif verb == "rx-drop" and 0 <= at < len(typed.lines):
        del typed.lines[at]
    elif verb == "done-add":
        await add_done(one, what)
    elif verb == "done-drop" and 0 <= at < len(typed.done):
        del typed.done[at]
    elif verb == "days" and 0 < at <= 90:
        typed.lines = [replace(x, days=str(at), quantity="") for x in typed.lines]
    elif verb == "follow":
        typed.texts["followup"] = f"{leave.open_day(clock.local(call.now).date() + timedelta(days=max(at, 1))):%d/%m/%Y}"
    elif verb == "template":
        found = next((p for p in await view.phrases_of(call) if p.key == what and p.kind == "template"), None)
        if found:
            typed.texts = phrases.filled(typed.texts, found)
            await phrases_vitals(call, typed)


def _with(typed: Typed, code: str) -> list[tuple[str, bool]]:
    """The diagnoses with one more; a dagger's asterisk and the reverse stand where the rules want them."""
    if code and code not in {c for c, _ in typed.dx}:
        return [*typed.dx, (code, False)]
    return typed.dx


def _diagnosis(typed: Typed, verb: str, at: int) -> None:
    code, suspected = typed.dx[at]
    if verb == "dx-drop":
        del typed.dx[at]
    elif verb == "dx-first":
        typed.dx.insert(0, typed.dx.pop(at))
    elif verb == "dx-sure":
        typed.dx[at] = (code, not suspected)


async def phrases_vitals(call: Call, typed: Typed) -> None:
    """The examination begins with today's vital signs, where they are not in it yet."""
    said, exam = call.field("vitals_text", 400), typed.texts.get("exam", "")
    if said and said not in exam:
        typed.texts["exam"] = f"{said}.\n{exam}" if exam else f"{said}."


def copy(call: Call, one: Desk) -> None:
    """The note before into the fields that are empty; today's vital signs instead of those of that day."""
    before = view.copied(one)
    for key in FIELDS:
        if before.get(key) and not one.typed.texts.get(key):
            one.typed.texts[key] = fresh_vitals(before[key], call.field("vitals_text", 400)) if key == "exam" else before[key]
    if one.last is not None:
        one.typed.texts["copied"] = one.last.id


_FIGURES = (
    re.compile(r"\b(?:HA|Huyết áp|huyết áp)\s*:?\s*\d{2,3}/\d{2,3}(?:\s*mmHg)?"),
    re.compile(r"\b[Mm]ạch\s*:?\s*\d{2,3}(?:\s*(?:lần/phút|l/ph|/min|/phút|ck/ph))?"),
    re.compile(r"\b(?:[Nn]hiệt độ|[Nn]hịp thở|SpO₂|SpO2|[Cc]ân nặng)\s*:?\s*\d{1,3}(?:[.,]\d)?(?:\s*(?:°C|lần/phút|/min|%|kg))?"),
)
"""Vital signs in a text. In what is copied they are another day's: they go, and today's stand before it."""


def fresh_vitals(exam: str, said: str) -> str:
    """A copied examination without the figures of its day, and with today's (`said`, "" none) before it."""
    for figures in _FIGURES:
        exam = figures.sub("", exam)
    exam = re.sub(r"(?:\s*,)+(?=\s*[,.;]|\s*\Z)|(?<=[.;])\s*[,.;](?=\s)|\A[\s,.;]+", "", exam)
    exam = re.sub(r"[ \t]{2,}", " ", re.sub(r",\s*,", ",", exam)).strip()
    exam = re.sub(r"[ \t]+([.,;])", r"\1", exam)
    exam = exam[:1].upper() + exam[1:]
    return f"{said}.\n{exam}".strip() if said else exam


def repeat(one: Desk, call: Call) -> None:
    """The prescription before, its drugs that are not on this one yet. The follow-up goes to the end of the drugs where none is
    said."""
    there = {x.code for x in one.typed.lines}
    for r in one.earlier.requests:
        if len(one.typed.lines) >= MOST_LINES:
            break
        days = "" if one.earlier.whole else "30"
        line = readings.line(r, one.formulary, days)
        if line and line.code not in there:
            one.typed.lines.append(line)
            there.add(line.code)
    days_ = [int(x.days) for x in one.typed.lines if x.days.isdigit()]
    if days_ and not one.typed.texts.get("followup"):
        day = leave.open_day(clock.local(call.now).date() + timedelta(days=min(days_)))
        one.typed.texts["followup"] = f"{day:%d/%m/%Y}"


async def add_drug(call: Call, one: Desk, code: str) -> None:
    """A drug as this doctor wrote it last, else in its usual dose; for as long as the lines already there."""
    drug = one.formulary.by_code.get(code)
    if drug is None or code in {x.code for x in one.typed.lines} or len(one.typed.lines) >= MOST_LINES:
        return
    own = {r["code"]: r["content"] for r in await phrases.used(call.engine.db, call.actor.number, "drug", 500)}
    days = one.typed.lines[-1].days if one.typed.lines else ""
    one.typed.lines.append(readings.usual(drug, own.get(code, ""), days))


async def add_done(one: Desk, id_: str) -> None:
    """A procedure that was done, from the catalogue."""
    if id_ not in {i for i, _ in one.typed.done} and (found := await readings.definition(one.store, id_)):
        one.typed.done.append((id_, concept(found.get("code")) or str(found.get("title") or id_)))


# --- whose turn it is


async def next_waiting(call: Call, beside: str) -> worklist.Row | None:
    """Who would be called next in the reader's clinic; not the one whose page this is."""
    rows = await worklist.read(call, whose="mine", audited=False, strict=True)
    return next((r for r in worklist.waiting(rows) if r.patient != beside), None)


async def call_next(call: Call, beside: str = "") -> Response:
    """Call the next who waits: the first that nobody else has called meanwhile. Without any, the list says so."""
    rows = await worklist.read(call, whose=call.field("whose", 80) or "mine", strict=True)
    for row in worklist.waiting(rows):
        if row.patient == beside:
            continue
        reason = await call.door.why(call.actor, row.patient)
        if reason is None:
            continue
        store = Store(call.engine, call.scope(reason))
        if await actions.call_in(store, view.writer(call, row.patient, row.encounter), row.encounter, call.now, first=True):
            return call.go(f"/patients/{row.patient}/visit?encounter={row.encounter}")
    return call.go("/clinic?done=nobody")
