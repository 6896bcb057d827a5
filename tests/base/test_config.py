from __future__ import annotations

from pathlib import Path

import pytest

from longbien.base.config import REGISTRY, Settings, setting
from longbien.base.errors import Invalid
from longbien.base.place import Place, checked


class Kettle(Settings):
    cups: int = setting("TEST_KETTLE_CUPS", 4, "How many.")
    hot: bool = setting("TEST_KETTLE_HOT", False, "Whether.")
    litres: float = setting("TEST_KETTLE_LITRES", 1.5, "How much.")
    shelf: Path | None = setting("TEST_KETTLE_SHELF", None, "Where.")


@pytest.fixture(autouse=True, scope="module")
def forget() -> object:
    yield
    for name in [n for n in REGISTRY if n.startswith("TEST_")]:
        del REGISTRY[name]


def test_defaults_environment_and_arguments_in_that_order() -> None:
    assert Kettle.read({}) == Kettle(4, False, 1.5, None)
    env = {"TEST_KETTLE_CUPS": "7", "TEST_KETTLE_HOT": "yes", "TEST_KETTLE_LITRES": "2", "TEST_KETTLE_SHELF": "~/x"}
    assert Kettle.read(env) == Kettle(7, True, 2.0, Path("~/x").expanduser())
    assert Kettle.read(env, cups=9).cups == 9
    assert Kettle.read(env, cups=None).cups == 7
    assert Kettle.read({"TEST_KETTLE_CUPS": ""}).cups == 4


@pytest.mark.parametrize(("name", "raw"), [("TEST_KETTLE_CUPS", "many"), ("TEST_KETTLE_HOT", "2"), ("TEST_KETTLE_LITRES", "1,5")])
def test_a_wrong_value_is_named(name: str, raw: str) -> None:
    with pytest.raises(Invalid, match=f"{name}='{raw}'"):
        Kettle.read({name: raw})


def test_a_setting_is_registered_with_its_owner() -> None:
    assert REGISTRY["LONGBIEN_DATA"].owner == "base.place"


def test_data_of_a_checkout_stays_in_it_whatever_the_present_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Place.read({}).folder == Path(__file__).resolve().parents[2] / ".data"
    assert Place.read({"LONGBIEN_DATA": "here"}).folder == tmp_path / "here"


@pytest.mark.parametrize("url", ["", "mysql://a:b@c/d", "postgresql://host/db", "postgresql://me@host", "postgresql://[", "x"])
def test_a_database_url_that_cannot_work_is_refused_without_showing_its_password(url: str) -> None:
    with pytest.raises(Invalid, match="must look like"):
        checked(url)
