"""Lays the files that browsers load into src/longbien/_built/static, each under a name that holds its content's hash, so
that they may be kept for ever, and writes manifest.json: {"tokens.css": "tokens.3f2a9c0d1b.css", ...}.

    python scripts/build_assets.py [NODE_MODULES]

From npm packages: the script and the letters of our pages. From src/longbien/web/static: our own files; a
`url("inter-latin-400.woff2")` in our style sheets is rewritten to the hashed name. A name that is referred to and does not
exist fails the build.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OWN = ROOT / "src" / "longbien" / "web" / "static"
OUT = ROOT / "src" / "longbien" / "_built" / "static"

INTER = "@fontsource/inter/files"
FROM_NPM = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "hx-sse.min.js": "htmx.org/dist/ext/hx-sse.min.js",
    "inter-latin-400.woff2": f"{INTER}/inter-latin-400-normal.woff2",
    "inter-latin-600.woff2": f"{INTER}/inter-latin-600-normal.woff2",
    "inter-vietnamese-400.woff2": f"{INTER}/inter-vietnamese-400-normal.woff2",
    "inter-vietnamese-600.woff2": f"{INTER}/inter-vietnamese-600-normal.woff2",
    "licenses/htmx.txt": "htmx.org/LICENSE",
    "licenses/inter.txt": "@fontsource/inter/LICENSE",
}
_URL = re.compile(rb"""url\(\s*["']?(?!data:|https?:|#|/)([^"')]+)["']?\s*\)""")
_IGNORED = re.compile(r"^\.|~$")


def sources(node_modules: Path) -> dict[str, Path]:
    """Name -> file. Our own files win over nothing: a name may exist once."""
    found = {name: node_modules / path for name, path in FROM_NPM.items()}
    for path in sorted(OWN.rglob("*")) if OWN.is_dir() else []:
        name = path.relative_to(OWN).as_posix()
        if path.is_file() and not _IGNORED.search(path.name):
            if name in found:
                raise SystemExit(f"{name} comes from npm and from {OWN.relative_to(ROOT)}: rename ours")
            found[name] = path
    missing = [str(p) for p in found.values() if not p.is_file()]
    if missing:
        raise SystemExit(f"missing: {', '.join(missing)} (run `npm ci`)")
    return found


def hashed(name: str, content: bytes) -> str:
    stem, _, end = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:10]}.{end}"


def build(node_modules: Path, out: Path = OUT) -> dict[str, str]:
    """Write everything to `out`, swapped in as a whole; give the manifest."""
    fresh = out.with_name(out.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    manifest: dict[str, str] = {}
    files = sources(node_modules)
    # Style sheets last: they name the others.
    for name, path in sorted(files.items(), key=lambda item: (item[0].endswith(".css"), item[0])):
        content = path.read_bytes()
        if name.endswith(".css"):
            content = _URL.sub(lambda m, name=name: _rewritten(m, name, manifest), content)  # type: ignore[misc]
        manifest[name] = hashed(name, content)
        target = fresh / manifest[name]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    (fresh / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)
    return manifest


def _rewritten(found: re.Match[bytes], sheet: str, manifest: dict[str, str]) -> bytes:
    name = found[1].decode()
    if name not in manifest:
        raise SystemExit(f"{sheet} refers to {name}, which is not there")
    return b'url("' + ("../" * sheet.count("/") + manifest[name]).encode() + b'")'


if __name__ == "__main__":
    made = build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "node_modules")
    sys.stdout.write(f"{len(made)} files for browsers in {OUT.relative_to(ROOT)}\n")
