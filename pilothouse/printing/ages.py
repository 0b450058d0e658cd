"""Durations and ages as people read them: those of k8s.io/apimachinery's HumanDuration."""

from __future__ import annotations

from protos.scalars_pb2 import MicroTime, Time

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400
UNKNOWN = "<unknown>"


def duration(seconds: float) -> str:
    """Kubernetes' short form: 45s, 3m20s, 15m, 5h30m, 2d, 1y40d.

    Up to two seconds below zero are taken for clocks that differ: 0s. More is <invalid>.
    """
    if seconds <= -2:
        return "<invalid>"
    whole = max(0, int(seconds))
    if whole < 2 * MINUTE:
        return f"{whole}s"
    if whole < 10 * MINUTE:
        return _two(whole, MINUTE, "m", 1, "s")
    if whole < 3 * HOUR:
        return f"{whole // MINUTE}m"
    if whole < 8 * HOUR:
        return _two(whole, HOUR, "h", MINUTE, "m")
    return _days(whole)


def _days(whole: int) -> str:
    if whole < 2 * DAY:
        return f"{whole // HOUR}h"
    if whole < 8 * DAY:
        return _two(whole, DAY, "d", HOUR, "h")
    if whole < 2 * YEAR:
        return f"{whole // DAY}d"
    if whole < 8 * YEAR:
        return _two(whole, YEAR, "y", DAY, "d")
    return f"{whole // YEAR}y"


def _two(whole: int, large: int, large_unit: str, small: int, small_unit: str) -> str:
    rest = whole % large // small
    return f"{whole // large}{large_unit}" + (f"{rest}{small_unit}" if rest else "")


def age(moment: Time | MicroTime, now: float) -> str:
    """How long before `now` (Unix seconds); <unknown> for an unset time."""
    if not moment.seconds:
        return UNKNOWN
    return duration(now - moment.seconds - moment.nanos / 1e9)


def created(obj: object, now: float) -> str:
    """The age of an object."""
    return age(obj.metadata.creation_timestamp, now)  # type: ignore[attr-defined]  # every kind
