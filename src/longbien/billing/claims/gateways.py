"""The two places that take claims, behind one small protocol: the insurance portal and the city's data axis.

Both answer 200 with the truth in the body (`maKetQua`); 401 in there means: sign in again and send once more. An answer that did
not come says nothing about whether the claim was taken: the same bytes are sent again, the same MA_LK, never another claim.
Seen in working senders of Hanoi hospitals; no official description was to be had."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Protocol
from urllib.parse import quote, urlencode

from longbien.base.errors import LongbienError, Unavailable
from longbien.base.outside import Outside

from .settings import SignIn

MOST_ANSWER = 4 << 20
AGAIN = frozenset(("401", "402", "403"))
"""maKetQua: the sign-in has run out."""
LATER = frozenset(("429", "500", "502", "503", "504", "101", "100"))
"""Their fault: the same again, later."""
WAITING = "chờ xử lý"
"""trangThai of what lies there and was not looked at yet."""
Kind = Literal["3176", "0", "5"]
"""loaiHoSo: a claim, a check-in, the month's summary."""


class NotReached(Unavailable):
    """No answer, or none that can be read: whether it was taken is not known."""


@dataclass(frozen=True)
class Answer:
    """code: maKetQua. transaction: maGiaoDich. at: thoiGianTiepNhan as written. text: thongDiep. taken: the claim stands there now;
    later: their fault, the same is sent again."""

    code: str
    transaction: str = ""
    at: str = ""
    text: str = ""
    details: Sequence[Mapping[str, Any]] = field(default_factory=tuple)

    @property
    def taken(self) -> bool:
        return self.code == "200"

    @property
    def later(self) -> bool:
        return self.code in LATER


class Gateway(Protocol):
    name: str

    async def send(self, data: bytes, kind: Kind = "3176") -> Answer:
        """Hand in one signed envelope. Raises NotReached."""
        ...

    async def status(self, transaction: str) -> Answer | None:
        """What became of it; None where the place does not tell. Raises NotReached."""
        ...


class _Caller:
    def __init__(self, outside: Outside, seconds: float):
        self.outside, self.seconds = outside, seconds

    async def call(self, method: str, url: str, headers: Sequence[tuple[str, str]] = (), content: bytes = b"") -> dict[str, Any]:
        """The JSON of the answer; for HTTP 401 and 5xx one with their number as maKetQua. Raises NotReached."""
        try:
            async with self.outside.stream(method, url, headers, content, seconds=self.seconds, whole=True) as (status, _, chunks):
                body = b""
                async for chunk in chunks:
                    body += chunk
                    if len(body) > MOST_ANSWER:
                        raise NotReached("The answer has no end.")
        except NotReached:
            raise
        except LongbienError as why:
            raise NotReached(why.text) from None
        if status in (401, 403) or status >= 500:
            return {"maKetQua": str(status), "thongDiep": f"HTTP {status}"}
        try:
            said = json.loads(body)
        except ValueError:
            raise NotReached(f"The answer (HTTP {status}) is no JSON.") from None
        if not isinstance(said, dict):
            raise NotReached("The answer is no JSON object.")
        return said


FORM = ("Content-Type", "application/x-www-form-urlencoded")
JSON = ("Content-Type", "application/json")


def _storable(value: Any) -> Any:
    """The same without what no database keeps: NUL, halves of surrogate pairs (JSON can write both)."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_storable(v) for v in value]
    return {k: _storable(v) for k, v in value.items()} if isinstance(value, dict) else value


def _ours(said: Mapping[str, Any]) -> Answer:
    """Their answer; names differ in their first letter's case between calls."""
    known = {k.lower(): v for k, v in _storable(said).items()}
    text = known.get("thongdiep") or known.get("message") or ""
    details = known.get("dsloi") or ()
    return Answer(
        str(known.get("maketqua") or ""), str(known.get("magiaodich") or ""), str(known.get("thoigiantiepnhan") or ""),
        str(text)[:2000],
        [d for d in details if isinstance(d, Mapping)] if isinstance(details, list) else (),
    )  # fmt: skip


class Portal:
    """The insurance portal. Its token is kept until it answers 401. `status`: it has no such question; a claim that is sent again
    takes the place of the one with its MA_LK."""

    name = "portal"
    PATHS: Mapping[Kind, str] = {
        "3176": "/api/qd130/guiHoSoXmlQD3176",
        "0": "/api/qd130/checkInKcbQd3176",
        "5": "/api/HoSoTongHop7980/GuiHoSoTongHop01BH",
    }

    def __init__(self, outside: Outside, base: str, who: SignIn, facility: str, *, seconds: float = 60.0):
        self._caller, self.base, self.who, self.facility = _Caller(outside, seconds), base.rstrip("/"), who, facility
        self._token: Mapping[str, Any] | None = None

    @property
    def _password(self) -> str:
        """The portal asks for MD5 in capital hexadecimal; it guards nothing, the way there does (TLS)."""
        return hashlib.md5(self.who.password.encode(), usedforsecurity=False).hexdigest().upper()

    async def _sign_in(self) -> Mapping[str, Any]:
        content = urlencode({"username": self.who.name, "password": self._password}).encode()
        said = await self._caller.call("POST", self.base + "/api/token/take", (FORM,), content)
        key = said.get("APIKey")
        if str(said.get("maKetQua")) != "200" or not isinstance(key, dict):
            raise NotReached(f"The portal does not let us in: maKetQua {str(said.get('maKetQua'))[:10]}.")
        self._token = key
        return key

    async def send(self, data: bytes, kind: Kind = "3176") -> Answer:
        form = {
            "username": self.who.name, "loaiHoSo": kind, "maTinh": self.facility[:2], "maCSKCB": self.facility,
            "fileHSBase64": base64.b64encode(data).decode(),
        }  # fmt: skip
        return _ours(await self._authorised(self.PATHS[kind], urlencode(form).encode(), FORM))

    async def _authorised(self, path: str, content: bytes, kind: tuple[str, str]) -> dict[str, Any]:
        for attempt in (1, 2):
            token = self._token or await self._sign_in()
            headers = (kind, ("accessToken", str(token.get("access_token"))), ("tokenId", str(token.get("id_token"))),
                       ("passwordHash", self._password))  # fmt: skip
            said = await self._caller.call("POST", self.base + path, headers, content)
            if str(said.get("maKetQua")) not in AGAIN or attempt == 2:
                return said
            self._token = None
        raise AssertionError

    async def status(self, transaction: str) -> Answer | None:
        return None

    async def card(self, number: str, name: str, birth: str, *, by: tuple[str, str] = ("", "")) -> dict[str, Any]:
        """KQNhanLichSuKCB2024: what the portal knows of a card. number: card, ten digits or citizen number; birth: dd/mm/yyyy or a
        year; by: (name, citizen number) of the clerk who asks. The answer as it came; see `card.read`. Raises NotReached."""
        asked = {"maThe": number, "hoTen": name, "ngaySinh": birth, "hoTenCb": by[0], "cccdCb": by[1]}
        content = json.dumps(asked).encode()
        for attempt in (1, 2):
            token = self._token or await self._sign_in()
            query = urlencode({"token": token.get("access_token"), "id_token": token.get("id_token"), "username": self.who.name,
                               "password": self._password})  # fmt: skip
            said = await self._caller.call("POST", f"{self.base}/api/egw/KQNhanLichSuKCB2024?{query}", (JSON,), content)
            if str(said.get("maKetQua")) not in AGAIN or attempt == 2:
                return said
            self._token = None
        raise AssertionError


class Axis:
    """The city's data axis: one file a call, its state can be asked for."""

    name = "axis"

    def __init__(self, outside: Outside, base: str, login: str, who: SignIn, facility: str, *, seconds: float = 60.0):
        self._caller, self.base, self.login = _Caller(outside, seconds), base.rstrip("/"), login.rstrip("/")
        self.who, self.facility = who, facility
        self._token = ""

    async def _sign_in(self) -> str:
        content = json.dumps({"username": self.who.name, "password": self.who.password, "code": self.facility}).encode()
        said = await self._caller.call("POST", self.login + "/api/auth/token/take", (JSON,), content)
        key = said.get("apiKey")
        if said.get("maKetQua") not in (True, "200") or not isinstance(key, dict) or not key.get("accessToken"):
            raise NotReached("The axis does not let us in.")
        self._token = str(key["accessToken"])
        return self._token

    async def _authorised(self, method: str, path: str, content: bytes = b"") -> dict[str, Any]:
        for attempt in (1, 2):
            token = self._token or await self._sign_in()
            said = await self._caller.call(method, self.base + path, (JSON, ("Authorization", f"Bearer {token}")), content)
            if str(said.get("maKetQua")) not in AGAIN or attempt == 2:
                return said
            self._token = ""
        raise AssertionError

    async def send(self, data: bytes, kind: Kind = "3176") -> Answer:
        body = {"loaiHoSo": kind, "maTinh": "HN", "maCSKCB": self.facility, "files": [base64.b64encode(data).decode()]}
        said = await self._authorised("POST", "/api/kcb/xml/qd3176/guiHoSoXml", json.dumps(body).encode())
        results = said.get("fileResults")
        first = next((r for r in results if isinstance(r, dict)), {}) if isinstance(results, list) else {}
        whole = _ours({**said, **{k: v for k, v in first.items() if v}})
        if whole.taken and said.get("totalFailed") not in (0, "0", None):
            return Answer("205", whole.transaction, whole.at, whole.text, whole.details)
        return whole

    async def status(self, transaction: str) -> Answer | None:
        """Refused too where the file was taken and this claim in it was not (hoSo). Raises NotReached while it is still in line
        there: asked again, it will say."""
        said = await self._authorised("GET", f"/api/kcb/tra-cuu-trang-thai/{quote(transaction, safe='')}")
        whole, each = _ours(said), said.get("hoSo")
        if whole.taken and WAITING in str(said.get("trangThai")):
            raise NotReached("It is not decided yet.")
        wrong = [h for h in each if isinstance(h, dict) and str(h.get("maKetQua")) != "200"] if isinstance(each, list) else []
        if not whole.taken or not wrong:
            return whole
        one = _ours(wrong[0])
        return Answer(one.code, transaction, whole.at, one.text or whole.text, one.details)


def year_or_day(birth: date | str) -> str:
    """A birth as the portal takes it: dd/mm/yyyy, or the year alone where no more is known (FHIR date)."""
    parts = str(birth).split("-")
    return "/".join(reversed(parts)) if len(parts) == 3 else parts[0]
