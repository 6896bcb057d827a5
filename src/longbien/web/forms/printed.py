"""A filled official form as the printed form has it: rows of cells for a template, empty ones as dotted lines and boxes. Pure.

What is on paper is Vietnamese. Kinds of lines (`k`): part (a heading over the whole width), sub (a heading below it), row (cells
side by side), text (a label with paragraphs, or dotted lines to write on), grid (a group that repeats), sides (right and left),
sign (places for signatures, by key). Kinds of cells (`t`): fill, boxes (one letter each), choice, check, code (words and ICD)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...base.words import Words, words
from .tree import NUMBERS, Form, Item
from .values import shown

WIDTH = 100
"""Letters that stand on one line of the page."""
Line = dict[str, Any]
Given = Sequence[Mapping[str, Any]]
BOXES = {"birth": 8, "age": 3, "insurance_number": 15, "citizen": 12}
"""Items written one letter a box, and how many boxes an empty one has."""
ROOM = {"integer": 5, "decimal": 6, "quantity": 6, "date": 12, "dateTime": 24, "time": 8, "string": 20}
"""Letters that an empty line of this type leaves room for."""
ICD = re.compile(r"([A-Z]\d\d(?:\.\d+)?)[\s:·-]+")
"""A code before its words."""
MOST_COLUMNS = 5
DOCTOR_AT_DESK = "Bác sĩ khám bệnh"


def signers(form: Form, summed_up: bool) -> list[tuple[str, str]]:
    """(key, label) of who signs this form, in the order of its places; label "" as the paper's table has it. summed_up: whether
    its part B says something (the treating doctor signs that)."""
    tops = {i.id for i in form.items}
    closing = [("treating", "")] if "part_b" in tops and summed_up else []
    if "outcome_part" in tops:
        return [("facility", ""), ("head", ""), ("doctor", ""), *closing]
    if "part_b" in tops:
        return [("facility", ""), ("doctor", DOCTOR_AT_DESK), *closing]
    return [("doctor", "")]


def number(form: Form) -> str:
    """The official number: 01/BV-01. "" of a form that has none."""
    found = (str(i.get("value") or "") for i in form.source.get("identifier") or () if "form-number" in str(i.get("system")))
    return next(found, "")


def lines(form: Form, response: Mapping[str, Any], places: Sequence[str]) -> list[Line]:
    """The whole form. places: keys of the signatures that it has room for."""
    w, out, given = words("vi"), list[Line](), response.get("item") or ()
    left = list(places)
    for n, top in enumerate(form.items):
        if top.shown == "thresholds":
            continue
        if top.id == "part_a" and "outcome_part" in {i.id for i in form.items}:
            out += _signs(left, "facility", "head")
        if top.id == "part_b":
            out += _signs(left, "facility", "doctor")
        out.append({"k": "part", "text": _label(top).upper() if top.type == "group" else _label(top)})
        out += _inside(top.items if top.type == "group" else [top], _below(given, top) if top.type == "group" else given, 1, w)
        if top.id == "part_b" or n == len(form.items) - 1:
            out += _signs(left, *left)
    return out


def _signs(left: list[str], *keys: str) -> list[Line]:
    here = [k for k in keys if k in left]
    for k in here:
        left.remove(k)
    return [{"k": "sign", "keys": here}] if here else []


def _label(item: Item) -> str:
    return f"{item.prefix} {item.text.vi}".strip()


def _entries(given: Given, item: Item) -> list[Mapping[str, Any]]:
    return [i for i in given if i.get("linkId") == item.id]


def _below(given: Given, item: Item) -> Given:
    found = _entries(given, item)
    return (found[0].get("item") or ()) if found else ()


def _answers(given: Given, item: Item) -> list[Mapping[str, Any]]:
    return [a for i in _entries(given, item) for a in i.get("answer") or ()]


def _shown(item: Item) -> bool:
    return not item.hidden and item.type != "display" and item.shown not in ("points", "thresholds", "advice")


def _inside(items: Sequence[Item], given: Given, depth: int, w: Words) -> list[Line]:
    """The parts of a group, short ones side by side; a group without a name is no part of its own."""
    items, given = _without_nameless(items, given)
    out: list[Line] = []
    row: list[Line] = []

    def flush() -> None:
        if row:
            out.append({"k": "row", "cells": row[:]})
            row.clear()

    for item in (i for i in items if _shown(i)):
        found = _whole(item, given, depth, w)
        if found is not None:
            flush()
            out += found
            continue
        cell = _cell(item, _answers(given, item), w)
        if item.prefix.rstrip(".").isdigit() and depth == 1 and _width(row) + cell["w"] > WIDTH * 0.8:
            flush()
        if row and (_width(row) + cell["w"] > WIDTH or len(row) >= MOST_COLUMNS):
            flush()
        row.append(cell)
        if cell["w"] >= WIDTH:
            flush()
    flush()
    return out


def _without_nameless(items: Sequence[Item], given: Given) -> tuple[list[Item], Given]:
    out, found = list[Item](), list(given)
    for i in items:
        if i.type == "group" and not i.text.vi and not i.repeats:
            inner, below = _without_nameless(i.items, _below(given, i))
            out += inner
            found += below
        else:
            out.append(i)
    return out, found


def _width(row: Sequence[Line]) -> int:
    return sum(c["w"] for c in row)


def _whole(item: Item, given: Given, depth: int, w: Words) -> list[Line] | None:
    """The lines of an item that stands by itself; None for one that may stand beside others."""
    if item.type == "group" and item.shown == "sides":
        return [_sides(item, _below(given, item), w)]
    if item.type == "group" and item.repeats:
        return [_grid(item, _entries(given, item), w)]
    if item.type == "group":
        inner = _inside(item.items, _below(given, item), depth + 1, w)
        head = [{"k": "sub", "text": _label(item), "depth": depth}] if item.text.vi else []
        return [*head, *inner]
    if item.type == "text":
        text = "\n".join(_texts(item, _answers(given, item), w))
        return [{"k": "text", "label": _label(item), "lines": [x for x in text.split("\n") if x.strip()], "empty": 2}]
    return None


def _texts(item: Item, answers: Given, w: Words) -> list[str]:
    return [t for a in answers if (t := shown(a, item, w))]


def _coded(item: Item, answers: Given, w: Words) -> tuple[str, str]:
    """(words, codes) of diseases."""
    said, codes = [], []
    for a in answers:
        coding = a.get("valueCoding") or {}
        text = str(coding.get("display") or a.get("valueString") or coding.get("code") or "")
        typed = ICD.match(text)
        code = str(coding.get("code") or (typed[1] if typed else ""))
        said.append(text[typed.end() :] if typed and typed[1] == code else text)
        codes += [code] if code else []
    return "; ".join(x for x in said if x), " ".join(codes)


def _cell(item: Item, answers: Given, w: Words) -> Line:
    label = _label(item)
    if item.type == "boolean":
        on = bool(answers) and answers[0].get("valueBoolean") is True
        return {"t": "check", "label": label, "on": on, "w": len(label) + 5}
    if item.type in ("choice", "open-choice") and item.choices and item.shown != "icd10":
        options = _options(item, answers)
        room = len(label) + 2 + sum(len(o["text"]) + 4 for o in options)
        return {"t": "choice", "label": label, "options": options, "w": min(room, WIDTH)}
    if item.type == "open-choice":
        text, code = _coded(item, answers, w)
        return {"t": "code", "label": label, "text": text, "code": code, "w": WIDTH}
    text = "; ".join(_texts(item, answers, w))
    if item.id in BOXES:
        letters = "".join(c for c in text if c.isalnum()).upper()
        letters = letters.removesuffix("TUỔI") if item.id == "age" else letters
        return {
            "t": "boxes",
            "label": label,
            "text": letters,
            "n": max(BOXES[item.id], len(letters)),
            "w": len(label) + 2 + round(2.5 * BOXES[item.id]),
        }
    unit = item.unit.said.vi if item.unit and item.unit.text and not answers else ""
    wide = item.shown == "wide" or len(text) > WIDTH / 2
    room = WIDTH if wide else len(label) + max(ROOM.get(item.type, 20), len(text)) + len(unit) + 3
    return {"t": "fill", "label": label, "text": text, "unit": unit, "w": min(room, WIDTH), "strong": item.id == "name"}


def _options(item: Item, answers: Given) -> list[Line]:
    chosen = {str((a.get("valueCoding") or {}).get("code") or "") for a in answers}
    return [{"text": c.text.vi, "on": str((c.value.get("valueCoding") or {}).get("code")) in chosen} for c in item.choices]


def _sides(item: Item, given: Given, w: Words) -> Line:
    """The same thing of the right and of the left eye, side by side; of choices only what was found, where anything was."""
    cells = []
    for side in item.items:
        cell = _cell(side, _answers(given, side), w)
        if cell["t"] == "choice" and len(cell["options"]) > 4 and any(o["on"] for o in cell["options"]):
            cell["options"] = [o for o in cell["options"] if o["on"]]
        cells.append({**cell, "label": "MP" if side.id.endswith("_r") else "MT"})
    return {"k": "sides", "label": _label(item), "cells": cells}


def _grid(item: Item, entries: Given, w: Words) -> Line:
    columns = [c for c in _flat(item.items) if _shown(c)]
    rows = [["; ".join(_found(e.get("item") or (), c, w)) for c in columns] for e in entries]
    return {
        "k": "grid", "label": _label(item), "head": [c.text.vi for c in columns], "rows": rows or [[""] * len(columns)],
        "widths": [2 if c.type in NUMBERS else 3 if c.type in ("date", "dateTime", "choice") else 5 for c in columns],
    }  # fmt: skip


def _flat(items: Sequence[Item]) -> Iterator[Item]:
    for i in items:
        if i.type == "group":
            yield from _flat(i.items)
        else:
            yield i


def _found(given: Given, item: Item, w: Words) -> list[str]:
    out = _texts(item, _answers(given, item), w)
    for i in given:
        out += _found(i.get("item") or (), item, w)
    return out
