"""Somebody signed in, as the tests of the clinic's pages use them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

Came = Callable[..., Awaitable[tuple[str, str]]]


class Browser:
    """Somebody signed in: get, and post with the page's own token."""

    def __init__(self, client: httpx.AsyncClient):
        self.client = client
        self.token = ""

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    async def post(self, path: str, data: Any = (), *, part: bool = True) -> httpx.Response:
        if not self.token:
            found = re.search(r'data-csrf="([^"]+)"', (await self.client.get("/today")).text)
            assert found
            self.token = found[1]
        pairs = [*(data.items() if isinstance(data, dict) else data), ("csrf", self.token)]
        headers = {"X-Part": "1"} if part else {}
        body = httpx.QueryParams(pairs).__str__()
        return await self.client.post(
            path, content=body, headers={"Content-Type": "application/x-www-form-urlencoded", **headers}, follow_redirects=False
        )
