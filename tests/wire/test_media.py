"""Bytes are what they say they are."""

# ruff: noqa: E501 - one case a line
from __future__ import annotations

import base64
from typing import Any

import pytest

from longbien.base.errors import Invalid
from longbien.record.change import Guarded
from longbien.rest.content import guard
from longbien.wire.media import SIGNATURES, contradicts


def _of(kind: str) -> bytes:
    at, mark = SIGNATURES[kind][0]
    return b"\0" * at + mark + b"\0" * 64


@pytest.mark.parametrize("kind", sorted(SIGNATURES))
def test_each_kind_is_known_by_its_beginning_and_a_page_or_program_is_none(kind: str) -> None:
    assert contradicts(kind, _of(kind)) is None and contradicts(kind.upper() + "; x=y", _of(kind)) is None
    for other in (b"<html><script>alert(1)</script>", b"MZ\x90\0", b"\x7fELF\x02", b"<svg onload='x'>", b"\0\0"):
        assert contradicts(kind, other)


def test_what_has_no_certain_beginning_is_not_judged() -> None:
    assert contradicts("application/octet-stream", b"MZ") is None and contradicts("text/plain", b"text") is None
    assert contradicts("image/png", b"") is None
    assert contradicts("text/html", b"\x7fELF")
    assert contradicts("application/pdf", b"\r\n\r\n%PDF-1.7") is None


@pytest.mark.parametrize(
    ("resource", "place"),
    [({"resourceType": "Binary", "contentType": "image/png"}, "Binary.data"),
     ({"resourceType": "DocumentReference", "content": [{"attachment": {"contentType": "application/pdf"}}]}, "DocumentReference.content[0].attachment.data"),
     ({"resourceType": "Patient", "photo": [{"contentType": "image/jpeg"}]}, "Patient.photo[0].data")],
)  # fmt: skip
async def test_a_resource_whose_content_is_something_else_is_refused_by_its_element(resource: dict[str, Any], place: str) -> None:
    def filled(x: Any, data: str) -> Any:
        if isinstance(x, list):
            return [filled(e, data) for e in x]
        if isinstance(x, dict):
            return {k: filled(v, data) for k, v in x.items()} | ({"data": data} if "contentType" in x else {})
        return x

    bad = filled(resource, base64.b64encode(b"<html>" * 500).decode())
    with pytest.raises(Invalid) as why:
        await guard(None, None, Guarded(resource["resourceType"], "x", 1, 1, bad), None)
    assert why.value.status == 422 and why.value.issues[0].expression == place
