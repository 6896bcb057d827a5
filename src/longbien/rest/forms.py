"""An answer in the form that was asked for: indented, or XML made from the JSON that the handlers give.

http://hl7.org/fhir/R4/http.html#mime-type and xml.html"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from longbien.base.errors import Invalid, Issue, NotSupported, TooLarge
from longbien.fhir import json as fhir_json
from longbien.fhir import xml as fhir_xml

from . import faults, negotiate
from .negotiate import Shape
from .request import Answer

MOST_VALUES = 4_000_000
"""Commas or elements in a body: each may cost a hundred bytes once it is read, so that 40 MB of `{},{},...` would need 1.5 GB."""
_LARGE = 1 << 20
_WHILE = 256 * 1024
"""Bytes of XML from which on it is read and written beside the other requests."""
_XML_TYPE = (b"content-type", negotiate.XML)


async def shaped(answer: Answer, shape: Shape, wrote: bool = False) -> Answer:
    """The answer in this form. What states its own Content-Type is no FHIR and stays as it is. What XML cannot say (a character
    that it does not have) is answered with 406; where something was written (`wrote`), it stays done and the client is told why it
    is not shown."""
    body = answer.body
    if not body or any(name == b"content-type" for name, _ in answer.headers):
        return answer
    if shape.form == "json":
        return answer._replace(body=msgspec.json.format(body, indent=2)) if shape.pretty else answer
    try:
        said = await asyncio.to_thread(as_xml, body, shape.pretty) if len(body) > _WHILE else as_xml(body, shape.pretty)
    except Invalid as why:
        if wrote and answer.status < 300:
            unseen = Issue("warning", "not-supported", f"It is done. {why.text} Ask for JSON to see it.")
            return answer._replace(body=as_xml(faults.body((unseen,))), headers=(*answer.headers, _XML_TYPE))
        refused = NotSupported(f"{why.text} Ask for JSON.", status=406)
        return Answer(406, as_xml(faults.body(refused.issues)), (_XML_TYPE,))
    return answer._replace(body=said, headers=(*answer.headers, _XML_TYPE))


def as_xml(body: bytes, pretty: bool = False) -> bytes:
    """FHIR JSON as XML. Raises Invalid."""
    return fhir_xml.dumps(fhir_json.parse(body, strict=False), pretty=pretty)


async def read(data: bytes, form: negotiate.Form) -> dict[str, Any]:
    """The resource in a body. Raises Invalid, TooLarge."""
    if len(data) > _LARGE and data.count(b"," if form == "json" else b"<") > MOST_VALUES:
        raise TooLarge(f"The body holds more than {MOST_VALUES:,} values.")
    if form == "json":
        return fhir_json.loads(data)
    return await asyncio.to_thread(fhir_xml.loads, data) if len(data) > _WHILE else fhir_xml.loads(data)
