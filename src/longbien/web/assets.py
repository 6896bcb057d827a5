"""The files the browser gets: ours (static/) and what the build took from npm (_built/static: fonts). Every address carries the
hash of the content, so it may be kept for ever; a page never mixes two versions."""

from __future__ import annotations

import mimetypes
from functools import cache
from hashlib import blake2b
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

OURS = Path(__file__).parent / "static"
BUILT = Path(__file__).parents[1] / "_built" / "static"
FONTS = "fonts.css"

#: Which characters of Vietnamese the subset "vietnamese" of Inter holds (from its @fontsource css).
_VIETNAMESE = (
    "U+0102-0103,U+0110-0111,U+0128-0129,U+0168-0169,U+01A0-01A1,U+01AF-01B0,"
    "U+0300-0301,U+0303-0304,U+0308-0309,U+0323,U+0329,U+1EA0-1EF9,U+20AB"
)


@cache
def _files() -> dict[str, Path]:
    """Every file that may be asked for, by its name; ours win. A name out of an address is only ever looked up here."""
    return {path.relative_to(root).as_posix(): path for root in (BUILT, OURS) for path in sorted(root.rglob("*")) if path.is_file()}


@cache
def fonts() -> bytes:
    """@font-face of Inter where the build has brought it; without it the pages use the system's face."""
    rules = []
    for path in sorted(BUILT.rglob("*.woff2")):
        for subset in ("latin-ext", "latin", "vietnamese"):
            for weight in ("400", "600"):
                if path.name == f"inter-{subset}-{weight}-normal.woff2":
                    reach = f"unicode-range:{_VIETNAMESE};" if subset == "vietnamese" else ""
                    where = url(path.relative_to(BUILT).as_posix())
                    rules.append(
                        f"@font-face{{font-family:Inter;font-style:normal;font-weight:{weight};font-display:optional;"
                        f"src:url({where}) format('woff2');{reach}}}"
                    )
    return "\n".join(sorted(rules)).encode()


_kept: dict[str, tuple[bytes, str, str]] = {}


def _content(name: str) -> tuple[bytes, str, str] | None:
    """(bytes, media type, hash). What is not there is not remembered: anybody may ask for any name."""
    if name not in _kept and (found := _load(name)) is not None:
        _kept[name] = found
    return _kept.get(name)


def _load(name: str) -> tuple[bytes, str, str] | None:
    if name == FONTS:
        body: bytes = fonts()
    else:
        path = _files().get(name)
        if path is None:
            return None
        body = path.read_bytes()
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if name.endswith(".woff2"):
        kind = "font/woff2"
    return body, kind, blake2b(body, digest_size=6).hexdigest()


def url(name: str) -> str:
    """The address of a file, with its content's hash. Raises FileNotFoundError."""
    found = _content(name)
    if found is None:
        raise FileNotFoundError(name)
    return f"/static/{found[2]}/{name}"


async def serve(request: Request) -> Response:
    """GET /static/{hash}/{name}. An old hash gets the present content, but not for keeping."""
    name = request.path_params["name"]
    found = _content(name) if name in _files() or name == FONTS else None  # what is not there takes no room in the cache
    if found is None:
        return PlainTextResponse("not found", 404)
    body, kind, digest = found
    fresh = request.path_params["hash"] == digest
    keep = "public, max-age=31536000, immutable" if fresh else "no-cache"
    return Response(body, media_type=kind, headers={"Cache-Control": keep, "X-Content-Type-Options": "nosniff"})
