"""Amounts of dong in English words, as a receipt says them beside the Vietnamese."""

from __future__ import annotations

_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_ONES = ("zero one two three four five six seven eight nine " + _TEENS).split()
_TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
_STEPS = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"))


def english(dong: int) -> str:
    """1284500 -> `One million two hundred and eighty-four thousand five hundred dong`."""
    said = " ".join(_whole(abs(dong)) or ["zero"])
    said = ("minus " if dong < 0 else "") + said + " dong"
    return said[0].upper() + said[1:]


def _whole(n: int) -> list[str]:
    out: list[str] = []
    for step, name in _STEPS:
        part, n = divmod(n, step)
        if part:
            out += [*_below(part, False), name]
    return out + (_below(n, bool(out)) if n else [])


def _below(n: int, after: bool) -> list[str]:
    hundreds, rest = divmod(n, 100)
    out = [_ONES[hundreds], "hundred"] if hundreds else []
    if rest:
        out += ["and"] if hundreds or after else []
        out.append(_ONES[rest] if rest < 20 else _TENS[rest // 10] + (f"-{_ONES[rest % 10]}" if rest % 10 else ""))
    return out
