"""Finding what can be ordered, as staff type it."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest

from longbien.base import clock
from longbien.demo import orderables
from longbien.fhir.validate import validate
from longbien.orders import definitions as d
from longbien.orders.catalogue import spoken
from longbien.orders.index import Index, slips

NOW = datetime(2026, 11, 30, 9, 0, tzinfo=clock.HANOI)


@pytest.fixture(scope="module")
def index() -> Index:
    return Index([i for r in orderables.resources() if (i := d.read(r))], spoken())


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("para", "cd-drug-para500"),
        ("paracetamil", "cd-drug-para500"),  # a slip of the finger
        ("PARACETAMOL 650", "cd-drug-para650"),
        ("xq nguc", "cd-imaging-xr01"),
        ("xquang nguc", "cd-imaging-xr01"),
        ("chụp X-quang ngực thẳng", "cd-imaging-xr01"),
        ("cxr", "cd-imaging-xr01"),
        ("xr01", "cd-imaging-xr01"),
        ("ctm", "cd-lab-cbc"),
        ("dgd", "cd-lab-lytes"),
        ("kali", "cd-lab-k"),  # the test, not the dangerous ampoule
        ("creatinin", "cd-lab-crea"),
        ("an nhat", "cd-diet-tha"),
        ("sinh hieu", "cd-nursing-sh4"),
        ("augmentin", "cd-drug-augm1g"),
    ],
)
def test_what_staff_type_finds_what_they_mean(index: Index, typed: str, first: str) -> None:
    assert index.search(typed, NOW)[0].id == first


def test_words_of_a_diagnosis_find_its_drugs(index: Index) -> None:
    found = index.search("khang sinh vp", NOW, kinds=["drug"])
    assert found
    assert all("J18.9" in i.favours or "J18" in " ".join(i.favours) for i in found[:3])


def test_what_nobody_orders_is_not_found_for_letters_that_mean_nothing(index: Index) -> None:
    assert index.search("qqqq", NOW) == []
    assert index.search("  ", NOW) == []


def test_a_high_alert_drug_stands_behind_its_equals(index: Index) -> None:
    kinds = [i.high_alert for i in index.search("kali clorid", NOW, kinds=["drug"])]
    assert kinds[0] is False


def test_what_one_orders_often_comes_first_among_equals(index: Index) -> None:
    assert index.search("paracetamol", NOW)[1].id == "cd-drug-para650"
    assert index.search("paracetamol", NOW, own={"cd-drug-para650": 30})[0].id == "cd-drug-para650"


def test_a_retired_or_future_definition_is_not_offered() -> None:
    def one(**more: str) -> bool:
        item = d.read(d.definition("lab", "X", "Xét nghiệm mới", **more))  # type: ignore[arg-type]
        assert item is not None
        return bool(Index([item]).search("moi", NOW))

    assert one()
    assert one(start="2026-11-30")
    assert not one(start="2026-12-01")
    assert one(end="2026-11-30")
    assert not one(end="2026-11-29")
    assert not one(status="retired")
    assert not one(status="draft")


def test_midnight_is_hanois() -> None:
    item = d.read(d.definition("lab", "X", "Mới", start="2027-01-01"))
    assert item is not None
    midnight = datetime(2027, 1, 1, 0, 0, tzinfo=clock.HANOI)
    assert item.offered(midnight)
    assert not item.offered(midnight - timedelta(seconds=1))


def test_every_definition_of_the_starter_catalogue_is_valid_fhir() -> None:
    wrong = [(r["id"], i.text) for r in orderables.resources() for i in validate(r)]
    assert wrong == []


def test_the_whole_catalogue_is_there(index: Index) -> None:
    count = {k: sum(i.kind == k for i in index.items) for k in ("lab", "drug", "imaging", "set")}
    assert count == {"lab": 256, "drug": 405, "imaging": 101, "set": 50}
    services = sum(i.kind in ("procedure", "consult", "service") for i in index.items)
    assert services == 164


def test_every_item_of_a_set_is_in_the_catalogue(index: Index) -> None:
    missing = [(i.id, p.definition) for i in index.items for p in i.parts if p.definition not in index.by_id]
    assert missing == []


def test_a_question_takes_less_than_fifty_milliseconds(index: Index) -> None:
    """The budget of the box on the server; the slowest kind is a word that nothing begins with."""
    start = time.perf_counter()
    for q in ("para", "xq nguc", "zzkhongco", "khang sinh viem phoi", "vancomycn"):
        index.search(q, NOW)
    assert (time.perf_counter() - start) / 5 < 0.05


def test_slips() -> None:
    assert slips("paracetamil", "paracetamol")
    assert slips("parcetamol", "paracetamol")
    assert slips("parracetamol", "paracetamol")
    assert slips("praacetamol", "paracetamol")
    assert slips("paracetmo", "paracetamol")  # and the beginning of it
    assert not slips("para", "kali")
    assert not slips("aspirin", "ampicilin")
