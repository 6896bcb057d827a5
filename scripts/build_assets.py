"""Copies what browsers load out of npm packages into src/longbien/_built/static, swapped in as a whole.

    python scripts/build_assets.py [NODE_MODULES]

Names stay the packages' own; web/assets.py gives every file an address that holds its content's hash. Our own style sheets
and scripts lie in src/longbien/web/static and need no build.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "src" / "longbien" / "_built" / "static"

INTER = "@fontsource/inter"
FILES = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "hx-sse.min.js": "htmx.org/dist/ext/hx-sse.min.js",
    # The two weights of the visual language, in the two subsets that Vietnamese needs: 60 kB in all.
    **{
        f"inter-{subset}-{weight}-normal.woff2": f"{INTER}/files/inter-{subset}-{weight}-normal.woff2"
        for subset in ("latin", "vietnamese")
        for weight in (400, 600)
    },
    "licenses/htmx.txt": "htmx.org/LICENSE",
    "licenses/inter.txt": f"{INTER}/LICENSE",
}


def build(node_modules: Path, out: Path = OUT) -> int:
    """Copy the files; give their number. Exits naming what is missing."""
    missing = [path for path in FILES.values() if not (node_modules / path).is_file()]
    if missing:
        raise SystemExit(f"missing in {node_modules}: {', '.join(missing)} (run `npm ci`)")
    fresh = out.with_name(out.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    for name, path in FILES.items():
        target = fresh / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(node_modules / path, target)
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)
    return len(FILES)


if __name__ == "__main__":
    made = build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "node_modules")
    sys.stdout.write(f"{made} files for browsers in {OUT.relative_to(ROOT)}\n")
