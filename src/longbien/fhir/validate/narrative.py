"""Narrative.div: well-formed XHTML of the allowed elements and attributes only (txt-1), with some content (txt-2).

https://hl7.org/fhir/R4/narrative.html#xhtml"""

from __future__ import annotations

import re
from functools import lru_cache
from html.entities import html5
from typing import Any
from xml.parsers import expat

from .context import type_name

XHTML = "http://www.w3.org/1999/xhtml"
# HTML 4.0 chapters 7 to 11 (but 9.4) and 15, links and images.
_ELEMENTS = """
    a abbr acronym address b bdo big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr
    i img li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt u ul var kbd center del ins s
    strike font
"""
ELEMENTS = frozenset(_ELEMENTS.split())
_ATTRIBUTES = """
    abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset cite
    class color colspan coords cols compact dir face frame headers height href hreflang hspace id lang longdesc media name
    nowrap noshade rel rev rowspan rules scope shape size span src start style summary tabindex target title type valign
    value vspace width xml:lang xml:space xmlns datetime
"""
ATTRIBUTES = frozenset(_ATTRIBUTES.split())
_PLAIN = re.compile(r'<div xmlns="http://www\.w3\.org/1999/xhtml">\s*[^<&\s][^<&]*</div>')
_PICTURE = re.compile(r"""<img\b[^<>]*?\ssrc\s*=\s*(["'])#([^"'<>]*)\1""")
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_XML_ENTITIES = frozenset(("amp", "lt", "gt", "quot", "apos"))


def xhtml(v: Any) -> str | None:
    """What is wrong with a div, or None."""
    if v.__class__ is not str:
        return f"must be a string, not {type_name(v)}"
    if _PLAIN.fullmatch(v):
        return None
    return _examined(v) if len(v) < 20_000 else _Reader().read(v)


def pictures(div: str) -> list[str]:
    """The images of a div that are contained resources: ["#id" ...]."""
    return ["#" + m[2] for m in _PICTURE.finditer(div)]


class _Reader:
    """One pass of expat over a div. Expat fetches nothing, and a DOCTYPE is refused, so no entity can grow."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self.depth = 0
        self.content = False

    def read(self, text: str) -> str | None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.characters
        parser.StartDoctypeDeclHandler = self.doctype
        parser.ProcessingInstructionHandler = self.instruction
        text = _ENTITY.sub(_resolved, text)
        try:
            parser.Parse(text.encode("utf-8", "replace"), True)
        except expat.ExpatError as why:
            return self.problem or f"is not well-formed XHTML: {why}"
        if self.problem is None and not self.content:
            return "has no content (txt-2)"
        return self.problem

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.depth == 0 and (name != "div" or attributes.get("xmlns") != XHTML):
            self.problem = self.problem or f'must be <div xmlns="{XHTML}">'
        self.depth += 1
        self.content = self.content or name == "img"
        if name not in ELEMENTS:
            self.problem = self.problem or f"holds the element <{name}>, which is not allowed (txt-1)"
        for key, value in attributes.items():
            wrong = key not in ATTRIBUTES and not key.startswith("xmlns:")
            if wrong or "javascript:" in value.lower().replace(" ", ""):
                self.problem = self.problem or f"holds the attribute {key} at <{name}>, which is not allowed (txt-1)"

    def end(self, name: str) -> None:
        self.depth -= 1

    def characters(self, text: str) -> None:
        if not self.content and text.strip():
            self.content = True

    def doctype(self, *declared: Any) -> None:
        self.problem = "holds a DOCTYPE, which is not allowed"

    def instruction(self, *said: Any) -> None:
        self.problem = "holds a processing instruction, which is not allowed"


def _resolved(match: re.Match[str]) -> str:
    """HTML's names of characters: in much published data, and harmless; what is unknown stays and fails in the parser."""
    name = match[1]
    if name in _XML_ENTITIES:
        return match[0]
    return html5.get(name + ";", match[0])


@lru_cache(maxsize=256)
def _examined(text: str) -> str | None:
    return _Reader().read(text)
