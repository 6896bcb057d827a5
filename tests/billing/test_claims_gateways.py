"""The clients of the insurance portal and of the city's axis, against doubles that are processes of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from doubles import Running, gateways
from gateways import NAME, PASSWORD

from claim_rows import DAY, a_claim
from longbien.base.outside import Outside, OutsideSettings
from longbien.billing.claims import card_lookup
from longbien.billing.claims.gateways import Axis, Gateway, NotReached, Portal
from longbien.billing.claims.settings import SignIn
from longbien.wire.claims_xml import write

LINK = "01901.SN26113000017"


@pytest.fixture(scope="module")
def double() -> Iterator[Running]:
    with gateways() as running:
        yield running


@pytest_asyncio.fixture
async def outside(double: Running) -> AsyncIterator[Outside]:
    made = Outside(OutsideSettings(hosts=f"127.0.0.1:{double.port}"))
    yield made
    await made.close()
    double.standing("")


def portal(outside: Outside, double: Running, password: str = PASSWORD) -> Portal:
    return Portal(outside, double.address, SignIn(NAME, password), "01901", seconds=1.0)


def axis(outside: Outside, double: Running) -> Axis:
    return Axis(outside, double.address, double.address, SignIn(NAME, PASSWORD), "01901", seconds=1.0)


def both(outside: Outside, double: Running) -> list[Gateway]:
    return [portal(outside, double), axis(outside, double)]


async def test_a_claim_is_taken(outside: Outside, double: Running):
    for place in both(outside, double):
        answer = await place.send(write(a_claim(f"a.{place.name}"), DAY))
        assert answer.taken and answer.transaction
        assert double.received[f"{place.name} a.{place.name}"]["times"] == 1
    found = await axis(outside, double).status(answer.transaction)
    assert found is not None and found.taken
    assert await portal(outside, double).status(answer.transaction) is None


async def test_401_inside_200_signs_in_again_and_sends_once_more(outside: Outside, double: Running):
    for place in both(outside, double):
        assert (await place.send(write(a_claim("b"), DAY))).taken
        before = double.sign_ins
        double.switch("expired")
        assert (await place.send(write(a_claim("b"), DAY))).taken
        assert double.sign_ins == before + 1
        double.switch("expired")
        double.switch("expired")
        answer = await place.send(write(a_claim("b"), DAY))
        assert answer.code == "401" and not answer.taken  # not for ever


async def test_no_answer_after_it_was_taken_is_not_a_refusal(outside: Outside, double: Running):
    data = write(a_claim("c"), DAY)
    for place in both(outside, double):
        double.switch("hang")
        with pytest.raises(NotReached):
            await place.send(data)
        assert (await place.send(data)).taken
        one = double.received[f"{place.name} c"]
        assert one["times"] == 2 and len(one["digests"]) == 1  # the same claim, not a second


async def test_down_and_nonsense_are_told_apart_from_refusals(outside: Outside, double: Running):
    for place in both(outside, double):
        await place.send(write(a_claim("d"), DAY))
        double.switch("down")
        assert (await place.send(write(a_claim("d"), DAY))).later
        double.switch("garbage")
        with pytest.raises(NotReached):
            await place.send(write(a_claim("d"), DAY))
    double.standing("down")
    with pytest.raises(NotReached):
        await portal(outside, double).send(b"")


async def test_a_refusal_comes_with_its_reasons(outside: Outside, double: Running):
    place = portal(outside, double)
    double.switch(
        "refuse", [{"maLoi": "124", "moTa": "MA_BENH_CHINH không phù hợp với giới tính", "bang": "XML1", "truong": "MA_BENH_CHINH"}]
    )
    answer = await place.send(write(a_claim("e"), DAY))
    assert not answer.taken and not answer.later and "giới tính" in answer.text and answer.details[0]["bang"] == "XML1"


async def test_what_cannot_be_read_is_refused_by_both(outside: Outside, double: Running):
    for place in both(outside, double):
        answer = await place.send(b"\xef\xbb\xbf<GIAMDINHHS/>")
        assert not answer.taken and not answer.later


async def test_a_wrong_password_is_no_refusal_of_the_claim(outside: Outside, double: Running):
    with pytest.raises(NotReached, match="let us in"):
        await portal(outside, double, "khác").send(write(a_claim(), DAY))


async def test_a_card_is_looked_up(outside: Outside, double: Running):
    place = portal(outside, double)
    found = await card_lookup.lookup(place, "DN4010123456789", "Trần Thị Lụa", "1958-03-02", by=("Tô Hải Yến", "001090000017"))
    assert (found.code, found.good, found.registered) == ("000", True, "01901")
    assert str(found.begins), str(found.ends) == ("2026-01-01", "2026-12-31")
    bad = await card_lookup.lookup(place, "DN4010123456780", "Trần Thị Lụa", "1958")
    assert bad.level == "bad" and bad.meaning == "Mã thẻ BHYT không đúng"
    double.switch("expired")
    assert (await card_lookup.lookup(place, "DN4010123456789", "Trần Thị Lụa", "1958-03-02")).good


def test_every_answer_about_a_card_has_its_meaning():
    assert len(card_lookup.meanings()) == 27
    assert card_lookup.read({"maKetQua": "003"}).level == "look"
    unknown = card_lookup.read({"maKetQua": "999", "ghiChu": "Mới", "gtTheTu": "nonsense"})
    assert (unknown.level, unknown.meaning, unknown.begins) == ("look", "Mới", None)
