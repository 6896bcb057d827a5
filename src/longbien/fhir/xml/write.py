"""The plain dict to XML, elements in the order of the schema. http://hl7.org/fhir/R4/xml.html"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, NoReturn

from ...base.errors import Invalid
from .. import definitions
from . import narrative
from .table import FHIR, PRIMITIVE, Member, Node, resources

_SPECIAL = re.compile('[&<>"\t\n\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


def dumps(resource: dict[str, Any], *, pretty: bool = False) -> bytes:
    """A resource as UTF-8 XML. Raises Invalid, naming the element, for what XML cannot say: members that the definitions do not
    have, values of another shape than theirs, a div that is not well-formed, characters that XML does not allow."""
    out = ['<?xml version="1.0" encoding="UTF-8"?>']
    _resource(resource, f' xmlns="{FHIR}"', out, "\n" if pretty else "")
    return "".join(out).encode()


def _refuse(where: str, why: str) -> NoReturn:
    raise Invalid(f"{where} cannot be written as XML: {why}.", code="not-supported")


def _resource(value: Any, namespace: str, out: list[str], indent: str) -> None:
    type = value.get("resourceType") if value.__class__ is dict else None
    member = resources().members.get(type) if type.__class__ is str else None
    if member is None:
        _refuse("The resource", f"{str(type)[:60]!r} is not a FHIR R4 resource type")
    _object(value, member, namespace, out, indent)


def _object(value: Any, member: Member, attributes: str, out: list[str], indent: str) -> None:
    """One element with what is inside it. `attributes`: what its start tag says already."""
    node = member.node()
    if value.__class__ is not dict:
        _refuse(node.name, f"{member.name} must be an object")
    for name in node.attributes:
        if name in value:
            attributes += f' {name}="{_escaped(value[name], node)}"'
    before = len(out) + 1
    out.append(f"{indent}<{member.name}{attributes}>")
    _members(value, node, out, f"{indent}  " if indent else "")
    if len(out) == before:
        out[-1] = f"{indent}<{member.name}{attributes}/>"
    else:
        out.append(f"{indent}</{member.name}>")


def _members(value: dict[str, Any], node: Node, out: list[str], indent: str) -> None:
    found: list[tuple[int, Member]] = []
    for key in value:
        name = key
        if key[:1] == "_":
            name = key[1:]
            if name in value:
                continue
        member = node.members.get(name)
        if member is not None and (name is key or member.kind in PRIMITIVE):
            found.append((member.at, member))
        elif key not in node.attributes and (key != "resourceType" or not definitions.is_type(node.name)):
            _refuse(node.name, f"{key[:60]!r} is unknown")
    found.sort()
    for _, member in found:
        if member.kind in PRIMITIVE:
            _primitive(member, value.get(member.name), value.get(f"_{member.name}"), node, out, indent)
            continue
        given = value[member.name]
        if member.many and given.__class__ is not list:
            _refuse(node.name, f"{member.name} must be a list")
        for one in given if member.many else (given,):
            _complex(member, one, node, out, indent)


def _complex(member: Member, value: Any, node: Node, out: list[str], indent: str) -> None:
    if member.kind == "object":
        _object(value, member, "", out, indent)
    elif member.kind == "xhtml":
        if value.__class__ is not str:
            _refuse(node.name, f"{member.name} must be text")
        try:
            out.append(indent + narrative.embedded(value))
        except ValueError as why:
            _refuse(node.name, f"{member.name} is not well-formed XHTML: {why}")
    else:
        out.append(f"{indent}<{member.name}>")
        _resource(value, "", out, f"{indent}  " if indent else "")
        out.append(f"{indent}</{member.name}>")


def _primitive(member: Member, value: Any, more: Any, node: Node, out: list[str], indent: str) -> None:
    if not member.many:
        _one(member, value, more, node, out, indent)
        return
    values, others = value or [], more or []
    if values.__class__ is not list or others.__class__ is not list:
        _refuse(node.name, f"{member.name} must be a list")
    for n in range(max(len(values), len(others))):
        one, other = values[n] if n < len(values) else None, others[n] if n < len(others) else None
        _one(member, one, other, node, out, indent)


def _one(member: Member, value: Any, more: Any, node: Node, out: list[str], indent: str) -> None:
    said = "" if value is None else f' value="{_value(value, member, node)}"'
    if more is None:
        out.append(f"{indent}<{member.name}{said}/>")
    else:
        _object(more, member, said, out, indent)


def _value(value: Any, member: Member, node: Node) -> str:
    kind = member.kind
    if kind == "text":
        return _escaped(value, node)
    if kind == "boolean" and value.__class__ is bool:
        return "true" if value else "false"
    if kind != "boolean" and (value.__class__ is int or (value.__class__ is Decimal and value.is_finite())):
        return str(value)
    _refuse(node.name, f"{member.name} must be a {'boolean' if kind == 'boolean' else 'number'}")


def _escaped(text: Any, node: Node) -> str:
    if text.__class__ is not str:
        _refuse(node.name, "a value must be text")
    if not _SPECIAL.search(text):
        return str(text)

    def escape(found: re.Match[str]) -> str:
        if found[0] not in _ESCAPES:
            _refuse(node.name, f"the character U+{ord(found[0]):04X} is not allowed there")
        return _ESCAPES[found[0]]

    return _SPECIAL.sub(escape, text)
