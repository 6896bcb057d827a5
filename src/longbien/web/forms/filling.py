"""A form being filled: fields as typed -> nodes with answers, conditions and calculated items -> a QuestionnaireResponse. Pure.

A field's name is its way down the form: linkIds (percent-encoded) between "/", "*n" after a group that repeats: `history*1/year`.
One name may come several times (an item that repeats). The same names are kept in a draft, whatever can be made of them: nothing
that was typed is lost because it is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from ...base import clock
from ...base.words import Words, parse_instant
from ...fhir import path
from . import values
from .tree import Form, Item, Resource, walk
from .values import Answer

Fields = dict[str, list[str]]
MOST_TIMES = 30
"""Instances of a group that repeats."""
ROUNDS = 8
"""How often what depends on each other is worked out anew before it is left as it is."""
STEPS = 400_000
"""Steps of FHIRPath that one expression may take."""


@dataclass(slots=True)
class Node:
    """One item (or one instance of a group that repeats) with what is known of it. on: its condition holds."""

    item: Item
    name: str
    raw: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    error: str = ""
    on: bool = True
    children: list[Node] = field(default_factory=list)
    number: int = 0
    of: int = 1

    @property
    def text(self) -> str:
        return self.raw[0] if self.raw else ""


@dataclass(slots=True)
class Filled:
    form: Form
    nodes: list[Node]
    response: Resource
    wrong: list[str] = field(default_factory=list)
    """Expressions of the form that could not be worked out, for the log of who made it."""

    def each(self) -> Iterator[Node]:
        yield from _every(self.nodes)

    @property
    def errors(self) -> list[Node]:
        return [n for n in self.each() if n.error and n.on]


def _every(nodes: Sequence[Node]) -> Iterator[Node]:
    for n in nodes:
        yield n
        yield from _every(n.children)


def _times(name: str, fields: Mapping[str, Sequence[str]]) -> int:
    found = [int(m[1]) for k in fields if (m := re.match(re.escape(name) + r"\*(\d{1,3})(?:/|\Z)", k))]
    return min(max(found, default=0) + 1, MOST_TIMES)


def _nodes(items: Sequence[Item], above: str, fields: Mapping[str, Sequence[str]], w: Words, now: datetime) -> list[Node]:
    out: list[Node] = []
    for item in items:
        name = f"{above}/{item.segment}" if above else item.segment
        if item.type == "group" and item.repeats:
            times = _times(name, fields)
            for n in range(times):
                own = f"{name}*{n}"
                out.append(Node(item, own, children=_nodes(item.items, own, fields, w, now), number=n, of=times))
            continue
        node = Node(item, name, children=_nodes(item.items, name, fields, w, now))
        if item.type not in ("group", "display") and not item.calculated:
            _read(node, fields.get(name) or (), w, now)
        out.append(node)
    return out


def _read(node: Node, given: Sequence[str], w: Words, now: datetime) -> None:
    node.raw = [t for t in given if t.strip()] if node.item.repeats else [str(given[0])] if given else []
    for text in node.raw[:MOST_TIMES]:
        found = values.read(text, node.item, w, now)
        if found.error:
            node.error = node.error or found.error
        elif found.answer is not None:
            node.answers.append(found.answer)


def items_of(nodes: Sequence[Node]) -> list[Resource]:
    """The items of a response: only those whose condition holds and that say something."""
    out = []
    for n in nodes:
        if not n.on or n.item.type == "display":
            continue
        below = items_of(n.children)
        if n.item.type == "group":
            if below:
                out.append(_entry(n.item, {"item": below}))
        elif n.answers:
            answers = [dict(a) for a in n.answers]
            if below:
                answers[0]["item"] = below
            out.append(_entry(n.item, {"answer": answers}))
    return out


def _entry(item: Item, more: Resource) -> Resource:
    text = {"text": item.text.vi} if item.text.vi else {}
    return {"linkId": item.id, **text, **more}


@lru_cache(maxsize=4096)
def _compiled(expression: str) -> Any:
    return path.compile(expression, "QuestionnaireResponse")


def evaluate(expression: str, value: Any, env: Mapping[str, Any], wrong: list[str]) -> list[Any]:
    """FHIRPath's answer; an expression that fails gives nothing and is noted."""
    try:
        found: list[Any] = _compiled(expression)(value, {**env, "budget": [STEPS]})
        return found
    except path.PathError as why:
        wrong.append(f"{expression[:120]}: {why}")
        return []


def fill(form: Form, fields: Mapping[str, Sequence[str]], env: Mapping[str, Any], w: Words, now: datetime) -> Filled:
    """What was typed, with conditions and calculated items worked out. env: what expressions may name (patient,
    encounter, user)."""
    nodes = _nodes(form.items, "", fields, w, now)
    filled = Filled(form, nodes, {})
    before: Any = None
    for _ in range(ROUNDS):
        filled.wrong.clear()
        filled.response = {"resourceType": "QuestionnaireResponse", "status": "in-progress", "item": items_of(nodes)}
        _work_out(filled, env, w, now)
        after = items_of(nodes)
        if after == before:
            break
        before = after
    filled.response["item"] = items_of(nodes)
    return filled


def _work_out(filled: Filled, env: Mapping[str, Any], w: Words, now: datetime) -> None:
    known = {**env, "resource": filled.response, "questionnaire": filled.form.source, "now": now}
    for name, expression in filled.form.variables:
        known[name] = evaluate(expression, filled.response, known, filled.wrong)
    _settle(filled.nodes, [filled.nodes], filled, known, w)


def _settle(nodes: Sequence[Node], around: list[Sequence[Node]], filled: Filled, env: dict[str, Any], w: Words) -> None:
    for n in nodes:
        here = {**env, "context": {"item": items_of(around[-1])}} if len(around) > 1 else env
        n.on = _on(n.item, around, filled, here)
        if n.item.calculated:
            found = evaluate(n.item.calculated, filled.response, here, filled.wrong)
            n.answers = values.answered(found, n.item)
            n.raw = [values.typed(a, n.item, w.lang) for a in n.answers]
        _settle(n.children, [*around, n.children] if n.item.type == "group" else around, filled, env, w)


def _on(item: Item, around: Sequence[Sequence[Node]], filled: Filled, env: Mapping[str, Any]) -> bool:
    if item.when_path:
        return evaluate(item.when_path, filled.response, env, filled.wrong) == [True]
    if not item.when:
        return True
    each = (_holds(w.operator, w.answer, _answers_to(w.question, around)) for w in item.when)
    return any(each) if item.any else all(each)


def _answers_to(link: str, around: Sequence[Sequence[Node]]) -> list[Any]:
    """The answers of the nearest item with this linkId: in the group's own instance first, then further out."""
    for nodes in reversed(around):
        for n in _open(nodes):
            if n.item.id == link:
                return [v for a in n.answers for k, v in a.items() if k.startswith("value")]
    return []


def _open(nodes: Sequence[Node]) -> Iterator[Node]:
    """Every node whose own and whose parents' conditions hold."""
    for n in nodes:
        if n.on:
            yield n
            yield from _open(n.children)


def _comparable(value: Any) -> Any:
    if isinstance(value, Mapping):
        if "value" in value:
            return Decimal(str(value["value"]))
        return str(value.get("code") or value.get("display") or value.get("reference"))
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and re.match(r"\d{4}(-\d{2}){0,2}(T|\Z)", value):
        try:
            return parse_instant(value)
        except ValueError:
            return value
    return value


def _holds(operator: str, wanted: Any, found: Sequence[Any]) -> bool:
    """One enableWhen (R4). A question without answer fails every comparison but "does not exist" and "is not"."""
    if operator == "exists":
        return bool(found) == bool(wanted)
    ours = [_comparable(v) for v in found]
    theirs = _comparable(wanted)
    if operator == "=":
        return theirs in ours
    if operator == "!=":
        return theirs not in ours
    compare = {">": lambda a: a > theirs, "<": lambda a: a < theirs, ">=": lambda a: a >= theirs, "<=": lambda a: a <= theirs}
    test = compare.get(operator)
    try:
        return test is not None and any(test(a) for a in ours)
    except TypeError:
        return False


def missing(filled: Filled, w: Words) -> None:
    """Say at each required field that is open and empty what is missing; done before signing only."""

    def look(nodes: Sequence[Node]) -> None:
        for n in nodes:
            if not n.on or n.item.hidden:
                continue
            if n.item.required and n.item.asked and not n.answers and not n.error:
                n.error = w("Needed to sign.")
            if n.item.type == "group" and n.item.repeats and n.number and not items_of([n]):
                continue  # a row that was added and left empty
            look(n.children)

    look(filled.nodes)


def fields_of(form: Form, response: Mapping[str, Any], lang: str) -> Fields:
    """A response as the fields that would give it: to go on, to amend, to copy forward."""
    out: Fields = {}
    _unfold(form.items, response.get("item") or (), "", out, lang)
    return out


def _unfold(items: Sequence[Item], given: Sequence[Mapping[str, Any]], above: str, out: Fields, lang: str) -> None:
    for item in items:
        mine = [g for g in given if g.get("linkId") == item.id]
        name = f"{above}/{item.segment}" if above else item.segment
        if item.type == "group" and item.repeats:
            for n, one in enumerate(mine[:MOST_TIMES]):
                out[f"{name}*{n}"] = ["1"]
                _unfold(item.items, one.get("item") or (), f"{name}*{n}", out, lang)
            continue
        if item.type == "group":
            _unfold(item.items, [i for one in mine for i in one.get("item") or ()], name, out, lang)
            continue
        answers = [a for one in mine for a in one.get("answer") or ()]
        if answers and not item.calculated and item.type != "display":
            texts = [t for a in answers if (t := values.typed(a, item, lang))]
            if texts:
                out[name] = texts
        _unfold(item.items, [i for a in answers for i in a.get("item") or ()], name, out, lang)


def age(birth: str | None, now: datetime) -> int | None:
    """Whole years. None where the birth date is not known to the year."""
    if not birth:
        return None
    born, today = str(birth), clock.local(now).date()
    whole = born if len(born) >= 10 else f"{born}-01-01"[:10] if len(born) == 4 else f"{born}-01"
    month, day = int(whole[5:7]), int(whole[8:10])
    return today.year - int(born[:4]) - ((today.month, today.day) < (month, day))


def fits(form: Form, gender: str | None, birth: str | None, now: datetime) -> bool:
    """Is the form meant for somebody of this gender and age? What is not known does not speak against it."""
    years = age(birth, now)
    low, high = form.ages
    if form.gender and gender in ("male", "female") and gender != form.gender:
        return False
    return years is None or ((low is None or years >= low) and (high is None or years <= high))


def names(form: Form) -> set[str]:
    """Every linkId; for the tests of the forms."""
    return {i.id for i in walk(form.items)}
