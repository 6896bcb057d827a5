"""A Subscription is read when it is written: what cannot be served is refused there, with the reason, never accepted in silence.

The client asks (status requested) or stops (off); the server alone says active and error. Headers are kept where nobody reads."""

from __future__ import annotations

import json
from typing import Any

from longbien.base import clock
from longbien.base.db import Connection
from longbien.base.errors import Forbidden, Invalid, Issue, NotSupported, TooMany
from longbien.base.outside import Outside, Refused
from longbien.base.sql import queries
from longbien.record import matching, parameters
from longbien.record.change import Guarded
from longbien.record.engine import Engine
from longbien.record.scope import Scope

from . import plan
from .plan import Plan, wrong
from .settings import SubscriptionSettings

Q = queries(__file__, "sql/subscriptions.sql")


class Guard:
    """Engine.guards["Subscription"]. `base`: this server's address as others see it, empty where it is not set."""

    def __init__(self, outside: Outside, base: str, settings: SubscriptionSettings | None = None):
        self.outside = outside
        self.base = base.rstrip("/")
        self.settings = settings or SubscriptionSettings.read()

    async def __call__(self, engine: Engine, scope: Scope, change: Guarded, connection: Connection) -> dict[str, Any] | None:
        resource = change.resource
        if resource is None:
            await connection.execute(Q.drop, change.rid)
            return None
        if scope.actor == 0:  # the house itself: it writes how a subscription fares
            return resource
        before = await connection.fetchrow(Q.mine, change.rid)
        if before is not None and before["account"] != scope.actor:
            raise Forbidden("This subscription is another's: it may be deleted, not changed.")
        status = "off" if resource.get("status") == "off" else "requested"
        asked = await self._read(engine, scope, resource)
        ends = plan.ends(resource)
        if status != "off":
            await self._check(change, ends, connection)
        headers = plan.headers(resource, list(before["headers"]) if before else [])
        await connection.execute(
            Q.put, change.rid, change.id, scope.actor, scope.token, self.base, json.dumps(asked.as_json()), headers, status, ends
        )
        if status == "off":
            await connection.execute(Q.keep_waiting, change.rid)
        kept = {k: v for k, v in plan.masked(resource).items() if k != "error"}
        return kept | {"status": status}

    async def _read(self, engine: Engine, scope: Scope, resource: dict[str, Any]) -> Plan:
        asked = plan.read(resource)
        if asked.channel == "rest-hook":
            try:
                self.outside.check(asked.endpoint)
            except Refused as why:
                raise wrong(why.text, "Subscription.channel.endpoint", "business-rule") from None
        await parameters.fresh(engine.home.db)
        for trigger in asked.triggers:
            await self._searchable(engine, scope, trigger.type, trigger.current)
            await self._searchable(engine, scope, trigger.type, trigger.previous or ())
        if not asked.triggers:
            raise wrong("with these filters nothing of the topic is left.", "Subscription.criteria.extension")
        return asked

    async def _searchable(self, engine: Engine, scope: Scope, type_: str, params: tuple[tuple[str, str], ...]) -> None:
        """What a search would refuse is refused here. http://hl7.org/fhir/R4/subscription-definitions.html#Subscription.criteria"""
        try:
            await matching.check(engine, scope, matching.criteria(type_, params), self.base)
        except (Invalid, NotSupported) as why:
            issues = [
                Issue("error", i.code, f"The criteria cannot be searched for: {i.text}", "Subscription.criteria")
                for i in why.issues
            ]
            raise Invalid(issues[0].text, issues=issues, status=422) from None

    async def _check(self, change: Guarded, ends: Any, connection: Connection) -> None:
        if ends is not None and ends <= clock.now():
            raise wrong("its end has passed already.", "Subscription.end")
        if await connection.fetchval(Q.others, change.rid) >= self.settings.most:
            raise TooMany(f"There are {self.settings.most} subscriptions already.", 3600)
