import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pilothouse.lab.records import Record


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    yield process
    process.kill()
    process.wait()


def test_a_recorded_process_is_found_and_ended(
    sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    Record.of(sleeper.pid).write(tmp_path / "p.json")
    record = Record.read(tmp_path / "p.json")
    assert record is not None
    record.kill()
    assert sleeper.wait(5) == -9
    assert Record.read(tmp_path / "p.json") is None


@pytest.mark.parametrize(("started", "boot"), [(1, ""), (0, "another")])
def test_a_process_with_a_reused_pid_is_left_alone(
    sleeper: subprocess.Popen[bytes], started: int, boot: str
) -> None:
    record = Record.of(sleeper.pid)
    other = Record(record.pid, started or record.started, boot or record.boot)
    assert not other.alive()
    other.kill()
    assert sleeper.poll() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1}'])
def test_a_record_cut_off_names_no_process(text: str, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(text)
    assert Record.read(tmp_path / "p.json") is None
