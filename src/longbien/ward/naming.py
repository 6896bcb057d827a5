"""What the diagnosis of a stay is called for readers of English: the stay carries Vietnamese words, its Condition the code."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from longbien.record.store import Store
from longbien.web.chart import record as r
from longbien.web.terms import Tongue

from .reads import Lying

_decode = msgspec.json.Decoder().decode


async def english(store: Store, lying: Iterable[Lying], lang: Tongue) -> None:
    """Put the coded name into each stay. For Vietnamese readers nothing is asked: the doctor's own words stand there."""
    by = {c: x for x in lying if (c := _condition(x))} if lang != "vi" and store.scope.may_read("Condition") else {}
    ids = sorted(by)
    for at in range(0, len(ids), 100):
        page = await store.search("Condition", [("_id", ",".join(ids[at : at + 100])), ("_count", "100")])
        for e in page.entries:
            one = _decode(e.body)
            by[str(one["id"])].diagnosis = r.concept(one.get("code"), lang)


def _condition(x: Lying) -> str:
    """The id of the Condition that the stay names first."""
    return r.reference_id(r.first(x.stay, "diagnosis", "condition"))
