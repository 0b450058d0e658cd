"""Random numbers out of the supply: in range, and never the same piece twice."""

from __future__ import annotations

import pytest

from pilothouse.process.entropy import Entropy


@pytest.mark.parametrize("bits", [0, 1, 7, 8, 53, 128, 40_000])
def test_numbers_have_the_bits_that_were_asked_for(bits: int) -> None:
    found = [Entropy().getrandbits(bits) for _ in range(64)]
    assert all(0 <= number < 1 << bits for number in found)
    assert bits < 53 or len({number.bit_length() for number in found}) > 1
    assert bits < 53 or max(number.bit_length() for number in found) == bits


def test_nothing_is_handed_out_twice_when_the_supply_is_renewed() -> None:
    entropy = Entropy()
    assert len({entropy.getrandbits(128) for _ in range(5000)}) == 5000


def test_fractions_are_spread_over_their_range() -> None:
    entropy = Entropy()
    found = [entropy.random() for _ in range(5000)]
    assert all(0 <= number < 1 for number in found)
    assert 0.4 < sum(found) / len(found) < 0.6


def test_fewer_than_no_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        Entropy().getrandbits(-1)
