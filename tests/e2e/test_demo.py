"""The first command of the README and the last, from nothing to nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pilothouse.lab import processes
from tests.lab.traces import Traces


def lab_command(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"HOME": str(home), "PILOTHOUSE_LAB_STATE": str(home / "state")}
    environment.pop("PILOTHOUSE_CONFIG", None)
    return subprocess.run(
        [processes.program("pilot"), "lab", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.mark.timeout(240)
def test_the_demo_answers_everywhere_and_down_leaves_no_trace(tmp_path: Path) -> None:
    state = tmp_path / "state"
    before = Traces.take(state)
    try:
        shown = lab_command(tmp_path, "demo")
        assert shown.returncode == 0, shown.stderr + shown.stdout
        for host in ("node-1", "node-2", "node-3"):
            (line,) = [part for part in shown.stdout.splitlines() if f"{host}: http://" in part]
            assert line.count("httpd-app-") == 2, "both pods answer"
        assert "pilot lab down" in shown.stdout
        assert (tmp_path / ".config" / "pilothouse" / "config.toml").is_symlink()
        again = lab_command(tmp_path, "demo")
        assert again.returncode == 0, again.stderr
    finally:
        gone = lab_command(tmp_path, "down")
    assert gone.returncode == 0, gone.stderr
    assert Traces.take(state) == before
    assert list(state.iterdir()) == []
    assert not (tmp_path / ".config").exists()
