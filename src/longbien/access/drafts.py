"""Drafts: what somebody is writing on a patient's chart and has not signed. Theirs alone; kept until signed or thrown away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from longbien.base.db import Database, Row
from longbien.base.errors import Invalid
from longbien.base.ids import patient_key
from longbien.base.sql import queries

from .actor import Actor

Q = queries(__file__, "sql/access.sql")
LARGEST = 256 * 1024


def _pat(patient_id: str | None) -> int:
    return patient_key(patient_id) if patient_id else 0


async def save(db: Database, actor: Actor, patient_id: str | None, form: str, content: str) -> datetime:
    """Keep `content` (the form's own JSON, at most 256 KiB). Gives when it was saved. Raises Invalid."""
    if not 1 <= len(form) <= 200 or "\0" in form or "\0" in content:
        raise Invalid("A draft needs a form's name of 1 to 200 characters, and no NUL.", code="value")
    if len(content.encode("utf-8", "replace")) > LARGEST:
        raise Invalid("A draft may have at most 256 KiB.", code="too-long")
    saved: datetime = await db.fetchval(Q.draft_save, actor.number, _pat(patient_id), form, content)
    return saved


async def replace(
    db: Database, actor: Actor, patient_id: str | None, form: str, content: str, saved: datetime
) -> datetime | None:  # fmt: skip
    """As save, over the draft that was saved then only; None when it was changed or dropped meanwhile. Raises Invalid."""
    if len(content.encode("utf-8", "replace")) > LARGEST or "\0" in content:
        raise Invalid("A draft may have at most 256 KiB, and no NUL.", code="too-long")
    found: datetime | None = await db.fetchval(Q.draft_replace, actor.number, _pat(patient_id), form, content, saved)
    return found


async def load(db: Database, actor: Actor, patient_id: str | None, form: str) -> tuple[str, datetime] | None:
    """(content, when saved), or None."""
    row = await db.fetchrow(Q.draft_load, actor.number, _pat(patient_id), form)
    return (row["content"], row["updated"]) if row else None


async def listed(db: Database, actor: Actor, patient_id: str | None) -> Sequence[Row]:
    """What this actor has open on this patient: form, updated; newest first."""
    return await db.fetch(Q.draft_list, actor.number, _pat(patient_id))


async def drop(db: Database, actor: Actor, patient_id: str | None, form: str) -> None:
    await db.execute(Q.draft_drop, actor.number, _pat(patient_id), form)
