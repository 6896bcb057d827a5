"""Anybody may check the code on a paper: which kind, whose facility, when, who signed, whether it still holds. Nothing of the
record: no name, no number, no diagnosis. A file may be laid beside it; only its hash is looked at."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from longbien.base import clock
from longbien.base.errors import Invalid
from longbien.base.sql import queries
from longbien.web.form import Files
from longbien.web.page import OPEN, Call, page

from .. import files, papers

Q = queries(__file__, "../sql/records.sql")
CODE = re.compile(r"\d\d(?:-[2-9A-HJ-NP-Z]{4}){3}\Z")
MOST = 8 << 20
PARTIES = ("person", "head", "organisation", "patient")


def tidied(text: str) -> str:
    """A code as it may be typed: small letters, blanks, without its dashes."""
    plain = re.sub(r"[^0-9A-Z]", "", text.upper())[:14]
    return "-".join([plain[:2], *(plain[i : i + 4] for i in range(2, len(plain), 4))])


async def _known(call: Call, code: str) -> SimpleNamespace | None:
    row = await call.engine.db.fetchrow(Q.paper, code) if CODE.match(code) else None
    if row is None:
        return None
    steps = await call.engine.db.fetch(Q.paper_steps, code)
    kind = papers.kinds().get(row["kind"])
    signed = [
        SimpleNamespace(who=s["signer"] or call.w("the patient, or who stands for them"), party=s["party"], at=s["at"])
        for s in steps if s["what"] == "signed"
    ]  # fmt: skip
    stamped = [s["at"] for s in steps if s["what"] == "stamped"]
    ended = next((s for s in steps if s["what"] in ("replaced", "withdrawn")), None)
    return SimpleNamespace(
        code=code, kind=kind.name(call.w.lang) if kind else row["kind"], facility=row["facility"], dated=row["dated"],
        signed=signed, stamped=stamped[-1] if stamped else None,
        ended=ended["what"] if ended else "", ended_at=ended["at"] if ended else None, steps=steps,
        hash=files.shown(steps[-1]["sha256"]) if steps else "", complete=kind is not None and _complete(kind, steps),
    )  # fmt: skip


def _complete(kind: papers.Paper, steps: Any) -> bool:
    have = [s["party"] for s in steps if s["what"] == "signed"]
    return all(have.count(b.party) > 0 for b in kind.blocks if not b.optional)


def _whole(steps: Any) -> set[str]:
    """The hashes of the paper with all its signatures: as it was last signed, and with each archive time stamp since."""
    last = max((n for n, s in enumerate(steps) if s["what"] == "signed"), default=len(steps) - 1)
    return {s["sha256"] for s in steps[last:]}


async def _show(call: Call, code: str, verdict: str = "", status: int = 200) -> Response:
    found = await _known(call, code) if code else None
    return call.html(
        "records/verify.html", status if found or not code else 404, code=code, found=found, verdict=verdict,
        local=lambda t: f"{call.w.date(clock.local(t))} {call.w.time(t)}",
    )  # fmt: skip


@page(OPEN, "none")
async def ask(call: Call) -> Response:
    """Where a code is typed in."""
    typed = call.query.get("code", "")[:40]
    return await _show(call, (tidied(typed) or "-") if typed.strip() else "")


@page(OPEN, "none")
async def show(call: Call) -> Response:
    return await _show(call, tidied(str(call.request.path_params["code"])[:40]))


@page(OPEN, "none", files=Files(1, MOST, ("application/pdf",)))
async def compare(call: Call) -> Response:
    """Whether a file is one of those that bore this code: by its SHA-256; it is not kept."""
    code = tidied(str(call.request.path_params["code"])[:40])
    try:
        given = await call.file("file")
    except Invalid:
        return await _show(call, code, "kind", 422)
    if given is None:
        return await _show(call, code, "none", 422)
    found = await _known(call, code)
    if found is None:
        return await _show(call, code)
    digest = files.digest(given[1])
    if digest in _whole(found.steps):
        verdict = "same" if found.signed else "unsigned"
    elif any(digest == s["sha256"] for s in found.steps):
        verdict = "earlier"
    elif any(digest == c["sha256"] for c in await call.engine.db.fetch(Q.copies, code)):
        verdict = "copy"
    else:
        verdict = "other"
    return await _show(call, code, verdict)
