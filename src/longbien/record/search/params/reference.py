"""Reference parameters (R4 search.html#reference): Type/id, id, an absolute url, a canonical with or without its version,
:identifier, :Type. A reference to the patient of the row's compartment is head.pat and has no term."""

from __future__ import annotations

from typing import Any

from longbien.base.ids import FHIR_ID, key64, patient_key
from longbien.fhir import definitions
from longbien.fhir.references import literal
from longbien.record.types import number

from .. import registry
from ..ask import Ask, Bind, Cond, any_of, plain
from ..keys import ELSEWHERE, LONGEST, key
from ..slots import by_pat, patient_params
from .token import has, identifier
from .token import keys as token_keys


def target(value: Any) -> str | None:
    """What a Reference or canonical points to, as it is stored: 'Type/id' for a place here, else the url as it is."""
    text = value.get("reference") if isinstance(value, dict) else value
    if not isinstance(text, str) or text.startswith("#") or not text:
        return None
    found = literal(text)
    if found is None:
        return text
    base, type_, id_, _ = found
    return f"{base}/{type_}/{id_}" if base else f"{type_}/{id_}"


def index(prefix: str, value: Any, kind: str, p: int, add: Any, refs: set[tuple[int, int, str]]) -> None:
    """Terms of one value, and its row of ref (not for a reference to the row's own patient). p: param_key(prefix)."""
    text = value.get("reference") if isinstance(value, dict) else value
    if isinstance(text, str) and text and not text.startswith("#"):
        found = literal(text)
        if found is not None and not found[0] and (type_ := number(found[1])):
            add(key64(f"{prefix}|{found[1]}/{found[2]}"))
            refs.add((p, type_, found[2]))
        else:
            _url(prefix, target(value) or text, kind, p, add, refs)
    by_identifier(prefix, value, add)


def _url(prefix: str, url: str, kind: str, p: int, add: Any, refs: set[tuple[int, int, str]]) -> None:
    """A reference that leads out of here, or a canonical: the resource that has this url may be here."""
    add(key64(f"{prefix}|{url}"))
    bare = url.split("|")[0]
    if kind in ("canonical", "uri"):
        refs.add((p, 0, bare[:LONGEST]))
        if bare != url:
            add(key64(f"{prefix}|{bare}"))


def by_identifier(prefix: str, value: Any, add: Any) -> None:
    if isinstance(value, dict) and "identifier" in value:
        identifier(prefix + ":identifier", value["identifier"], add)


def targets(type_: str, code: str) -> tuple[str, ...]:
    """Types that a parameter may point to; all of them where the definition says so or says nothing."""
    found = registry.param(type_, code)
    listed = found.targets if found else ()
    return definitions.types() if not listed or "Resource" in listed else listed


def _wanted(ask: Ask, text: str, base_url: str) -> list[str]:
    """What a written value may be stored as."""
    if base_url and text.startswith(base_url.rstrip("/") + "/"):
        text = text[len(base_url.rstrip("/")) + 1 :]
    found = literal(text)
    if found:
        base, type_, id_, _ = found
        if ask.modifier and type_ != ask.modifier:
            return []
        return [f"{base}/{type_}/{id_}" if base else f"{type_}/{id_}"]
    if FHIR_ID.match(text):
        if ask.modifier:
            return [f"{ask.modifier}/{text}"]
        typed = [f"{t}/{text}" for t in targets(ask.type, ask.param.code)]
        return typed if len(typed) == 1 else [*typed, text]  # a canonical may be a bare word
    if ":" in text or "|" in text or "/" in text:
        return [text]
    raise ask.bad(f"{text[:200]!r} is not a reference.")


def to(type_: str, code: str, places: list[str], h: str, bind: Bind) -> Cond:
    """Rows of `type_` whose reference parameter points to one of `places` ('Type/id' or a url)."""
    parts: list[str] = []
    own: str | None = None
    inside = code in by_pat(type_)
    patients = [p for p in places if inside and p.startswith("Patient/")]
    if patients:
        keys = [patient_key(p[8:]) for p in patients]
        own = bind(keys[0]) if len(keys) == 1 else None
        sql = f"{h}.pat = {own}" if own else f"{h}.pat = ANY({bind(keys)}::int8[])"
        if len(patient_params(type_)) > 1:
            sql = f"({sql} AND NOT {h}.terms @> ARRAY[{bind(key(type_ + ELSEWHERE))}::int8])"
        parts.append(sql)
    others = [key64(f"{type_}.{code}|{p}") for p in places if not (inside and p.startswith("Patient/"))]
    if others:
        parts.append(has(h, others, bind))
    if not parts:
        return Cond("false")
    # several patients' rows (or a patient among other targets of a bare id) still need the type: pat does not tell it
    by_pat_ = bool(patients) and not others
    return Cond(any_of(parts), typed=not patients, pat=by_pat_, own=own if by_pat_ else None,
                steady=by_pat_ and len(patients) == 1, selective=not patients,
                keys=() if patients else tuple(others))  # fmt: skip


def where(ask: Ask, h: str, bind: Bind, base_url: str = "") -> Cond:
    if ask.modifier == "identifier":
        found = [k for v in ask.values for k in token_keys(ask.type, ask.param.code + ":identifier", v)]
        return Cond(has(h, found, bind), typed=True, selective=True, keys=tuple(found))
    if ask.modifier is not None and not definitions.is_type(ask.modifier):
        raise ask.unsupported()
    places = [p for v in ask.values for p in _wanted(ask, plain(v), base_url)]
    return to(ask.type, ask.param.code, places, h, bind)
