"""Identity providers as a JSON list says it (LONGBIEN_OIDC: the text itself, or the path of a file). docs/howto/sign-in.md has
examples."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from longbien.base.errors import Invalid

_NAME = re.compile(r"[a-z0-9-]{1,40}\Z")


@dataclass(frozen=True)
class Provider:
    """name: in addresses and in the trail. whom: whose accounts it opens. match: "link" (only accounts that were linked by
    their owner) or "citizen" (VNeID by a licensed provider: the number, name and birth date it vouches for are compared with
    the record). acr: assurance levels that are asked for, one of which must be given. factors: how many it vouches for. claims:
    what it calls the number, name and birth date. hosts: more hosts that it may be called at, beside the issuer's. logout:
    whether signing out here also asks the provider to end its own session (where it can)."""

    name: str
    title: str
    issuer: str
    client_id: str
    client_secret: str = ""
    whom: Literal["staff", "patients"] = "staff"
    match: Literal["link", "citizen"] = "link"
    scopes: str = "openid"
    acr: tuple[str, ...] = ()
    factors: int = 1
    citizen_claim: str = "citizen_id"
    name_claim: str = "name"
    birth_claim: str = "birthdate"
    hosts: tuple[str, ...] = ()
    logout: bool = True

    @property
    def reach(self) -> str:
        """Hosts for base.outside: named by the operator, so they may be in the own network."""
        return ",".join([urlsplit(self.issuer).netloc, *self.hosts])


def read(text: str) -> tuple[Provider, ...]:
    """Raises Invalid, naming the provider and the field."""
    if not text.strip():
        return ()
    try:
        given = json.loads(text if text.lstrip()[:1] in "[{" else Path(text).expanduser().read_text("utf-8"))
    except (OSError, ValueError) as why:
        raise Invalid(f"LONGBIEN_OIDC cannot be read: {type(why).__name__}") from None
    found = tuple(_one(one) for one in (given if isinstance(given, list) else [given]))
    if len({p.name for p in found}) != len(found):
        raise Invalid("LONGBIEN_OIDC: two providers have the same name.")
    return found


def _one(given: Any) -> Provider:
    if not isinstance(given, dict):
        raise Invalid("LONGBIEN_OIDC: each provider is a JSON object.")
    values = dict(given)
    name = str(values.get("name", ""))
    if path := values.pop("client_secret_file", None):
        try:
            values["client_secret"] = Path(str(path)).expanduser().read_text("utf-8").strip()
        except OSError as why:
            raise Invalid(f"LONGBIEN_OIDC {name}: client_secret_file: {why.strerror}") from None
    for many in ("acr", "hosts"):
        if isinstance(values.get(many), list):
            values[many] = tuple(str(v) for v in values[many])
    try:
        made = Provider(**values)
    except TypeError:
        raise Invalid(f"LONGBIEN_OIDC {name}: a field is missing or not known.") from None
    _check(made)
    return made


def _check(p: Provider) -> None:
    issuer = urlsplit(p.issuer)
    wrong = {
        "name: 1 to 40 of a-z, 0-9, '-'": not _NAME.match(p.name),
        "issuer: an https address": issuer.scheme not in ("https", "http") or not issuer.netloc or bool(issuer.query),
        "whom: staff or patients": p.whom not in ("staff", "patients"),
        "match: link or citizen": p.match not in ("link", "citizen"),
        "logout: true or false": not isinstance(p.logout, bool),
        "factors: 1 or 2": p.factors not in (1, 2),
        "acr and hosts: lists": not isinstance(p.acr, tuple) or not isinstance(p.hosts, tuple),
        "a licensed provider of VNeID names the assurance levels that are enough (acr)": p.match == "citizen" and not p.acr,
        "scopes: with openid": "openid" not in p.scopes.split(),
    }
    for what, bad in wrong.items():
        if bad:
            raise Invalid(f"LONGBIEN_OIDC {p.name[:40]}: {what}.")
