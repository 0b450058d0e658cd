import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilothouse.objects import time
from pilothouse.objects.time import TimeError
from protos.scalars_pb2 import Duration, MicroTime, Time


@pytest.mark.parametrize(
    ("text", "seconds", "nanos"),
    [
        ("1970-01-01T00:00:00Z", 0, 0),
        ("2024-02-29T23:59:59Z", 1709251199, 0),
        ("2024-05-01T12:00:00+02:00", 1714557600, 0),
        ("2024-05-01T04:30:00-05:30", 1714557600, 0),
        ("2024-05-01T10:00:00.123456789Z", 1714557600, 123456789),
        ("2024-05-01T10:00:00.5Z", 1714557600, 500000000),
        ("0001-01-01T00:00:00Z", -62135596800, 0),
        ("9999-12-31T23:59:59Z", 253402300799, 0),
    ],
)
def test_rfc_3339(text: str, seconds: int, nanos: int) -> None:
    assert time.parse(text) == (seconds, nanos)


@pytest.mark.parametrize(
    "text",
    ["", "now", "2024-05-01", "2024-05-01T10:00:00", "2024-05-01 10:00:00Z", "2024-13-01T00:00:00Z"]
    + [
        "2024-02-30T00:00:00Z",
        "2024-05-01T24:00:00Z",
        "2024-05-01T10:00:60Z",
        "0000-01-01T00:00:00Z",
    ]
    + ["2024-05-01T10:00:00+24:00", "2024-05-01T10:00:00Z" + "0" * 100, "２024-05-01T10:00:00Z"],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(TimeError):
        time.parse(text)


@given(st.integers(-62135596800, 253402300799), st.integers(0, 999_999))
def test_times_survive_their_text(seconds: int, micros: int) -> None:
    assert time.parse_time(time.time_text(Time(seconds=seconds))) == Time(seconds=seconds)
    precise = MicroTime(seconds=seconds, nanos=micros * 1000)
    assert time.parse_micro_time(time.micro_time_text(precise)) == precise


@pytest.mark.parametrize("seconds", [253402300800, -62135596801, 1 << 62])
def test_a_time_beyond_the_calendar_is_refused(seconds: int) -> None:
    with pytest.raises(TimeError):
        time.time_text(Time(seconds=seconds))


@pytest.mark.parametrize(
    ("text", "nanos", "shown"),
    [
        ("0", 0, "0s"),
        ("1m30s", 90 * 10**9, "1m30s"),
        ("1.5h", 5400 * 10**9, "1h30m0s"),
        ("-250ms", -250 * 10**6, "-250ms"),
        ("1.5s", 15 * 10**8, "1.5s"),
        ("100us", 10**5, "100µs"),
        ("1ns", 1, "1ns"),
        ("1h0m0.000000001s", 3600 * 10**9 + 1, "1h0m0.000000001s"),
        (".5s", 5 * 10**8, "500ms"),
    ],
)
def test_durations_are_those_of_go(text: str, nanos: int, shown: str) -> None:
    assert time.parse_duration(text).duration == nanos
    assert time.duration_text(Duration(duration=nanos)) == shown


@pytest.mark.parametrize(
    "text", ["", "1", "s", "1m30", "1d", "+", "1s ", "3000000h", "9" * 70 + "s"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(TimeError):
        time.parse_duration(text)


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_durations_survive_their_text(nanos: int) -> None:
    duration = Duration(duration=nanos)
    assert time.parse_duration(time.duration_text(duration)) == duration
