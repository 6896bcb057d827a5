"""House rule 3: no store without a warrant. A warrant (Scope) is made in access only, for somebody, or by a command of the house
itself with `record.scope.system`. Anybody else makes a Store only of the very scope that the door gives."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "longbien"
MAKERS = {"Store", "Scope", "Everything", "system"}
# The house itself at work, as actor 0: these may say system(...) and make a Store of it, and nothing more.
AS_SYSTEM = {"cli.py", "app.py", "commands", "importer", "demo"}
HOME = {"access"}
# Where the words are defined.
DEFINED = {"record/scope.py"}


def _calls(path: Path) -> Iterator[tuple[int, str, ast.Call]]:
    """Calls of a maker that was imported from the record's scope or store, under whatever name."""
    tree = ast.parse(path.read_text("utf-8"))
    names: dict[str, str] = {}
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if node.module.split(".")[-1] in ("scope", "store") and alias.name in MAKERS:
                    names[alias.asname or alias.name] = alias.name
                if node.module.split(".")[-1] == "record" and alias.name in ("scope", "store"):
                    modules[alias.asname or alias.name] = alias.name
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in ("longbien.record.scope", "longbien.record.store"):
                    modules[alias.asname or alias.name] = alias.name
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        f = node.func
        if isinstance(f, ast.Name) and f.id in names:
            yield node.lineno, names[f.id], node
        if isinstance(f, ast.Attribute) and f.attr in MAKERS and ast.unparse(f.value) in modules:
            yield node.lineno, f.attr, node


def _wrong(path: Path, place: str) -> list[str]:
    room = place.split("/")[0]
    if room in HOME or place in DEFINED:
        return []
    allowed = {"system", "Store"} if room in AS_SYSTEM else set()
    found = (
        (line, name) for line, name, call in _calls(path) if name not in allowed and not (name == "Store" and _of_the_door(call))
    )
    return [f"{place}:{line} makes a {name}: only access may" for line, name in found]


def _of_the_door(call: ast.Call) -> bool:
    """Store(engine, something.scope(...)): what the door's scope() gave; or Store(view, store.scope): a store's own, handed on."""
    given = call.args[1] if len(call.args) == 2 else None
    given = given.func if isinstance(given, ast.Call) else given
    return isinstance(given, ast.Attribute) and given.attr == "scope"


def test_a_store_or_a_scope_is_made_in_access_only() -> None:
    files = [p for p in SOURCE.rglob("*.py") if "_built" not in p.parts]
    assert len(files) > 50
    assert [w for p in files for w in _wrong(p, p.relative_to(SOURCE).as_posix())] == []


def test_the_check_sees_every_way_of_making_one(tmp_path: Path) -> None:
    for text in (
        "from longbien.record.store import Store\nStore(e, s)",
        "from longbien.record.store import Store as S\nS(e, s)",
        "from longbien.record import store\nstore.Store(e, s)",
        "from longbien.record.store import Store\nStore(e, everything())",
        "from longbien.record.store import Store\nfrom longbien.record.scope import Scope\nStore(e, Scope(0, '', '', ''))",
        "from longbien.record import scope as sc\nsc.system('x')",
        "import longbien.record.store\nlongbien.record.store.Store(e, s)",
        "from .scope import Scope, Everything\nScope(0, 'x', '', '', Everything())",
    ):
        path = tmp_path / "page.py"
        path.write_text(text)
        assert _wrong(path, "web/page.py"), text
