"""Code 128 (ISO/IEC 15417:2007): text as bars, and bars read back. For wristbands, specimen labels, forms.

    modules("BN0012345")  -> (2, 1, 1, 2, 3, 2, ...)   widths of bar, space, bar ... in modules, without the quiet zones
    read(widths)          -> "BN0012345"

Letters, digits and signs of ASCII 32-126 (code set B); runs of digits are packed two to a symbol (code set C) as annex E of the
standard says. A quiet zone of 10 modules belongs left and right of what is drawn."""

from __future__ import annotations

import re
from collections.abc import Sequence

from longbien.base.errors import Invalid

QUIET = 10
"""Modules of white on either side (clause 4.3.2)."""
_TABLE = """
    212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 123122
    123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 232121 111323
    131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 313121 211331 231131
    213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 111422 121124 121421 141122
    141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 111242 121142 121241 114212 124112
    124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141
    411131 211412 211214 211232 2331112"""
_PATTERNS = _TABLE.split()
"""Symbol values 0 to 106 as widths of bar, space, ... (table 1); 106 is the stop symbol."""
_VALUES = {p: n for n, p in enumerate(_PATTERNS)}
CODE_C, CODE_B, START_B, START_C, STOP = 99, 100, 104, 105, 106
MOST = 80


def symbols(text: str) -> list[int]:
    """The values of the symbols for `text`, with start, check digit and stop. Raises Invalid for what Code 128 B and C cannot
    hold."""
    if not text or len(text) > MOST or not re.fullmatch(r"[ -~]+", text):
        raise Invalid(f"A Code 128 holds 1 to {MOST} letters, digits and signs of ASCII.", code="value")
    values: list[int] = []
    mode = 0
    for run in re.findall(r"\d+|\D+", text):
        digits = run
        packs = run.isdigit() and _packs(run, text, begins=not values)
        if packs and len(run) % 2:  # the odd digit stays in code set B, in front
            mode = _switch(values, mode, CODE_B)
            values.append(ord(run[0]) - 32)
            digits = run[1:]
        mode = _switch(values, mode, CODE_C if packs else CODE_B)
        if packs:
            values += [int(digits[n : n + 2]) for n in range(0, len(digits), 2)]
        else:
            values += [ord(c) - 32 for c in digits]
    return [*values, _check(values), STOP]


def _packs(run: str, text: str, begins: bool) -> bool:
    """Whether a run of digits is shorter in code set C (annex E: four at either end, six inside, two alone)."""
    return len(run) >= 6 or (len(run) >= 4 and (begins or text.endswith(run))) or (run == text and len(run) == 2)


def modules(text: str) -> tuple[int, ...]:
    """Widths of bar, space, bar ..., beginning and ending with a bar; see the module's own words."""
    return tuple(int(w) for v in symbols(text) for w in _PATTERNS[v])


def bars(text: str) -> list[tuple[int, int]]:
    """(left edge, width) of each bar in modules, from the left end of the first, quiet zone not counted."""
    out, at = [], 0
    for n, width in enumerate(modules(text)):
        if n % 2 == 0:
            out.append((at, width))
        at += width
    return out


def width(text: str) -> int:
    """Modules from the first bar to the last."""
    return sum(modules(text))


def read(widths: Sequence[int]) -> str:
    """The text of bars as `modules` gives them. Raises Invalid for what is no Code 128 or whose check digit is wrong."""
    if len(widths) < 7 * 3 - 2 or (len(widths) - 7) % 6:
        raise Invalid("These bars are no Code 128.", code="structure")
    parts = ["".join(str(w) for w in widths[n : n + 6]) for n in range(0, len(widths) - 7, 6)]
    parts.append("".join(str(w) for w in widths[-7:]))
    try:
        values = [_VALUES[p] for p in parts]
    except KeyError:
        raise Invalid("These bars are no Code 128.", code="structure") from None
    *data, check, stop = values
    if stop != STOP or data[:1] not in ([START_B], [START_C]) or check != _check(data):
        raise Invalid("The check digit of this Code 128 is wrong.", code="value")
    return _text(data)


def _switch(values: list[int], mode: int, wanted: int) -> int:
    if mode != wanted:
        values.append(wanted if values else {CODE_B: START_B, CODE_C: START_C}[wanted])
    return wanted


def _check(values: Sequence[int]) -> int:
    """Modulo 103 of the start symbol and the others, each times its place (clause 4.3.5)."""
    return (values[0] + sum(n * v for n, v in enumerate(values))) % 103


def _text(values: Sequence[int]) -> str:
    mode = {START_B: CODE_B, START_C: CODE_C}[values[0]]
    out = []
    for v in values[1:]:
        if v == CODE_B or (v == CODE_C and mode == CODE_B):
            mode = v
        elif mode == CODE_C:
            out.append(f"{v:02d}")
        elif v < 95:
            out.append(chr(v + 32))
        else:
            raise Invalid("This Code 128 holds signs that are not read here.", code="not-supported")
    return "".join(out)
