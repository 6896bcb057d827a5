"""What the orders say before signing: recorded allergies, and what is ordered, taken or answered already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ..base import clock
from ..base.department import Verdict
from ..base.words import Words
from ..fhir import systems as s
from ..record.store import Store
from ..web.chart.record import allergy as read_allergy
from . import allergy, rules
from .beside import safe

Resource = dict[str, Any]
_decode = msgspec.json.Decoder().decode
_CODED = (s.LAB, s.IMAGING, s.SERVICE)


async def found(store: Store, type_: str, patient: str, *params: tuple[str, str]) -> list[Resource]:
    """Resources of one patient, as far as the scope shows them; [] of types it may not read."""
    if not store.scope.may_read(type_):
        return []
    page = await store.search(type_, [*params, ("_count", "200")], patient=patient)
    return [_decode(e.body) for e in page.entries if e.mode == "match"]


async def allergies(store: Store, patient: str, drafts: Sequence[Resource], w: Words) -> list[Verdict]:
    """Drugs and contrast media against recorded allergies. What is not recognised is said once, beside the first drug."""
    concerned = [n for n, d in enumerate(drafts) if d.get("resourceType") == "MedicationRequest" or allergy.contrast(d)]
    if not concerned:
        return []
    known = await found(store, "AllergyIntolerance", patient)
    out = [verdict(m, n, w) for n in concerned for m in allergy.check(drafts[n], known)]
    for unknown in allergy.unrecognised(known):
        one = read_allergy(unknown, w.lang)
        if one is not None:
            text = w("Allergy to “%(what)s” is not known to the rules: compare it yourself.", what=one.substance)
            out.append(Verdict("warn", text, source=allergy.SOURCE, about=concerned[0]))
    return out


def verdict(met: allergy.Match, n: int, w: Words) -> Verdict:
    one = read_allergy(dict(met.allergy), w.lang)
    what = one.substance if one else ""
    more = ", ".join(x for x in ((one.reaction, one.since) if one else ()) if x)
    reason = met.vi if w.lang == "vi" else met.en
    if met.level == "note":
        return Verdict("note", reason or what, w("Recorded allergy: %(what)s", what=what), allergy.SOURCE, n)
    said = w("Allergy: %(what)s", what=what) + (f" ({more})" if more else "")
    return Verdict(met.level, said, reason, allergy.SOURCE, n)  # type: ignore[arg-type]


async def repeats(store: Store, patient: str, drafts: Sequence[Resource], w: Words) -> list[Verdict]:
    """Is it there already: open orders, drugs in use, results of the last day."""
    now = clock.now()
    orders: list[Resource] = []
    if any(d.get("resourceType") == "ServiceRequest" for d in drafts):
        orders += await found(store, "ServiceRequest", patient, ("status", ",".join(rules.OPEN)))
    if any(d.get("resourceType") == "MedicationRequest" for d in drafts):
        orders += await found(store, "MedicationRequest", patient, ("status", ",".join(rules.OPEN)))
    results: list[Resource] = []
    if wanted := _wanted(drafts):
        since = ("date", "ge" + clock.instant(now - rules.RECENT))
        for type_ in ("Observation", "DiagnosticReport"):
            results += await found(store, type_, patient, ("code", wanted), since, ("_sort", "-date"))
    return rules.duplicates(drafts, orders, results, now, w, w.lang)


def _wanted(drafts: Sequence[Mapping[str, Any]]) -> str:
    """The code parameter for the results of these drafts, "" where none is a test or a picture."""
    asked = {
        f"{system}|{code}" for d in drafts if d.get("resourceType") == "ServiceRequest" for system, code in rules.codes(d)
        if system in _CODED and rules.kind_of(d) in ("lab", "imaging")
    }  # fmt: skip
    return ",".join(sorted(asked))


ADVICE = (allergies, repeats, safe)
