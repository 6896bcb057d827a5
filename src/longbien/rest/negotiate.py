"""Which form, in and out. http://hl7.org/fhir/R4/http.html#mime-type and #ops (Prefer)

JSON only; what else is asked for is refused (406, 415)."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

from longbien.base.errors import Invalid, NotSupported

JSON = b"application/fhir+json; charset=utf-8"
_JSON_NAMES = ("application/fhir+json", "application/json", "json", "text/json", "application/json+fhir")
_RANGES = ("*/*", "application/*", "text/html")  # a browser that looks in: JSON is what there is
_OUR_VERSIONS = ("", "4.0", "4.0.1")


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


@lru_cache(1024)
def accepts_json(accept: bytes) -> bool:
    """Whether an Accept header (or a _format value) allows JSON."""
    if not accept.strip():
        return True
    for part in accept.decode("latin-1").split(","):
        name, _, more = part.partition(";")
        if _zero(more):
            continue
        name = name.strip().lower().replace(" ", "+")  # a '+' in a query that was not percent-encoded
        if name in _JSON_NAMES or name in _RANGES:
            return _version(more) in _OUR_VERSIONS
    return False


def _zero(parameters: str) -> bool:
    for p in parameters.split(";"):
        name, _, value = p.strip().partition("=")
        if name.strip() == "q" and value.strip().rstrip("0") in ("0.", "", "0"):
            return value.strip() != ""
    return False


def _version(parameters: str) -> str:
    for p in parameters.split(";"):
        name, _, value = p.strip().partition("=")
        if name.strip().lower() == "fhirversion":
            return value.strip().strip('"')
    return ""


def check_accept(accept: bytes, format_: str | None) -> None:
    """Raises NotSupported (406) when the client takes no JSON. _format is stronger than Accept."""
    wanted = accept if format_ is None else format_.encode("utf-8", "replace")
    if not accepts_json(wanted):
        shown = wanted[:80].decode("utf-8", "replace")
        raise NotSupported(f"Only FHIR R4 JSON (application/fhir+json) can be given, not {shown!r}.", status=406)


def pretty(value: str | None) -> bool:
    """_pretty=true. Raises Invalid for anything but true and false."""
    if value not in (None, "true", "false"):
        raise Invalid(f"_pretty must be true or false, not {str(value)[:40]!r}.", code="value")
    return value == "true"


@lru_cache(1024)
def is_json(content_type: bytes) -> bool:
    """Whether a request's Content-Type is FHIR JSON; none at all is taken as JSON."""
    name, _, more = content_type.decode("latin-1").partition(";")
    if name.strip().lower() not in (*_JSON_NAMES, "") or _version(more) not in _OUR_VERSIONS:
        return False
    charset = [p.partition("=")[2].strip().strip('"').lower() for p in more.split(";") if p.strip().lower().startswith("charset")]
    return all(c in ("utf-8", "utf8") for c in charset)


def check_json(content_type: bytes) -> None:
    """Raises NotSupported (415)."""
    if not is_json(content_type):
        shown = content_type[:80].decode("latin-1")
        raise NotSupported(f"The body must be FHIR R4 JSON in UTF-8 (application/fhir+json), not {shown!r}.", status=415)
