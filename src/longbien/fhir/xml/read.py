"""XML to the plain dict, in one pass over the bytes: no tree between.

The parser is expat, held short: a DOCTYPE is refused before expat sees it, so there are no entities and nothing is fetched; size,
nesting and the attributes of one element are bounded. http://hl7.org/fhir/R4/xml.html and security.html#xml"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn
from xml.parsers import expat

from ...base.errors import Invalid, Issue
from ..json import MAX_DEPTH
from . import narrative
from .table import FHIR, PRIMITIVE, XHTML, XSI, Member, Node, resources

MAX_ATTRIBUTES = 10_000
"""Of one element that is larger than a chunk: each may cost hundreds of bytes once it is read."""
_CHUNK = 1 << 20
_BOM = b"\xef\xbb\xbf"
_PROLOG = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.S)
_TAG = re.compile(rb"<([^\s/>]+)")
_ATTRIBUTE = re.compile(rb"=\s*[\"']")
_BLANK = " \t\r\n"
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\Z")
_LONGEST_NUMBER = 1000
_SCHEMA_HINTS = (f"{XSI} schemaLocation", f"{XSI} noNamespaceSchemaLocation")


def loads(data: bytes) -> dict[str, Any]:
    """A resource as fhir.json would have read it from JSON. Raises Invalid, naming line, column and element, for what is no XML or
    not UTF-8, for a DOCTYPE, other namespaces, unknown elements and attributes, text between elements, empty elements, elements
    given twice, numbers and booleans that are none, and nesting that JSON would refuse."""
    return _Reader(data.removeprefix(_BOM)).read()


class _Open:
    """An element that has begun. `value`: its members so far (of a primitive: id and extensions); `scalar`: a primitive's value;
    `depth`: how deep it is nested in JSON; `bare`: its repeating primitives that lack a value somewhere."""

    __slots__ = ("bare", "depth", "member", "node", "scalar", "value")

    def __init__(self, member: Member | None, node: Node, value: dict[str, Any], scalar: Any, depth: int):
        self.member, self.node, self.value, self.scalar, self.depth = member, node, value, scalar, depth
        self.bare: set[str] | None = None


class _Reader:
    def __init__(self, data: bytes):
        self.data = data
        self.stack = [_Open(None, resources(), {}, None, 1)]
        self.div: narrative.Div | None = None
        self.scope: dict[str, list[str]] = {}
        """Namespace prefix -> its meanings, the last one holds."""
        self.declared: list[str | None] = []
        """Prefixes declared at the element that begins next."""
        self.parser = expat.ParserCreate("utf-8", " ")
        self.parser.namespace_prefixes = True
        self.parser.buffer_text = True
        self.parser.XmlDeclHandler = self._declaration
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.ProcessingInstructionHandler = self._instruction
        self.parser.StartNamespaceDeclHandler = self._declares
        self.parser.EndNamespaceDeclHandler = self._undeclares

    def read(self) -> dict[str, Any]:
        if self.data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in self.data[:4]:
            raise Invalid("The XML must be in UTF-8, and this seems to be UTF-16", code="structure")
        begun = _PROLOG.match(self.data)
        if begun and self.data[begun.end() : begun.end() + 2] == b"<!":
            self._doctype()
        try:
            for at in range(0, len(self.data), _CHUNK):
                self.parser.Parse(self.data[at : at + _CHUNK], False)
                self._bounded(at + _CHUNK)
            self.parser.Parse(b"", True)
        except expat.ExpatError as why:
            raise self._malformed(why) from None
        found: dict[str, Any] = self.stack[0].value["resource"]
        return found

    def _bounded(self, fed: int) -> None:
        """What has begun and not ended yet is one token: text goes on, attributes pile up."""
        begun = max(self.parser.CurrentByteIndex, 0)
        if fed - begun > _CHUNK:
            for count, _ in enumerate(_ATTRIBUTE.finditer(self.data, begun, fed)):
                if count > MAX_ATTRIBUTES:
                    raise Invalid(f"The XML holds an element with more than {MAX_ATTRIBUTES:,} attributes", code="too-costly")

    # -- complaints -----------------------------------------------------------------------------------------------------

    def _place(self) -> str:
        return f"line {self.parser.CurrentLineNumber}, column {self.parser.CurrentColumnNumber + 1}"

    def _path(self, more: str = "") -> str:
        """The FHIRPath of the element that is open, or of a member of it."""
        parts: list[str] = []
        for outer, inner in zip(self.stack, self.stack[1:], strict=False):
            m = inner.member
            if m is not None and (m.kind != "resource" or not parts):
                parts.append(f"{m.name}[{len(outer.value.get(m.name, ()))}]" if m.many else m.name)
        return ".".join([*parts, more] if more else parts)

    def _wrong(self, text: str, code: str = "structure", member: str = "") -> NoReturn:
        path = self._path(member)
        said = f"{path + ': ' if path else ''}{text} ({self._place()})"
        raise Invalid(said, issues=[Issue("error", code, said, path)])

    def _malformed(self, why: expat.ExpatError) -> Invalid:
        reason = expat.errors.messages.get(why.code, "it is malformed")
        if why.code == expat.errors.codes[expat.errors.XML_ERROR_UNDEFINED_ENTITY]:
            reason = "undefined entity; XML knows amp, lt, gt, quot, apos and numbers such as &#160;"
        elif why.code == expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]:
            reason = "it ends before an element came"
        said = f"The XML cannot be read: {reason} at line {why.lineno}, column {why.offset + 1}"
        return Invalid(said, issues=[Issue("error", "structure", said, self._path())])

    # -- what stands around ---------------------------------------------------------------------------------------------

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if (encoding or "utf-8").lower() not in ("utf-8", "utf8", "us-ascii"):
            self._wrong(f"The XML must be in UTF-8, not {str(encoding)[:40]!r}")

    def _doctype(self, *declared: Any) -> None:
        raise Invalid("The XML holds a DOCTYPE, which is not allowed: no entities, nothing from outside", code="security")

    def _instruction(self, *said: str) -> None:
        if self.div is not None:
            self._wrong("the narrative holds a processing instruction, which is not allowed")

    def _declares(self, prefix: str | None, uri: str | None) -> None:
        self.scope.setdefault(prefix or "", []).append(uri or "")
        self.declared.append(prefix)

    def _undeclares(self, prefix: str | None) -> None:
        self.scope[prefix or ""].pop()

    # -- elements -------------------------------------------------------------------------------------------------------

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        declared, self.declared = self.declared, []
        if self.div is not None:
            if not self.div.start(name, attributes):
                self._wrong(f"the narrative holds <{_local(name)}> or an attribute of it that is not XHTML")
            return
        above = self.stack[-1]
        member = above.node.expanded.get(name) or self._prefixed(above, name)
        depth = above.depth if member.kind == "resource" else above.depth + 1 + member.many
        if depth > MAX_DEPTH + (member.kind in PRIMITIVE):
            raise Invalid(f"The XML is nested more than {MAX_DEPTH} deep ({self._place()})", code="too-costly")
        if member.kind == "xhtml":
            self._once(above, member)
            own = None in declared and self.scope[""][-1] == XHTML
            self.div = narrative.Div(self.parser.CurrentByteIndex, own and name == f"{XHTML} div")
            return
        value: dict[str, Any] = {"resourceType": member.name} if member.kind == "resource" else {}
        opened = _Open(member, member.node(), value, None, depth)
        if not member.many:
            self._once(above, member)
        self.stack.append(opened)
        if attributes:
            self._attributes(opened, member, attributes)

    def _once(self, above: _Open, member: Member) -> None:
        name = "resource" if member.kind == "resource" else member.name
        if name in above.value or f"_{name}" in above.value:
            text = "only one resource may stand here" if member.kind == "resource" else "may be given once only"
            self._wrong(text, member="" if member.kind == "resource" else member.name)

    def _prefixed(self, above: _Open, name: str) -> Member:
        """The member of an element that is written with a prefix, or a complaint about an unknown one."""
        uri, _, local = name.rpartition(" ")
        if " " in uri:
            uri, _, local = uri.partition(" ")
        member = above.node.expanded.get(f"{uri} {local}")
        if member is not None:
            return member
        here = f" in {above.node.name}" if above.node.name else ""
        if above.node is resources() and uri == FHIR:
            self._wrong(f"<{local[:60]}> is not a FHIR R4 resource type")
        if above.member is not None and above.member.kind in PRIMITIVE:
            here = f" in a {above.member.name}: a primitive's value is the attribute 'value'"
        if local in above.node.members:
            wanted = XHTML if above.node.members[local].kind == "xhtml" else FHIR
            self._wrong(f"<{local[:60]}> must be of the namespace {wanted}, not {uri[:100]!r}")
        if above.node is resources() and local not in above.node.members:
            self._wrong(f"<{local[:60]}> must be a resource of the namespace {FHIR}, not {uri[:100]!r}")
        self._wrong(f"The element <{local[:60]}> is unknown{here}", member=local[:60])

    def _attributes(self, opened: _Open, member: Member, attributes: dict[str, str]) -> None:
        allowed = opened.node.attributes
        for name, text in attributes.items():
            if name == "value" and member.kind in PRIMITIVE:
                opened.scalar = self._scalar(member, text)
            elif name in allowed and member.kind != "holder":
                if not text:
                    self._wrong(f"the attribute {name!r} is empty")
                opened.value[name] = text
            elif not (member.kind == "resource" and name.startswith(_SCHEMA_HINTS)):
                self._wrong(f"The attribute {name.partition(' ')[2].partition(' ')[0] or name!r} is unknown here")

    def _scalar(self, member: Member, text: str) -> Any:
        if not text:
            self._wrong("the attribute 'value' is empty", "value")
        if member.kind == "text":
            return text
        if member.kind == "boolean":
            if text not in ("true", "false"):
                self._wrong(f"must be true or false, not {text[:40]!r}", "value")
            return text == "true"
        shape = _INTEGER if member.kind == "integer" else _DECIMAL
        if not shape.match(text) or len(text) > _LONGEST_NUMBER:
            self._wrong(f"must be {'a whole number' if member.kind == 'integer' else 'a number'}, not {text[:40]!r}", "value")
        if text.lstrip("-+").isdigit() and text != "-0":
            return int(text)
        try:
            return Decimal(text)
        except InvalidOperation:
            self._wrong(f"the number {text[:40]!r} has an exponent out of range", "value")

    def _text(self, text: str) -> None:
        if self.div is None and text.strip(_BLANK):
            self._wrong(f"there may be no text between elements, but here is {text.strip(_BLANK)[:40]!r}")

    def _end(self, name: str) -> None:
        if self.div is not None:
            if self.div.end():
                self._close_div(self.div)
            return
        done = self.stack[-1]
        member = done.member
        assert member is not None
        above = self.stack[-2]
        if member.kind in PRIMITIVE:
            self._close_primitive(above, done, member)
        elif member.kind == "resource":
            above.value["resource"] = self._whole(done)
        elif not done.value:
            self._wrong("is empty: an element must have a value or children", "required")
        else:
            _put(above.value, member, done.value["resource"] if member.kind == "holder" else self._whole(done))
        self.stack.pop()

    @staticmethod
    def _whole(done: _Open) -> dict[str, Any]:
        """Without the lists in which no value came: only `_name` is left of them."""
        for name in done.bare or ():
            if all(v is None for v in done.value[name]):
                del done.value[name]
        return done.value

    def _close_primitive(self, above: _Open, done: _Open, member: Member) -> None:
        value, scalar, more, name = above.value, done.scalar, self._whole(done), member.name
        if scalar is None and "extension" not in more:
            self._wrong("is empty: it must have the attribute 'value' or an extension", "required")
        if more and done.depth > MAX_DEPTH:
            raise Invalid(f"The XML is nested more than {MAX_DEPTH} deep ({self._place()})", code="too-costly")
        if not member.many:
            if scalar is not None:
                value[name] = scalar
            if more:
                value[f"_{name}"] = more
            return
        values = value.setdefault(name, [])
        values.append(scalar)
        if scalar is None:
            above.bare = (above.bare or set()) | {name}
        if more or f"_{name}" in value:
            others = value.setdefault(f"_{name}", [None] * (len(values) - 1))
            others.append(more or None)

    def _close_div(self, div: narrative.Div) -> None:
        begun, ended = div.begun, self.parser.CurrentByteIndex
        named = _TAG.match(self.data, begun)
        if named and self.data.startswith(b"</" + named[1], ended):  # an empty <div/> has ended already
            ended = self.data.index(b">", ended) + 1
        text = self.data[begun:ended].decode()
        if not div.as_written:
            text = narrative.alone(text, {p: uris[-1] for p, uris in self.scope.items() if uris})
        self.stack[-1].value["div"] = text
        self.div = None


def _put(into: dict[str, Any], member: Member, value: Any) -> None:
    if member.many:
        into.setdefault(member.name, []).append(value)
    else:
        into[member.name] = value


def _local(name: str) -> str:
    """Of "namespace name" or "namespace name prefix"."""
    return name.split(" ")[1][:60] if " " in name else name[:60]
