"""Seeds of the whole cluster, in processes of their own (see __main__), two at a time.

SIMULATION_SEED=17 pytest tests/simulation        one seed, with its story
SIMULATION_SEEDS=200 pytest tests/simulation      so many
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

SEEDS = int(os.environ.get("SIMULATION_SEEDS", "24"))
ONE = os.environ.get("SIMULATION_SEED", "")
PROCESSES = 2
SECONDS_A_SEED = 60


def simulated(*arguments: str) -> str:
    """What python -m tests.simulation prints; its failure where a seed does not hold."""
    command = [sys.executable, "-m", "tests.simulation", *arguments]
    limit = 60 + SECONDS_A_SEED * SEEDS
    ended = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    return ended.stdout + ended.stderr


@pytest.mark.timeout(90 + SECONDS_A_SEED * SEEDS)
def test_every_seed_comes_to_rest_as_its_users_were_told() -> None:
    parts: list[tuple[str, ...]] = [
        ("--first", str(first), "--step", str(PROCESSES), "--last", str(SEEDS))
        for first in range(1, PROCESSES + 1)
    ]
    if ONE:
        parts = [(ONE, "--story")]
    with ThreadPoolExecutor(PROCESSES) as pool:
        printed = "".join(pool.map(lambda part: simulated(*part), parts))
    if printed.count(" ok ") != (1 if ONE else SEEDS):
        pytest.fail(printed, pytrace=False)


def test_a_seed_writes_the_same_history_in_every_process() -> None:
    histories = [_lines(simulated("12")), _lines(simulated("8", "12"))]
    assert histories[0] == histories[1]
    assert len(histories[0]) == 3


def _lines(printed: str) -> list[str]:
    """Verdict, digest and number of commits of seed 12, which may run behind another."""
    (line,) = [line for line in printed.splitlines() if line.startswith("seed 12 ")]
    return line.split()[2:5]
