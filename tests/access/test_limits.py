"""How fast one client may ask."""

from __future__ import annotations

import pytest

from longbien.access.limits import Buckets, Credential, Limits, LimitSettings, network_of


def test_a_full_bucket_holds_a_burst_and_then_fills_at_its_rate() -> None:
    b = Buckets(rate=10, burst=2)
    assert [b.take("x", 100.0) for _ in range(20)] == [0.0] * 20
    wait = b.take("x", 100.0)
    assert wait == pytest.approx(0.1)
    assert b.take("x", 100.01 + wait) == 0.0
    assert b.take("x", 100.01 + wait) > 0.0
    assert [b.take("x", 200.0) for _ in range(20)] == [0.0] * 20  # silent long enough: full again


def test_who_goes_on_knocking_does_not_wait_longer_for_it() -> None:
    b = Buckets(rate=1, burst=1)
    assert b.take("x", 0.0) == 0.0
    assert [b.take("x", 0.5) for _ in range(50)] == [0.5] * 50
    assert b.take("x", 1.0) == 0.0


def test_clients_have_buckets_of_their_own_and_only_so_many() -> None:
    b = Buckets(rate=1, burst=1, most=100)
    for n in range(1000):
        assert b.take(str(n), 0.0) == 0.0
    assert len(b) == 100
    assert b.take("999", 0.0) > 0.0  # remembered
    assert b.take("0", 0.0) == 0.0  # forgotten, so full


def test_new_credentials_do_not_help_past_the_limit_of_the_address() -> None:
    limits = Limits(LimitSettings(person=5, machine=5, address=10, burst=1))
    passed = sum(not limits.take("192.0.2.1", Credential(str(n).encode(), True), 0.0) for n in range(100))
    assert passed == 10
    assert limits.take("192.0.2.2", None, 0.0) == 0.0


def test_one_sign_in_is_held_to_its_own_limit_behind_a_shared_address() -> None:
    limits = Limits(LimitSettings(person=5, machine=100, address=1000, burst=1))
    one, other = Credential(b"one", False), Credential(b"other", False)
    assert sum(not limits.take("192.0.2.1", one, 0.0) for _ in range(20)) == 5
    assert limits.take("192.0.2.1", other, 0.0) == 0.0


def test_no_limit_is_said_by_nought_and_this_machine_is_no_address() -> None:
    limits = Limits(LimitSettings(person=0, machine=0, address=1, burst=1))
    assert not any(limits.take("127.0.0.1", Credential(b"x", True), 0.0) for _ in range(100))
    assert not any(limits.take("::1", None, 0.0) for _ in range(100))


@pytest.mark.parametrize(
    ("address", "network"),
    [("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
     ("fe80::1%eth0", "fe80::/64"), ("127.0.0.5", ""), ("::1", ""), ("::ffff:127.0.0.1", ""), ("testclient", ""), ("", "")],
)  # fmt: skip
def test_whose_address_counts_together(address: str, network: str) -> None:
    assert network_of(address) == network
