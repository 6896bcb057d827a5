"""GET [base]/.well-known/smart-configuration - https://hl7.org/fhir/smart-app-launch/conformance.html

Open to all: where an app asks, and what it may ask for."""

from __future__ import annotations

import json
from typing import Any

from longbien.access import peer
from longbien.access.apps import address
from longbien.access.apps.discovery import smart_configuration
from longbien.access.settings import AccessSettings

from .faults import NotAllowed
from .negotiate import PLAIN, Shape
from .request import Answer
from .settings import RestSettings


async def well_known(scope: Any, headers: dict[bytes, bytes], settings: RestSettings) -> tuple[Answer, Shape]:
    if scope["method"] not in ("GET", "HEAD"):
        raise NotAllowed("smart-configuration can only be read.", "GET, HEAD")
    access = AccessSettings.read()
    place = address.of(scope, settings.base_url, peer.networks(access.trusted_proxies))
    said = smart_configuration(place.issuer, access.app_registration)
    more = ((b"content-type", b"application/json"), (b"access-control-allow-origin", b"*"))
    return Answer(200, json.dumps(said).encode(), more), PLAIN
