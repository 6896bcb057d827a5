"""What bytes are by their beginning, held against what they are said to be. Pure; only kinds whose beginning is certain are judged.
Signatures: each format's own standard, as https://mimesniff.spec.whatwg.org lists the images; DICOM PS3.10 7.1."""

from __future__ import annotations

from collections.abc import Mapping

NEEDED = 1100
"""Bytes of the beginning that decide."""

_ZIP, _RIFF = ((0, b"PK\x03\x04"), (0, b"PK\x05\x06")), ((0, b"RIFF"),)
SIGNATURES: Mapping[str, tuple[tuple[int, bytes], ...]] = {
    "application/pdf": ((0, b"%PDF-"),),
    "image/png": ((0, b"\x89PNG\r\n\x1a\n"),),
    "image/jpeg": ((0, b"\xff\xd8\xff"),),
    "image/jpg": ((0, b"\xff\xd8\xff"),),
    "image/gif": ((0, b"GIF87a"), (0, b"GIF89a")),
    "image/tiff": ((0, b"II*\0"), (0, b"MM\0*"), (0, b"II+\0"), (0, b"MM\0+")),
    "image/webp": _RIFF,
    "image/bmp": ((0, b"BM"),),
    "image/jp2": ((4, b"jP  "),),
    "application/dicom": ((128, b"DICM"),),
    "application/zip": _ZIP,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": _ZIP,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": _ZIP,
    "application/gzip": ((0, b"\x1f\x8b"),),
    "audio/wav": _RIFF,
    "video/mp4": ((4, b"ftyp"),),
}
"""Of each kind the beginnings that it may have: (offset, bytes)."""
_PROGRAMS = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xcf\xfa\xed\xfe")
_TEXTS = ("text/", "image/svg+xml", "application/xml", "application/json")


def contradicts(kind: str, content: bytes) -> str | None:
    """`kind`: a media type as stated; `content`: at least the first NEEDED bytes. What is wrong, as a clause; None: nothing, as
    far as can be said."""
    name = kind.partition(";")[0].strip().lower()
    known = SIGNATURES.get(name)
    if not content:
        return None
    if known is not None:
        good = any(content[at : at + len(mark)] == mark for at, mark in known)
        if name == "application/pdf" and not good:  # readers take it anywhere in the first 1,024 bytes, and so do scanners' files
            good = b"%PDF-" in content[:1024]
        return None if good else f"does not begin as {name} does"
    if name.startswith(_TEXTS) and content.startswith(_PROGRAMS[:2]):
        return f"is a program, not {name}"
    return None
