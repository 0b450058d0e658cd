"""What a step says must be so: AssertionError where it is not."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.vms.client import Tally

SECONDS = 90.0


def no_fault(tally: Tally) -> None:
    """Every connection got its answer."""
    print(f"   {tally.good} connections, the longest took {tally.longest:.2f} s")
    equal(tally.faults, [])
    true(tally.good > 100, f"only {tally.good} connections")


def eventually(holds: Callable[[], bool], what: str) -> None:
    """It is so within SECONDS."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        true(time.monotonic() < deadline, f"not within {SECONDS:g} s: {what}")
        time.sleep(0.5)


def equal(found: object, wanted: object) -> None:
    """Both are the same."""
    true(found == wanted, f"{found!r} is not {wanted!r}")


def within(part: str, said: str) -> None:
    """The words were said, however the lines were broken."""
    true(part in " ".join(said.split()), f"{part!r} is not in:\n{said[-6000:]}")


def true(condition: bool, complaint: str) -> None:
    """The condition holds."""
    if not condition:
        raise AssertionError(complaint)
