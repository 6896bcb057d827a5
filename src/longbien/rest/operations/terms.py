"""What the terminology operations have in common: who may ask, which resource is meant, which code."""

from __future__ import annotations

from typing import Any

from longbien.base.errors import Forbidden, Invalid, NotFound
from longbien.fhir.terminology import concepts
from longbien.fhir.terminology.concepts import System
from longbien.fhir.terminology.maps import Coded
from longbien.record import trail
from longbien.record.terminology.terms import Terms
from longbien.record.types import number

from ..request import Request
from .operation import At, Given, wrong


async def begin(request: Request, asked: Given, at: At, name: str, *needs: str, never: tuple[str, ...] = ()) -> Terms:
    """Terminology as the caller may see it; the question stands in the trail. needs: types that an answer is made of. never:
    in-parameters of the standard that are not supported: refused, not overlooked. Raises Forbidden, Invalid."""
    store = request.store
    for type in needs:
        if not store.scope.may_search(type):
            refused = trail.line(store.scope, "refused", type=number(type), outcome=trail.REFUSED, why=f"{type}/${name}")
            await store.engine.trail.write([refused])
            raise Forbidden(f"{store.scope.label} may not read {type}.")
    for parameter in never:
        if asked.all(parameter):
            raise Invalid(f"Parameter {parameter!r} of ${name} is not supported.", code="not-supported")
    about = asked.all("url") + asked.all("system")
    why = f"{store.scope.reason}: {at.type}/{at.id or ''}${name} {' '.join(str(a)[:200] for a in about)}".removeprefix(": ")
    await store.engine.trail.write([trail.line(store.scope, "operation", type=number(at.type or ""), why=why)])
    return Terms(store.engine, store.engine.shelf, store.scope.rows)


def canonical(asked: Given, name: str, version: str) -> str | None:
    """A canonical from its url and the version beside it."""
    url, said = asked.text(name), asked.text(version)
    if url is None or said is None or "|" in url:
        return url
    return f"{url}|{said}"


def inline(asked: Given, name: str, type: str) -> dict[str, Any] | None:
    """A resource that came with the question."""
    found = asked.one(name)
    if found is not None and (not isinstance(found, dict) or found.get("resourceType") != type):
        raise wrong(name, f"must be a {type} resource (in a POSTed Parameters).")
    return found


async def of_instance(request: Request, terms: Terms, at: At) -> Any:
    """The resource whose instance was called: a System for a CodeSystem, else as JSON has it."""
    stored = await request.store.read(at.type or "", at.id or "")
    return await terms.resources.version(stored.type, stored.rid, stored.version)


async def value_set(request: Request, terms: Terms, asked: Given, at: At) -> dict[str, Any]:
    """The ValueSet that is meant: the instance, the one that came along, or the one of this url. Raises Invalid, NotFound."""
    sent, url = inline(asked, "valueSet", "ValueSet"), canonical(asked, "url", "valueSetVersion")
    if (at.id is not None) + (sent is not None) + (url is not None) != 1:
        raise Invalid("One of url, valueSet and an instance must say which value set is meant.", code="required")
    if at.id is not None:
        found: dict[str, Any] | None = await of_instance(request, terms, at)
    else:
        found = sent or await terms.value_set(url or "")
    if found is None:
        raise NotFound(f"Value set {str(url)[:300]!r} is not known here.")
    said = found.get("extension")
    for extension in said if isinstance(said, list) else ():
        if isinstance(extension, dict) and extension.get("url") == "http://hl7.org/fhir/StructureDefinition/valueset-supplement":
            raise Invalid(
                "The value set needs a code system supplement; those are not applied here.", code="not-supported", status=422
            )
    return found


async def system(request: Request, terms: Terms, asked: Given, at: At, url: str | None, version: str | None) -> System:
    """The code system that is meant: the instance, the one that came along, or the one of this url. Raises Invalid, NotFound."""
    sent = inline(asked, "codeSystem", "CodeSystem")
    if at.id is not None:
        found: System | None = await of_instance(request, terms, at)
    elif sent is not None:
        found = concepts.read(sent)
    elif url is None:
        raise wrong("system", "is missing: which code system is meant.")
    else:
        found = await terms.system(url, version)
    if found is None:
        raise unknown_system(url, version)
    if found.content == "supplement":
        text = f"{found.canonical[:300]!r} is a supplement of {str(found.supplements)[:300]!r}: supplements are not applied here."
        raise Invalid(text, code="not-supported", status=422)
    return found


def unknown_system(url: str | None, version: str | None) -> NotFound:
    return NotFound(f"Code system {str(url)[:300]!r}{f' in version {version[:60]!r}' if version else ''} is not known here.")


class Asked:
    """A code with its system as it was asked about."""

    def __init__(self, code: str, system: str | None, version: str | None, display: str | None):
        self.code, self.system, self.version, self.display = code, system, version, display

    @property
    def coded(self) -> Coded:
        return Coded(self.system, self.code)


def _text(said: dict[str, Any], key: str, parameter: str) -> str | None:
    found = said.get(key)
    if found is not None and not isinstance(found, str):
        raise wrong(parameter, f"has a {key} that is not text.")
    return found


def coding(said: Any, parameter: str) -> Asked:
    if not isinstance(said, dict) or not isinstance(said.get("code"), str):
        raise wrong(parameter, "must be a Coding with a code (in a POSTed Parameters).")
    return Asked(said["code"], *(_text(said, k, parameter) for k in ("system", "version", "display")))


def codings(said: Any, parameter: str) -> list[Asked]:
    listed = said.get("coding") if isinstance(said, dict) else None
    if not isinstance(listed, list) or not 0 < len(listed) <= 100:
        raise wrong(parameter, "must be a CodeableConcept with one to 100 codings (in a POSTed Parameters).")
    return [coding(c, parameter) for c in listed]


def codes(asked: Given, *, code: str = "code", system: str = "system", version: str = "version") -> list[Asked]:
    """What is asked about: one of code, coding and codeableConcept. Raises Invalid for none, or more than one."""
    simple, one, several = asked.text(code), asked.one("coding"), asked.one("codeableConcept")
    if (simple is not None) + (one is not None) + (several is not None) != 1:
        raise Invalid(f"One of {code}, coding and codeableConcept must say which code is meant.", code="required")
    if one is not None:
        return [coding(one, "coding")]
    if several is not None:
        return codings(several, "codeableConcept")
    assert simple is not None
    return [Asked(simple, asked.text(system), asked.text(version), asked.text("display"))]
