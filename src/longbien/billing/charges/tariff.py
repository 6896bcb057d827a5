"""Price lists: dated, by facility, kept in the record as ChargeItemDefinitions and in memory as an index.

One definition says what one thing costs at one facility (or at every one) from one day on: the facility's price, what the insurance
pays from, the price on demand. What was done is charged at the price in force on its own day, whatever is decided later."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary

import msgspec

from longbien.base.ids import key64
from longbien.base.sql import queries
from longbien.fhir import systems as s
from longbien.record.engine import Engine
from longbien.record.scope import Scope
from longbien.record.types import number
from longbien.web.desk import scoped

Q = queries(__file__, "sql/charges.sql")
OWN = "https://longbien.org/fhir"
EXT_TARIFF = f"{OWN}/StructureDefinition/tariff"
PRICE_KIND = f"{OWN}/CodeSystem/price-kind"
CLAIM_CODE = f"{OWN}/CodeSystem/claim-code"
SYSTEMS = {"lab": s.LAB, "imaging": s.IMAGING, "drug": s.DRUG, "service": s.SERVICE, "supply": f"{OWN}/CodeSystem/supply"}
"""The kinds of things that have prices -> the code system of the house's own code."""
KINDS = {system: kind for kind, system in SYSTEMS.items()}
EVERYWHERE = ""
REFRESH = 5.0
"""Seconds until it is asked again whether a price has changed (`stale` says so at once in this process)."""
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Price:
    """What a thing costs. kind: a key of SYSTEMS; code: the house's own. facility: id of an Organization, "" every facility.
    begins, ends: days, both included (ends None: until told otherwise). price, insured, demand: dong; insured 0: the insurance
    does not pay it; demand None: is not sold on demand. group: MA_NHOM. claim: the code that a claim carries. covered:
    TYLE_TT_BH, per cent. ceiling: T_TRANTT, where the insurance pays no more. package: code of the package rule. demo: an
    invented price."""

    kind: str
    code: str
    name: str
    unit: str
    group: str
    begins: date
    price: Decimal
    insured: Decimal
    demand: Decimal | None = None
    ends: date | None = None
    facility: str = EVERYWHERE
    claim: str = ""
    covered: Decimal = Decimal(100)
    ceiling: Decimal | None = None
    demo: bool = False
    source: str = ""

    @property
    def id(self) -> str:
        """Of its ChargeItemDefinition: made of what the price is for and from when, so that one day has one price."""
        return f"gia-{key64(f'{self.facility}/{self.kind}/{self.code}/{self.begins}') & (2**64 - 1):016x}"

    def runs(self, day: date) -> bool:
        return self.begins <= day and (self.ends is None or day <= self.ends)


def _amount(kind: str, value: Decimal) -> Resource:
    code = {"coding": [{"system": PRICE_KIND, "code": kind}]}
    return {"type": "base" if kind == "facility" else "informational", "code": code, "amount": {"value": value, "currency": "VND"}}


def definition(p: Price) -> Resource:
    """The ChargeItemDefinition of a price."""
    own = {"system": SYSTEMS[p.kind], "code": p.code}
    claim = [{"system": CLAIM_CODE, "code": p.claim}] if p.claim else []
    components = [_amount("facility", p.price), _amount("insurance", p.insured)]
    if p.demand is not None:
        components.append(_amount("on-demand", p.demand))
    said: list[Resource] = [
        {"url": "group", "valueCode": p.group},
        {"url": "unit", "valueString": p.unit or "lần"},
        {"url": "covered", "valueDecimal": p.covered},
        {"url": "demo", "valueBoolean": p.demo},
    ]
    if p.ceiling is not None:
        said.append({"url": "ceiling", "valueDecimal": p.ceiling})
    if p.source:
        said.append({"url": "source", "valueString": p.source})
    out: Resource = {
        "resourceType": "ChargeItemDefinition",
        "id": p.id,
        "url": f"{OWN}/ChargeItemDefinition/{p.id}",
        "title": p.name,
        "status": "active",
        "extension": [{"url": EXT_TARIFF, "extension": said}],
        "effectivePeriod": {"start": p.begins.isoformat()} | ({"end": p.ends.isoformat()} if p.ends else {}),
        "code": {"coding": [own, *claim], "text": p.name},
        "propertyGroup": [{"priceComponent": components}],
    }
    if p.facility:
        venue = {"system": "http://terminology.hl7.org/CodeSystem/usage-context-type", "code": "venue"}
        out["useContext"] = [{"code": venue, "valueReference": {"reference": f"Organization/{p.facility}"}}]
    return out


def read(resource: Mapping[str, Any]) -> Price | None:
    """The price that a ChargeItemDefinition says; None for one that is not of the house's shape, or no longer active."""
    codings = (resource.get("code") or {}).get("coding") or ()
    own = next((c for c in codings if c.get("system") in KINDS), None)
    said = next((x for x in resource.get("extension") or () if x.get("url") == EXT_TARIFF), None)
    start = str((resource.get("effectivePeriod") or {}).get("start") or "")[:10]
    if own is None or said is None or resource.get("status") != "active" or len(start) != 10:
        return None
    more = {x["url"]: next((v for k, v in x.items() if k.startswith("value")), None) for x in said.get("extension") or ()}
    amounts = {
        (c.get("code") or {}).get("coding", [{}])[0].get("code"): Decimal((c.get("amount") or {}).get("value", 0))
        for g in resource.get("propertyGroup") or () for c in g.get("priceComponent") or ()
    }  # fmt: skip
    end = str((resource.get("effectivePeriod") or {}).get("end") or "")[:10]
    venue = next((str((u.get("valueReference") or {}).get("reference") or "") for u in resource.get("useContext") or ()), "")
    ceiling = more.get("ceiling")
    return Price(
        KINDS[own["system"]], str(own.get("code")), str(resource.get("title") or ""), str(more.get("unit") or ""),
        str(more.get("group") or "19"), date.fromisoformat(start), amounts.get("facility", Decimal(0)),
        amounts.get("insurance", Decimal(0)), amounts.get("on-demand"), date.fromisoformat(end) if end else None,
        venue.removeprefix("Organization/"), next((str(c["code"]) for c in codings if c.get("system") == CLAIM_CODE), ""),
        Decimal(str(more.get("covered", 100))), None if ceiling is None else Decimal(str(ceiling)), bool(more.get("demo")),
        str(more.get("source") or ""),
    )  # fmt: skip


class Tariff:
    """Prices by what they are for. Pure."""

    def __init__(self, prices: Iterable[Price] = ()):
        self.of: dict[tuple[str, str], list[Price]] = {}
        for p in prices:
            self.of.setdefault((p.kind, p.code), []).append(p)
        for listed in self.of.values():
            listed.sort(key=lambda p: (bool(p.facility), p.begins), reverse=True)

    def price(self, kind: str, code: str, facility: str, day: date) -> Price | None:
        """The price in force on a day: the facility's own before one for every facility, of several the one that began last."""
        here = (p for p in self.of.get((kind, code), ()) if p.facility in (facility, EVERYWHERE) and p.runs(day))
        return next(here, None)

    def all(self) -> list[Price]:
        return [p for listed in self.of.values() for p in listed]


class _Kept:
    def __init__(self) -> None:
        self.tariff = Tariff()
        self.mark: Any = None
        self.asked = float("-inf")
        self.lock = asyncio.Lock()


_kept: WeakKeyDictionary[Engine, _Kept] = WeakKeyDictionary()


def _of(engine: Engine) -> _Kept:
    found = _kept.get(engine)
    if found is None:
        found = _kept[engine] = _Kept()
    return found


def stale(engine: Engine) -> None:
    """A price was written here: look before the next answer."""
    _of(engine).asked = float("-inf")


async def fresh(engine: Engine, scope: Scope) -> Tariff:
    """All prices, read again where one has changed."""
    kept = _of(engine)
    if time.monotonic() - kept.asked > REFRESH:
        async with kept.lock:
            if time.monotonic() - kept.asked > REFRESH:
                await _look(engine, scope, kept)
                kept.asked = time.monotonic()
    return kept.tariff


async def _look(engine: Engine, scope: Scope, kept: _Kept) -> None:
    type_ = number("ChargeItemDefinition")
    row = await engine.db.fetchrow(Q.changed, type_)
    found = (row["n"], row["at"]) if row else None
    if found == kept.mark:
        return
    sql, args = scoped(scope, Q.definitions, type_)
    bodies = await engine.unpack_all([r["body"] for r in await engine.db.fetch(sql, *args)])
    kept.tariff = await asyncio.to_thread(lambda: Tariff(p for b in bodies if (p := read(_decode(b))) is not None))
    kept.mark = found


async def price(engine: Engine, scope: Scope, kind: str, code: str, facility: str, day: date) -> Price | None:
    """The price in force on a day at a facility (id of its Organization); None: it has none there."""
    return (await fresh(engine, scope)).price(kind, code, facility, day)
