"""Asking the bank besides, in case a notification was lost: GET {url}?since=<moment> gives movements as a notification does, signed
alike. Only what was asked is believed: the answer's signature is looked at as a webhook's is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from longbien.base import clock, log
from longbien.base.errors import LongbienError, Unavailable
from longbien.base.outside import Outside
from longbien.record.engine import Engine

from . import notices
from .banks import Longbien
from .settings import MoneySettings

QUEUE = "money.poll"
BACK = timedelta(days=2)
"""How far back every question reaches: what was told already is known by its number."""
SECONDS, MOST = 20.0, 4 << 20
_log = log.get(__name__)


async def once(engine: Engine, outside: Outside, settings: MoneySettings) -> int | None:
    """Ask, keep what is new. The delivery's number, None where nothing new was said. Raises LongbienError."""
    since = (clock.now() - BACK).replace(second=0, microsecond=0)
    url = f"{settings.poll_url}?since={quote(since.isoformat())}"
    body = bytearray()
    async with outside.stream("GET", url, seconds=SECONDS, whole=True) as (status, headers, chunks):
        async for chunk in chunks:
            body += chunk
            if status != 200 or len(body) > MOST:
                raise Unavailable(f"The bank's answer cannot be used (status {status}).")
    Longbien(settings).check(headers, bytes(body), clock.now())
    return await notices.deliver(engine, "longbien", "poll", "longbien", bytes(body))


def job(engine: Engine) -> Any:
    settings, outside = MoneySettings.read(), Outside()

    async def run(payload: Mapping[str, Any]) -> datetime:
        if settings.poll_url:
            try:
                await once(engine, outside, settings)
            except LongbienError as why:
                _log.warning("the bank does not answer: %s", why.text)
        return clock.now() + timedelta(seconds=max(5.0, settings.poll_seconds))

    return run
