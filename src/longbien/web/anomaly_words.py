"""Why something in the trail asks for a word, as a sentence. One for each code of access.anomaly_rules.WEIGHTS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..base.words import Words, mark

FAMILY = {
    "relative": mark("A relative named in the record has this person’s name or telephone."),
    "phone": mark("The patient has this person’s telephone."),
    "address": mark("The patient has this person’s surname and address."),
}
STATES = {"open": mark("not looked at"), "explained": mark("explained"), "reported": mark("reported")}


def sentence(code: str, facts: Mapping[str, Any], w: Words) -> str:
    """In the reader's language."""
    if code == "no-relation":
        return w.plural(
            "Opened %(n)s item of a patient with whom there is no visit, order or care here.",
            "Opened %(n)s items of a patient with whom there is no visit, order or care here.",
            int(facts["n"]),
        )
    if code == "night":
        return w("At night, first at %(at)s, without being on duty for this patient.", at=facts["at"])
    if code == "family":
        how = FAMILY[facts["how"]]
        return w(how)
    if code == "volume":
        return _volume(facts, w)
    if code == "searches":
        return w("Looked for people %(n)s times and opened %(opened)s records.", n=facts["n"], opened=facts["opened"])
    return w(PLAIN[code])


PLAIN = {
    "colleague": mark("The patient works at this facility."),
    "same-name": mark("The patient has this person’s full name."),
    "wall": mark("The record has a wall around it (staff, or a person in public life)."),
}


def _volume(facts: Mapping[str, Any], w: Words) -> str:
    said = w("Opened %(n)s records in one day.", n=facts["n"])
    if facts["usual"] is not None:
        said += " " + w("On this person’s usual day it is about %(n)s.", n=facts["usual"])
    if facts["role"] is not None:
        said += " " + w("Nineteen of twenty days of this role have at most %(n)s.", n=facts["role"])
    return said
