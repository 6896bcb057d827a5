"""Where claims go and how. Names and passwords of each facility stand in one file, never in an environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longbien.base.config import Settings, setting
from longbien.base.errors import Unavailable


class ClaimsSettings(Settings):
    accounts: Path | None = setting(
        "LONGBIEN_CLAIMS_ACCOUNTS",
        None,
        "File (JSON) of the facilities that send claims: by claim code, the sign-in at the insurance portal and at the city's axis "
        "and the file (PKCS#12) of the key that signs. See docs/howto/claims.md. Empty: claims are made and checked, none is sent.",
    )
    portal: str = setting("LONGBIEN_CLAIMS_PORTAL", "https://egw.baohiemxahoi.gov.vn", "The insurance portal's gateway.")
    axis: str = setting("LONGBIEN_CLAIMS_AXIS", "https://axis-soyt.hanoi.gov.vn", "The city's data axis.")
    axis_login: str = setting("LONGBIEN_CLAIMS_AXIS_LOGIN", "https://auth-soyt.hanoi.gov.vn", "Where one signs in for the axis.")
    automatic: bool = setting(
        "LONGBIEN_CLAIMS_AUTOMATIC", False, "Claims without a fault are sent by themselves; false: an officer sends them."
    )
    annex: bool = setting("LONGBIEN_CLAIMS_ANNEX_ORDER", False, "Fields are written in the annex's order, not the usual senders'.")
    seconds: float = setting("LONGBIEN_CLAIMS_SECONDS", 60.0, "Seconds that a gateway may take for one answer.")


@dataclass(frozen=True)
class SignIn:
    name: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Account:
    """One facility. code: MACSKCB. portal, axis: None where it does not send there. key: the PKCS#12 file."""

    code: str
    portal: SignIn | None
    axis: SignIn | None
    key: Path | None = None
    key_password: str = field(default="", repr=False)


def accounts(settings: ClaimsSettings) -> Mapping[str, Account]:
    """By claim code. Raises Unavailable (never quoting the file) when it cannot be read."""
    if settings.accounts is None:
        return {}
    try:
        said = json.loads(settings.accounts.read_text("utf-8"))
        return {code: _account(code, one, settings.accounts.parent) for code, one in said.items()}
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as why:
        raise Unavailable(f"LONGBIEN_CLAIMS_ACCOUNTS cannot be read: {type(why).__name__}.") from None


def _account(code: str, said: Mapping[str, Any], folder: Path) -> Account:
    def sign_in(name: str) -> SignIn | None:
        one = said.get(name)
        return SignIn(str(one["name"]), str(one["password"])) if one else None

    key = folder / str(said["key"]) if said.get("key") else None
    return Account(code, sign_in("portal"), sign_in("axis"), key, str(said.get("key_password") or ""))
