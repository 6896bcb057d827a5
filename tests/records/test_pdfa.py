"""What PDF/A-2b (ISO 19005-2) asks and can be checked without its reference checker (veraPDF, which is not at hand): before and
after signatures. The clause stands beside each."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest_asyncio
from house_of_papers import opened, paper
from lxml import etree
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields

from longbien.record.engine import Engine

AID = "{http://www.aiim.org/pdfa/ns/id/}"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def h(engine: Engine) -> AsyncIterator[SimpleNamespace]:
    hospital = await opened(engine)
    yield hospital
    await hospital.door.close()


def at(holder: Any, name: str) -> Any:
    """What stands there, followed where it lies elsewhere (get would give the pointer); {} where there is nothing."""
    return holder[name] if name in holder else {}  # noqa: SIM401


def fonts(resources: Any, seen: set[int]) -> Iterator[Any]:
    """Every font of a page and of what is drawn in it."""
    if id(resources) in seen:
        return
    seen.add(id(resources))
    for name in at(resources, "/Font"):
        yield resources["/Font"][name]
    for name in at(resources, "/XObject"):
        inner = resources["/XObject"][name]
        if at(inner, "/Subtype") == "/Form" and "/Resources" in inner:
            yield from fonts(inner["/Resources"], seen)


def embedded(font: Any) -> bool:
    if font["/Subtype"] == "/Type0":
        font = font["/DescendantFonts"][0]
    described = at(font, "/FontDescriptor")
    return any(k in described for k in ("/FontFile", "/FontFile2", "/FontFile3"))


def checked(pdf: bytes) -> list[str]:
    """What is broken of it."""
    reader, wrong = PdfFileReader(io.BytesIO(pdf)), []
    root = reader.root
    if "/Encrypt" in reader.trailer_view or reader.encrypted:
        wrong.append("6.1.3: enciphered")
    if "/ID" not in reader.trailer_view:
        wrong.append("6.1.3: no ID")
    said = etree.fromstring(root["/Metadata"].data, etree.XMLParser(resolve_entities=False))
    told = {e.tag: e.text for e in said.iter()} | {k: v for e in said.iter() for k, v in e.attrib.items()}
    if (told.get(f"{AID}part"), str(told.get(f"{AID}conformance")).upper()) != ("2", "B"):
        wrong.append("6.6.4: the metadata do not say PDF/A-2b")
    if not any(i.get_object()["/S"] == "/GTS_PDFA1" for i in root["/OutputIntents"]):
        wrong.append("6.2.3: no output intent")
    if at(at(root, "/AcroForm"), "/NeedAppearances"):
        wrong.append("6.4.1: NeedAppearances")
    if any(k in root for k in ("/OpenAction", "/AA")) or "/JavaScript" in at(root, "/Names"):
        wrong.append("6.5: actions")
    for n in range(int(root["/Pages"]["/Count"])):
        page = reader.find_page_for_modification(n)[0].get_object()
        wrong += [f"6.2.11.4: font {f['/BaseFont']} is not embedded" for f in fonts(page["/Resources"], set()) if not embedded(f)]
        for note in at(page, "/Annots"):
            wrong += annotation(note.get_object())
    return wrong


def annotation(note: Any) -> list[str]:
    wrong, flags = [], int(at(note, "/F") or 0)
    if note["/Subtype"] == "/Link":
        return []
    if not flags & 4 or flags & (1 | 2 | 32):
        wrong.append(f"6.3.2: flags {flags} of {at(note, '/T')}")
    box = [float(x) for x in note["/Rect"]]
    shown = box[0] != box[2] and box[1] != box[3]
    looks = at(note, "/AP")
    if shown and "/N" not in looks:
        wrong.append(f"6.3.3: {at(note, '/T')} has no appearance")
    if any(k != "/N" for k in looks):
        wrong.append(f"6.3.3: {at(note, '/T')} has more than a normal appearance")
    if "/N" in looks:
        resources = at(looks["/N"], "/Resources")
        wrong += [f"6.2.11.4: {f['/BaseFont']} in {at(note, '/T')}" for f in fonts(resources, set()) if not embedded(f)]
    return wrong


async def test_a_file_with_empty_places_keeps_it(h: SimpleNamespace) -> None:
    await h.write(paper("pa1", "discharge-summary", "ended"))
    desk = h.desk("bs.minh")
    file = await desk.prepare(await desk.look("pa1"))
    assert checked(file.pdf) == []


async def test_each_signature_keeps_it_and_a_place_left_empty_too(h: SimpleNamespace) -> None:
    await h.write(paper("pa2", "discharge-summary", "ended"))
    await h.desk("bs.minh").sign("pa2", "doctor")
    shown = await h.desk("hs.vinh").sign("pa2", "facility")
    assert [s.field for s in shown.signatures] == ["doctor", "facility"]
    assert checked(shown.file.pdf) == []


async def test_a_printed_copy_is_one_too(h: SimpleNamespace) -> None:
    await h.write(paper("pa3", "prescription", "ended"))
    await h.desk("bs.minh").sign("pa3", "doctor")
    desk = h.desk("hs.vinh")
    assert checked(await desk.printed(await desk.look("pa3"))) == []


async def test_the_check_sees_what_is_broken(h: SimpleNamespace) -> None:
    await h.write(paper("pa4", "prescription", "ended"))
    desk = h.desk("bs.minh")
    pdf = (await desk.prepare(await desk.look("pa4"))).pdf
    out = IncrementalPdfFileWriter(io.BytesIO(pdf))
    fields.append_signature_field(out, fields.SigFieldSpec("bare", box=(10, 10, 90, 40)))
    note = out.root["/AcroForm"]["/Fields"].raw_get(-1)
    del note.get_object()["/AP"]
    out.mark_update(note.reference)
    made = io.BytesIO()
    out.write(made)
    assert checked(made.getvalue()) == ["6.3.3: bare has no appearance"]
    assert "6.6.4: the metadata do not say PDF/A-2b" in checked(re.sub(rb"(pdfaid:part\W+)2", rb"\g<1>9", pdf))
