"""The one small error tree. Each door gives these a face: OperationOutcome, page fragment, HL7 ACK, DIMSE status.

    LongbienError
    ├── Invalid              the input is wrong: carries one Issue per fault         (REST 400, or 422 for content)
    ├── Unauthenticated      who are you                                             (401)
    ├── Forbidden            known, but not allowed                                  (403)
    ├── NotFound             no such thing, or none that this scope may know of      (404)
    ├── Gone                 was there, is deleted                                   (410)
    ├── Conflict             somebody else was first (409)
    │   └── Outdated         what can be searched by has changed since this process read it (409; the writer reads it and repeats)
    ├── PreconditionFailed   If-Match, If-None-Match, conditional found several      (412)
    ├── TooLarge             body, bundle or nesting over the limit                  (413)
    ├── TooMany              throttled; carries retry_after seconds                  (429)
    ├── NotSupported         the standard has it, we do not (yet)                    (400, 405 or 501)
    ├── Unavailable          a part we need is away; carries retry_after             (503)
    └── StorageFull          the disk is full: writes refused, reads go on           (507)

Messages are plain English sentences for logs and machines; a page translates by `code` through base.words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

Severity = Literal["fatal", "error", "warning", "information"]


class Issue(NamedTuple):
    """One OperationOutcome.issue. `code` is from http://hl7.org/fhir/issue-type; `expression` a FHIRPath such as
    `Patient.name[0].given[1]` (empty: the whole input)."""

    severity: Severity
    code: str
    text: str
    expression: str = ""


class LongbienError(Exception):
    status = 500
    code = "exception"

    def __init__(self, text: str, *, issues: Sequence[Issue] = (), code: str | None = None, status: int | None = None):
        super().__init__(text)
        self.text = text
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status
        self.issues: tuple[Issue, ...] = tuple(issues) or (Issue("error", self.code, text),)


class Invalid(LongbienError):
    status = 400
    code = "invalid"


class Unauthenticated(LongbienError):
    status = 401
    code = "login"


class Forbidden(LongbienError):
    status = 403
    code = "forbidden"


class NotFound(LongbienError):
    status = 404
    code = "not-found"


class Gone(LongbienError):
    status = 410
    code = "deleted"


class Conflict(LongbienError):
    status = 409
    code = "conflict"


class Outdated(Conflict):
    """Raised by the store's own statement; a writer outside a transaction repeats by itself (record.write.commit)."""


class Overtaken(Conflict):
    """Somebody else wrote the same between our look and our writing; the same once more would see it. Raised by base.db."""


class PreconditionFailed(LongbienError):
    status = 412
    code = "conflict"


class TooLarge(LongbienError):
    status = 413
    code = "too-long"


class TooMany(LongbienError):
    status = 429
    code = "throttled"

    def __init__(self, text: str, retry_after: int = 1):
        super().__init__(text)
        self.retry_after = retry_after


class NotSupported(LongbienError):
    status = 400
    code = "not-supported"


class Unavailable(LongbienError):
    status = 503
    code = "transient"

    def __init__(self, text: str, retry_after: int = 2):
        super().__init__(text)
        self.retry_after = retry_after


class StorageFull(LongbienError):
    status = 507
    code = "no-store"
