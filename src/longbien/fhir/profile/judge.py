"""A resource by the profiles that it names, those of the resources inside it too, and its extensions by their definitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from ...base.errors import Issue
from .. import definitions
from ..path import model
from ..validate.bundles import Bundle
from ..validate.context import Enough, Place
from .library import Library
from .run import Run, TooMuch

Unknown = Literal["ignore", "warn", "refuse"]
DEEPEST = 8
"""Bundles within Bundles."""


def claims(resource: dict[str, Any], depth: int = DEEPEST) -> Iterator[str]:
    """Every profile that a resource, or one inside it, names: what has to be known to judge it. Cheap."""
    meta = resource.get("meta")
    if meta.__class__ is dict:
        named = meta.get("profile")
        if named.__class__ is list:
            yield from (u for u in named if u.__class__ is str)
    for inner in within(resource):
        if depth:
            yield from claims(inner, depth - 1)


def within(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The resources inside a resource: contained, and of a Bundle or Parameters."""
    found = resource.get("contained")
    if found.__class__ is list:
        yield from (r for r in found if r.__class__ is dict)
    kind = resource.get("resourceType")
    member = {"Bundle": "entry", "Parameters": "parameter"}.get(kind) if kind.__class__ is str else None
    entries = resource.get(member) if member else None
    for e in entries if entries.__class__ is list else ():
        if e.__class__ is dict and e.get("resource").__class__ is dict:
            yield e["resource"]


def judge(
    resource: dict[str, Any], library: Library, *, also: Iterable[str] = (), unknown: Unknown = "warn", named: bool = True
) -> list[Issue]:
    """What is wrong with a resource by the profiles in its meta.profile (`named`) and by `also`; and by the definitions of its
    extensions. Only what profiles ask beyond base R4: validate() judges that. Never raises on bad input; bounded."""
    run = Run(library, resource)
    kind = resource.get("resourceType")
    here: Place = (None, kind if kind.__class__ is str else "Resource", None)
    try:
        _one(resource, here, run, list(also), unknown, named, DEEPEST)
    except Enough:
        run.issues.append(Issue("error", "too-long", "There are more issues than these"))
    except TooMuch:
        run.issues.append(Issue("error", "too-costly", "Its profiles ask for more than can be looked at in one resource"))
    except RecursionError:
        run.issues.append(Issue("error", "too-costly", "The resource is nested too deep for its profiles"))
    return list(dict.fromkeys(run.issues))


def _one(r: dict[str, Any], place: Place, run: Run, also: list[str], unknown: Unknown, named: bool, depth: int) -> None:
    asked = dict.fromkeys([*(_named(r) if named else ()), *also])
    for url in asked:
        _by(url, r, place, run, unknown, url in also)
    _extensions(r, str(r.get("resourceType")), place, run)
    if depth and named:
        _inside(r, place, run, unknown, depth - 1)


def _named(r: dict[str, Any]) -> list[str]:
    meta = r.get("meta")
    found = meta.get("profile") if meta.__class__ is dict else None
    return [u for u in found if u.__class__ is str] if found.__class__ is list else []


def _by(url: str, r: dict[str, Any], place: Place, run: Run, unknown: Unknown, demanded: bool) -> None:
    url, _, version = url.partition("|")
    there = (run.library.definition(url) or {}).get("version") if version else None
    profile = run.library.get(url) if there in (None, version) else None
    if profile is not None:
        profile.check(r, place, run)
    elif there is not None and there != version:
        text = f"The profile {url[:300]} is here in version {str(there)[:60]}, not {version[:60]}: not judged"
        if unknown != "ignore" or demanded:
            run.add("error" if unknown == "refuse" or demanded else "warning", "not-found", text, (place, "meta", None))
    elif unknown != "ignore" or demanded:
        fault = run.library.why(url)
        text = f"The profile {url[:300]} cannot be used: {fault.text}" if fault else f"The profile {url[:300]} is not known here"
        if fault is not None and fault.missing == url.partition("|")[0]:
            text = f"The profile {url[:300]} is not known here, so it is not judged"
        run.add("error" if unknown == "refuse" or demanded else "warning", "not-found", text, (place, "meta", None))


def _inside(r: dict[str, Any], place: Place, run: Run, unknown: Unknown, depth: int) -> None:
    found = r.get("contained")
    for i, inner in enumerate(found if found.__class__ is list else ()):
        if inner.__class__ is dict:
            with run.inside(inner, own=False):
                _one(inner, (place, "contained", i), run, [], unknown, True, depth)
    kind = r.get("resourceType")
    if kind not in ("Bundle", "Parameters"):
        return
    before = run.bundle
    name = "entry" if kind == "Bundle" else "parameter"
    if kind == "Bundle":
        run.bundle = Bundle(r)
    entries = r.get(name)
    for i, e in enumerate(entries if entries.__class__ is list else ()):
        if e.__class__ is dict and e.get("resource").__class__ is dict:
            with run.inside(e["resource"], own=True, url=str(e.get("fullUrl") or "")):
                _one(e["resource"], ((place, name, i), "resource", None), run, [], unknown, True, depth)
    run.bundle = before


def _extensions(v: dict[str, Any], kind: str, place: Place, run: Run) -> None:
    """Every extension that has a loaded definition, by it. R4's own are the business of validate()."""
    stack: list[tuple[dict[str, Any], str, Place]] = [(v, kind, place)]
    while stack:
        value, kind, at = stack.pop()
        run.spend(1)
        fields = model.keys(kind)
        for key, inner in value.items():
            if inner.__class__ not in (dict, list) or key == "contained":
                continue
            field = fields.get(key.removeprefix("_"))
            if field is None or field.type in ("Resource", "xhtml"):
                continue
            listed = inner if inner.__class__ is list else [inner]
            for i, x in enumerate(listed):
                if x.__class__ is not dict:
                    continue
                here: Place = (at, field.name, i if inner.__class__ is list else None)
                if field.type == "Extension":
                    _extension(x, key == "modifierExtension", kind, here, run)
                stack.append((x, field.type, here))


def _extension(x: dict[str, Any], modifier: bool, host: str, place: Place, run: Run) -> None:
    url = x.get("url")
    if url.__class__ is not str or ":" not in url or definitions.extension(url) is not None:
        return
    sd = run.library.find(url)
    if sd is None or sd.get("type") != "Extension":
        return
    profile = run.library.get(url)
    if profile is not None:
        profile.check(x, place, run)
    if not _fits(sd, host, place):
        run.error("extension", f"The extension {url} is not allowed on {_path(place)}", place)
    if _modifies(sd) != modifier:
        where = "a modifierExtension" if not modifier else "an extension, not a modifierExtension"
        run.error("extension", f"The extension {url} must be {where}", place)


def _modifies(sd: dict[str, Any]) -> bool:
    form = sd.get("differential") or sd.get("snapshot") or {}
    elements = form.get("element") if isinstance(form, dict) else None
    first = elements[0] if isinstance(elements, list) and elements else {}
    return isinstance(first, dict) and first.get("path") == "Extension" and first.get("isModifier") is True


def _path(place: Place) -> str:
    """The path of the element that holds the extension, from its resource."""
    names: list[str] = []
    at = place[0] if place else None
    while at is not None and at[1] not in ("resource", "contained"):
        names.append(at[1])
        at = at[0]
    return ".".join(reversed(names))


def _fits(sd: dict[str, Any], host: str, place: Place) -> bool:
    """Whether one of its contexts is this place: by path, or by the type of what holds it. Others (fhirpath, extension) are not
    judged."""
    contexts = sd.get("context")
    if not isinstance(contexts, list) or not contexts:
        return True
    here = (_path(place), host, *model.supertypes(host))
    for c in contexts:
        if not isinstance(c, dict) or c.get("type") != "element":
            return True
        wanted = str(c.get("expression"))
        if wanted in here or wanted == "Element":
            return True
        if wanted.removesuffix("[x]") in here or _is_resource_path(place, wanted):
            return True
    return False


def _is_resource_path(place: Place, wanted: str) -> bool:
    """In a contained resource or a Bundle the path begins anew at the resource, whose name the place does not hold."""
    return "." in wanted and _path(place) == wanted.partition(".")[2]
