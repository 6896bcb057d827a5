"""Who carries a message to a patient: a mail server, a text message gateway, Zalo. Each is handed one message and says its own
number for it, or raises NotTaken: again (try later) or not (another way, or none)."""

from __future__ import annotations

import asyncio
import json
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any, Protocol

from ..base.errors import LongbienError
from ..base.fold import fold
from ..base.outside import Outside
from .settings import ReceptionSettings

SECONDS = 20.0


class NotTaken(LongbienError):
    """The carrier did not take the message. again: it may later."""

    status = 502
    code = "transient"

    def __init__(self, text: str, *, again: bool):
        super().__init__(text)
        self.again = again


class Message(Protocol):
    @property
    def text(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def facility(self) -> str: ...
    @property
    def date(self) -> str: ...
    @property
    def time(self) -> str: ...
    @property
    def room(self) -> str: ...


class Carrier(Protocol):
    async def send(self, to: str, message: Message, key: str) -> str:
        """Gives the carrier's number of the message. key: ours, the same when the same is sent again. Raises NotTaken."""
        ...


class Mail:
    """E-mail by SMTP (RFC 5321), the way there sealed as the settings say."""

    def __init__(self, settings: ReceptionSettings):
        self.s = settings

    async def send(self, to: str, message: Message, key: str) -> str:
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = message.subject, self.s.smtp_from, to
        domain = self.s.smtp_from.rpartition("@")[2] or "localhost"
        mail["Message-ID"] = number = make_msgid(key, domain)
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        mail.set_content(message.text)
        await asyncio.to_thread(self._send, mail)
        return number

    def _send(self, mail: EmailMessage) -> None:
        try:
            context = ssl.create_default_context()
            sealed = self.s.smtp_tls == "tls"
            opened = (
                smtplib.SMTP_SSL(self.s.smtp_host, self.s.smtp_port, timeout=SECONDS, context=context)
                if sealed
                else smtplib.SMTP(self.s.smtp_host, self.s.smtp_port, timeout=SECONDS)
            )
            with opened as server:
                if self.s.smtp_tls == "starttls":
                    server.starttls(context=context)
                if self.s.smtp_user:
                    server.login(self.s.smtp_user, self.s.smtp_password)
                server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as no:
            codes = [code for code, _ in no.recipients.values()]
            raise NotTaken(f"refused: {codes}", again=all(400 <= c < 500 for c in codes)) from None
        except smtplib.SMTPResponseException as no:
            raise NotTaken(f"refused: {no.smtp_code}", again=400 <= no.smtp_code < 500) from None
        except (OSError, smtplib.SMTPException) as why:
            raise NotTaken(f"not reached: {type(why).__name__}", again=True) from None


async def _handed_in(outside: Outside, url: str, body: Mapping[str, Any], headers: tuple[tuple[str, str], ...] = ()) -> Any:
    """POST of JSON, answered by JSON. Raises NotTaken."""
    try:
        reply = await outside.request(
            "POST", url, (("Content-Type", "application/json"), *headers), json.dumps(body).encode(), seconds=SECONDS
        )
    except LongbienError as why:
        raise NotTaken(why.text, again=why.status >= 500) from None
    if reply.status >= 500 or reply.status == 429:
        raise NotTaken(f"answered {reply.status}", again=True)
    try:
        said = json.loads(reply.body)
    except ValueError:
        said = None
    if reply.status >= 400 or not isinstance(said, dict):
        raise NotTaken(f"answered {reply.status}", again=False)
    return said


class TextMessage:
    """SMS by eSMS (customer care messages, SmsType 2; RequestId keeps the same message from being sent twice). CodeResult 100:
    taken; 99: their fault, later; all others name a fault of ours (key, brand, money, number)."""

    def __init__(self, settings: ReceptionSettings, outside: Outside):
        self.s, self.outside = settings, outside

    async def send(self, to: str, message: Message, key: str) -> str:
        body = {
            "ApiKey": self.s.sms_key,
            "SecretKey": self.s.sms_secret,
            "Brandname": self.s.sms_brand,
            "SmsType": "2",
            "Phone": to,
            "Content": plain(message.text),
            "IsUnicode": "0",
            "RequestId": key,
        }
        said = await _handed_in(self.outside, self.s.sms_url, body)
        code = str(said.get("CodeResult") or "")
        if code != "100":
            raise NotTaken(f"CodeResult {code[:20]}", again=code == "99")
        return str(said.get("SMSID") or "")


class Zalo:
    """A Zalo notification (ZNS): a template that Zalo has approved, filled with facility, date, time and room. error 0: taken."""

    def __init__(self, settings: ReceptionSettings, outside: Outside):
        self.s, self.outside = settings, outside

    async def send(self, to: str, message: Message, key: str) -> str:
        body = {
            "phone": "84" + to.removeprefix("0"),
            "template_id": self.s.zalo_template,
            "template_data": {
                "facility": message.facility,
                "date": message.date,
                "time": message.time,
                "room": message.room,
            },
            "tracking_id": key,
        }
        said = await _handed_in(self.outside, self.s.zalo_url, body, (("access_token", self.s.zalo_token),))
        if said.get("error") != 0:
            raise NotTaken(f"error {str(said.get('error'))[:20]}", again=False)
        data = said.get("data")
        return str(data.get("msg_id") or "") if isinstance(data, dict) else ""


def plain(text: str) -> str:
    """Without tones: a text message of plain letters costs half, and every telephone shows it."""
    return "".join(_plain(c) for c in text)


def _plain(letter: str) -> str:
    if letter.isascii() or not letter.isalpha():
        return letter
    bare = fold(letter) or letter
    return bare.upper() if letter.isupper() else bare


def carriers(settings: ReceptionSettings, outside: Outside) -> dict[str, Carrier]:
    """The ways that are set up."""
    found: dict[str, Carrier] = {}
    if settings.smtp_host and settings.smtp_from:
        found["email"] = Mail(settings)
    if settings.sms_key and settings.sms_secret and settings.sms_brand:
        found["sms"] = TextMessage(settings, outside)
    if settings.zalo_token and settings.zalo_template:
        found["zalo"] = Zalo(settings, outside)
    return found
