"""Extensions: any is welcome if its shape is legal; those of base R4 are held to their definition.

https://hl7.org/fhir/R4/extensibility.html"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from .. import definitions
from ..definitions import ExtensionDefinition, Structure
from . import coding
from .context import Context, Place, shown

_SD = "http://hl7.org/fhir/StructureDefinition/"
_LOOSE = ("structuredefinition-", "elementdefinition-", "codesystem-", "valueset-", "capabilitystatement-", "cqf-", "regex")

NodeCheck = Callable[[Any, Place, Context], None]
# Examples, and the elements of other FHIR versions: https://hl7.org/fhir/R4/versions.html#extensions
_OPEN = re.compile(r"https?://example\.org/|http://hl7\.org/fhir/[1-5]\.[0-9]/StructureDefinition/extension-[A-Z]")
_VERSIONED = tuple(f"http://hl7.org/fhir/{v}/StructureDefinition/extension-" for v in ("1.0", "1.4", "3.0"))
_ABSOLUTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*:\S+")


def value_type(v: dict[str, Any]) -> str | None:
    """Of an Extension: the name after `value`, e.g. CodeableConcept, Code."""
    for key in v:
        if key.startswith("value") or key.startswith("_value"):
            return key.removeprefix("_")[5:]
    return None


def extension(v: dict[str, Any], place: Place, c: Context) -> None:
    """ext-1, for every Extension however deep."""
    if ("extension" in v) == (value_type(v) is not None):
        text = "ext-1: an extension must have either a value or extensions, " + ("not both" if "extension" in v else "")
        c.error("invariant", text.removesuffix(", "), place)


def hosts(structure: Structure, path: str) -> frozenset[str]:
    """The contexts by which a definition may allow an extension on this element: its path, its type and what that is
    based on. A path that leads through the types around it (Patient.name) is known only when a value comes."""
    if path:
        return frozenset((f"{structure.name}.{path}", "Element", "BackboneElement"))
    return frozenset(_family(structure.name))


def primitive_hosts(owner: Structure, path: str, kind: str) -> frozenset[str]:
    """The same for an element of a primitive type."""
    return frozenset((f"{owner.name}.{path}", "Element", *_family(kind)))


def _family(name: str) -> Iterator[str]:
    while name and name in definitions.structure_names():
        yield name
        name = definitions.structure(name).base


def _fits(known: ExtensionDefinition, host: frozenset[str], place: Place, c: Context) -> bool:
    """Whether one of the contexts of a definition is this place. FHIRPath and extension contexts are not judged."""
    if any(kind != "element" or expression in host for kind, expression in known.contexts) or not known.contexts:
        return True
    here = _path(place, c)
    return any(expression in (here, here + "[x]") for _, expression in known.contexts)


def _path(place: Place, c: Context) -> str:
    """The path of the element that holds the extension at `place`, from its resource: Patient.name.family."""
    names: list[str] = []
    at = place[0] if place else None
    while at is not None and at[1] not in ("resource", "contained", "outcome"):
        names.append(at[1])
        at = at[0]
    kind = str(c.resource.get("resourceType"))
    if at is None and names:
        names.pop()
    return ".".join([kind, *reversed(names)])


def used(plain: NodeCheck, host: frozenset[str], modifier: bool) -> NodeCheck:
    """The check of an extension on a host: its form, and what its definition asks."""
    inside = "Extension" in host

    def check(v: Any, place: Place, c: Context) -> None:
        plain(v, place, c)
        if v.__class__ is not dict:
            return
        url = v.get("url")
        if url.__class__ is not str:
            return
        if not inside and not _ABSOLUTE.match(url):
            c.error("value", f"Extension.url must be an absolute URL, not {shown(url)}", place)
            return
        known = definitions.extension(url)
        if url.startswith(_VERSIONED) and (instead := _of_r4(url)):
            say = c.error if c.strict else c.warn
            say("extension", f"{url} is for what R4 cannot say, but R4 has {instead}", place)
            return
        if known is not None:
            _held(known, v, host, modifier, place, c)
        elif c.known(url):
            return
        elif c.strict and not inside and not _OPEN.match(url):
            c.error("extension", f"The extension {url} has no definition here", place)
        elif modifier:
            c.warn("extension", f"The modifier extension {url} is not understood here", place)

    return check


def _of_r4(url: str) -> str | None:
    """What R4 itself has for the element of another version that an extension stands for: the element, or an extension.
    https://hl7.org/fhir/R4/versions.html#extensions"""
    path = url.partition("/extension-")[2]
    name, _, below = path.partition(".")
    if not below or name not in definitions.structure_names():
        return None
    if below in definitions.structure(name).elements:
        return f"the element {path}"
    own = _SD + path.replace(".", "-").lower()
    return f"the extension {own}" if definitions.extension(own) is not None else None


def _held(known: ExtensionDefinition, v: dict[str, Any], host: frozenset[str], modifier: bool, place: Place, c: Context) -> None:
    kind = value_type(v)
    names = {t[0].upper() + t[1:] for t in known.types}
    if kind is not None and kind not in names:
        wanted = " or ".join(sorted(names)) or "no value, only extensions"
        c.error("structure", f"The extension {known.url} must have {wanted}, not {kind}", place)
    if kind is None and known.value_required:
        c.error("required", f"The extension {known.url} must have a value", place)
    if kind is not None and known.binding is not None and known.binding[0] == "required":
        _bound(known.binding[1], kind, v.get("value" + kind), place, c)
    if known.modifier != modifier:
        where = "a modifierExtension" if known.modifier else "an extension, not a modifierExtension"
        c.error("extension", f"The extension {known.url} must be {where}", place)
    if known.inner is not None:
        _parts(known, v, place, c)
    if not _fits(known, host, place, c):
        # R4 names too few contexts for what describes definitions: its own definitions carry these elsewhere.
        loose = known.url.removeprefix(_SD).startswith(_LOOSE)
        say = c.warn if loose else c.error
        say("extension", f"The extension {known.url} is not allowed on {_path(place, c)}", place)


def _bound(url: str, kind: str, value: Any, place: Place, c: Context) -> None:
    """A required binding of the value."""
    if kind == "Code":
        codes = coding.plain_codes(url)
        if codes is not None and value.__class__ is str and value not in codes:
            c.error("code-invalid", f"{shown(value)} is not in the required value set {url}", place)
        return
    check = {"Coding": coding.bound_coding, "CodeableConcept": coding.bound_concept}.get(kind)
    bound = check(url) if check else None
    if bound is not None:
        bound(value, {}, place, c)


def _parts(known: ExtensionDefinition, v: dict[str, Any], place: Place, c: Context) -> None:
    counts: dict[str, int] = {}
    found = v.get("extension")
    for i, part in enumerate(found if found.__class__ is list else ()):
        if part.__class__ is not dict or part.get("url").__class__ is not str:
            continue
        url = part["url"]
        counts[url] = counts.get(url, 0) + 1
        wanted = (known.inner or {}).get(url)
        if wanted is None:
            if not _ABSOLUTE.match(url):
                c.error("extension", f"The extension {known.url} has no part {shown(url)}", (place, "extension", i))
            continue
        kind = value_type(part)
        if kind is not None and kind not in {t[0].upper() + t[1:] for t in wanted[2]}:
            c.error("structure", f"{url} of {known.url} must not have a {kind}", (place, "extension", i))
    for url, (low, high, _) in (known.inner or {}).items():
        n = counts.get(url, 0)
        if n < low or (high >= 0 and n > high):
            c.error("structure", f"The extension {known.url} has {n} of {url}: {low} to {high if high >= 0 else 'any'}", place)
