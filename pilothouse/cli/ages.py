"""Durations and ages as people read them."""

from __future__ import annotations

import time

from protos.scalars_pb2 import Time

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400


def duration(seconds: float) -> str:
    """Kubernetes' short form: 45s, 3m20s, 15m, 5h30m, 2d, 1y40d."""
    whole = max(0, int(seconds))
    if whole < 2 * MINUTE:
        return f"{whole}s"
    if whole < 10 * MINUTE:
        return _two(whole, MINUTE, "m", 1, "s")
    if whole < 3 * HOUR:
        return f"{whole // MINUTE}m"
    if whole < 8 * HOUR:
        return _two(whole, HOUR, "h", MINUTE, "m")
    if whole < 2 * DAY:
        return f"{whole // HOUR}h"
    if whole < 8 * DAY:
        return _two(whole, DAY, "d", HOUR, "h")
    if whole < 2 * YEAR:
        return f"{whole // DAY}d"
    return _two(whole, YEAR, "y", DAY, "d")


def _two(whole: int, large: int, large_unit: str, small: int, small_unit: str) -> str:
    rest = whole % large // small
    return f"{whole // large}{large_unit}" + (f"{rest}{small_unit}" if rest else "")


def age(moment: Time) -> str:
    """How long ago; <unknown> for an unset time."""
    if not moment.seconds:
        return "<unknown>"
    return duration(time.time() - moment.seconds)
