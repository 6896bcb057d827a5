"""Who takes messages in the tests: a mail server that speaks SMTP, and a double of the gateways that speaks HTTP as they document
it (eSMS: CodeResult and SMSID; Zalo ZNS: error and data.msg_id). Both keep what they were handed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, NamedTuple


class Post(NamedTuple):
    port: int
    letters: list[EmailMessage]


@asynccontextmanager
async def mail_server(refuse: str = "") -> AsyncIterator[Post]:
    """An SMTP server (RFC 5321) on this machine. refuse: an answer to RCPT TO, such as `550 no such person`."""
    letters: list[EmailMessage] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(text: str) -> None:
            writer.write(text.encode() + b"\r\n")
            await writer.drain()

        await say("220 post.test ESMTP")
        while line := (await reader.readline()).decode().strip():
            word = line.split()[0].upper()
            if word == "EHLO":
                await say("250-post.test\r\n250 8BITMIME")
            elif word == "RCPT" and refuse:
                await say(refuse)
            elif word == "DATA":
                await say("354 go on")
                data = b""
                while (part := await reader.readline()) != b".\r\n":
                    data += part.removeprefix(b".") if part.startswith(b"..") else part
                letters.append(message_from_bytes(data, policy=policy.default))
                await say("250 taken")
            elif word == "QUIT":
                await say("221 bye")
                break
            else:
                await say("250 ok")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield Post(server.sockets[0].getsockname()[1], letters)
    finally:
        server.close()


class Gateway(NamedTuple):
    url: str
    asked: list[tuple[dict[str, str], dict[str, Any]]]


@asynccontextmanager
async def gateway(answer: Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]) -> AsyncIterator[Gateway]:
    """An HTTP server that keeps (headers, JSON body) of every POST and answers what `answer` says."""
    asked: list[tuple[dict[str, str], dict[str, Any]]] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (h.partition(":") for h in head[1:] if h)}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        asked.append((headers, body))
        status, said = answer(body)
        data = json.dumps(said).encode()
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield Gateway(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/send", asked)
    finally:
        server.close()
