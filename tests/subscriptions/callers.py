"""Machines that come in at the door, each with a token of its own."""

from __future__ import annotations

import httpx

from longbien.access.tokens import create_token
from longbien.app import App

BASE = "http://hanoi.test"


async def machine(app: App, name: str, scope: str = "system/*.*") -> httpx.AsyncClient:
    token = await create_token(app.state.engine, name, scope)
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE, headers=headers)
