"""Files at rest: sealed in pieces, a ring of keys that turns."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from longbien.base import keys, sealed
from longbien.base.blobs import Blobs
from longbien.base.errors import Invalid, Unavailable

SIZES = [0, 1, sealed.PIECE - 1, sealed.PIECE, sealed.PIECE + 1, 3 * sealed.PIECE, 3 * sealed.PIECE + 7]


def seal(content: bytes, ring: keys.Ring, step: int = 700_001) -> bytes:
    s = sealed.Sealer(ring)
    return s.head + b"".join(s.piece(content[i : i + step]) for i in range(0, len(content), step)) + s.end()


def unseal(data: bytes, ring: keys.Ring, start: int = 0) -> bytes:
    return b"".join(sealed.opened(io.BytesIO(data), ring, start))


@pytest.fixture
def ring(tmp_path: Path) -> keys.Ring:
    return keys.ring(tmp_path)


@pytest.mark.parametrize("size", SIZES)
def test_what_was_sealed_opens_from_any_place(ring: keys.Ring, size: int) -> None:
    content = os.urandom(size)
    made = seal(content, ring)
    assert unseal(made, ring) == content and sealed.size(len(made)) == size
    for start in (0, 1, size // 2, max(0, size - 1)):
        assert unseal(made, ring, start) == content[start:]


def test_a_change_anywhere_a_piece_moved_and_a_cut_do_not_open(ring: keys.Ring) -> None:
    piece = sealed.PIECE + keys.TAG
    made = seal(os.urandom(3 * sealed.PIECE), ring)
    head, body = made[: sealed.HEAD], made[sealed.HEAD :]
    for at in (4, 20, sealed.HEAD, len(made) // 2, len(made) - 1):
        with pytest.raises(Unavailable):
            unseal(made[:at] + bytes([made[at] ^ 1]) + made[at + 1 :], ring)
    for wrong in (head + body[piece : 2 * piece] + body[:piece] + body[2 * piece :], made[: sealed.HEAD + 2 * piece], made[:-1],
                  head, made[:20], made + body[:piece]):  # fmt: skip
        with pytest.raises(Unavailable):
            unseal(wrong, ring)


def test_the_same_content_is_never_the_same_bytes_and_none_of_it_shows(ring: keys.Ring) -> None:
    content = b"Nguyen Van An " * 1000
    one, other = seal(content, ring), seal(content, ring)
    assert one[sealed.HEAD :] != other[sealed.HEAD :] and b"Nguyen" not in one


async def test_keys_turn_files_are_wrapped_anew_and_the_old_key_may_go(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs", ring=keys.ring(tmp_path))
    content = b"Nguyen Van An" * 200_000
    digest = await blobs.put(content)
    file = next(p for p in (tmp_path / "blobs").rglob("*") if p.is_file())
    assert b"Nguyen" not in file.read_bytes() and await blobs.size(digest) == len(content)
    keys.rotate(tmp_path)
    both = keys.ring(tmp_path)
    assert b"".join([b async for b in Blobs(tmp_path / "blobs", ring=both).read(digest, 5)]) == content[5:]
    assert sealed.rewrap(file, both) and not sealed.rewrap(file, both)
    ring_file = keys.place(tmp_path)
    assert ring_file.stat().st_mode & 0o077 == 0
    old, new = ring_file.read_text().splitlines()
    ring_file.write_text(new + "\n")
    assert b"".join([b async for b in Blobs(tmp_path / "blobs", ring=keys.ring(tmp_path)).read(digest)]) == content
    ring_file.write_text(old + "\n")
    with pytest.raises(Unavailable, match="not on the ring"):
        [b async for b in Blobs(tmp_path / "blobs", ring=keys.ring(tmp_path)).read(digest)]


async def test_a_blob_of_before_there_was_a_ring_is_still_read(tmp_path: Path) -> None:
    digest = await Blobs(tmp_path / "b").put(b"old" * 10)
    blobs = Blobs(tmp_path / "b", ring=keys.ring(tmp_path))
    assert b"".join([b async for b in blobs.read(digest)]) == b"old" * 10 and await blobs.size(digest) == 30


def test_a_broken_ring_is_said_without_its_keys(tmp_path: Path) -> None:
    path = keys.place(tmp_path)
    keys.ring(tmp_path)
    path.write_text("abcdefgh c2VjcmV0LXNlY3JldA==\n")
    with pytest.raises(Invalid) as why:
        keys.ring(tmp_path)
    assert "c2Vjcm" not in why.value.text
