"""Templates: one environment, every page in the reader's language, strict about what it is not given."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ..base import clock
from ..base.words import LANGUAGES, underline, words
from . import assets
from .chart import axis as axes
from .icons import BRIDGE, icon

#: On every answer of a page, whatever became of it. No inline script, nothing from elsewhere; style attributes (not style elements)
#: place marks on the axis.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; "
        "style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
    "Vary": "Accept-Encoding, Cookie, Sec-Fetch-Site",
}
_LEVEL = 3  # the largest chart: 5 ms; level 6 saves an eighth of the bytes for three times the effort

#: Folders of templates: ours, and each department's own (templates/<department>/).
ROOTS = [Path(__file__).parent / "templates"]


def add_roots(folders: Sequence[Path]) -> None:
    """Look for templates there too."""
    ROOTS[1:] = folders
    environment.cache_clear()


def packed(page: bytes) -> bytes:
    """gzip. Many pages hold megabytes of marks that are much alike."""
    machine = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)
    return machine.compress(page) + machine.flush()


@cache
def environment() -> jinja2.Environment:
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOTS),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    env.globals.update(
        icon=icon, bridge=BRIDGE, asset=assets.url, underline=underline, languages=LANGUAGES, titles=axes.TITLES, Markup=Markup
    )
    return env


def html(template: str, lang: str, **context: Any) -> str:
    """A template in one language: `w` and `_` are its Words, `now` the present unless given."""
    w = words(lang)
    given: dict[str, Any] = {
        "now": clock.now(),
        "me": None,
        "csrf": "",
        "toast": "",
        "user": "",
        "lock": 0,
        "nav": "",
        "query": "",
        "demo": False,
        "navs": (),
        **context,
    }
    moment: datetime = given["now"]
    text = environment().get_template(template).render(w=w, _=w, lang=w.lang, today=clock.local(moment).date(), **given)
    return text
