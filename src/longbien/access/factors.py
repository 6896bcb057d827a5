"""How many factors a way of coming in must have shown. One place, so that it can be read: TCVN 14423 asks for a second factor
or for a password of 14 characters; a facility asks for more of some roles."""

from __future__ import annotations

from typing import Literal

from longbien.base.db import Row

from .roles import PATIENTS
from .settings import AccessSettings

Verdict = Literal["enough", "code", "set-up"]
"""enough: come in. code: one more must be shown. set-up: there is none yet; nothing is open before one was made."""


def always(role: str, settings: AccessSettings) -> bool:
    """Whether this role needs a second factor whatever its password."""
    listed = {part.strip() for part in settings.second_factor_roles.split(",")}
    return role not in PATIENTS and (role in listed or "*" in listed)


def verdict(account: Row, length: int, settings: AccessSettings) -> Verdict:
    """After one factor was right: a password of `length` characters, or a provider that vouches for one factor. `account`: a
    row of account_full. The demo's people show none: everybody has their passwords."""
    if account["totp"]:
        return "code"
    if account["demo"] or account["role"] in PATIENTS:
        return "enough"
    if not always(account["role"], settings) and length >= settings.password_length:
        return "enough"
    return "code" if account["passkey"] else "set-up"
