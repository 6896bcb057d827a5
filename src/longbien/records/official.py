"""The official forms behind records and consents: which Questionnaire a Composition was made of, who signs it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from longbien.web.forms import catalogue, printed
from longbien.web.forms.paper import FORM
from longbien.web.forms.tree import Form

Resource = Mapping[str, Any]


@cache
def _known() -> dict[str, Form]:
    return {f.url: f for f in catalogue.packaged().values()}


def canonical(composition: Resource) -> str:
    """Of the form that it was made of; "" where it names none."""
    found = (e.get("valueCanonical") for e in composition.get("extension") or () if e.get("url") == FORM)
    return next((str(x) for x in found if x), "")


def form_of(composition: Resource) -> Form | None:
    """The house's form that it was made of; None of a hospital's own, or of none."""
    named = canonical(composition).partition("|")[0]
    return _known().get(named) if named else None


def summed_up(form: Form, composition: Resource) -> bool:
    """Whether its part B says something."""
    part = next((i for i in form.items if i.id == "part_b"), None)
    title = f"{part.prefix} {part.text.vi}".strip() if part else ""
    return any(str(s.get("title") or "") == title for s in composition.get("section") or ())


def response_of(composition: Resource) -> str:
    """The id of the QuestionnaireResponse that it was made of; "" where it names none."""
    for section in composition.get("section") or ():
        for entry in section.get("entry") or ():
            reference = str(entry.get("reference") or "")
            if reference.startswith("QuestionnaireResponse/"):
                return reference.rpartition("/")[2]
    return ""


def signers(form: Form, composition: Resource) -> list[tuple[str, str]]:
    return printed.signers(form, summed_up(form, composition))
