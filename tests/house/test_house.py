"""House rules that no linter knows. Each says why it is one."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from longbien import cli

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "longbien"
TEXT = {".py", ".sql", ".md", ".toml", ".html", ".css", ".js", ".sh", ".in", ".txt", ".json", ".csv", ".po", ".yml", ".svg"}
THIS = Path(__file__).resolve()
SQL_LINES_THAT_SPEAK_FOR_THEMSELVES = 4


def ours() -> list[Path]:
    """Every file under version control (or about to be)."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def texts() -> list[tuple[Path, str]]:
    named = {"Makefile", "run", ".npmrc", ".gitignore"}
    found = [p for p in ours() if p.suffix in TEXT or p.name in named]
    return [(p, p.read_text("utf-8")) for p in found if p.resolve() != THIS]


def said(paths: list[str]) -> str:
    return "\n  ".join(["", *paths])


def test_files_stay_small_enough_to_read_at_once() -> None:
    """A file over 600 lines is two things: split it by thing, never by layer."""
    long = [
        f"{p.relative_to(ROOT)}: {n} lines"
        for p in ours()
        if p.suffix == ".py" and (n := len(p.read_text("utf-8").splitlines())) > 600
    ]
    assert not long, said(long)


def test_no_module_is_called_utils_helpers_common_or_core() -> None:
    """Such a name says nothing, and everything ends up there."""
    bad = {"utils", "util", "helpers", "helper", "common", "core", "misc"}
    found = [str(p.relative_to(ROOT)) for p in ours() if p.suffix == ".py" and bad & {*p.relative_to(ROOT).parts, p.stem}]
    assert not found, said(found)


def test_imports_stand_at_the_top() -> None:
    """An import inside a function hides a circle between rooms. (ruff PLC0415; here it is made sure that the rule is on
    and that nobody silences it.)"""
    assert '"PLC0415"' in (ROOT / "pyproject.toml").read_text()
    silenced = [str(p.relative_to(ROOT)) for p, text in texts() if p.suffix == ".py" and re.search(r"noqa:.*PLC0415", text)]
    assert not silenced, said(silenced)


@pytest.mark.parametrize("path", sorted(SRC.rglob("*.sql")), ids=lambda p: str(p.relative_to(SRC)))
def test_every_sql_file_says_what_and_why(path: Path) -> None:
    """A query is found by its name (-- name: x) and understood by its comment; a migration says whose it is and when it is safe."""
    text = path.read_text("utf-8")
    if path.parent.name == "migrations":
        assert re.fullmatch(r"\d{4}_[a-z0-9]+(_[a-z0-9]+)*_(pre|post)(_[a-z0-9_]+)?\.sql", path.name), path.name
        assert text.startswith("-- "), "begin with what it does and why"
        return
    blocks = re.split(r"^-- name:\s*(\w+)\s*$", text, flags=re.M)
    names = blocks[1::2]
    assert names, "no named query"
    assert len(names) == len(set(names)), "a name twice"
    bodies = dict(zip(names, (b.strip() for b in blocks[2::2]), strict=True))
    bare = [n for n, body in bodies.items() if body.count("\n") >= SQL_LINES_THAT_SPEAK_FOR_THEMSELVES and "--" not in body]
    assert not bare, f"without a comment that says why: {', '.join(bare)}"


def test_migrations_are_numbered_once() -> None:
    numbers = [p.name[:4] for p in (SRC / "migrations").glob("*.sql")]
    assert len(numbers) == len(set(numbers)), sorted(numbers)


def test_nothing_knows_the_machine_it_was_written_on() -> None:
    """Absolute paths of a developer's machine work nowhere else."""
    path = re.compile(r"(?<![\w.])/(?:work|root|home|Users)/\w")
    found = [f"{p.relative_to(ROOT)}: {m[0]}..." for p, text in texts() for m in path.finditer(text)]
    assert not found, said(found)


def test_no_registry_host_is_written_down() -> None:
    """Where packages come from is the machine's matter (a mirror, a proxy); what they are is fixed by their hashes."""
    host = re.compile(r"(?:pypi|pythonhosted|npmjs|yarnpkg|debian)\.(?:org|com)|extra-index-url", re.I)
    found = [f"{p.relative_to(ROOT)}: {m[0]}" for p, text in texts() for m in host.finditer(text)]
    assert not found, said(found)
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text()  # see .npmrc


def test_the_text_speaks_of_the_product_only() -> None:
    """How the code came to be belongs into no file of it."""
    word = re.compile(r"\b(?:chatgpt|claude|anthropic|copilot|llm|language model|prompt engineering|as an ai)\b", re.I)
    found = [f"{p.relative_to(ROOT)}: {m[0]}" for p, text in texts() for m in word.finditer(text)]
    assert not found, said(found)


def test_built_files_and_data_are_not_committed() -> None:
    bad = [p for p in ours() if {"_built", "node_modules", ".venv", ".data"} & set(p.relative_to(ROOT).parts)]
    large = [p for p in ours() if p.stat().st_size > 2_000_000]
    assert not bad + large, said([str(p.relative_to(ROOT)) for p in bad + large])


def test_every_lock_file_holds_hashes() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        for pinned in re.findall(r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", lock.read_text(), flags=re.M | re.S):
            assert "==" in pinned and "--hash=sha256:" in pinned, f"{lock.name}: {pinned.splitlines()[0]}"


def test_settings_page_is_what_the_code_declares() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/settings_page.py", "--check"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_every_command_has_a_module_and_help() -> None:
    for name, (module, text) in cli.COMMANDS.items():
        assert (SRC / "commands" / f"{module}.py").is_file(), name
        assert text or name == "serve", name


def test_test_files_have_names_of_their_own() -> None:
    """pytest imports them by their bare names: two of one name stop the whole run."""
    names = Counter(p.name for p in (ROOT / "tests").rglob("*.py") if p.name not in ("conftest.py", "__init__.py"))
    assert [n for n, times in names.items() if times > 1] == []
