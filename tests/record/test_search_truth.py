"""Every search parameter that the data has values for, held against looking at every resource."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import plain
import pytest_asyncio
import walk
from corpus import examples, lives, load

from longbien.fhir import definitions
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store

Question = tuple[str, str, str | None, str]
NOT_ASKED = {"_id", "_lastUpdated"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def corpus(engine: Engine, shared: Path) -> list[dict[str, Any]]:
    resources = examples(shared) + lives(shared, 3)
    await load(engine, resources)
    return resources


async def found(engine: Engine, type_: str, params: list[tuple[str, str]]) -> set[str]:
    """Ids of all pages."""
    store = Store(engine, system("test"))
    page = await store.search(type_, [*params, ("_count", "400")], handling="strict")
    ids = [e.id for e in page.matches]
    while page.next_params:
        page = await store.search(type_, page.next_params, handling="strict")
        ids += [e.id for e in page.matches]
    assert len(ids) == len(set(ids)), "a page repeated a row"
    return set(ids)


def escaped(text: str) -> str:
    return re.sub(r"([\\,$|])", r"\\\1", text)


def token_questions(value: Any, kind: str) -> list[tuple[str | None, str]]:
    out: list[tuple[str | None, str]] = []
    for s, c in plain.tokens(value, kind):
        out.append((None, escaped(c)))
        if s != "*":
            out += [(None, f"{escaped(s or '')}|{escaped(c)}"), ("not", f"{escaped(s or '')}|{escaped(c)}")]
        if s not in ("*", None) and kind != "ContactPoint":
            out.append((None, f"{escaped(s or '')}|"))
    return out


def string_questions(value: Any, kind: str, r: random.Random) -> list[tuple[str | None, str]]:
    out: list[tuple[str | None, str]] = []
    for s in plain.strings(value, kind):
        cut = s[: r.randint(1, min(len(s), 40))]
        middle = s[len(s) // 3 : len(s) // 3 + 5]
        out.append(("exact", escaped(s)))
        if plain.bare(cut):
            out.append((None, escaped(cut.upper())))
        if plain.bare(middle) and plain.bare(middle) == middle.lower():
            out.append(("contains", escaped(middle)))
    return out


def date_questions(value: Any, kind: str, r: random.Random) -> list[tuple[str | None, str]]:
    texts = (
        [value] if isinstance(value, str) else [t for t in (value.get("start"), value.get("end")) if t] if kind == "Period" else []
    )
    out: list[tuple[str | None, str]] = []
    for t in texts:
        if re.match(r"\d{4}", t) and int(t[:4]) < 9999:
            written = t[: r.choice([4, 7, 10, 40])]
            out += [(None, f"{p}{written}") for p in r.sample(["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"], 3)]
    return out


def quantity_questions(value: Any, kind: str, r: random.Random) -> list[tuple[str | None, str]]:
    if not isinstance(value, dict):
        return [(None, f"{p}{value}") for p in r.sample(["", "ne", "gt", "lt", "ge", "le"], 3)]
    one = value.get("low") if kind == "Range" else value
    if not one or "value" not in one:
        return []
    units = [""]
    if one.get("code"):
        units.append(f"|{escaped(one.get('system', ''))}|{escaped(one['code'])}")
    elif "currency" in one:
        units.append(f"|urn:iso:std:iso:4217|{one['currency']}")
    out: list[tuple[str | None, str]] = [
        (None, f"{p}{one['value']}{u}") for u in units for p in r.sample(["", "ne", "gt", "lt", "ge", "le"], 3)
    ]
    if one.get("code") == "kg":
        out.append((None, f"gt{one['value'] * 1000}|{one['system']}|g"))
    return out


def questions(code: str, kind: str, value: Any, fhir: str, r: random.Random) -> list[tuple[str | None, str]]:
    if kind == "token":
        return token_questions(value, fhir)
    if kind == "string":
        return string_questions(value, fhir, r)
    if kind == "date":
        return date_questions(value, fhir, r)
    if kind in ("quantity", "number"):
        return quantity_questions(value, fhir, r)
    if kind == "uri":
        return [(None, escaped(value))] if isinstance(value, str) else []
    ref = value.get("reference") if isinstance(value, dict) else value
    if not isinstance(ref, str) or ref.startswith("#") or not ref:
        return []
    out: list[tuple[str | None, str]] = [(None, escaped(re.sub(r"/_history/.*$", "", ref)))]
    if re.fullmatch(r"[A-Z]\w+/[A-Za-z0-9.-]+", ref):
        out.append((ref.split("/")[0], ref.split("/")[1]))
    return out


def there(kind: str, values: list[plain.Value]) -> bool:
    """Whether there is a value; a date in words is none."""
    return any(kind != "date" or plain.period(v, k) for v, k in values)


def holds(kind: str, values: list[plain.Value], modifier: str | None, text: str) -> bool:
    text = re.sub(r"\\([\\,$|])", r"\1", text) if kind not in ("token",) else text.replace("\\", "")
    if kind == "token":
        return plain.token(values, text) != (modifier == "not")
    if kind == "string":
        return plain.string(values, text, modifier)
    if kind == "reference":
        return plain.points(values, f"{modifier}/{text}" if modifier else text)
    if kind == "uri":
        return plain.uri(values, text)
    prefix, rest = (text[:2], text[2:]) if text[:2].isalpha() else ("eq", text)
    return {"date": plain.date, "number": plain.number, "quantity": plain.quantity}[kind](values, prefix, rest)


async def test_every_parameter_finds_what_a_look_at_every_resource_finds(engine: Engine, corpus: list[dict[str, Any]]) -> None:
    r = random.Random(20261123)
    by_type: dict[str, dict[str, dict[str, list[plain.Value]]]] = defaultdict(dict)
    for resource in corpus:
        here: dict[str, list[plain.Value]] = defaultdict(list)
        for code, value, kind in walk.values(resource):
            here[code].append((value, kind))
        by_type[resource["resourceType"]][resource["id"]] = here
    asked, wrong, params = 0, [], set()
    for type_, rows in sorted(by_type.items()):
        for code, param in definitions.search_params(type_).items():
            if code in NOT_ASKED or param.kind in ("composite", "special"):
                continue
            possible: set[tuple[str | None, str]] = set()
            for here in rows.values():
                for value, kind in here.get(code, []):
                    if len(possible) < 200:
                        possible.update(questions(code, param.kind, value, kind, r))
            chosen = r.sample(sorted(possible, key=str), min(len(possible), 3))
            for modifier, text in chosen:
                name = f"{code}:{modifier}" if modifier else code
                got = await found(engine, type_, [(name, text)])
                want = {i for i, here in rows.items() if holds(param.kind, here.get(code, []), modifier, text)}
                asked += 1
                params.add((type_, code))
                if got != want:
                    wrong.append(f"{type_}?{name}={text}: missing {sorted(want - got)[:3]}, too many {sorted(got - want)[:3]}")
            if possible:
                got = await found(engine, type_, [(f"{code}:missing", "true")])
                want = {i for i, here in rows.items() if not there(param.kind, here.get(code, []))}
                if got != want:
                    wrong.append(
                        f"{type_}?{code}:missing=true: missing {sorted(want - got)[:3]}, too many {sorted(got - want)[:3]}"
                    )
    assert not wrong, f"{len(wrong)} of {asked} are wrong:\n" + "\n".join(wrong[:60])
    assert len(params) > 500 and asked > 1500, (len(params), asked)
