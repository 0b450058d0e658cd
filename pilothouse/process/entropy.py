"""The kernel's randomness, asked for in large pieces: a system call each time costs more than
all else that a new identity needs."""

from __future__ import annotations

import os
import random
from typing import Final

_PIECE: Final = 4096  # bytes


class Entropy(random.SystemRandom):
    """random.SystemRandom with a supply. One thread's, and of no use behind a fork."""

    def __init__(self) -> None:
        super().__init__()
        self._supply = b""
        self._used = 0

    def getrandbits(self, k: int, /) -> int:
        """An integer of k random bits; ValueError below zero."""
        if k < 0:
            raise ValueError(f"{k} random bits: must not be negative")
        count = (k + 7) // 8
        return int.from_bytes(self._taken(count)) >> (count * 8 - k)

    def random(self) -> float:
        """A number in [0, 1) of 53 random bits."""
        return float(self.getrandbits(53) * 2.0**-53)

    def _taken(self, count: int) -> bytes:
        if self._used + count > len(self._supply):
            self._supply, self._used = os.urandom(max(_PIECE, count)), 0
        begin, self._used = self._used, self._used + count
        return self._supply[begin : self._used]
