"""Keys and the papers they sign."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from longbien.base.errors import Invalid, Unavailable
from longbien.record import chain, checkpoint


def test_a_key_is_its_owners_only(tmp_path: Path) -> None:
    keys = checkpoint.Keys(tmp_path / "k" / "signing.pem")
    keys.signing()
    assert keys.path.stat().st_mode & 0o777 == 0o600 and keys.path.parent.stat().st_mode & 0o777 == 0o700
    keys.path.chmod(0o640)
    with pytest.raises(Unavailable, match="read by others"):
        keys.signing()
    keys.path.chmod(0o600)
    keys.path.write_text("no key")
    with pytest.raises(Unavailable):
        keys.signing()


def test_a_new_key_is_believed_by_the_old_ones_word_and_old_checkpoints_stay_good(tmp_path: Path) -> None:
    keys, folder = checkpoint.Keys(tmp_path / "k" / "signing.pem"), tmp_path / "c"
    first = keys.signing().public_key()
    trusted = {checkpoint.name_of(first): first}
    mark = {"format": checkpoint.CHECKPOINT, "block": 1, "hash": "aa", "versions": None}
    checkpoint.write(folder, checkpoint.signed(keys.signing(), {**mark, "at": "2026-01-01T00:00:00.000Z"}))
    checkpoint.write(folder, {**keys.rotate(), "at": "2026-01-02T00:00:00.000Z"} | {})
    trails, _, wrong = checkpoint.read(folder, trusted)
    assert trails == [chain.Mark(1, "aa")] and len(wrong) == 1  # the word's date was changed: it is no word any more
    for file in folder.glob("*key*"):
        file.unlink()
    keys = checkpoint.Keys(tmp_path / "k2" / "signing.pem")
    trusted |= {checkpoint.name_of(keys.signing().public_key()): keys.signing().public_key()}
    checkpoint.write(folder, keys.rotate())
    checkpoint.write(folder, checkpoint.signed(keys.signing(), {**mark, "block": 2, "at": "2026-01-03T00:00:00.000Z"}))
    trails, _, wrong = checkpoint.read(folder, trusted)
    assert [m.n for m in trails] == [1, 2] and wrong == []
    assert len(checkpoint.public_keys(keys.public)) == 2


def test_a_forged_checkpoint_shows(tmp_path: Path) -> None:
    keys, folder = checkpoint.Keys(tmp_path / "k" / "signing.pem"), tmp_path / "c"
    word = {"format": checkpoint.CHECKPOINT, "block": 7, "hash": "bb", "versions": None, "at": "2026-01-01T00:00:00.000Z"}
    file = checkpoint.write(folder, checkpoint.signed(keys.signing(), word))
    content = json.loads(file.read_text())
    for change in ({"hash": "cc"}, {"signature": base64.b64encode(b"x" * 64).decode()}, {"key": "somebody"}, {"signature": "?"}):
        file.write_text(json.dumps({**content, **change}))
        trails, _, wrong = checkpoint.read(folder, checkpoint.public_keys(keys.public))
        assert trails == [] and wrong
    with pytest.raises(Invalid):
        checkpoint.read(tmp_path / "nothing", {})
