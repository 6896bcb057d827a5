"""House rules of the pages: every route names a permission and a purpose; no script in templates; a strict policy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from longbien.app import PAGES
from longbien.record.trail import PURPOSES
from longbien.web import assets, page, render

OPEN_PATHS = {
    "/", "/sign-in", "/language", "/sign-in/passkey", "/sign-in/passkey/ask", "/sign-in/code", "/sign-in/badge", "/lock", "/unlock",
    "/display/{location}",
    "/verify", "/verify/{code}",
    "/welcome", "/welcome/{secret}", "/sign-in/with/{provider}", "/sign-in/with/{provider}/back", "/sign-in/with/{provider}/logout",
}  # fmt: skip
MACHINES = {
    "/bank/{bank}/notices", "/api/auth/token/take", "/api/kcb/xml/qd3176/guiHoSoXml", "/api/kcb/tra-cuu-trang-thai/{maGiaoDich}",
}  # fmt: skip
"""Doors of machines among the rooms' routes, by protocols of their own: no page, no cookie; each has its own proof of who knocks
(billing/money/banks.py, billing/axis/senders.py) and its cases in tests/attack."""
WEB = Path(page.__file__).parent


def test_every_route_names_a_permission_and_a_purpose() -> None:
    for r in PAGES:
        assert isinstance(r, Route)
        if r.path.startswith("/static/") or r.path in MACHINES:
            assert not hasattr(r.endpoint, "page")
            continue
        known = r.endpoint.page
        assert known.permission.code and known.purpose in (*PURPOSES, page.NOBODY_PURPOSE)
        assert known.permission is not page.OPEN or r.path in OPEN_PATHS, r.path


def test_a_route_without_them_does_not_start() -> None:
    async def bare(request: Request) -> Response:
        return Response()

    with pytest.raises(TypeError, match="permission"):
        page.route("/x", bare)


def test_no_template_holds_a_script_or_a_handler() -> None:
    for path in WEB.rglob("templates/**/*.html"):
        text = path.read_text("utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|javascript:", text), path


def test_the_policy_allows_no_inline_script() -> None:
    policy = render.HEADERS["Content-Security-Policy"]
    assert "script-src 'self';" in policy and "frame-ancestors 'none'" in policy


def test_an_assets_address_changes_with_its_content_and_leaves_the_folder_never() -> None:
    assert re.fullmatch(r"/static/[0-9a-f]{12}/app\.css", assets.url("app.css"))
    with pytest.raises(FileNotFoundError):
        assets.url("../page.py")
