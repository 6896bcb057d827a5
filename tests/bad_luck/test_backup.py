"""A backup is made while the house runs, opens with the ring of keys alone, and is a house again, its trail whole."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import httpx

from real_house import command, environment, house

NAME = "Trần Thị Sao Lưu"


def _run(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), env=environment(**settings), capture_output=True, text=True, timeout=180)


async def test_a_house_is_restored_from_its_backup(data_folder: Path) -> None:
    with house(data_folder / "one") as one:
        token = {"Authorization": f"Bearer {one.token('backup')}"}
        made = httpx.post(f"{one.address}/fhir/Patient", json={"resourceType": "Patient", "name": [{"text": NAME}]}, headers=token)
        assert made.status_code == 201, made.text
        done = _run("backup", str(data_folder / "copies"), LONGBIEN_DATA=str(one.data))
        assert done.returncode == 0, done.stderr
        assert await one.trail_faults() == []
    copy = next((data_folder / "copies").iterdir())
    assert NAME.encode() not in (copy / "database.sealed").read_bytes()
    assert all(f.stat().st_mode & 0o077 == 0 for f in copy.iterdir())

    again = data_folder / "two"
    refused = _run("restore", str(copy), LONGBIEN_DATA=str(again))
    assert refused.returncode and "ring" in refused.stderr  # without the keys nobody opens it
    (again / "secrets").mkdir(parents=True, exist_ok=True)
    shutil.copy(one.data / "secrets" / "files.keys", again / "secrets")
    done = _run("restore", str(copy), LONGBIEN_DATA=str(again))
    assert done.returncode == 0, done.stderr
    with house(again) as two:
        read = httpx.get(f"{two.address}/fhir/Patient/{made.json()['id']}", headers=token)
        assert read.status_code == 200 and read.json()["name"][0]["text"] == NAME
        assert await two.trail_faults() == []
    assert "holds a house" in _run("restore", str(copy), LONGBIEN_DATA=str(again)).stderr


def test_a_backup_that_was_changed_is_not_restored(data_folder: Path) -> None:
    with house(data_folder / "one") as one:
        assert _run("backup", str(data_folder / "copies"), LONGBIEN_DATA=str(one.data)).returncode == 0
    copy = next((data_folder / "copies").iterdir())
    file = copy / "database.sealed"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    again = data_folder / "two"
    (again / "secrets").mkdir(parents=True)
    shutil.copy(one.data / "secrets" / "files.keys", again / "secrets")
    done = _run("restore", str(copy), LONGBIEN_DATA=str(again))
    assert done.returncode and "changed or cut off" in done.stderr and not (again / "postgres").exists()
