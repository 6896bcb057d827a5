"""Where this house is, as an app sees it: by the setting LONGBIEN_BASE_URL, else as the request says."""

from __future__ import annotations

import re

from .. import peer
from ..door import Door
from ..peer import Connection
from .tokens import Place

_HOST = re.compile(r"[A-Za-z0-9.\-]{1,253}(:\d{1,5})?\Z|\[[0-9a-fA-F:.]{2,45}\](:\d{1,5})?\Z")


def place(request: Connection, door: Door) -> Place:
    """issuer has no slash at its end; fhir is the address of the record."""
    fhir = door.base_url.rstrip("/")
    if not fhir:
        host = peer.header(request, b"host") or ""
        scheme = "https" if peer.peer(request, door.proxies).secure else "http"
        fhir = f"{scheme}://{host if _HOST.match(host) else 'localhost'}/fhir"
    return Place(fhir.removesuffix("/fhir"), fhir)
