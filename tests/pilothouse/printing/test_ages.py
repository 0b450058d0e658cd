"""Ages as Kubernetes rounds them."""

from __future__ import annotations

import pytest

from pilothouse.printing.ages import age, duration
from protos.scalars_pb2 import MicroTime, Time

HOUR, DAY, YEAR = 3600, 86400, 365 * 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-2, "<invalid>"), (-1.9, "0s"), (0, "0s"), (0.9, "0s"), (119.9, "119s"), (120, "2m"),
        (121, "2m1s"), (200, "3m20s"), (599, "9m59s"), (600, "10m"), (659, "10m"), (900, "15m"),
        (179 * 60 + 59, "179m"), (3 * HOUR, "3h"), (3 * HOUR + 59, "3h"), (3 * HOUR + 60, "3h1m"),
        (5.5 * HOUR, "5h30m"), (8 * HOUR - 1, "7h59m"), (8 * HOUR + 1800, "8h"), (24 * HOUR, "24h"),
        (48 * HOUR - 1, "47h"), (48 * HOUR, "2d"), (50 * HOUR, "2d2h"), (8 * DAY - 1, "7d23h"),
        (8 * DAY, "8d"), (9 * DAY, "9d"), (YEAR, "365d"), (2 * YEAR - 1, "729d"), (2 * YEAR, "2y"),
        (800 * DAY, "2y70d"), (8 * YEAR - 1, "7y364d"), (8 * YEAR, "8y"), (9.5 * YEAR, "9y"),
    ],
)  # fmt: skip
def test_durations_are_kubernetes(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_an_age_is_counted_from_the_time_given() -> None:
    assert age(Time(seconds=1000), 1090.5) == "90s"
    assert age(MicroTime(seconds=1000, nanos=600_000_000), 1090.5) == "89s"
    assert age(Time(), 1090) == "<unknown>"
