"""People and requests for the tests of the door."""

from __future__ import annotations

import secrets
from typing import Any

from longbien.access.accounts import NewAccount, create
from longbien.access.door import Door
from longbien.access.settings import AccessSettings

CHEAP = AccessSettings(password_time=1, password_memory=64, second_factor_roles="")
PASSWORD = "mưa rào tháng bảy"


def request(
    *, method: str = "GET", address: str = "10.0.0.1", scheme: str = "http", type: str = "http", **headers: str
) -> dict[str, Any]:
    """An ASGI scope. Header names with _ for -."""
    pairs = [(b"host", b"testserver")] + [(k.lower().replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    return {"type": type, "method": method, "scheme": scheme, "client": (address, 5000), "headers": pairs, "path": "/"}


def cookie_of(set_cookie: str) -> str:
    return set_cookie.split(";")[0]


async def person(
    door: Door, role: str = "doctor", organization: str | None = "bv-sn", *, name: str = "Lê Hoàng Minh",
    department: str | None = None, practitioner: str | None = None,
) -> str:  # fmt: skip
    """A new account; gives its login."""
    login = f"t.{secrets.token_hex(4)}"
    await create(door.engine, door.hasher, None, NewAccount(login, name, role, practitioner, organization, department), PASSWORD)
    return login


async def signed_in(door: Door, role: str = "doctor", organization: str | None = "bv-sn", **more: Any) -> tuple[Any, str]:
    """(actor, cookie) of a new person."""
    login = await person(door, role, organization, **more)
    made = await door.sign_in(request(method="POST"), login, PASSWORD)
    return made.actor, cookie_of(made.set_cookie)
