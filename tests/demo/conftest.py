"""One small city, made once for all tests of this folder."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from longbien.demo import catalogues, facilities, population

SEED = 7
TODAY = date(2026, 11, 23)


@pytest.fixture(scope="session")
def city() -> list[list[dict[str, Any]]]:
    return list(population.generate(300, SEED, TODAY))


@pytest.fixture(scope="session")
def everything(city: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [r for person in city for r in person]


@pytest.fixture(scope="session")
def fixed() -> list[dict[str, Any]]:
    """What does not depend on the seed."""
    return [*facilities.resources(), *catalogues.resources()]
