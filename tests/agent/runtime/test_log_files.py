"""Reading logs while they are written and rotated."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.runtime.errors import NotFound
from agent.runtime.log_files import LogFiles, Tail, parse, read, rotate
from agent.runtime.specs import LogOptions, PodUID

POD = PodUID("uid-1")


def line(number: int, flag: str = "F") -> str:
    return f"2026-01-02T03:04:{number % 60:02d}.000000001+00:00 stdout {flag} line {number}\n"


async def collected(path: Path, options: LogOptions) -> bytes:
    return b"".join([piece async for piece in read(path, options, lambda: True)])


def test_a_line_is_taken_apart() -> None:
    parsed = parse(line(7).encode(), timed=True)
    assert parsed is not None
    assert parsed.stamp == "2026-01-02T03:04:07.000000001Z"
    assert parsed.data == b"line 7\n"


@pytest.mark.parametrize("junk", [b"", b"\n", b"a b c d\n", b"x stdout F y\n", b"\xff\xfe F\n"])
def test_what_the_monitor_did_not_write_is_left_out(junk: bytes) -> None:
    assert parse(junk, timed=True) is None


async def test_parts_of_a_long_line_are_put_together(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_text(line(1, "P") + line(2, "P") + line(3))
    assert await collected(path, LogOptions()) == b"line 1line 2line 3\n"


@given(events=st.lists(st.sampled_from(["write", "half", "rotate", "look"]), max_size=40))
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost_or_seen_twice_over_rotations(
    tmp_path_factory: pytest.TempPathFactory, events: list[str]
) -> None:
    path = tmp_path_factory.mktemp("log") / "0.log"
    path.touch()
    tail, seen, written = Tail(path, timed=False), [], 0
    out = path.open("a")
    pending = ""
    since_look = 0
    for event in events:
        if event == "write":
            out.write(pending or line(written))
            pending, written = "", written + 1
        elif event == "half" and not pending:
            out.write(line(written)[:40])
            pending = line(written)[40:]
        elif event == "rotate" and not pending and not since_look:
            # A reader looks far more often than a log of megabytes is rotated.
            rotate(path, keep=2)
            out.close()
            out, since_look = path.open("a"), 1
        elif event == "look":
            seen += [parsed.data for parsed in tail.lines()]
            since_look = 0
        out.flush()
    if pending:
        out.write(pending)
        written += 1
    out.close()
    seen += [parsed.data for parsed in tail.lines()]
    tail.close()
    assert seen == [f"line {number}\n".encode() for number in range(written)]


async def test_older_parts_are_read_first(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    for part in range(3):
        path.write_text(line(part))
        if part < 2:
            rotate(path, keep=2)
    assert await collected(path, LogOptions()) == b"line 0\nline 1\nline 2\n"
    assert await collected(path, LogOptions(tail=2)) == b"line 1\nline 2\n"
    rotate(path, keep=2)
    path.write_text(line(3))
    assert await collected(path, LogOptions()) == b"line 1\nline 2\nline 3\n"


async def test_a_log_renamed_at_this_moment_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_text(line(0))
    rotate(path, keep=2)
    reading = asyncio.ensure_future(collected(path, LogOptions()))
    await asyncio.sleep(0)
    assert not reading.done()
    path.write_text(line(1))
    assert await reading == b"line 0\nline 1\n"


def test_runs_are_kept_as_long_as_their_logs_are_asked_for(tmp_path: Path) -> None:
    logs = LogFiles(tmp_path)
    for attempt in range(5):
        logs.make(POD, "main", attempt)
    kept = sorted(path.name for path in (tmp_path / POD / "main").iterdir())
    assert kept == ["2.log", "3.log", "4.log"]
    assert logs.newest(POD, "main", previous=True).name == "3.log"
    with pytest.raises(NotFound):
        logs.newest(POD, "other", previous=False)
