"""Where this house is, as an app sees it: by the setting LONGBIEN_BASE_URL, else as the request says."""

from __future__ import annotations

import re

from .. import peer
from ..door import Door
from ..peer import Connection, Network
from .tokens import Place

_HOST = re.compile(r"[A-Za-z0-9.\-]{1,253}(:\d{1,5})?\Z|\[[0-9a-fA-F:.]{2,45}\](:\d{1,5})?\Z")


def place(request: Connection, door: Door) -> Place:
    return of(request, door.base_url, door.proxies)


def of(request: Connection, base_url: str, proxies: tuple[Network, ...]) -> Place:
    """issuer has no slash at its end; fhir is the address of the record."""
    fhir = base_url.rstrip("/")
    if not fhir:
        host = peer.header(request, b"host") or ""
        scheme = "https" if peer.peer(request, proxies).secure else "http"
        fhir = f"{scheme}://{host if _HOST.match(host) else 'localhost'}/fhir"
    return Place(fhir.removesuffix("/fhir"), fhir)
