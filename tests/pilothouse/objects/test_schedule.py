"""Cron schedules as Kubernetes reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilothouse.objects.schedule import MAX_TEXT, Schedule, ScheduleError

ALL_MINUTES = frozenset(range(60))


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("5", {5}),
        ("0,30", {0, 30}),
        ("10-12", {10, 11, 12}),
        ("*/20", {0, 20, 40}),
        ("?/20", {0, 20, 40}),
        ("30/10", {30, 40, 50}),
        ("5-20/5", {5, 10, 15, 20}),
        ("1,1-2", {1, 2}),
        ("+7", {7}),
        ("*", ALL_MINUTES),
        (",", set()),
    ],
)
def test_minutes(text: str, minutes: set[int]) -> None:
    assert Schedule.parse(f"{text} * * * *").minutes == minutes


def test_names_are_numbers() -> None:
    schedule = Schedule.parse("0 0 1 Jan,DEC sun-tue")
    assert schedule.months == {1, 12}
    assert schedule.weekdays == {0, 1, 2}


@pytest.mark.parametrize(
    ("days", "weekdays", "any_day", "any_weekday"),
    [
        ("*", "*", True, True),
        ("?", "1", True, False),
        ("1", "*", False, True),
        ("*/2", "*/1", False, True),
        ("1,*", "1", True, False),
    ],
)
def test_what_is_left_open_is_told_apart_from_every_day(
    days: str, weekdays: str, any_day: bool, any_weekday: bool
) -> None:
    schedule = Schedule.parse(f"0 0 {days} * {weekdays}")
    assert (schedule.any_day, schedule.any_weekday) == (any_day, any_weekday)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
        ("TZ=Asia/Tokyo  5 4 * * *", "5 4 * * *"),
        ("CRON_TZ=UTC @daily", "0 0 * * *"),
    ],
)
def test_name_stands_for_fields(name: str, text: str) -> None:
    assert Schedule.parse(name) == Schedule.parse(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("1h30m", 5400), ("90s", 90), ("1ms", 1), ("-5m", 1)]
)
def test_interval_is_a_second_at_least(text: str, seconds: int) -> None:
    schedule = Schedule.parse(f"@every {text}")
    assert (schedule.every, schedule.minutes) == (seconds, frozenset())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty spec string"),
        ("TZ=UTC", "empty spec string"),
        ("* * *", "expected exactly 5 fields, found 3: [* * *]"),
        ("@Daily", "unrecognized descriptor: @Daily"),
        ("@every", "unrecognized descriptor: @every"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("*/2/3 * * * *", "too many slashes: */2/3"),
        ("-5 * * * *", 'failed to parse int from : strconv.Atoi: parsing "": invalid syntax'),
        ("*/-5 * * * *", "negative number (-5) not allowed: -5"),
        ("* * * 13 *", "end of range (13) above maximum (12): 13"),
        ("* 24/2 * * *", "beginning of range (24) beyond end of range (23): 24/2"),
        ("* * L * *", 'failed to parse int from L: strconv.Atoi: parsing "L": invalid syntax'),
        ("* * * * 1#2", 'failed to parse int from 1#2: strconv.Atoi: parsing "1#2": invalid'),
        ("٣ * * * *", "failed to parse int from ٣"),
        ("*" * (MAX_TEXT + 1), f"at most {MAX_TEXT} characters"),
    ],
    ids=str,
)
def test_what_is_no_schedule_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ScheduleError) as error:
        Schedule.parse(text)
    assert why in str(error.value)


@given(st.text(alphabet="0123456789*/-,? @everymonTZ=", max_size=40))
def test_any_text_is_a_schedule_or_refused(text: str) -> None:
    try:
        schedule = Schedule.parse(text)
    except ScheduleError:
        return
    assert schedule.minutes <= ALL_MINUTES
    assert schedule.weekdays <= frozenset(range(7))
