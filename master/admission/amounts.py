"""Resource quantities as exact integers: billionths of a unit, cached by their text."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from pilothouse.objects.quantity import NANOS as NANO
from pilothouse.objects.quantity import Quantity, QuantityError

__all__ = ["NANO", "in_thousandths", "nanos"]

_MILLI: Final = 10**6  # billionths in a thousandth


@lru_cache(maxsize=8192)
def nanos(text: str) -> int | None:
    """The quantity in billionths; None when the text is none.

    nanos("100m") == 100_000_000; nanos("1Ki") == 1_024_000_000_000; nanos("x") is None
    """
    try:
        return Quantity.parse(text).nanos
    except QuantityError:
        return None


@lru_cache(maxsize=8192)
def in_thousandths(text: str) -> str:
    """The text itself where it needs no finer unit than a thousandth, else rounded up to one."""
    amount = nanos(text)
    if amount is None or amount % _MILLI == 0:
        return text
    return str(Quantity.of_milli(-(-amount // _MILLI)))
