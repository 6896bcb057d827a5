"""High-alert drugs are given by two: whether a drug is one (the catalogue says), and who is the second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from longbien.base.config import Settings, setting
from longbien.fhir import systems as s
from longbien.record.store import Store

_decode = msgspec.json.Decoder().decode
EXT_HIGH_ALERT = f"{s.BASE}/StructureDefinition/drug-high-alert"


class WardSettings(Settings):
    two_persons: bool = setting(
        "LONGBIEN_WARD_TWO_PERSONS",
        True,
        "Whether a second person confirms with their own PIN or password before a high-alert drug is written down as given "
        "(independent double check: ISMP, JCI IPSG.3); a hospital's own rule decides.",
    )


async def high_alert(store: Store, order: Mapping[str, Any]) -> bool | None:
    """What the catalogue (MedicationKnowledge) says of the drug of an order; None: it does not know it."""
    coding = (order.get("medicationCodeableConcept") or {}).get("coding") or ()
    code = next((str(c["code"]) for c in coding if c.get("system") == s.DRUG and c.get("code")), "")
    if not code or not store.scope.may_read("MedicationKnowledge"):
        return None
    page = await store.search("MedicationKnowledge", [("code", f"{s.DRUG}|{code}"), ("_count", "5")])
    known = [_decode(e.body) for e in page.entries if e.mode == "match"]
    said = [
        str(x.get("valueString") or x.get("valueBoolean"))
        for k in known
        for x in k.get("extension") or ()
        if x.get("url") == EXT_HIGH_ALERT
    ]
    return any(x in ("1", "True") for x in said) if known else None
