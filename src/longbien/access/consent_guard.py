"""Asked of every write of a Consent: the ledger is only ever added to. What a patient has said in force is never changed or
deleted; it can end. Who takes one cares for the patient: four hours of a stated purpose are not enough to open a record for good.
The hash of what was said goes into the trail, in the same transaction, and is sealed there."""

from __future__ import annotations

from typing import Any

from longbien.base.errors import Forbidden, Invalid
from longbien.fhir import json
from longbien.record import trail
from longbien.record.change import Guarded, Resource
from longbien.record.directives import PRIVACY, counts
from longbien.record.index import rows
from longbien.record.scope import RowSQL, Scope
from longbien.record.types import number

from .consent import Q, content_hash

ENDED = ("inactive", "entered-in-error", "rejected")


async def guard(engine: Any, scope: Scope, change: Guarded, connection: Any) -> Resource | None:
    """Raises Invalid (422) for a change of what was said, Forbidden for who may not take a consent."""
    before = await _before(engine, change, connection)
    after = change.resource
    if before is not None and _ours(before) and before.get("status") in ("active", *ENDED):
        _only_ends(before, after)
    if after is None or not _ours(after):
        return after
    if counts(after):
        await _cares(scope, after, connection)
    if before is None or counts(after) or counts(before):
        pat = rows({**after, "id": change.id}).pat
        why = f"{after.get('status')}: sha256 {content_hash(after)}"
        line = trail.line(scope, "consent", pat=pat, rid=change.rid, ver=change.version, type=number("Consent"), why=why)
        await connection.execute(Q.line, [line])
    return after


def _ours(consent: Resource) -> bool:
    """A statement about who may see the record, in force or not."""
    codings = (consent.get("scope") or {}).get("coding") or ()
    return any(isinstance(c, dict) and c.get("code") == PRIVACY for c in codings)


async def _before(engine: Any, change: Guarded, connection: Any) -> Resource | None:
    if change.version == 1:
        return None
    row = await connection.fetchrow(Q.before, change.rid, change.version - 1)
    if row is None:
        return None
    found: Resource = json.loads(await engine.unpack(row["body"]), strict=False)
    return found


def _only_ends(before: Resource, after: Resource | None) -> None:
    if after is None:
        raise Invalid(
            "A consent is not deleted: set its status to inactive, or entered-in-error.", code="business-rule", status=422
        )
    if content_hash(before) != content_hash(after):
        text = "What a patient has said is not changed. Set this consent to inactive, and write a new one."
        raise Invalid(text, code="business-rule", status=422)
    if before.get("status") in ENDED and after.get("status") not in ENDED:
        raise Invalid("A consent that has ended does not begin again: write a new one.", code="business-rule", status=422)


async def _cares(scope: Scope, consent: Resource, connection: Any) -> None:
    if scope.unlimited or scope.begins is None:
        return
    args: list[Any] = [rows({**consent, "id": "x"}).pat]

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    may = scope.begins.sql(RowSQL("$1::bigint", f"{number('Patient')}::smallint"), bind)
    if not await connection.fetchval(f"SELECT {may}", *args):
        raise Forbidden(f"{scope.label} may not take this patient's consent: who cares for the patient, or reception, does.")
