"""How long to wait before the next try: exponential, capped, with jitter."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """next() is initial·factor^n seconds up to maximum, less a random part of up to `jitter`
    of it, so that a thousand clients of one server do not come back in step. Without an rng of
    its own it draws from the process's, which random.seed() makes repeatable."""

    initial: float = 0.2
    factor: float = 2.0
    maximum: float = 30.0
    jitter: float = 0.3
    rng: random.Random | None = None
    failures: int = 0

    def next(self) -> float:
        """The wait after one more failure, in seconds."""
        # The exponent is bounded so that a failure count of days does not overflow a float.
        wait = min(self.initial * self.factor ** min(self.failures, 64), self.maximum)
        self.failures += 1
        draw = random.random() if self.rng is None else self.rng.random()  # noqa: S311 - jitter
        return wait * (1 - self.jitter * draw)

    def reset(self) -> None:
        """It worked: start from the beginning next time."""
        self.failures = 0
