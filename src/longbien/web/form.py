"""What a form sends, read within bounds: of size, fields, files and time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from ..base.errors import Invalid, TooLarge

MOST, MOST_OF_STRANGERS = 1 << 20, 1 << 14
"""Bytes of a form; of one that needs nobody (sign-in, language)."""
MOST_FIELDS = 600
"""Fields of a form: an official record has some two hundred, and tables in it."""
PATIENCE = 30.0
"""Seconds that a form may take to arrive."""


@dataclass(frozen=True)
class Files:
    """What a form may bring besides text. kinds: media types, each told by its first bytes, whatever the browser says.
    largest: bytes of one."""

    count: int
    largest: int
    kinds: tuple[str, ...]

    async def taken(self, given: UploadFile) -> tuple[str, bytes] | None:
        """(media type, bytes); None for an empty one (none was chosen). Raises Invalid, TooLarge."""
        data = await given.read(self.largest + 1)
        if not data:
            return None
        if len(data) > self.largest:
            raise TooLarge(f"A file may have at most {self.largest:,} bytes.")
        kind = next((k for k in self.kinds if (_text(data) if k == TEXT else data.startswith(_BEGINS[k]))), None)
        if kind is None:
            raise Invalid("This file is of none of the kinds that are taken here.", code="value")
        return kind, data


_BEGINS = {
    "application/pdf": b"%PDF-", "image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n",
    "application/x-pkcs12": b"0",  # DER: a sequence; what it holds is read with its password
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": b"PK\x03\x04",
}  # fmt: skip
TEXT = "text/csv"
"""Told by what it does not hold: UTF-8 without control characters."""


def _text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return not any(b < 32 and b not in b"\t\n\r\f" for b in data[:4096])


class _InMemory(MultiPartParser):
    """A scan of a patient's paper never lies in a temporary file."""

    spool_max_size = 64 << 20


async def received(request: Request, most: int, files: Files | None = None) -> FormData:
    """The form that was sent, within bounds of size, fields, files and time. Raises TooLarge, Invalid."""
    parts = files is not None and request.headers.get("content-type", "").startswith("multipart/form-data")
    whole = most + (files.count * files.largest if files is not None and parts else 0)
    too_large = TooLarge(f"A form may have at most {whole:,} bytes and {MOST_FIELDS} fields.")
    data = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for part in request.stream():
                data += part
                if len(data) > whole:
                    raise too_large
    except TimeoutError:
        raise Invalid("The form did not arrive in time.", status=408, code="timeout") from None
    except ClientDisconnect:
        raise Invalid("The form was cut off.", code="incomplete") from None
    if not parts and data.count(b"&") > MOST_FIELDS:
        raise too_large
    request._body = bytes(data)  # what Starlette itself keeps there once a body was read
    try:
        if files is not None and parts:
            return await _parts(request, most, files)
        return await request.form(max_fields=MOST_FIELDS, max_files=0, max_part_size=most)
    except HTTPException as why:
        raise Invalid(f"The form cannot be read: {why.detail}", code="structure") from None


async def _parts(request: Request, most: int, files: Files) -> FormData:
    """A form with files, held in memory. Raises Invalid."""
    try:
        return await _InMemory(
            request.headers, request.stream(), max_files=files.count, max_fields=MOST_FIELDS, max_part_size=most
        ).parse()
    except (MultiPartException, FormParserError, KeyError, ValueError, LookupError) as why:
        raise Invalid("The form cannot be read.", code="structure") from why
