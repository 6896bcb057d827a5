"""Everything that goes wrong becomes an OperationOutcome. http://hl7.org/fhir/R4/http.html#Status-Codes"""

from __future__ import annotations

from longbien.base import log
from longbien.base.db import ours
from longbien.base.errors import Issue, LongbienError, TooMany, Unauthenticated, Unavailable
from longbien.fhir import json as fhir_json
from longbien.fhir.outcome import outcome

from .request import Answer

_log = log.get(__name__)


class NotAllowed(LongbienError):
    """405: the address is known, the method is not for it. `allow` are the methods that are."""

    status = 405
    code = "not-supported"

    def __init__(self, text: str, allow: str):
        super().__init__(text)
        self.allow = allow


def answer(error: BaseException) -> Answer:
    """The answer for any exception. What is not of our tree is a fault of ours: the client gets an incident number only."""
    mine = ours(error)
    if mine is None:
        return _incident(error)
    headers: list[tuple[bytes, bytes]] = []
    if isinstance(mine, TooMany | Unavailable):
        headers.append((b"retry-after", str(mine.retry_after).encode()))
    elif isinstance(mine, Unauthenticated):
        headers.append((b"www-authenticate", b'Bearer realm="Longbien"'))
    elif isinstance(mine, NotAllowed):
        headers.append((b"allow", mine.allow.encode()))
    return Answer(mine.status, body(mine.issues), tuple(headers))


def body(issues: tuple[Issue, ...]) -> bytes:
    return fhir_json.dumps(outcome(issues))


def _incident(error: BaseException) -> Answer:
    number = log.incident(_log, error)
    text = f"Something went wrong here that is not your fault. Incident {number}."
    return Answer(500, body((Issue("fatal", "exception", text),)))
