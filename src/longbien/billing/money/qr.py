"""A QR code as inline SVG, for pages and papers."""

from __future__ import annotations

import io

import segno
from markupsafe import Markup


def svg(text: str, label: str) -> Markup:
    """Black on white with its quiet zone; `label` is read aloud instead of it."""
    code = segno.make(text, error="m", micro=False)
    drawn = code.svg_inline(scale=1, border=4, omitsize=True, svgclass="qr-code", lineclass=None, dark="#000", light="#fff")
    inner = drawn[drawn.index(">") + 1 :]  # the modules as one path, and the end of the element
    size = code.symbol_size(border=4)[0]
    head = Markup('<svg class="qr-code" role="img" viewBox="0 0 {s} {s}" aria-label="{label}">').format(s=size, label=label)
    return head + Markup(inner)  # noqa: S704 - segno's own drawing


def png(text: str) -> bytes:
    """The same as a picture that a phone keeps and a bank's app opens."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="png", scale=12, border=4)
    return out.getvalue()


def modules(text: str) -> list[list[int]]:
    """Rows of 0 and 1, without the quiet zone, for a printed page."""
    return [[int(x) for x in row] for row in segno.make(text, error="m", micro=False).matrix]
