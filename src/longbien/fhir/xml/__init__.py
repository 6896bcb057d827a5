"""XML in and out, to and from the same plain dict that fhir.json gives. http://hl7.org/fhir/R4/xml.html

Driven by the definitions: which element repeats, which is a number, which a resource. What is not read, on purpose: the order of
different elements (the schema prescribes it, writing keeps it; reading takes any), comments and processing instructions
(dropped), xsi:schemaLocation (passed over). The narrative's div is kept letter for letter."""

from __future__ import annotations

from .read import loads
from .write import dumps

__all__ = ["dumps", "loads"]
