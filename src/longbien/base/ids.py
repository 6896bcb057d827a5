"""Identities: public resource ids (UUIDv7) and the 64-bit keys that the store's indexes are made of."""

from __future__ import annotations

import os
import re
import time
from hashlib import blake2b

FHIR_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z")


def new_id() -> str:
    """A fresh UUIDv7 (RFC 9562): sorts by time, tells no other."""
    ms = time.time_ns() // 1_000_000
    n = (ms << 80) | (0x7 << 76) | (int.from_bytes(os.urandom(2)) & 0xFFF) << 64
    n |= (0b10 << 62) | (int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF)
    h = f"{n:032x}"
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def key64(text: str) -> int:
    """A signed 64-bit key of a text (blake2b-64). A filter, not proof: what must be exact is rechecked."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def patient_key(patient_id: str) -> int:
    """The key that every row of a patient's compartment carries (`pat`). Computed from the id alone, so that it is
    known before the Patient is, on any machine, and can be the distribution key. A unique index on Patient rows refuses
    the (2**-64) collision."""
    return key64("Patient/" + patient_id)
