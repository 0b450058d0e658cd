"""The simulation notices a broken product."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.test_simulation import simulated

SEEDS = [str(seed) for seed in (6, 1, 9, 8, 33)]


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_product_is_noticed(mutant: str) -> None:
    printed = simulated(*SEEDS, "--until-failure", "--mutant", mutant)
    assert "FAILED" in printed, printed
