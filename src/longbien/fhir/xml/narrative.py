"""The narrative's div: in JSON a string, in XML part of the document. http://hl7.org/fhir/R4/narrative.html

Both ways it is carried letter for letter where that can be done."""

from __future__ import annotations

import re
from functools import lru_cache
from html.entities import html5
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from .table import XHTML, XML

_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_XML_ENTITIES = frozenset(("amp", "lt", "gt", "quot", "apos"))
_FORBIDDEN = re.compile(r"<\?|<!(?!--|\[CDATA\[)")
_PLAIN = re.compile(r'<div xmlns="http://www\.w3\.org/1999/xhtml">[^<&\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]*</div>')


class Div:
    """A div while it is read. `begun`: its first byte; `as_written`: it means the same wherever it stands, because it declares the
    namespace itself and nothing in it has a prefix."""

    __slots__ = ("as_written", "begun", "depth")

    def __init__(self, begun: int, as_written: bool):
        self.begun, self.as_written, self.depth = begun, as_written, 1

    def start(self, name: str, attributes: dict[str, str]) -> bool:
        """Whether this element may stand in a narrative."""
        self.depth += 1
        space, _, local = name.partition(" ")
        if " " in local:
            self.as_written = False
        return space == XHTML and all(" " not in a or a.startswith(XML) for a in attributes)

    def end(self) -> bool:
        """Whether this was the end of the div itself."""
        self.depth -= 1
        return self.depth == 0


def alone(text: str, scope: dict[str, str]) -> str:
    """A div that leans on namespaces declared around it (`scope`: prefix -> namespace), written so that it stands by itself."""
    parts: list[str] = []
    parser = expat.ParserCreate(None, " ")
    parser.buffer_text = True
    around = "".join(f" xmlns{':' if p else ''}{p}={quoteattr(uri)}" for p, uri in scope.items() if p != "xml")

    def start(name: str, attributes: dict[str, str]) -> None:
        said = "".join(f" {a.replace(XML + ' ', 'xml:')}={quoteattr(v)}" for a, v in attributes.items())
        first = f' xmlns="{XHTML}"' if len(parts) == 1 else ""
        parts.append(f"<{name.partition(' ')[2]}{first}{said}>")

    def end(name: str) -> None:
        parts.append(f"</{name.partition(' ')[2]}>")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = lambda data: parts.append(escape(data))
    parser.Parse(f"<around{around}>{text}</around>".encode(), True)
    return "".join(parts[1:-1])


def embedded(text: str) -> str:
    """A div from JSON, as it can stand in a document: HTML's named characters become characters. Raises ValueError for what is
    not one well-formed div."""
    if _PLAIN.fullmatch(text):
        return text
    return _checked(text) if len(text) < 20_000 else _check(text)


def _check(text: str) -> str:
    text = _ENTITY.sub(lambda m: m[0] if m[1] in _XML_ENTITIES else html5.get(m[1] + ";", m[0]), text)
    if _FORBIDDEN.search(text):
        raise ValueError("it holds a declaration or a processing instruction")
    roots: list[str] = []
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        if depth == 0:
            roots.append(name)
        depth += 1

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate("utf-8", " ")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        parser.Parse(text.encode(), True)
    except (expat.ExpatError, UnicodeEncodeError) as why:
        raise ValueError(str(why)) from None
    if roots != [f"{XHTML} div"]:
        raise ValueError("it is not a div of XHTML")
    return text


_checked = lru_cache(maxsize=256)(_check)
