"""One request to the FHIR face: what the handlers need, each part made when first asked for (a read asks for little)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from longbien.base.errors import Invalid
from longbien.record.change import Stored
from longbien.record.store import Store

from .body import Place, Receive
from .negotiate import PLAIN, Preferences, Shape, preferences
from .settings import RestSettings

_HOST = re.compile(rb"[A-Za-z0-9.\-_\[\]:]{1,255}\Z")
MAX_PARAMETERS = 1000
Params = list[tuple[str, str]]


class Answer(NamedTuple):
    """What goes back. `body` is complete JSON, or empty. `stored`: the version that the answer is about (for batches)."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    stored: Stored | None = None
    stream: AsyncIterator[bytes] | None = None
    """Instead of a body that would be too large to hold: its pieces, and its size in bytes."""
    size: int = 0


class Request:
    """`headers`: lower-case names; of a repeated header the last."""

    given: dict[str, Any] | None = None
    """A batch entry's own resource instead of a body."""
    in_bundle = False
    """Whether it stands in an entry of a bundle."""
    shape: Shape = PLAIN
    """How the answer is to look."""

    def __init__(
        self, scope: Any, receive: Receive, headers: dict[bytes, bytes], store: Store, settings: RestSettings, place: Place
    ):
        self.scope = scope
        self.receive = receive
        self.headers = headers
        self.store = store
        self.settings = settings
        self.place = place

    def entry(self, method: str, query: bytes, headers: dict[bytes, bytes], given: dict[str, Any] | None, store: Store) -> Request:
        """A request that stands in an entry of this one's bundle."""
        inner = Request({"method": method, "query_string": query}, self.receive, headers, store, self.settings, self.place)
        inner.given = given
        inner.in_bundle = True
        inner.base_url = self.base_url
        return inner

    @property
    def method(self) -> str:
        method: str = self.scope["method"]
        return method

    @cached_property
    def params(self) -> Params:
        """The query's parameters in order, as text. Raises Invalid for what is not UTF-8 or holds NUL."""
        return parse(self.scope["query_string"])

    def param(self, name: str) -> str | None:
        """The last value of a parameter, None where it is not there."""
        if not self.scope["query_string"]:
            return None
        found = [v for k, v in self.params if k == name]
        return found[-1] if found else None

    @cached_property
    def prefer(self) -> Preferences:
        return preferences(self.headers.get(b"prefer", b""))

    @cached_property
    def base_url(self) -> str:
        """Where this server is, without a slash at the end: as set, else as the request says."""
        return self.settings.base_url.rstrip("/") or of_host(self.scope, self.headers)

    def has_body(self) -> bool:
        """Whether the client sends a body at all (an operation may be posted without one)."""
        return self.headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in self.headers

    def header(self, name: bytes) -> str | None:
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1").strip()


def of_host(scope: Any, headers: dict[bytes, bytes]) -> str:
    """http://host/fhir by the Host header; relative where there is none that could be one."""
    host = headers.get(b"host", b"")
    return f"{scope.get('scheme', 'http')}://{host.decode()}/fhir" if _HOST.match(host) else "/fhir"


def parse(query: bytes | str) -> Params:
    """application/x-www-form-urlencoded to parameters. Raises Invalid."""
    try:
        text = query.decode("ascii") if isinstance(query, bytes) else query
        found = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except UnicodeDecodeError:
        raise Invalid("The parameters are not percent-encoded UTF-8.", code="structure") from None
    except ValueError:
        raise Invalid(f"There are more than {MAX_PARAMETERS} parameters.", code="too-costly") from None
    for name, value in found:
        if "\0" in name or "\0" in value:
            raise Invalid("The character NUL is not allowed in a parameter.", code="value")
    return found
