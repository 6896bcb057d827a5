"""The city's data axis as hospital systems know it:

POST /api/auth/token/take {username, password, code} -> {maKetQua: true, apiKey: {accessToken, ...}}
POST /api/kcb/xml/qd3176/guiHoSoXml (Bearer) {loaiHoSo, maTinh, maCSKCB, files: [base64]} -> {maKetQua, batchId, fileResults, ...}
GET  /api/kcb/tra-cuu-trang-thai/{maGiaoDich} (Bearer) -> what became of a file

A file that is answered with 200 lies sealed on the disk and in the list of what is to be taken in before the answer leaves: the
process may die then, nothing is lost. Each file is answered by itself. No cookie is looked at."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from longbien.access import peer
from longbien.access.actor import Actor
from longbien.access.door import Door
from longbien.base import clock, jobs, log
from longbien.base.db import ours
from longbien.base.errors import Forbidden, Invalid, LongbienError, NotFound, TooLarge, TooMany, Unauthenticated, Unavailable
from longbien.record import trail
from longbien.record.engine import Engine

from . import senders
from .checking import AUTH, CONTENT, HOUSE, LARGE, OK, Checked, checked
from .senders import Q, Sender
from .settings import AxisSettings
from .taking import QUEUE, blobs

_log = log.get(__name__)
SMALL = 1 << 14
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
CODES = {401: AUTH, 403: "403", 404: "404", 413: LARGE, 429: "429"}
Handler = Callable[[Request, Door], Awaitable[Response]]


class Login(msgspec.Struct):
    username: str
    password: str
    code: str


class Sending(msgspec.Struct, rename={"kind": "loaiHoSo", "facility": "maCSKCB", "province": "maTinh"}):
    kind: str
    facility: str
    files: list[str]
    province: str = ""


def _endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """The axis's face of errors: maKetQua in the body, the same in the status."""

    async def endpoint(request: Request) -> Response:
        door: Door | None = getattr(request.app.state, "door", None)
        try:
            if door is None:
                raise Unavailable("The server is starting.", 2)
            return await handler(request, door)
        except Exception as error:
            return _refused(error)

    endpoint.__name__ = handler.__name__
    return endpoint


def _refused(error: Exception) -> Response:
    mine = ours(error) or (error if isinstance(error, LongbienError) else None)
    if mine is None:
        mine = LongbienError(f"incident {log.incident(_log, error)}")
    more = {"Retry-After": str(mine.retry_after)} if isinstance(mine, Unavailable | TooMany) else {}
    code = CODES.get(mine.status, CONTENT if mine.status < 500 else HOUSE)
    return JSONResponse({"maKetQua": code, "thongDiep": mine.text[:500]}, mine.status, {**HEADERS, **more})


async def _body(request: Request, most: int) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Invalid("The content type must be application/json.", status=415)
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > most:
        raise TooLarge(f"At most {most:,} bytes at a time.")
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > most:
            raise TooLarge(f"At most {most:,} bytes at a time.")
    return bytes(data)


def _decoded(data: bytes, type_: type[Any]) -> Any:
    try:
        return msgspec.json.decode(data, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as why:
        raise Invalid(f"The body cannot be read: {str(why)[:200]}.") from None


async def take(request: Request, door: Door) -> Response:
    """A token for a hospital's system."""
    settings = AxisSettings.read()
    given: Login = _decoded(await _body(request, SMALL), Login)
    where = peer.peer(request, door.proxies).address
    seconds = settings.minutes * 60
    try:
        made, sender = await senders.token(door.engine, given.username, given.password, given.code, seconds, where)
    except Unauthenticated as why:
        door.knocks.note(where, "unknown sender of claims")
        return JSONResponse({"maKetQua": False, "thongDiep": why.text}, 401, HEADERS)
    key = {"accessToken": made, "idToken": made, "tokenType": "Bearer", "username": sender.login, "expiresIn": int(seconds)}
    return JSONResponse({"maKetQua": True, "apiKey": key}, headers=HEADERS)


async def send(request: Request, door: Door) -> Response:
    """Claims of one facility."""
    settings = AxisSettings.read()
    actor, sender = await _sender(request, door)
    given: Sending = await asyncio.to_thread(_decoded, await _body(request, settings.largest), Sending)
    await _allowed(door, actor, sender, given, settings)
    day, batch = clock.local(clock.now()).date(), f"{sender.code}-{secrets.token_hex(8)}"
    found = []
    for text in given.files:
        one = await asyncio.to_thread(checked, text, sender, settings, day)
        found.append(await _kept(door.engine, sender, batch, one))
    good = sum(x["maKetQua"] == OK for x in found)
    why = f"claims received of {sender.code}, batch {batch}: {good} files taken, {len(found) - good} refused"
    await door.engine.trail.write([trail.line(door.scope(actor), "import", n=good, why=why)])
    answer = {"maKetQua": OK if good else CONTENT, "batchId": batch, "totalSuccess": good, "totalFailed": len(found) - good,
              "fileResults": found}  # fmt: skip
    return JSONResponse(answer, headers=HEADERS)


async def ask(request: Request, door: Door) -> Response:
    """What became of a file that this system sent."""
    _, sender = await _sender(request, door)
    row = await door.engine.db.fetchrow(Q.file_by_receipt, request.path_params["maGiaoDich"][:80], sender.number)
    if row is None:
        raise NotFound("There is no such maGiaoDich of this sender.")
    state = {"received": "Đã tiếp nhận, chờ xử lý", "taken": "Đã xử lý", "refused": "Từ chối"}[row["state"]]
    answer = {"maKetQua": OK, "maGiaoDich": row["receipt"], "batchId": row["batch"], "trangThai": state,
              "thoiGianTiepNhan": f"{clock.local(row['at']):%Y%m%d%H%M%S}", "soHoSo": row["claims"],
              **json.loads(row["answer"])}  # fmt: skip
    if row["done"] is not None:
        answer["thoiGianXuLy"] = f"{clock.local(row['done']):%Y%m%d%H%M%S}"
    return JSONResponse(answer, headers=HEADERS)


async def _sender(request: Request, door: Door) -> tuple[Actor, Sender]:
    if "authorization" not in request.headers:
        raise Unauthenticated("Send the token as 'Authorization: Bearer ...'.")
    actor = await door.actor(request)
    try:
        return actor, await senders.of(door.engine, actor)
    except Forbidden as why:
        await door.refused(actor, why)
        raise


async def _allowed(door: Door, actor: Actor, sender: Sender, given: Sending, settings: AxisSettings) -> None:
    """Raises Forbidden, which is a line of the trail, for another facility's; Invalid, TooLarge."""
    if given.facility != sender.code:
        why = Forbidden(f"This system sends claims of facility {sender.code} and of no other.")
        await door.refused(actor, why)
        raise why
    if given.kind != "3176":
        raise Invalid(f"loaiHoSo is {given.kind[:10]!r}; this axis takes 3176.")
    if settings.province and given.province and given.province != settings.province:
        raise Invalid(f"maTinh is {given.province[:10]!r}; this axis is {settings.province}'s.")
    if not given.files:
        raise Invalid("There is no file.")
    if len(given.files) > settings.files:
        raise TooLarge(f"At most {settings.files} files at a time.")


async def _kept(engine: Engine, sender: Sender, batch: str, one: Checked) -> dict[str, Any]:
    """The answer to one file; one that is good lies on the disk, and its job in the list, when this returns."""
    said: dict[str, Any] = {"maKetQua": one.code, "thongDiep": one.text, "soHoSo": one.claims}
    if one.faults:
        said["loi"] = one.faults
    if not one.taken:
        return {"maGiaoDich": "", **said}
    digest = await blobs().put(one.data)
    receipt = f"{sender.code}-{clock.local(clock.now()):%y%m%d}-{secrets.token_hex(6)}"
    answer = json.dumps({"chuKy": one.signed} | ({"loi": one.faults} if one.faults else {}))
    async with engine.db.transaction() as connection:
        row = await connection.fetchrow(
            Q.file_new, receipt, batch, sender.number, digest, len(one.data), one.claims, "received", answer
        )
        if row is not None and row["fresh"]:
            await jobs.enqueue(connection, QUEUE, {"file": row["number"]}, key=f"file {row['number']}")
    if row is None:
        raise Unavailable("The file is being received a second time just now. Ask again.", 1)
    if not row["fresh"]:
        said["thongDiep"] = "Tệp này đã được tiếp nhận trước đó"
    return {"maGiaoDich": row["receipt"], **said}


ROUTES: list[BaseRoute] = [
    Route("/api/auth/token/take", _endpoint(take), methods=["POST"]),
    Route("/api/kcb/xml/qd3176/guiHoSoXml", _endpoint(send), methods=["POST"]),
    Route("/api/kcb/tra-cuu-trang-thai/{maGiaoDich}", _endpoint(ask)),
]
