"""Actor: who came in at the door. A person or a machine, known; there is no actor for nobody."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from longbien.record import ties
from longbien.record.index import org_key

from .reach import ORDINARY, Reach
from .roles import ROLES, Permission, Role
from .smart import Held


class Through(NamedTuple):
    """The app that acts for somebody. number: app.number. patient: id of the patient in context."""

    number: int
    client_id: str
    name: str
    patient: str | None
    grant: int | None = None


METHODS = ("passkey", "password", "password+totp", "password+recovery", "badge+pin", "invitation", "provider")
"""How people come in. With a passkey the authenticator has asked for a PIN, a face or a finger: two factors in one."""


@dataclass(frozen=True)
class Actor:
    """number: account.number, the actor in the trail. held: what a token's scope leaves (None: no token, the role decides). app:
    which app acts for this person; an app speaks FHIR and may open no page. cert: the certificate that the token is bound to.
    organization, department, practitioner: resource ids. patient: id of the Patient whose own account this is. token: the number of
    the token. reach: what narrows and widens the rows of the role. method: how the person came in, one of METHODS ("" for
    machines). factors: how many were shown; 0: nothing is open but the page where one is set up. locked: the screen is; the door
    lets nobody through."""

    number: int
    login: str
    kind: str
    name: str
    role: str
    practitioner: str | None = None
    organization: str | None = None
    department: str | None = None
    address: str | None = field(default=None, compare=False)
    token: int | None = None
    patient: str | None = None
    reach: Reach = ORDINARY
    method: str = ""
    factors: int = 1
    locked: bool = False
    held: Held | None = None
    app: Through | None = None
    cert: bytes | None = None

    @property
    def person(self) -> bool:
        return self.kind == "person"

    @property
    def known_role(self) -> Role | None:
        """None for a role that is in no table: such an actor may do nothing."""
        return ROLES.get(self.role)

    @property
    def own_ends(self) -> tuple[int, ...]:
        """Keys of the ties that are this person's or their department's by name."""
        named = (("Practitioner", self.practitioner), ("Organization", self.department))
        return tuple(ties.who(f"{type_}/{id_}") for type_, id_ in named if id_)

    @property
    def org(self) -> int | None:
        return org_key(self.organization) if self.organization else None

    def may(self, permission: Permission) -> bool:
        return self.app is None and self.role in permission.roles
