"""Electronic invoices of paid bills, through a provider: made and signed once, handed in until it is taken, never twice taken.
What is handed out says what was paid and by whom, nothing of why somebody was ill. UNPROVEN: see wire/einvoice.py."""

from __future__ import annotations

import csv
import json as plain_json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple, Protocol

from longbien.access import housework
from longbien.base import clock, log
from longbien.base.errors import Invalid, LongbienError, Unavailable
from longbien.base.outside import Outside
from longbien.base.sql import queries
from longbien.base.words import in_words
from longbien.fhir import json
from longbien.record.engine import Engine
from longbien.web.chart.record import person
from longbien.wire import einvoice

from . import bills
from .accounts import TABLES
from .settings import EInvoiceSettings

Q = queries(__file__, "sql/einvoice.sql")
QUEUE = "money.einvoice"
EVERY, BACK, AT_ONCE = timedelta(minutes=1), timedelta(days=10), 50
_log = log.get(__name__)


class Answer(NamedTuple):
    """code: the provider's number of the invoice, or why it was not taken."""

    taken: bool
    code: str


class Provider(Protocol):
    async def submit(self, key: str, xml: bytes) -> Answer:
        """Hand it in. key: the same for the same bill, so that the provider knows a repetition. Raises LongbienError where there
        is no answer: then nobody knows, and the same is handed in again."""
        ...


class Http:
    """A provider by HTTP: POST of the XML with a key; 200 or 409 (known already) with {"number": "..."} is taken."""

    def __init__(self, settings: EInvoiceSettings, outside: Outside):
        self.url, self.token, self.outside = settings.url, settings.token, outside

    async def submit(self, key: str, xml: bytes) -> Answer:
        headers = [("content-type", "application/xml"), ("authorization", f"Bearer {self.token}"), ("idempotency-key", key)]
        reply = await self.outside.request("POST", self.url, headers, xml, seconds=20)
        try:
            said = plain_json.loads(reply.body)
        except ValueError:
            said = {}
        number = str(said.get("number") or "") if isinstance(said, dict) else ""
        return Answer(reply.status in (200, 201, 409) and bool(number), number or f"status {reply.status}")


@cache
def layout() -> tuple[tuple[str, str, bool], ...]:
    with (TABLES / "einvoice.csv").open(encoding="utf-8", newline="") as file:
        return tuple((r["path"], r["value"], r["required"] == "1") for r in csv.DictReader(file))


async def make(engine: Engine, invoice: str, settings: EInvoiceSettings) -> bytes:
    """The signed XML of a paid bill. Raises Invalid, NotFound."""
    b = await bills.one(engine.db, invoice)
    if b is None or b.owed or b.ended is not None:
        raise Invalid("Only a bill that is paid gets an electronic invoice.", code="business-rule")
    store = housework.store(engine, "electronic invoices", reads=frozenset({"Invoice", "Patient", "Organization"}))
    body = json.loads((await store.read("Invoice", invoice)).body)
    who = person(json.loads((await store.read("Patient", str(body["subject"]["reference"]).rpartition("/")[2])).body))
    place = json.loads((await store.read("Organization", b.facility)).body)
    values = {
        "series": settings.series, "day": clock.local(clock.now()).date().isoformat(), "means": "TM/CK",
        "seller": str(place.get("name") or ""),
        "tax_code": settings.tax_code, "buyer": who.name, "what": f"Dịch vụ khám bệnh, chữa bệnh theo hoá đơn {b.number}",
        "amount": str(b.amount), "words": in_words(b.amount),
    }  # fmt: skip
    return einvoice.sign(einvoice.build(layout(), values), settings.key.encode(), settings.certificate.encode())


async def hand_in(engine: Engine, invoice: str, provider: Provider, settings: EInvoiceSettings) -> Answer:
    """Made once (what is handed in again is the same, letter for letter), taken once."""
    known = await engine.db.fetchrow(Q.known, invoice)
    if known is None:
        await engine.db.execute(Q.put, invoice, await make(engine, invoice, settings))
        known = await engine.db.fetchrow(Q.known, invoice)
    if known is None or known["taken"]:
        return Answer(True, str(known["taken"]) if known else "")
    answer = await provider.submit(invoice, bytes(known["xml"]))
    await engine.db.execute(Q.answered, invoice, answer.taken, answer.code[:200])
    return answer


def job(engine: Engine) -> Any:
    """Hands in what waits, again and again; without a provider it sleeps."""
    settings, outside = EInvoiceSettings.read(), Outside()

    async def run(payload: Mapping[str, Any]) -> datetime:
        if settings.url:
            provider = Http(settings, outside)
            for r in await engine.db.fetch(Q.waiting, clock.now() - BACK, AT_ONCE):
                try:
                    await hand_in(engine, r["invoice"], provider, settings)
                except Unavailable as why:  # the provider, or the house: everybody waits
                    _log.warning("electronic invoice: %s", why.text)
                    break
                except LongbienError as why:  # this one: the others go on
                    _log.warning("electronic invoice of Invoice/%s: %s", r["invoice"], why.text)
                except Exception as why:
                    log.incident(_log, why)
        return clock.now() + EVERY

    return run
