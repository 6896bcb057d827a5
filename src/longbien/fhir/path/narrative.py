"""htmlChecks(): is a narrative's div the limited XHTML that FHIR allows? http://hl7.org/fhir/R4/narrative.html#xhtml"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ELEMENTS = _words(
    """a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img
    li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var"""
)
_ATTRIBUTES = _words(
    """abbr accesskey align alt axis border cellhalign cellpadding cellspacing cellvalign char charoff charset cite
    class colspan compact coords dir frame headers height href hreflang hspace id lang longdesc name noshade nowrap rel
    rev rowspan rules scope shape span src start style summary tabindex title type valign value vspace width xml:lang
    xml:space xmlns"""
)
_EMPTY = frozenset({"br", "hr", "img", "col"})
_TAG = re.compile(
    r"<!--.*?-->|<(/?)([A-Za-z][\w:.-]*)((?:\s+[\w:.-]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*)\s*(/?)>"
    r"|<|&(?!\w+;|#\d+;|#x[0-9a-fA-F]+;)",
    re.S,
)
_ATTRIBUTE = re.compile(r"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.S)
_SCRIPT = re.compile(r"\s*(javascript|vbscript|data\s*:\s*text)\s*:?", re.I)


def fault(div: str) -> str | None:
    """What is wrong with a narrative's XHTML, None where nothing is: well-formed, only the allowed elements and
    attributes, no scripts, some text or picture."""
    stack: list[str] = []
    content = False
    at = 0
    for m in _TAG.finditer(div):
        between = div[at : m.start()]
        at = m.end()
        if between and not between.isspace():
            if not stack:
                return "there is text outside the div"
            content = True
        if m[0].startswith("<!--"):
            continue
        if m[2] is None:
            return "it is not well-formed XHTML"
        name = m[2]
        if m[1]:
            if not stack or stack.pop() != name:
                return f"</{name}> closes nothing"
            continue
        if name not in _ELEMENTS:
            return f"<{name}> is not allowed"
        if not stack and (name != "div" or (m.start() and div[: m.start()].strip())):
            return "it does not begin with <div>"
        content = content or name == "img"
        for attribute, a, b in _ATTRIBUTE.findall(m[3]):
            if attribute not in _ATTRIBUTES and not attribute.startswith("xmlns:"):
                return f"the attribute {attribute} is not allowed"
            if attribute in ("href", "src") and _SCRIPT.match(a or b):
                return f"the attribute {attribute} holds a script"
        if not m[4]:
            stack.append(name)
    if stack:
        return f"<{stack[-1]}> is not closed"
    if div[at:].strip():
        return "there is text outside the div"
    return None if content else "it has no text"
