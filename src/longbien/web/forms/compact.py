"""Official forms written compactly -> Questionnaires. Pure but for reading its own files.

A file of annex/ is one form: a head of `key: value` lines (number, title, base, version, ages, gender), an empty line, then one
line an item, two blanks deeper for what stands below it:

    PREFIX [id] type Vietnamese | English | more | initial      an item of its own
    PREFIX @id ~1 -child + = Vietnamese | English               the base's item of this id, with all that it knows (codes,
                                                                units, where it is filled from): numbers moved on by 1,
                                                                without `child`; what stands below it replaces its parts, or
                                                                with `+` comes after them

Types: g group, gg group that repeats, t text, s line, w wide line, i whole number, n number, k tick, c one of, m several of,
d date, dt moment, x disease (ICD-10), xx several, yn yes or no, nb normal or not; `!` must be answered; `2` before it:
right and left eye. More: of numbers "unit low high places"; of c and m "Vietnamese = English; ...".
Initial: a FHIRPath that fills it."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from .draw import Resource, item, meant_for, text
from .tree import walk_raw

FOLDER = Path(__file__).parent / "annex"
NUMBER = "https://longbien.org/fhir/sid/form-number"
LINE = re.compile(
    r"(?P<indent> *)(?:(?P<prefix>[^\s@\[]\S*(?: [^\s@\[]\S*)*) )?(?:@(?P<copy>[\w.]+)|\[(?P<id>[\w.]+)\] (?P<type>\w+!?))"
    r"(?: (?P<rest>.*))?\Z"
)
YES_NO = "Có = Yes; Không = No"
NORMAL = "Bình thường = Normal; Bệnh lý = Abnormal"
EYES = (("r", "Mắt phải", "Right eye"), ("l", "Mắt trái", "Left eye"))
UNITS: dict[str, tuple[str, ...]] = {
    "d": ("d", "ngày", "days"), "wk": ("wk", "tuần", "weeks"), "mo": ("mo", "tháng", "months"), "mm[Hg]": ("mm[Hg]", "mmHg"),
    "Cel": ("Cel", "°C"), "min": ("min", "phút", "min"), "a": ("a", "tuổi", "years"), "deg": ("deg", "°"),
}  # fmt: skip
_ICD: dict[str, Any] = {"shown": "icd10"}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "g": ("group", {}), "gg": ("group", {"repeats": True}), "t": ("text", {}), "s": ("string", {}),
    "w": ("string", {"shown": "wide"}), "i": ("integer", {}), "n": ("decimal", {}), "k": ("boolean", {"control": "check-box"}),
    "c": ("choice", {}), "m": ("choice", {"repeats": True}), "d": ("date", {}), "dt": ("dateTime", {}), "x": ("open-choice", _ICD),
    "xx": ("open-choice", _ICD | {"repeats": True}), "yn": ("choice", {}), "nb": ("choice", {}),
}  # fmt: skip


class Wrong(ValueError):
    """A line that is none: a fault of the file."""


class Part(NamedTuple):
    """One line of a file and those below it."""

    line: re.Match[str]
    below: list[Part]


def parts(lines: list[str]) -> list[Part]:
    """The lines as a tree. Raises Wrong."""
    out: list[Part] = []
    open_: list[tuple[int, list[Part]]] = [(-1, out)]
    for written in lines:
        found = LINE.match(written)
        if found is None:
            raise Wrong(written)
        depth = len(found["indent"])
        while open_[-1][0] >= depth:
            open_.pop()
        one = Part(found, [])
        open_[-1][1].append(one)
        open_.append((depth, one.below))
    return out


def _columns(rest: str | None) -> list[str]:
    return [*((rest or "").split(" | ")), "", "", "", ""][:4]


def _own(part: Part, base: Mapping[str, Resource]) -> Resource:
    line = part.line
    kind, prefix = line["type"].removesuffix("!"), line["prefix"] or ""
    vi, en, more, initial = (c.strip() for c in _columns(line["rest"]))
    if kind.startswith("2"):
        sides = [_item(f"{line['id']}_{s}", kind[1:], v, e, more, {}) for s, v, e in EYES]
        return item(line["id"], "group", vi, en, shown="sides", item=sides, **({"prefix": prefix} if prefix else {}))
    given: dict[str, Any] = {"prefix": prefix} if prefix else {}
    if line["type"].endswith("!"):
        given["required"] = True
    if initial:
        given["init"] = initial
    if part.below:
        given["item"] = _made(part.below, base)
    return _item(line["id"], kind, vi, en, more, given)


def _item(link: str, kind: str, vi: str, en: str, more: str, given: dict[str, Any]) -> Resource:
    type_, usual = KINDS[kind]
    if kind in ("c", "m", "yn", "nb"):
        listed = more or {"yn": YES_NO, "nb": NORMAL}.get(kind, "")
        pairs = [_pair(o) for o in listed.split(";")]
        usual = usual | {"options": [(str(n), v, e, None) for n, (v, e) in enumerate(pairs, start=1)]}
    elif kind in ("i", "n") and more:
        usual = usual | _bounds(more.split(), whole=kind == "i")
    return item(link, type_, vi, en, **usual, **given)


def _pair(text_: str) -> tuple[str, str]:
    vi, _, en = text_.partition(" = ")
    return vi.strip(), (en or vi).strip()


def _bounds(told: list[str], *, whole: bool) -> dict[str, Any]:
    unit, low, high, *places = told
    number: Callable[[str], Any] = int if whole else Decimal
    out: dict[str, Any] = {"low": number(low), "high": number(high)}
    if unit != "-":
        out["unit"] = UNITS.get(unit, (unit, unit))
    if places:
        out["places"] = int(places[0])
    return out


OPTIONS = re.compile(r"(?:~(-?\d+))|(?:-([\w.]+))|(\+)(?=\s|\Z)")


def _copied(part: Part, base: Mapping[str, Resource]) -> Resource:
    line, (told, _, said) = part.line, (part.line["rest"] or "").partition("=")
    if line["copy"] not in base:
        raise Wrong(f"the base has no {line['copy']}")
    made = copy.deepcopy(base[line["copy"]])
    after = False
    for step, without, plus in OPTIONS.findall(told):
        if step:
            _renumber(made, int(step))
        elif without:
            _drop(made, without)
        after = after or bool(plus)
    if line["prefix"]:
        made["prefix"] = line["prefix"]
    if said.strip():
        vi, en, *_ = (c.strip() for c in _columns(said))
        made.pop("_text", None)
        made |= text("text", vi, en)
    if part.below:
        made["item"] = [*(made.get("item") or () if after else ()), *_made(part.below, base)]
    return made


def _renumber(one: Resource, step: int) -> None:
    found = re.match(r"(\d+)(\..*)", str(one.get("prefix") or ""))
    if found:
        one["prefix"] = f"{int(found[1]) + step}{found[2]}"
    for below in one.get("item") or ():
        _renumber(below, step)


def _drop(one: Resource, link: str) -> None:
    if "item" in one:
        one["item"] = [i for i in one["item"] if i["linkId"] != link]
        for below in one["item"]:
            _drop(below, link)


def _made(listed: list[Part], base: Mapping[str, Resource]) -> list[Resource]:
    return [_copied(p, base) if p.line["copy"] else _own(p, base) for p in listed]


def compiled(name: str, written: str, known: Mapping[str, Resource]) -> Resource:
    """One file as a Questionnaire. name: its id; known: the forms it may be built on. Raises Wrong."""
    head, _, body = written.partition("\n\n")
    told = dict(_told(head))
    source = known[told["base"]]
    base = {i["linkId"]: i for i in walk_raw(source["item"])}
    lines = [x.rstrip() for x in body.splitlines() if x.strip() and not x.lstrip().startswith("#")]
    title, number = _pair_of(told["title"]), told["number"]
    about = (
        f"Mẫu {number}, Thông tư 32/2023/TT-BYT. Phần A ký khi làm bệnh án; phần tổng kết bổ sung khi ra viện.",
        f"Form {number} of Circular 32/2023/TT-BYT. Part A is signed on admission; the summary is added at discharge.",
    )
    return {
        **{k: v for k, v in source.items() if k not in ("useContext", "_title", "_description")},
        "id": name, "url": source["url"].replace(source["id"], name), "version": told.get("version", "1"),
        "name": "".join(p.capitalize() for p in name.split("-")), **text("title", *title), **text("description", *about),
        "identifier": [{"system": NUMBER, "value": number}], **_for(told), "item": _made(parts(lines), base),
    }  # fmt: skip


def _for(told: Mapping[str, str]) -> Resource:
    low, _, high = told.get("ages", "").partition("-")
    return meant_for(int(low) if low else None, int(high) if high else None, told.get("gender", ""))


def _pair_of(text_: str) -> tuple[str, str]:
    vi, _, en = text_.partition(" | ")
    return vi.strip(), en.strip()


def _told(head: str) -> Iterator[tuple[str, str]]:
    for line in head.splitlines():
        key, _, value = line.partition(": ")
        yield key.strip(), value.strip()


@cache
def files() -> tuple[tuple[str, str], ...]:
    """(id, text) of every file, each after what it is built on."""
    found = {p.stem: p.read_text(encoding="utf-8") for p in sorted(FOLDER.glob("*.form"))}
    own = {n: dict(_told(t.partition("\n\n")[0]))["base"] for n, t in found.items()}
    return tuple((n, found[n]) for n in sorted(found, key=lambda n: (own[n] in found, n)))


def sheets(known: Mapping[str, Resource]) -> list[Resource]:
    """Every form of annex/ as a Questionnaire, built on the known ones."""
    made = dict(known)
    for name, written in files():
        made[name] = compiled(name, written, made)
    return [made[name] for name, _ in files()]


__all__ = ["NUMBER", "Wrong", "compiled", "files", "sheets"]
