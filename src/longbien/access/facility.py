"""A facility: its departments, and whether its clinicians see the patients of the whole house or of their own department."""

from __future__ import annotations

from longbien.base.errors import Forbidden
from longbien.base.sql import queries
from longbien.fhir import json
from longbien.record import trail
from longbien.record.engine import Engine
from longbien.record.search.keys import param_key
from longbien.record.types import number

from .actor import Actor
from .lines import by
from .roles import ACCOUNTS

Q = queries(__file__, "sql/cover.sql")


async def departments(engine: Engine, organization: str) -> dict[str, str]:
    """The departments of a facility: id -> name, by name. The directory is open to all staff."""
    rows = await engine.db.fetch(Q.departments, organization, param_key("Organization.partof"), number("Organization"))
    bodies = await engine.unpack_all([r["body"] for r in rows])
    named = {r["id"]: str(json.loads(body, strict=False).get("name") or r["id"]) for r, body in zip(rows, bodies, strict=True)}
    return dict(sorted(named.items(), key=lambda item: item[1]))


async def strict(engine: Engine, organization: str) -> bool:
    """Do its doctors and nurses see the patients of their own department only?"""
    return bool(await engine.db.fetchval(Q.strict, organization))


async def set_strict(engine: Engine, admin: Actor | None, organization: str, wanted: bool) -> None:
    """In force everywhere within a second; a trail line. `admin` None: the command line. Raises Forbidden (not the own
    facility)."""
    if admin is not None and (not admin.may(ACCOUNTS) or admin.organization not in (None, organization)):
        raise Forbidden(f"{admin.name} may not say who sees the patients of this facility.")
    await engine.db.execute(Q.set_strict, organization, wanted, admin.number if admin else 0)
    said = "to the patients of one's own department" if wanted else "to all patients of the facility"
    scope = by(admin.number if admin else 0, address=admin.address if admin else None, org=admin.org if admin else None)
    await engine.trail.write([trail.line(scope, "account", why=f"{organization}: doctors and nurses come {said}")])
