"""A form filled in as somebody would, for tests: every question that a person answers, by its type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from longbien.base import clock
from longbien.base.words import words
from longbien.web.forms import filling
from longbien.web.forms.tree import Form, Item

ANSWERS = {
    "text": "Bệnh nhân tỉnh, tiếp xúc tốt.", "string": "Bình thường", "integer": "3", "decimal": "12,5", "boolean": "true",
    "date": "02/03/1960", "dateTime": "30/11/2026 08:15", "open-choice": "J18.9 Viêm phổi",
}  # fmt: skip
VITALS = {"8867-4": "80", "8310-5": "37", "8480-6": "120", "8462-4": "80", "9279-1": "18", "29463-7": "60", "8302-2": "160"}


def fields(items: Sequence[Item], above: str = "") -> Iterator[tuple[str, Item]]:
    for i in items:
        name = f"{above}/{i.segment}" if above else i.segment
        if i.type == "group":
            name += "*0" if i.repeats else ""
        else:
            yield name, i
        yield from fields(i.items, name)


def answer(item: Item) -> str:
    code = next((str(c.get("code")) for c in item.codes), "")
    if item.choices:
        return item.choices[-1].key
    if item.type in ("integer", "decimal") and item.low is not None:
        return VITALS.get(code, str(int(item.low) + 1))
    return VITALS.get(code) or ANSWERS.get(item.type, "")


def typed(form: Form, *, part_b: bool = True) -> dict[str, list[str]]:
    return {
        name: [answer(i)] for name, i in fields(form.items) if i.asked and answer(i) and (part_b or not name.startswith("part_b"))
    }  # fmt: skip


def filled(form: Form, *, part_b: bool = True) -> filling.Filled:
    env: dict[str, Any] = {
        "patient": {"resourceType": "Patient", "gender": "female", "birthDate": "1960-03-02"}, "encounter": None, "user": {},
    }  # fmt: skip
    env |= {name: None for name, _ in form.queries}
    return filling.fill(form, typed(form, part_b=part_b), env, words("vi"), clock.now())
