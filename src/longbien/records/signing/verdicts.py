"""What the signatures of a file are worth, judged once a day: the same bytes, the same authorities and the same day give the
same answer. A house's own, kept in its process; a certificate that ends today is judged anew tomorrow."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from datetime import date
from typing import NamedTuple
from weakref import WeakKeyDictionary

from longbien.base import clock
from longbien.record.engine import Engine

from . import pades

MOST = 2000
"""Files whose verdict a process keeps."""


class Asked(NamedTuple):
    file: bytes
    roots: bytes
    day: date


_known: WeakKeyDictionary[Engine, OrderedDict[Asked, tuple[pades.Signature, ...]]] = WeakKeyDictionary()


async def of(engine: Engine, pdf: bytes, material: pades.Material) -> tuple[pades.Signature, ...]:
    """Every signature of a PDF, in order. Raises Invalid (no PDF), which is not kept."""
    roots = hashlib.sha256(b"".join(hashlib.sha256(r).digest() for r in sorted(material.roots))).digest()
    asked = Asked(hashlib.sha256(pdf).digest(), roots, clock.local(clock.now()).date())
    kept = _known.setdefault(engine, OrderedDict())
    if asked in kept:
        kept.move_to_end(asked)
        return kept[asked]
    kept[asked] = tuple(await pades.signatures(pdf, material))
    while len(kept) > MOST:
        kept.popitem(last=False)
    return kept[asked]
