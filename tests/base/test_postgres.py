"""The embedded server, for real: as whoever runs the tests, and as root also where nobody else may enter."""

from __future__ import annotations

import os

import asyncpg

from longbien.base.postgres import Embedded

ROOT = os.geteuid() == 0


async def test_a_fresh_database_of_the_run(pg: Embedded, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT lower('NGUYỄN THỊ ĐÀO')") == "nguyễn thị đào"
    await connection.close()
    pg.create_role("a_role")
    pg.create_role("a_role")
    connection = await asyncpg.connect(pg.url("a_role", database_url.split("/")[3].split("?")[0]))
    assert await connection.fetchval("SELECT current_user") == "a_role"
    await connection.close()
