"""Doubles of the insurance portal and of the city's data axis: a process of its own that speaks as they were seen to speak, with
faults that can be switched on. No part of either; what they really do is known from senders alone.

    python gateways.py --port 9090

    POST /double/fault {"fault": "expired"}   the next answer: expired (200 with 401 inside), hang (takes, then no answer),
                                              down (503), garbage (no JSON), refuse (205 with reasons), forgets (every token)
    POST /double/fault {"fault": "down", "until_switched": true} ... {"fault": ""}
    GET  /double/received                     what was taken: by place and MA_LK, how often, which bytes last"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from longbien.base.errors import LongbienError
from longbien.wire.claims_xml import read

NAME, PASSWORD = "01901_BV", "cầu dài 19"


class Double:
    def __init__(self) -> None:
        self.tokens: set[str] = set()
        self.faults: list[str] = []
        self.standing = ""
        self.reasons: list[dict[str, str]] = []
        self.received: dict[str, dict[str, Any]] = {}
        self.transactions: dict[str, str] = {}
        self.sign_ins = 0

    def fault(self) -> str:
        return self.standing or (self.faults.pop(0) if self.faults else "")

    def take(self, place: str, data: bytes) -> tuple[str, str, str]:
        """(maKetQua, maGiaoDich, thongDiep)"""
        try:
            found = read(data)
        except LongbienError as why:
            return "205", "", why.text
        for claim in found.claims:
            head = (claim.get("XML1") or claim.get("XML0") or [{}])[0]
            one = self.received.setdefault(f"{place} {head.get('MA_LK', '')}", {"times": 0, "digests": []})
            one["times"] += 1
            one["signed"] = bool(found.signature)
            one["tables"] = sorted(claim)
            one["head"] = {k: head.get(k, "") for k in ("MA_BENH_CHINH", "T_BHTT", "CAN_NANG")}
            digest = hashlib.sha256(data).hexdigest()
            if digest not in one["digests"]:
                one["digests"].append(digest)
        number = secrets.token_hex(8)
        self.transactions[number] = "200"
        return "200", number, "Tiếp nhận thành công"


def application(double: Double) -> Starlette:
    async def switch(request: Request) -> Response:
        said = await request.json()
        double.reasons = said.get("reasons", double.reasons)
        if said.get("until_switched") or not said.get("fault"):
            double.standing = said.get("fault", "")
        else:
            double.faults.append(said["fault"])
        if said.get("fault") == "forgets":
            double.faults.clear()
            double.tokens.clear()
        return JSONResponse({"ok": True})

    async def received(request: Request) -> Response:
        return JSONResponse({"received": double.received, "sign_ins": double.sign_ins})

    async def faulty(place: str, take: Callable[[], tuple[str, str, str]], known: bool) -> Response:
        fault = double.fault()
        now = f"{datetime.now():%Y%m%d%H%M%S}"
        if fault == "down":
            return PlainTextResponse("Service Unavailable", 503)
        if fault == "garbage":
            return PlainTextResponse("<html>Bảo trì</html>")
        if fault == "expired" or not known:
            double.tokens.clear()
            return JSONResponse({"maKetQua": "401", "maGiaoDich": None, "thoiGianTiepNhan": now, "thongDiep": "Lỗi xác thực"})
        if fault == "refuse":
            text = "; ".join(r["moTa"] for r in double.reasons) or "Sai dữ liệu"
            return JSONResponse({"maKetQua": "205", "maGiaoDich": secrets.token_hex(8), "thoiGianTiepNhan": now, "thongDiep": text,
                                 "dsLoi": double.reasons})  # fmt: skip
        code, number, text = take()
        if fault == "hang":
            await asyncio.sleep(4)
        said = {"maKetQua": code, "maGiaoDich": number, "thoiGianTiepNhan": now, "thongDiep": text}
        if place == "axis":
            good = code == "200"
            said = {"maKetQua": "200", "batchId": secrets.token_hex(4), "totalSuccess": int(good), "totalFailed": int(not good),
                    "fileResults": [{"maGiaoDich": number, "thongDiep": text}]}  # fmt: skip
        return JSONResponse(said)

    # ---- the portal ----

    async def token(request: Request) -> Response:
        form = await request.form()
        if double.standing == "down":
            return PlainTextResponse("Service Unavailable", 503)
        right = hashlib.md5(PASSWORD.encode()).hexdigest().upper()
        if (form.get("username"), form.get("password")) != (NAME, right):
            return JSONResponse({"maKetQua": "401", "APIKey": None})
        double.sign_ins += 1
        made = secrets.token_hex(16)
        double.tokens.add(made)
        return JSONResponse({"maKetQua": "200", "APIKey": {"access_token": made, "id_token": made[:8], "token_type": "Bearer",
                                                          "username": NAME, "expires_in": "..."}})  # fmt: skip

    async def claim(request: Request) -> Response:
        form = await request.form(max_part_size=64 << 20)
        known = request.headers.get("accesstoken") in double.tokens
        data = base64.b64decode(str(form["fileHSBase64"]))
        return await faulty("portal", lambda: double.take("portal", data), known)

    async def card(request: Request) -> Response:
        known = request.query_params.get("token") in double.tokens
        asked = await request.json()
        if double.fault() == "expired" or not known:
            double.tokens.clear()
            return JSONResponse({"maKetQua": "401"})
        if asked["maThe"].endswith("0"):
            return JSONResponse({"maKetQua": "051", "ghiChu": "Mã thẻ không đúng"})
        return JSONResponse({"maKetQua": "000", "ghiChu": "Thẻ còn giá trị", "maThe": asked["maThe"], "hoTen": asked["hoTen"],
                             "ngaySinh": asked["ngaySinh"], "maDKBD": "01901", "gtTheTu": "01/01/2026", "gtTheDen": "31/12/2026",
                             "ngayDu5Nam": "01/01/2024", "maKV": "", "maSoBHXH": asked["maThe"][-10:]})  # fmt: skip

    # ---- the axis ----

    async def axis_token(request: Request) -> Response:
        said = await request.json()
        if double.standing == "down":
            return PlainTextResponse("Service Unavailable", 503)
        if (said.get("username"), said.get("password")) != (NAME, PASSWORD):
            return JSONResponse({"maKetQua": False}, 200)
        double.sign_ins += 1
        made = secrets.token_hex(16)
        double.tokens.add(made)
        key = {"accessToken": made, "idToken": "", "tokenType": "Bearer", "username": NAME, "expiresIn": 3600}
        return JSONResponse({"maKetQua": True, "apiKey": key})

    async def axis_claim(request: Request) -> Response:
        said = await request.json()
        known = request.headers.get("authorization", "").removeprefix("Bearer ") in double.tokens
        data = base64.b64decode(said["files"][0])
        return await faulty("axis", lambda: double.take("axis", data), known)

    async def axis_status(request: Request) -> Response:
        found = double.transactions.get(request.path_params["number"])
        return JSONResponse({"maKetQua": found or "404", "maGiaoDich": request.path_params["number"]})

    return Starlette(routes=[
        Route("/double/fault", switch, methods=["POST"]), Route("/double/received", received),
        Route("/api/token/take", token, methods=["POST"]), Route("/api/qd130/guiHoSoXmlQD3176", claim, methods=["POST"]),
        Route("/api/qd130/checkInKcbQd3176", claim, methods=["POST"]),
        Route("/api/HoSoTongHop7980/GuiHoSoTongHop01BH", claim, methods=["POST"]),
        Route("/api/egw/KQNhanLichSuKCB2024", card, methods=["POST"]), Route("/api/auth/token/take", axis_token, methods=["POST"]),
        Route("/api/kcb/xml/qd3176/guiHoSoXml", axis_claim, methods=["POST"]),
        Route("/api/kcb/tra-cuu-trang-thai/{number}", axis_status),
    ])  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=9090)
    uvicorn.run(
        application(Double()), host="127.0.0.1", port=parser.parse_args().port, log_level="warning", timeout_graceful_shutdown=1
    )
