"""Which form, in and out. http://hl7.org/fhir/R4/http.html#mime-type and #ops (Prefer)

JSON and XML; what else is asked for is refused (406, 415)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from longbien.base.errors import Invalid, NotSupported

Form = Literal["json", "xml"]
JSON = b"application/fhir+json; charset=utf-8"
XML = b"application/fhir+xml; charset=utf-8"
_FORMS: dict[str, Form] = {
    **dict.fromkeys(("application/fhir+json", "application/json", "json", "text/json", "application/json+fhir"), "json"),
    **dict.fromkeys(("application/fhir+xml", "application/xml", "xml", "text/xml", "application/xml+fhir"), "xml"),
}  # fmt: skip
_RANGES = ("*/*", "application/*", "text/html")  # also a browser that looks in: JSON is what it gets
_Q = re.compile(r"(?:0(?:\.\d{0,9})?|1(?:\.0{0,9})?)\Z")
_OUR_VERSIONS = ("", "4.0", "4.0.1")


class Shape(NamedTuple):
    """How an answer is to look."""

    form: Form = "json"
    pretty: bool = False


PLAIN = Shape()


class Preferences(NamedTuple):
    """returns: what a write's answer holds. lenient: ignore search parameters that are not known (the standard's default)."""

    returns: Literal["minimal", "representation", "OperationOutcome"]
    lenient: bool
    stated: bool


@lru_cache(1024)
def preferences(header: bytes) -> Preferences:
    """The Prefer header; what is not understood in it is ignored, as RFC 7240 says."""
    returns: Literal["minimal", "representation", "OperationOutcome"] = "representation"
    lenient = True
    stated = False
    for part in header.decode("latin-1").replace(";", ",").split(","):
        name, _, value = part.strip().partition("=")
        value = value.strip().strip('"')
        if name == "return" and value == "minimal":
            returns, stated = "minimal", True
        elif name == "return" and value == "OperationOutcome":
            returns, stated = "OperationOutcome", True
        elif name == "return" and value == "representation":
            returns, stated = "representation", True
        elif name == "handling" and value in ("strict", "lenient"):
            lenient = value == "lenient"
    return Preferences(returns, lenient, stated)


def accepted(accept: bytes) -> Form | None:
    """The form that an Accept header (or a _format value) likes best of ours, the first of several; None where it takes none."""
    if not accept.strip():
        return "json"
    best: Form | None = None
    most = 0.0
    for part in accept.decode("latin-1").split(","):
        name, _, more = part.partition(";")
        name = name.strip().lower().replace(" ", "+")  # a '+' in a query that was not percent-encoded
        form = "json" if name in _RANGES else _FORMS.get(name)
        liked = _quality(more)
        if form is not None and liked > most and _version(more) in _OUR_VERSIONS:
            best, most = form, liked
    return best


def _quality(parameters: str) -> float:
    """http://www.rfc-editor.org/rfc/rfc9110#quality.values; what is none counts as 1."""
    for p in parameters.split(";"):
        name, _, value = p.strip().partition("=")
        if name.strip().lower() == "q" and (q := _Q.match(value.strip())):
            return float(q[0])
    return 1.0


def _version(parameters: str) -> str:
    for p in parameters.split(";"):
        name, _, value = p.strip().partition("=")
        if name.strip().lower() == "fhirversion":
            return value.strip().strip('"')
    return ""


@lru_cache(1024)
def shape(accept: bytes, format_: str | None = None, pretty_: str | None = None) -> Shape:
    """What Accept, _format (stronger) and _pretty ask for. Raises NotSupported (406) where neither form is taken, and Invalid."""
    wanted = _wanted(accept, format_)
    form = accepted(wanted)
    if form is None:
        shown = wanted[:80].decode("utf-8", "replace")
        raise NotSupported(f"FHIR R4 can be given as application/fhir+json or application/fhir+xml, not {shown!r}.", status=406)
    if pretty(pretty_):
        return Shape(form, True)
    return PLAIN if form == "json" else _XML


def shape_of_refusal(accept: bytes, format_: str | None) -> Shape:
    """As `shape`, but for whom neither form or nonsense was good enough: JSON."""
    return _XML if accepted(_wanted(accept, format_)) == "xml" else PLAIN


def _wanted(accept: bytes, format_: str | None) -> bytes:
    return accept if format_ is None else format_.encode("utf-8", "replace")


_XML = Shape("xml")


def pretty(value: str | None) -> bool:
    """_pretty=true. Raises Invalid for anything but true and false."""
    if value not in (None, "true", "false"):
        raise Invalid(f"_pretty must be true or false, not {str(value)[:40]!r}.", code="value")
    return value == "true"


@lru_cache(1024)
def _stated(content_type: bytes) -> Form | None:
    name, _, more = content_type.decode("latin-1").partition(";")
    if _version(more) not in _OUR_VERSIONS:
        return None
    charset = [p.partition("=")[2].strip().strip('"').lower() for p in more.split(";") if p.strip().lower().startswith("charset")]
    if not all(c in ("utf-8", "utf8") for c in charset):
        return None
    return _FORMS.get(name.strip().lower(), None if name.strip() else "json")


def stated(content_type: bytes) -> Form:
    """The form of a body by its Content-Type; none at all is taken as JSON. Raises NotSupported (415)."""
    form = _stated(content_type)
    if form is None:
        shown = content_type[:80].decode("latin-1")
        text = f"The body must be FHIR R4 in UTF-8 as application/fhir+json or application/fhir+xml, not {shown!r}."
        raise NotSupported(text, status=415)
    return form
