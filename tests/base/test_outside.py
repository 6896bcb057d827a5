"""Calls to the outside: nobody makes this server speak to its own network for him."""

# ruff: noqa: E501 - what is asked stands as it is asked
from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

import pytest

from longbien.base.errors import LongbienError, Unavailable
from longbien.base.outside import Outside, OutsideSettings, Refused, public

NEVER = [
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255",
    "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
    "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1", "::127.0.0.1", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", NEVER)
async def test_no_address_of_a_network_of_ones_own_is_called_however_it_is_written(address: str) -> None:
    assert not public(ipaddress.ip_address(address))
    outside = Outside(OutsideSettings())
    shown = f"[{address}]" if ":" in address else address
    with pytest.raises(LongbienError):
        await outside.request("GET", f"https://{shown}/latest/meta-data", seconds=2)
    await outside.close()


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "LOCALHOST.", "[::ffff:7f00:1]", "127.0.0.1.", "①②⑦.0.0.1"],
)
async def test_nor_by_other_ways_of_writing_it(host: str) -> None:
    outside = Outside(OutsideSettings())
    with pytest.raises(LongbienError):
        await outside.request("GET", f"https://{host}/", seconds=2)
    await outside.close()


@pytest.mark.parametrize(
    "url", ["http://example.org/", "file:///etc/passwd", "gopher://example.org/", "https://u:p@example.org/", "https://example.org/#x",
            "https://example.org\\@127.0.0.1/", "//example.org/", "https://", "https://example.org/ x", "https://example.org:99999/"],
)  # fmt: skip
def test_only_plain_https_addresses_are_taken(url: str) -> None:
    with pytest.raises(Refused):
        Outside(OutsideSettings()).check(url)


async def test_a_name_that_leads_elsewhere_the_second_time_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rebinding: public when it is looked at, loopback when it is connected to. The address connected to is asked for once, and judged."""
    answers = iter(["93.184.215.14", "127.0.0.1", "127.0.0.1"])

    async def resolve(host: Any, port: Any, **_: Any) -> Any:
        return [(2, 1, 6, "", (next(answers), port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    outside = Outside(OutsideSettings())
    await outside.look("https://rebinding.example/")
    with pytest.raises((Refused, Unavailable)):
        await outside.request("GET", "https://rebinding.example/", seconds=2)
    await outside.close()


async def test_of_a_name_with_good_and_bad_addresses_only_the_good_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(host: Any, port: Any, **_: Any) -> Any:
        return [(2, 1, 6, "", (a, port)) for a in ("127.0.0.1", "93.184.215.14", "169.254.169.254")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    assert await Outside(OutsideSettings()).addresses("mixed.example", 443) == ["93.184.215.14"]


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    asked = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    outside = Outside(OutsideSettings(hosts=f"127.0.0.1:{port}"))
    reply = await outside.request("GET", f"http://127.0.0.1:{port}/x", seconds=3)
    assert reply.status == 302 and len(asked) == 1
    await outside.close()
    server.close()
