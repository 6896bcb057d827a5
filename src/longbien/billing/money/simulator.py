"""A bank that is none: it takes a scanned VietQR as a payer's app would, tells the house of it as a bank would
(wire/bank_notice.py), and makes the mistakes that banks make, one by one, when they are switched on. A process of its own:
`longbien bank-simulator`. It says on every page that no money moves."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpcore
import jinja2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from longbien.base import clock, log
from longbien.base.errors import Invalid, LongbienError
from longbien.wire import bank_notice, vietqr
from longbien.wire.bank_notice import Movement

_log = log.get(__name__)
HERE = Path(__file__).parent
STATIC = HERE.parents[1] / "web" / "static"
SHEETS = ("tokens.css", "components.css")
FAULTS = {
    "duplicate": ("Báo hai lần", "tells it twice"),
    "delay": ("Báo chậm 5 giây", "tells it 5 seconds late"),
    "wrong-amount": ("Chuyển thiếu 1 đồng", "one dong less arrives"),
    "more": ("Chuyển thừa 1.000 đồng", "1,000 dong more arrive"),
    "wrong-reference": ("Nội dung sai một chữ", "one letter of the text is wrong"),
    "no-reference": ("Nội dung trống", "the text is gone"),
    "out-of-order": ("Giữ lại, báo sau giao dịch tiếp theo", "held back until the next was told"),
    "forged": ("Chữ ký giả", "a forged signature"),
    "lost": ("Không báo (chỉ có trong sao kê)", "never told: in the statement only"),
}
TRIES = 6


@dataclass
class Told:
    """One movement and what the house said to it, newest answer last."""

    movement: Movement
    answers: list[str] = field(default_factory=list)


class Simulator:
    """One simulated bank. house: the address that is told; secret: what it signs with."""

    def __init__(self, house: str, secret: str):
        self.house, self.secret = house.rstrip("/"), secret
        self.faults: set[str] = set()
        self.told: list[Told] = []
        self.held: list[Told] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.numbers = itertools.count(1)
        self.begun = clock.now()
        self.http: httpcore.AsyncConnectionPool | None = None

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if self.http is not None:
            await self.http.aclose()

    def number(self) -> str:
        return f"FT{self.begun:%y%j%H%M%S}{next(self.numbers):06d}"

    def pay(self, text: str, amount: int | None = None, payer: str = "NGUYEN VAN THU") -> Movement:
        """What a payer's app does with a scanned code; with `amount` where the code has none, or the payer types another. Raises
        Invalid."""
        t = vietqr.read(text)
        given = amount if amount is not None else t.amount
        if given is None or not 0 < given < bank_notice.MOST_AMOUNT:
            raise Invalid("This code names no amount: type one.", code="value")
        carried = t.purpose
        if "wrong-amount" in self.faults:
            given = max(1, given - 1)
        if "more" in self.faults:
            given += 1000
        if "wrong-reference" in self.faults and carried:
            carried = carried[:-1] + ("A" if carried[-1] != "A" else "B")
        if "no-reference" in self.faults:
            carried = ""
        said = f"MBVCB.{self.number()}.{carried}.CT tu 0011223344 {payer}" if carried else f"{payer} chuyen tien"
        return self.move(Movement(t.bin, t.account, self.number(), given, clock.now(), said, payer))

    def move(self, m: Movement) -> Movement:
        """Something moved on an account: it stands in the statement, and the house is told as the faults have it."""
        one = Told(m)
        self.told.append(one)
        if "lost" in self.faults:
            return m
        if "out-of-order" in self.faults:
            self.held.append(one)
            if len(self.held) > 1:
                waiting, self.held = self.held[::-1], []
                self._later(self._in_turn(waiting))
            return m
        self._later(self._tell(one, 5.0 if "delay" in self.faults else 0.0))
        if "duplicate" in self.faults:
            self._later(self._tell(one, 0.05))
        return m

    def again(self, ref: str) -> None:
        for one in self.told:
            if one.movement.ref == ref:
                self._later(self._tell(one, 0))

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _in_turn(self, ones: list[Told]) -> None:
        for one in ones:
            await self._tell(one, 0)

    async def _tell(self, one: Told, wait: float) -> None:
        """Until it is thanked for, as banks do."""
        await asyncio.sleep(wait)
        for n in range(TRIES):
            body = bank_notice.write([one.movement])
            stamp = str(int(clock.now().timestamp()))
            secret = "x" * 40 if "forged" in self.faults else self.secret
            status = await self._post(stamp, bank_notice.signature(secret, stamp, body), body)
            one.answers.append(status)
            if status[:1] in ("2", "4"):
                return
            await asyncio.sleep(0.5 * 2**n)

    async def _post(self, stamp: str, signed: str, body: bytes) -> str:
        if self.http is None:
            self.http = httpcore.AsyncConnectionPool(max_connections=20)
        headers: dict[bytes | str, bytes | str] = {
            "content-type": "application/json",
            "x-bank-timestamp": stamp,
            "x-bank-signature": signed,
        }
        try:
            reply = await self.http.request("POST", f"{self.house}/bank/longbien/notices", headers=headers, content=body)
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as why:
            return type(why).__name__
        return str(reply.status)

    def signed(self, since: datetime) -> tuple[bytes, dict[str, str]]:
        """The movements since then, as an answer to a question of the house's."""
        body = bank_notice.write(x.movement for x in self.told if x.movement.at >= since)
        stamp = str(int(clock.now().timestamp()))
        return body, {"X-Bank-Timestamp": stamp, "X-Bank-Signature": bank_notice.signature(self.secret, stamp, body)}

    def statement(self) -> str:
        out = io.StringIO()
        rows = csv.writer(out)
        rows.writerow(["at", "id", "direction", "amount", "text", "payer"])
        for x in self.told:
            m = x.movement
            rows.writerow(
                [m.at.isoformat(timespec="seconds"), m.ref, "in" if m.amount > 0 else "out", abs(m.amount), m.text, m.payer]
            )
        return out.getvalue()

    def transfers(self, text: str, bin: str, account: str) -> int:
        """A transfer file of the house's refunds, executed: money goes out, line by line. Raises Invalid."""
        rows = list(csv.DictReader(io.StringIO(text)))
        for n, row in enumerate(rows, 2):
            if not str(row.get("amount") or "").isdigit() or not row.get("text"):
                raise Invalid(f"line {n} of the transfer file cannot be read", code="value")
        for row in rows:
            self.move(Movement(bin, account, self.number(), -int(row["amount"]), clock.now(), row["text"], row.get("holder") or ""))
        return len(rows)


def application(simulator: Simulator) -> Starlette:
    env = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE), autoescape=True)
    page = env.get_template("simulator.html")

    def show(status: int = 200, **more: Any) -> Response:
        told = list(reversed(simulator.told))[:50]
        given = {"told": told, "faults": FAULTS, "on": simulator.faults, "house": simulator.house, "local": clock.local, **more}
        return HTMLResponse(page.render(given), status)

    async def home(request: Request) -> Response:
        return show(qr=request.query_params.get("qr", ""), read=_looked(request.query_params.get("qr", "")))

    async def pay(request: Request) -> Response:
        form = await request.form()
        text, typed = str(form.get("qr") or "").strip(), str(form.get("amount") or "").strip().replace(".", "").replace(",", "")
        try:
            if typed and not (typed.isascii() and typed.isdigit()):
                raise Invalid("Số tiền phải là chữ số · the amount must be digits")
            moved = simulator.pay(text, int(typed) if typed else None)
        except LongbienError as why:
            return show(422, qr=text, error=why.text, read=_looked(text))
        if "application/json" in request.headers.get("accept", ""):
            return JSONResponse({"id": moved.ref, "amount": moved.amount})
        return show(paid=moved)

    async def faults(request: Request) -> Response:
        form = await request.form()
        simulator.faults = {str(f) for f in form.getlist("fault")} & FAULTS.keys()
        return RedirectResponse("/", 303)

    async def again(request: Request) -> Response:
        simulator.again(str((await request.form()).get("id") or ""))
        return RedirectResponse("/", 303)

    async def movements(request: Request) -> Response:
        try:
            since = datetime.fromisoformat(request.query_params.get("since", "").replace(" ", "+"))
        except ValueError:
            since = clock.now() - timedelta(days=1)
        body, headers = simulator.signed(since if since.tzinfo else since.replace(tzinfo=clock.HANOI))
        return Response(body, headers=headers, media_type="application/json")

    async def statement(request: Request) -> Response:
        return PlainTextResponse(simulator.statement(), media_type="text/csv; charset=utf-8")

    async def transfers(request: Request) -> Response:
        form = await request.form()
        try:
            n = simulator.transfers(str(form.get("file") or ""), str(form.get("bin") or ""), str(form.get("account") or ""))
        except LongbienError as why:
            return show(422, error=why.text)
        return show(note=f"{n} lệnh chuyển tiền đã thực hiện · {n} transfers were made")

    async def style(request: Request) -> Response:
        return Response("\n".join((STATIC / s).read_text("utf-8") for s in SHEETS), media_type="text/css")

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await simulator.close()

    return Starlette(
        routes=[
            Route("/", home),
            Route("/pay", pay, methods=["POST"]),
            Route("/faults", faults, methods=["POST"]),
            Route("/again", again, methods=["POST"]),
            Route("/movements", movements),
            Route("/statement.csv", statement),
            Route("/transfers", transfers, methods=["POST"]),
            Route("/style.css", style),
        ],
        lifespan=lifespan,
    )


def _looked(text: str) -> vietqr.Transfer | None:
    try:
        return vietqr.read(text) if text else None
    except LongbienError:
        return None
