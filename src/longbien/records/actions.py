"""What is done with a paper: made into a file, signed by each party, printed. Every act is one transaction: the file, what says
of it in the record, and the step that its printed code may tell."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from longbien.access.actor import Actor
from longbien.access.binaries import binaries
from longbien.access.door import Door
from longbien.base import clock
from longbien.base.errors import Conflict, Forbidden, Invalid, NotFound
from longbien.base.ids import new_id
from longbien.base.outside import Outside
from longbien.base.sql import queries
from longbien.fhir import json
from longbien.fhir import systems as s
from longbien.record.change import Change, Create, Manner, Update
from longbien.record.scope import Scope
from longbien.record.store import Store
from longbien.record.write import announce, commit

from . import files, guards, papers, printing
from .papers import CODES, Block, Paper
from .reading import reference_id, sources
from .roles import SEAL, may_fill
from .signing import pades, verdicts
from .signing.keys import Key, Keys

Q = queries(__file__, "sql/records.sql")
ASTM = "urn:iso-astm:E1762-95:2013"
AUTHOR, VERIFIED, CONSENTED = "1.2.840.10065.1.12.1.1", "1.2.840.10065.1.12.1.5", "1.2.840.10065.1.12.1.7"
KINDS_OF_SIGNATURE = {
    "person": (AUTHOR, "Author's Signature"), "head": (VERIFIED, "Verification Signature"),
    "organisation": (VERIFIED, "Verification Signature"), "patient": (CONSENTED, "Consent Signature"),
}  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """A paper as it stands. file: None until somebody signs or prints it. stale: its words changed since they were signed."""

    composition: dict[str, Any]
    version: int
    kind: Paper
    file: files.File | None
    signatures: tuple[pades.Signature, ...]
    stale: bool

    @property
    def id(self) -> str:
        return str(self.composition["id"])

    @property
    def patient(self) -> str:
        return reference_id(self.composition.get("subject"))

    def signature(self, block: Block) -> pades.Signature | None:
        return next((x for x in self.signatures if x.field == block.key), None)

    @property
    def missing(self) -> list[Block]:
        return [b for b in self.kind.blocks if self.signature(b) is None]

    @property
    def whole(self) -> bool:
        return not any(not b.optional for b in self.missing)


class Desk:
    """The papers as one person may handle them. address: where this house is, as a telephone reaches it (https://host)."""

    def __init__(self, door: Door, actor: Actor, scope: Scope, *, demo: bool, address: str):
        self.door, self.actor, self.address = door, actor, address.rstrip("/")
        self.scope = scope
        self.engine, self.store = door.engine, Store(door.engine, self.scope)
        self.keys = Keys(door, demo=demo)

    # ---- looking ----

    async def look(self, id_: str) -> Shown:
        """Raises NotFound: no such Composition, hidden, or no paper."""
        stored = await self.store.read("Composition", id_)
        composition: dict[str, Any] = json.loads(stored.body, strict=False)
        kind = papers.kind_of(composition)
        if kind is None:
            raise NotFound("This is no legal paper.")
        document = (await files.current(self.store, [id_])).get(id_)
        if document is None:
            return Shown(composition, stored.version, kind, None, (), False)
        file = await files.opened(self.store, document["id"])
        material = pades.Material(await self.keys.trusted())
        found = await verdicts.of(self.engine, file.pdf, material)
        stale = files.extension(document, files.CONTENT) != files.content_hash(composition)
        return Shown(composition, stored.version, kind, file, found, stale)

    async def data(self, shown: Shown, *, code: str, draft: bool) -> dict[str, Any]:
        """The page's data, from the record as it is now."""
        page = papers.page(await sources(self.store, shown.composition))
        reason = papers.addendum_reason(shown.composition)
        return page | {
            "blocks": [{"key": b.key, "label": b.label, "signed": None} for b in shown.kind.blocks], "draft": draft,
            "converted": "",
            "addendum": f"Bản bổ sung. Lý do: {reason}" if reason else "", "qr": printing.qr(self.verify(code)) if code else "",
            "code": code, "address": f"{self.address}/verify", "printed": [], "foot": page["law"],
        }  # fmt: skip

    def verify(self, code: str) -> str:
        return f"{self.address}/verify/{code}"

    async def draft(self, shown: Shown) -> bytes:
        """The page as it would be signed."""
        return (await printing.paper(await self.data(shown, code="", draft=True))).pdf

    # ---- making the file ----

    async def prepare(self, shown: Shown) -> files.File:
        """The file with an empty place for each party. One whose words changed is replaced by a new one. Raises Invalid for a
        Composition that is in error, Conflict when somebody else was first."""
        if shown.composition.get("status") == "entered-in-error":
            raise Invalid("This paper was entered in error.", status=422)
        if shown.file is not None and not shown.stale:
            return shown.file
        at, id_ = clock.now(), new_id()
        code = files.new_code(clock.local(at).year)
        data = await self.data(shown, code=code, draft=False)
        made = await printing.paper(data)
        pdf = await asyncio.to_thread(pades.fields_into, made.pdf, made.places)
        document = self._document(shown, id_, code, at)
        held = (files.binary(f"{id_}-pdf", "application/pdf", pdf, id_),
                files.binary(f"{id_}-data", "application/json", json.dumps(data), id_))  # fmt: skip
        kinds = ("application/pdf", "application/json")
        document["content"] = [
            {"attachment": files.attachment(b["id"], k, base64.b64decode(b["data"]), shown.kind.title, clock.instant(at))}
            for b, k in zip(held, kinds, strict=True)
        ]
        changes: list[Change] = [Create(document, id=id_)]
        old = shown.file
        if old is not None:
            document["relatesTo"] = [{"code": "replaces", "target": {"reference": f"DocumentReference/{old.id}"}}]
            changes.append(Update({**old.document, "status": "superseded"}, if_match=old.version))
        dated = clock.local(at).date()
        facility = str((await sources(self.store, shown.composition)).facility.get("name") or "")
        async with self.engine.db.transaction() as connection:
            own = await commit(self.engine, self.store.scope, changes, connection=connection)
            await commit(self.engine, binaries(self.store.scope), [Create(b, id=b["id"]) for b in held], connection=connection)
            await connection.execute(Q.paper_new, code, id_, shown.kind.code, facility, dated)
            await connection.execute(Q.paper_step, code, "prepared", None, None, None, files.digest(pdf))
            if old is not None:
                await connection.execute(Q.paper_step, old.code, "replaced", None, None, None, files.digest(old.pdf))
        announce(self.engine, own)
        return await files.opened(self.store, id_)

    def _document(self, shown: Shown, id_: str, code: str, at: datetime) -> dict[str, Any]:
        c = shown.composition
        kind = {"coding": [{"system": CODES, "code": shown.kind.code, "display": shown.kind.title}], "text": shown.kind.title}
        out: dict[str, Any] = {
            "resourceType": "DocumentReference", "id": id_,
            "extension": [{"url": files.CONTENT, "valueString": files.content_hash(c)}],
            "masterIdentifier": {"system": files.CODE, "value": code}, "status": "current",
            "docStatus": "preliminary", "type": kind,
            "subject": c["subject"], "date": clock.instant(at), "author": list(c.get("author") or ()),
            "description": shown.kind.title, "context": {"related": [{"reference": f"Composition/{shown.id}"}]},
        }  # fmt: skip
        if c.get("custodian"):
            out["custodian"] = c["custodian"]
        if c.get("encounter"):
            out["context"]["encounter"] = [c["encounter"]]
        return out

    # ---- signing ----

    def block(self, shown: Shown, key: str) -> Block:
        """A place that this person may fill. Raises NotFound, Forbidden."""
        block = next((b for b in shown.kind.blocks if b.key == key), None)
        if block is None:
            raise NotFound("There is no such place on this paper.")
        if not may_fill(self.actor.role, block.party):
            raise Forbidden(f"{self.actor.role} may not sign as {block.party}.")
        return block

    async def facility(self, shown: Shown) -> tuple[str, str]:
        """(id, name) of the facility whose paper it is. Raises Forbidden: it is another's than the actor's."""
        found = (await sources(self.store, shown.composition)).facility
        org = str(found.get("id") or reference_id(shown.composition.get("custodian")) or self.actor.organization or "")
        if org != self.actor.organization:
            raise Forbidden("This paper is another facility's.")
        return org, str(found.get("name") or org)

    async def sign(self, id_: str, key: str, *, pin: str = "") -> Shown:
        """The actor signs with their own key, or puts the facility's signature. The caller has asked for a fresh proof
        (Entry.lately). Raises Conflict (signed already), NotFound (no certificate), Refused, Unavailable."""
        shown = await self.look(id_)
        block = self.block(shown, key)
        if block.party == "patient":
            raise Forbidden("A patient signs themselves.")
        org, name = await self.facility(shown)
        if block.party == "organisation":
            held, who = await self.keys.facilitys(self.actor, org, name), name
            reason, third = f"{block.label}: {shown.kind.title}", "Chữ ký tổ chức, thay con dấu"
        else:
            held, who = await self.keys.persons(self.actor, name), self.actor.name
            reason, third = f"{block.label}: {shown.kind.title}", "Chứng thư còn hiệu lực khi ký"
        return await self._sign(shown, block, held, who, name, reason, third, pin=pin)

    async def sign_for_patient(self, id_: str, key: str, *, who: str, relation: str, drawn: str, how: str) -> Shown:
        """A patient (or who stands for them: `relation`) has signed: by drawing (`drawn`, an SVG) or by a one-time code (how). The
        facility's certificate carries it into the file and says so: the patient has none. What was seen is bound by its hash."""
        shown = await self.look(id_)
        block = self.block(shown, key)
        if block.party != "patient":
            raise Forbidden("This is no patient's place.")
        org, name = await self.facility(shown)
        held = await self.keys.facilitys(self.actor, org, name)
        file = await self.prepare(shown)
        bound = files.digest(file.pdf)
        standing = f" ({relation})" if relation else ""
        by = "ký tay trên màn hình" if how == "drawn" else "xác nhận bằng mã một lần trên điện thoại"
        reason = f"{who}{standing} {by}; SHA-256 của văn bản: {bound}; {name} xác nhận"
        third = f"{'' if how == 'drawn' else 'Mã một lần, '}SHA-256 {files.shown(bound)}"
        return await self._sign(
            await self.look(id_), block, held, f"{who}{standing}", name, reason, third, drawn=drawn, bound=bound, how=how
        )

    async def _sign(
        self, shown: Shown, block: Block, key: Key, who: str, facility: str, reason: str, third: str, *, pin: str = "",
        drawn: str = "", bound: str = "", how: str = "",
    ) -> Shown:  # fmt: skip
        if shown.signature(block) is not None and not shown.stale:
            raise Conflict("This place is signed already.")
        file = await self.prepare(shown)
        if bound and files.digest(file.pdf) != bound:
            raise Conflict("The paper changed after it was shown.")
        at = clock.now()
        lines = [
            f"{'Người ký' if block.party == 'patient' else 'Ký số bởi'}: {who}",
            f"Lúc: {clock.local(at):%d/%m/%Y %H:%M:%S}",
            third,
        ]
        if key.source == "training":
            lines.append("ĐÀO TẠO: không có giá trị pháp lý")
        said = pades.Said(block.key, who, reason, facility, await printing.stamp(lines, drawn))
        outside = Outside()
        try:
            stamper = self.keys.stamper(outside)
            material = await self.keys.material(key, outside, stamper)
            signed = await pades.sign(file.pdf, said, self.keys.signer(key, outside, pin), material, stamper=stamper)
        finally:
            await outside.close()
        await self._keep(shown, file, block, who, signed, lines, at, drawn=drawn, how=how, stamped=stamper is not None)
        return await self.look(shown.id)

    async def _keep(
        self, shown: Shown, file: files.File, block: Block, who: str, signed: bytes, lines: Sequence[str], at: datetime, *,
        drawn: str, how: str, stamped: bool,
    ) -> None:  # fmt: skip
        """The signed file, what the record says of it, and the step, all or none; who read the same file and comes later is
        told."""
        missing = [b for b in shown.kind.blocks if b.key in pades.empty_fields(signed) and not b.optional]
        data = dict(file.data)
        data["blocks"] = [{**b, "signed": [*lines]} if b["key"] == block.key else b for b in data.get("blocks") or ()]
        instant = clock.instant(at)
        document = dict(file.document)
        document["docStatus"] = "preliminary" if missing else "final"
        beside = str(document["content"][1]["attachment"]["url"]).rpartition("/")[2]
        held = (files.binary(file.binary, "application/pdf", signed, file.id),
                files.binary(beside, "application/json", json.dumps(data), file.id))  # fmt: skip
        document["content"] = [
            {"attachment": files.attachment(b["id"], b["contentType"], base64.b64decode(b["data"]), shown.kind.title, instant)}
            for b in held
        ]
        changes: list[Change] = [
            Update(document, if_match=file.version),
            Create(self._provenance(shown, file, block, who, at, drawn, how)),
        ]
        visit = reference_id(shown.composition.get("encounter"))
        closed = bool(visit) and bool(await self.engine.db.fetch(Q.states, guards.visit_key(visit)))
        if shown.composition.get("status") == "preliminary" and not closed:  # in a closed record nothing changes, not even this
            changes.append(Update({**shown.composition, "status": "final"}, if_match=shown.version))
        signer = None if block.party == "patient" else who
        level = "PAdES-B-LT" if stamped else "PAdES-B-B"
        async with self.engine.db.transaction() as connection:
            first, second = held
            await commit(
                self.engine, binaries(self.store.scope), [Update(first, if_match=file.held), Update(second)], connection=connection
            )  # fmt: skip
            own = await commit(self.engine, self.store.scope, changes, Manner(), connection=connection)
            await connection.execute(Q.paper_step, file.code, "signed", block.party, signer, level, files.digest(signed))
        announce(self.engine, own)

    def _provenance(
        self, shown: Shown, file: files.File, block: Block, who: str, at: datetime, drawn: str, how: str
    ) -> dict[str, Any]:  # fmt: skip
        """That this signature was given: by whom, to what, how. The signature itself stands in the PDF."""
        instant = clock.instant(at)
        practitioner = f"Practitioner/{self.actor.practitioner}" if self.actor.practitioner else ""
        organization = f"Organization/{self.actor.organization}" if self.actor.organization else ""
        signer: dict[str, Any] = {"display": who}
        if block.party in ("person", "head") and practitioner:
            signer["reference"] = practitioner
        elif block.party == "organisation" and organization:
            signer["reference"] = organization
        elif block.party == "patient":
            signer["reference"] = f"Patient/{shown.patient}"
        code, display = KINDS_OF_SIGNATURE[block.party]
        signature: dict[str, Any] = {
            "type": [{"system": ASTM, "code": code, "display": display}], "when": instant, "who": signer,
            "targetFormat": "application/pdf", "sigFormat": "image/svg+xml" if drawn else "application/pdf",
        }  # fmt: skip
        if drawn:
            signature["data"] = base64.b64encode(drawn.encode()).decode()
        agents: list[dict[str, Any]] = [{"who": signer}]
        if block.party == "patient":
            taker: dict[str, Any] = {"display": self.actor.name}
            if practitioner:
                taker["reference"] = practitioner
            agents.append(
                {"type": {"text": "Nhận chữ ký: " + ("vẽ trên màn hình" if how == "drawn" else "mã một lần")}, "who": taker}
            )
        return {
            "resourceType": "Provenance", "id": new_id(),
            "target": [{"reference": f"DocumentReference/{file.id}"}, {"reference": f"Patient/{shown.patient}"}],
            "occurredDateTime": instant, "recorded": instant,
            "activity": {"coding": [{"system": files.ACT, "code": "sign", "display": block.label}]}, "agent": agents,
            "entity": [{"role": "source", "what": {"reference": f"Composition/{shown.id}"}}], "signature": [signature],
        }  # fmt: skip

    # ---- printing ----

    async def printed(self, shown: Shown) -> bytes:
        """A copy on paper of what was signed: with the words that the law asks for, its code, when, by whom, the how-manyth. Raises
        Conflict where nothing is signed yet."""
        file = shown.file
        if file is None or not file.data or not shown.signatures:
            raise Conflict("Nothing is signed yet: only a draft can be printed.")
        at = clock.local(clock.now())
        number = int(await self.engine.db.fetchval(Q.copy_next, file.code))
        name = await self.place()
        data: Mapping[str, Any] = {
            **file.data, "converted": papers.CONVERTED,
            "printed": [f"In lúc {at:%d/%m/%Y %H:%M} bởi {self.actor.name}, {name}, lần in {number}.",
                        f"Mã băm bản gốc (SHA-256): {files.shown(files.digest(file.pdf))}"],
        }  # fmt: skip
        pdf = (await printing.paper(data)).pdf
        await self.engine.db.fetchval(Q.copy_new, file.code, files.digest(pdf), self.actor.number)
        return pdf

    async def place(self) -> str:
        """The name of where the actor works."""
        if self.actor.organization is None:
            return ""
        found = json.loads((await self.store.read("Organization", self.actor.organization)).body, strict=False)
        return str(found.get("name") or "")

    async def withdraw(self, id_: str, why: str) -> None:
        """The paper no longer holds: its code says so from now on. Raises Invalid, Conflict."""
        if not why.strip():
            raise Invalid("Say why the paper is withdrawn.")
        if not self.actor.may(SEAL):
            raise Forbidden("Only who puts the facility's signature withdraws a paper.")
        shown = await self.look(id_)
        if shown.file is None:
            raise Conflict("Nothing is signed yet.")
        file = shown.file
        document = {**file.document, "status": "entered-in-error", "description": f"Thu hồi: {why.strip()[:400]}"}
        async with self.engine.db.transaction() as connection:
            own = await commit(self.engine, self.store.scope, [Update(document, if_match=file.version)], connection=connection)
            await connection.execute(Q.paper_step, file.code, "withdrawn", None, None, None, files.digest(file.pdf))
        announce(self.engine, own)


def role_code(kind: Paper) -> dict[str, Any]:
    """The type of a Composition that is such a paper."""
    return {"coding": [{"system": CODES, "code": kind.code, "display": kind.title}], "text": kind.title}


def narrative(lines: Sequence[str]) -> dict[str, str]:
    """Paragraphs as a FHIR narrative."""
    from_text = "".join(f"<p>{_escaped(line)}</p>" for line in lines if line.strip())
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{from_text}</div>'}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


__all__ = ["ASTM", "Desk", "Shown", "narrative", "role_code", "s"]
