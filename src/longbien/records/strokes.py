"""What a patient drew on the screen: strokes of points -> a picture. Pure; nothing but numbers comes through."""

from __future__ import annotations

import json
import re

from longbien.base.errors import Invalid

MOST_POINTS, LEAST_POINTS = 4000, 12
WIDTH, HEIGHT = 600, 300
_NUMBERS = re.compile(r"[\[\]\d,.\s]*\Z")


def svg(text: str) -> str:
    """[[[x, y], ...], ...] in a field of 600 x 300 as an SVG drawing. Raises Invalid: nothing was drawn, or it is no drawing."""
    if not text.strip():
        raise Invalid("Nothing is drawn yet.")
    if len(text) > 100_000 or not _NUMBERS.match(text):
        raise Invalid("This is no drawing.")
    try:
        strokes = [[(float(x), float(y)) for x, y in stroke] for stroke in json.loads(text)]
    except (ValueError, TypeError, RecursionError):
        raise Invalid("This is no drawing.") from None
    points = [p for stroke in strokes for p in stroke]
    if len(points) > MOST_POINTS:
        raise Invalid("This is no drawing.")
    if len(points) < LEAST_POINTS:
        raise Invalid("Nothing is drawn yet.")
    if not all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points):
        raise Invalid("This is no drawing.")
    paths = "".join(f'<path d="M{" L".join(f"{x:.1f} {y:.1f}" for x, y in stroke)}"/>' for stroke in strokes if stroke)
    xs, ys = [x for x, _ in points], [y for _, y in points]
    box = f"{min(xs) - 8:.0f} {min(ys) - 8:.0f} {max(xs) - min(xs) + 16:.0f} {max(ys) - min(ys) + 16:.0f}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" fill="none" stroke="#1a2b6d" stroke-width="5"'
        f' stroke-linecap="round" stroke-linejoin="round">{paths}</svg>'
    )
