"""The whole record of a visit in one file: HoSoBenhAn.json, HoSoBenhAn.xml, benh-an.pdf, and every signed paper as it was
signed."""

from __future__ import annotations

import asyncio
import io
import json as plain
import zipfile

from longbien.base import clock

from . import export, files, papers, printing, visits
from .actions import Desk
from .reading import papers_of, sources


async def whole(at: Desk, one: visits.Visit) -> bytes:
    """A ZIP file. What is in it comes through the asker's own scope."""
    found: dict[str, bytes] = {
        "HoSoBenhAn.json": plain.dumps(export.as_json(one), ensure_ascii=False, indent=1).encode(),
        "HoSoBenhAn.xml": export.as_xml(one),
        "benh-an.pdf": await pdf(at, one),
    }
    listed = await papers_of(at.store, str(one.patient["id"]), one.id)
    documents = await files.current(at.store, [c["id"] for c in listed])
    for composition in listed:
        document, kind = documents.get(composition["id"]), papers.kind_of(composition)
        if document is not None and kind is not None:
            file = await files.opened(at.store, document["id"])
            found[f"giay/{kind.code}-{file.code or file.id}.pdf"] = file.pdf
    return await asyncio.to_thread(_zipped, found)


async def pdf(at: Desk, one: visits.Visit) -> bytes:
    """The "bệnh án" as a page to be read, from what the record holds now; not signed, and it says so."""
    composition = visits.record_paper(one, {"display": at.actor.name}, clock.now())
    page = papers.page(await sources(at.store, composition))
    kind = papers.kinds()["record"]
    data = page | {
        "blocks": [{"key": b.key, "label": b.label, "signed": None} for b in kind.blocks], "draft": False, "qr": "", "code": "",
        "converted": "Bản xem toàn bộ hồ sơ; bản đã ký số nằm trong thư mục giay", "addendum": "", "address": "", "printed": [],
        "foot": page["law"],
    }  # fmt: skip
    return (await printing.paper(data)).pdf


def _zipped(found: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, content in found.items():
            z.writestr(name, content)
    return out.getvalue()
