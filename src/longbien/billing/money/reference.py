"""What a payer's bank carries along and how it is found again in whatever the bank makes of it. Pure.

A reference is LB (a payment) or HT (a refund), nine letters or digits that cannot be mistaken for each other, and a check digit: it
tells nothing of a patient, and a slip of one letter, or two swapped, is no other bill's."""

from __future__ import annotations

import re
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: without I, L, O, U."""
PAYMENT, REFUND = "LB", "HT"
LENGTH = 9
_VALUE = {c: n for n, c in enumerate(ALPHABET)}
_ALIKE = str.maketrans({"I": "1", "L": "1", "O": "0"})
_FOUND = re.compile(rf"(?:{PAYMENT}|{REFUND})[0-9A-Z]{{{LENGTH + 1}}}")


def make(prefix: str = PAYMENT) -> str:
    body = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return prefix + body + check(body)


def check(body: str) -> str:
    """The check digit: Luhn's rule in base 32 (finds every single slip and nearly every swap of neighbours)."""
    total = 0
    for n, c in enumerate(reversed(body)):
        value = _VALUE[c] * (2 if n % 2 == 0 else 1)
        total += value // 32 + value % 32
    return ALPHABET[-total % 32]


def holds(reference: str) -> bool:
    body, digit = reference[2:-1], reference[-1:]
    return (
        reference[:2] in (PAYMENT, REFUND)
        and len(body) == LENGTH
        and all(c in _VALUE for c in body + digit)
        and check(body) == digit
    )


def find(text: str) -> list[str]:
    """References in a bank's text, in their order, each once. Banks write everything in capitals, put words before and behind, and
    break lines or put points and blanks into it."""
    squeezed = re.sub(r"[^0-9A-Z]", "", text.upper())
    found: dict[str, None] = {}
    for start in range(len(squeezed)):
        m = _FOUND.match(squeezed, start)
        if m:
            candidate = m[0][:2] + m[0][2:].translate(_ALIKE)
            if holds(candidate):
                found[candidate] = None
    return list(found)
