"""One unit of import: lines to changes, what is wrong to rejects. Pure: no database, no files."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from longbien.base.errors import Invalid, Issue
from longbien.base.ids import FHIR_ID
from longbien.fhir import json as fhir_json
from longbien.fhir import references
from longbien.fhir.validate import validate
from longbien.record.change import Change, Delete, Update
from longbien.record.types import number

_UUID = re.compile(r"urn:uuid:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\Z", re.I)
WRAPPING = ("collection", "searchset")


@dataclass
class Reject:
    """What was not taken, and why. `entry` is the place in a bundle."""

    line: int
    entry: int | None
    issues: list[Issue]
    resource: Any = None


@dataclass
class Group:
    """Changes that go in together or not at all. `line` is where they stand; `whole`: one bad entry refuses all."""

    line: int
    changes: list[Change] = field(default_factory=list)
    whole: bool = False


def read(first_line: int, lines: list[bytes]) -> tuple[list[Group], list[Reject]]:
    """The groups of a unit in order, and what can be refused without asking the store. Single resources of neighbouring lines share
    a group."""
    groups: list[Group] = []
    rejects: list[Reject] = []
    singles = Group(first_line)
    for at, line in enumerate(lines, first_line):
        if not line.strip():
            continue
        try:
            resource = _unwrapped(fhir_json.loads(line))
        except Invalid as why:
            rejects.append(Reject(at, None, list(why.issues), line[:2000].decode("utf-8", "replace")))
            continue
        if resource.get("resourceType") == "Bundle" and _to_unpack(resource):
            group = _bundle(at, resource, rejects)
            if group.changes:
                groups.append(group)
        else:
            _take(singles, resource, at, None, rejects)
    if singles.changes:
        groups.append(singles)
    return [part for g in groups for part in _no_twice(g)], rejects


def _to_unpack(bundle: dict[str, Any]) -> bool:
    """Transactions and batches that write are carried out. Collections and search results are a mere wrapping, unless they have
    an id of their own: then, like documents, messages and histories, they are a record in themselves and stay whole."""
    if bundle.get("type") in WRAPPING:
        return "id" not in bundle
    entries = bundle.get("entry")
    if bundle.get("type") not in ("transaction", "batch") or not isinstance(entries, list):
        return False
    requests = [e.get("request") for e in entries if isinstance(e, dict)]
    return any(isinstance(r, dict) and r.get("method") in ("POST", "PUT", "DELETE", "PATCH") for r in requests)


def _unwrapped(value: dict[str, Any]) -> dict[str, Any]:
    """Collections of examples wrap each resource: {"file": ..., "resource": {...}}."""
    inner = value.get("resource")
    if "resourceType" not in value and isinstance(inner, dict):
        return inner
    return value


def _take(group: Group, resource: dict[str, Any], line: int, entry: int | None, rejects: list[Reject]) -> bool:
    issues = [i for i in validate(resource) if i.severity in ("error", "fatal")]
    if not issues and not FHIR_ID.match(str(resource.get("id", ""))):
        issues = [Issue("error", "required", "An imported resource needs an id, so that a second import finds it again.", "id")]
    if issues:
        rejects.append(Reject(line, entry, issues, resource))
        return False
    group.changes.append(Update(resource))
    return True


def _bundle(line: int, bundle: dict[str, Any], rejects: list[Reject]) -> Group:
    whole = bundle["type"] == "transaction"
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        rejects.append(Reject(line, None, [Issue("error", "structure", "Bundle.entry must be a list.", "Bundle.entry")], bundle))
        return Group(line)
    here: list[Reject] = []
    group = Group(line, whole=whole)
    mapping = _allot(entries)
    for at, entry in enumerate(entries):
        _entry(group, entry, line, at, mapping, here)
    if whole and here:
        rejects += here
        refused = [c for c in group.changes if isinstance(c, Update)]
        because = Issue("error", "processing", "Refused together with the rest of its transaction.")
        rejects += [Reject(line, None, [because], c.resource) for c in refused]
        return Group(line)
    rejects += here
    return group


def _entry(group: Group, entry: Any, line: int, at: int, mapping: dict[str, str], rejects: list[Reject]) -> None:
    place = f"Bundle.entry[{at}]"
    if not isinstance(entry, dict):
        rejects.append(Reject(line, at, [Issue("error", "structure", "An entry must be an object.", place)], entry))
        return
    request = entry.get("request")
    method, url = (request.get("method", "PUT"), request.get("url", "")) if isinstance(request, dict) else ("PUT", "")
    if method == "DELETE" and (target := references.literal(str(url))):
        group.changes.append(Delete(target[1], target[2]))
        return
    resource = entry.get("resource")
    if not isinstance(resource, dict) or method not in ("POST", "PUT"):
        what = f"Import takes entries to create, replace or delete; this one is {method!r}."
        rejects.append(Reject(line, at, [Issue("error", "not-supported", what, place)], entry))
        return
    if given := mapping.get(f"#{at}"):
        resource = resource | {"id": given}
    if mapping:
        resource = references.rewrite(resource, mapping)
    _take(group, resource, line, at, rejects)


def _allot(entries: list[Any]) -> dict[str, str]:
    """fullUrl -> Type/id for every entry whose address is not its own already, and '#n' -> id for the entry itself.

    The id is the resource's own, or its urn:uuid, or one computed from its fullUrl: the same file gives the same ids again."""
    mapping: dict[str, str] = {}
    for at, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("resource"), dict):
            continue
        resource, full = entry["resource"], entry.get("fullUrl")
        type_ = resource.get("resourceType")
        if not isinstance(type_, str) or not number(type_):
            continue
        id_ = resource.get("id")
        if not isinstance(id_, str) or not FHIR_ID.match(id_):
            if not isinstance(full, str):
                continue
            urn = _UUID.match(full)
            id_ = urn[1].lower() if urn else str(uuid.uuid5(uuid.NAMESPACE_URL, full))
            mapping[f"#{at}"] = id_
        if isinstance(full, str) and full != f"{type_}/{id_}":
            mapping[full] = f"{type_}/{id_}"
    return mapping


def _no_twice(group: Group) -> Iterator[Group]:
    """One commit may touch a resource once: the second mention begins the next commit. A transaction that names one twice is
    left as it is, for the store to refuse."""
    if group.whole:
        yield group
        return
    part = Group(group.line)
    seen: set[tuple[str, str]] = set()
    for change in group.changes:
        key = (change.type, change.id) if isinstance(change, Delete) else (change.resource["resourceType"], change.resource["id"])
        if key in seen:
            yield part
            part = Group(group.line)
            seen = set()
        seen.add(key)
        part.changes.append(change)
    yield part
