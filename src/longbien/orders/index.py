"""Finding what can be ordered: words in any order, with or without tones, beginnings, abbreviations, one slip of the finger.

Pure and in memory: about 1,100 items, some 4,000 words. A question of three words takes about a millisecond."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import lru_cache

from ..base.fold import fold
from ..base.words import toned
from .definitions import Item

_WORD = re.compile(r"[a-z0-9]+(?:[.,]\d+)?")
EXACT, BEGINS, ALIAS, INITIALS, SLIP, AROUND = 0, 1, 2, 2, 5, 6
"""What a found word costs: the name's own word, a beginning of one, another name, first letters, one slip, a word of the group or
of a diagnosis that it is used for."""
SHORTEST_SLIP = 4
MOST_WORDS = 8

#: What staff say for a kind of machine, by the beginning of its folded name.
SPOKEN = (
    ("chup x-quang", "xq xquang"), ("sieu am", "sa"), ("chup cat lop", "ct clvt"), ("chup cong huong tu", "mri cht"),
    ("noi soi", "ns"), ("dien tim", "ecg dtd"), ("dien tam do", "ecg dtd"), ("dien nao", "eeg dnd"),
)  # fmt: skip


def words(text: str) -> list[str]:
    """Folded words of a text, numbers whole: 'Paracetamol 0,5 g' -> ['paracetamol', '0,5', 'g']."""
    return _WORD.findall(fold(text))


def initials(text: str) -> str:
    """First letters of a name: Điện giải đồ -> dgd."""
    return "".join(w[0] for w in words(text)[:8])


_VERBS = ("dinh luong ", "chup ", "do ", "xet nghiem ", "theo doi ")


def core(name: str) -> str:
    """A name's words without the verb that all of its kind begin with: Định lượng kali -> kali."""
    text = " ".join(words(name))
    return next((text.removeprefix(v) for v in _VERBS if text.startswith(v)), text)


class Index:
    """The items of one moment. `spoken`: aliases of diagnoses by ICD-10 code, for questions such as 'khang sinh vp'."""

    def __init__(self, items: Iterable[Item], spoken: Mapping[str, str] | None = None):
        self.items = tuple(items)
        self.by_id = {i.id: i for i in self.items}
        self.by_code = {(i.kind, i.key): i for i in self.items}
        self.by_url = {i.url: i for i in self.items if i.url}
        self._posts: dict[str, dict[int, int]] = {}
        for n, item in enumerate(self.items):
            for word, cost in _costs(item, spoken or {}):
                post = self._posts.setdefault(word, {})
                post[n] = min(cost, post.get(n, cost))
        self._words = sorted(self._posts)
        self._names = [core(i.vi) for i in self.items]
        self._tones = [toned(i.vi) for i in self.items]
        self._found = lru_cache(2048)(self._find_word)

    def _find_word(self, word: str) -> dict[int, int]:
        """Item number -> the least that this word costs there."""
        out: dict[int, int] = {}
        for at in range(bisect_left(self._words, word), len(self._words)):
            known = self._words[at]
            if not known.startswith(word):
                break
            extra = 0 if known == word else BEGINS
            for n, cost in self._posts[known].items():
                if n not in out or cost + extra < out[n]:
                    out[n] = cost + extra
        if not out and len(word) >= SHORTEST_SLIP and not word.isdigit():
            for known in self._words:
                if slips(word, known):
                    for n, cost in self._posts[known].items():
                        out[n] = min(out.get(n, SLIP + cost), SLIP + cost)
        return out

    def search(
        self, text: str, now: datetime, *, kinds: Collection[str] | None = None, limit: int = 12,
        favours: Collection[str] = (), own: Mapping[str, int] | None = None,
    ) -> list[Item]:  # fmt: skip
        """The items offered now that hold every word of `text`, the most fitting first. `favours`: ICD-10 codes of the patient's
        diagnoses; `own`: how often the reader ordered what, by definition id: both only decide among equals."""
        asked = words(text)[:MOST_WORDS]
        if not asked:
            return []
        found = [self._found(w) for w in asked]
        numbers = set(found[0]).intersection(*found[1:])
        code = fold(text)
        whole, tones = " ".join(asked), toned(text)
        marked = tones != " ".join(fold(text).split())
        diagnoses = set(favours) | {c.split(".")[0] for c in favours}

        def rank(n: int) -> tuple[int | bool | str, ...]:
            item, name = self.items[n], self._names[n]
            return (
                fold(item.key) != code,
                sum(f[n] for f in found) - 2 * name.startswith(whole) - 2 * (name == whole) + item.high_alert,
                marked and tones not in self._tones[n],
                not (item.favours & diagnoses),
                -min((own or {}).get(item.id, 0), 50),
                item.kind == "set",
                item.rank,
                len(item.vi),
                item.id,
            )

        kept = [n for n in numbers if (kinds is None or self.items[n].kind in kinds) and self.items[n].offered(now)]
        return [self.items[n] for n in sorted(kept, key=rank)[:limit]]


def _costs(item: Item, spoken: Mapping[str, str]) -> Iterable[tuple[str, int]]:
    for word in words(item.vi):
        yield word, EXACT
    name = fold(item.vi)
    for begins, said in SPOKEN:
        if begins in name:
            for word in said.split():
                yield word, EXACT
    for word in (*words(item.en), *words(item.key)):
        yield word, ALIAS
    for alias in item.aliases:
        for word in words(alias):
            yield word, ALIAS
        yield "".join(words(alias)), ALIAS
    for _, code in item.codes():
        yield fold(code), ALIAS
    if len(first := initials(item.vi)) >= 3:
        yield first, INITIALS
    for text in (item.group, *(spoken.get(icd, "") for icd in item.favours)):
        for word in words(text):
            yield word, AROUND


def slips(a: str, b: str) -> bool:
    """Is `b`, or its beginning, `a` with one letter wrong, missing, too many or two swapped? The first letter is trusted."""
    if a[0] != b[0] or len(b) < len(a) - 1:
        return False
    at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    x, y = a[at:], b[at:]
    return (
        y[1:].startswith(x[1:])  # one wrong
        or y.startswith(x[1:])  # one too many
        or y[1:].startswith(x)  # one missing
        or (len(x) > 1 and len(y) > 1 and x[0] == y[1] and x[1] == y[0] and y[2:].startswith(x[2:]))
    )
