"""A real house of two web processes, for clients and tools of other hands; one for all files of a test process."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from real_house import BUILT, House, house


@pytest.fixture(scope="session")
def running() -> Iterator[House]:
    if not BUILT.is_dir():
        pytest.skip("the FHIR definitions are not built: make build")
    folder = Path(tempfile.mkdtemp(prefix="lb-"))
    with house(folder / "d", LONGBIEN_WORKERS="2") as made:
        assert len(made.pids("web")) == 2
        yield made
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def token(running: House) -> str:
    return running.token("foreign clients")
