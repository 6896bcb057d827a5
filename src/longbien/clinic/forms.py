"""The visit as typed: what a form's fields say, and back into a form. Pure; nothing is lost on the way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .codes import TEXTS
from .dosing import MOST_LINES, Line

MOST_TEXT = 20_000
MOST_DX = 30
MOST_DONE = 12
_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")
FIELDS = tuple(t[0] for t in TEXTS)
MORE = ("followup", "followup_at", "followup_for", "weight", "guardian", "override", "copied", "rx_advice")
"""Other fields: the day of the follow-up and why, the child's weight and carer, why a warning is overruled, which note was
copied."""
_CODE = re.compile(r"[A-Z]\d[0-9A-Z]{1,2}(?:\.[0-9A-Z]{1,4})?")


@dataclass
class Typed:
    """texts: by key of codes.TEXTS and MORE. dx: (code, is it only suspected), the principal first. lines: of the prescription.
    done: procedures done in the visit, as (id of the catalogue's ActivityDefinition, name)."""

    texts: dict[str, str] = field(default_factory=dict)
    dx: list[tuple[str, bool]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    done: list[tuple[str, str]] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not any(self.texts.get(k) for k in (*FIELDS, "followup")) and not self.dx

    def visit_json(self) -> str:
        return json.dumps({"texts": self.texts, "dx": self.dx, "done": self.done}, ensure_ascii=False)

    def lines_json(self) -> str:
        rows = [[x.code, x.name, list(x.doses), x.days, x.quantity, x.note] for x in self.lines]
        return json.dumps({"lines": rows}, ensure_ascii=False)


def diagnoses(values: Iterable[str], more: str = "") -> list[tuple[str, bool]]:
    """`I10` certain, `I10?` suspected; `more`: codes typed by hand, apart by commas or spaces. Each once, in order."""
    found: dict[str, bool] = {}
    for text in [*values, *re.split(r"[,;\s]+", more.upper())]:
        code = text.strip()
        if _CODE.fullmatch(code.removesuffix("?")):
            found.setdefault(code.removesuffix("?"), code.endswith("?"))
    return list(found.items())[:MOST_DX]


def read(form: Sequence[tuple[str, str]]) -> Typed:
    """A form's fields, in order; a name may come several times."""
    values: dict[str, str] = {}
    dx: list[str] = []
    done: dict[str, str] = {}
    for name, value in form:
        text = value.replace("\0", "").replace("\r\n", "\n").strip()[:MOST_TEXT]
        if name == "dx":
            dx.append(text)
        elif name == "done" and len(done) < MOST_DONE:
            id_, _, title = text.partition("|")
            if _ID.fullmatch(id_):
                done.setdefault(id_, title[:200])
        else:
            values[name] = text
    texts = {k: values[k] for k in (*FIELDS, *MORE) if values.get(k)}
    return Typed(texts, diagnoses(dx, values.get("dx_more", "")), lines(values), list(done.items()))


def lines(values: Mapping[str, str]) -> list[Line]:
    """Lines of the prescription: fields rx.<n>.<what>, in the order of n; lines without a drug are none."""
    numbers = sorted({int(m[1]) for k in values if (m := re.fullmatch(r"rx\.(\d{1,3})\.code", k))})
    out = []
    for n in numbers[: MOST_LINES + 4]:

        def of(what: str, n: int = n) -> str:
            return values.get(f"rx.{n}.{what}", "")[:500]

        if of("code") and not of("drop"):
            doses = (of("s"), of("n"), of("a"), of("e"))
            out.append(Line(of("code"), of("name"), doses, of("days"), of("quantity"), of("note")))
    return out


def restored(visit: str | None, prescription: str | None) -> Typed:
    """A draft as it was kept; what cannot be read is left out."""
    out = Typed()
    try:
        kept = json.loads(visit or "{}")
        out.texts = {str(k): str(v) for k, v in (kept.get("texts") or {}).items()}
        out.dx = [(str(c), bool(q)) for c, q in kept.get("dx") or ()]
        out.done = [(str(i), str(n)) for i, n in kept.get("done") or ()]
        rows: list[Any] = json.loads(prescription or "{}").get("lines") or []
        for code, name, doses, days, quantity, note in rows:
            s, n, a, e = map(str, doses)
            out.lines.append(Line(str(code), str(name), (s, n, a, e), str(days), str(quantity), str(note)))
    except (ValueError, TypeError, AttributeError):
        return out
    return out
