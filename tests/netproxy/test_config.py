"""Every setting is read from where it may stand, and refused where it cannot be meant."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from netproxy.config import NetproxyConfig, load
from pilothouse.process.settings import SettingError

VALUES = {
    "node_name": "n9",
    "master": "192.0.2.1:7443",
    "data_dir": "/tmp/elsewhere",
    "dns": "false",
    "resolv_conf": "/tmp/resolv.conf",
    "health_host": "::1",
    "health_port": "7000",
    "log_level": "debug",
}


def test_the_table_has_every_setting() -> None:
    assert VALUES.keys() == {field.name for field in fields(NetproxyConfig)}


@pytest.mark.parametrize(("name", "text"), VALUES.items())
def test_from_file_environment_and_flags(name: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "netproxy.toml"
    file.write_text(f"{name} = {text if text in ('false', '7000') else repr(text)}\n")
    nothing = load(tmp_path / "none.toml", {}, {})
    by_file = load(file, {}, {})
    by_environment = load(tmp_path / "none.toml", {f"PILOT_NETPROXY_{name.upper()}": text}, {})
    assert by_file == by_environment == load(tmp_path / "none.toml", {}, {name: text})
    assert getattr(by_file, name) != getattr(nothing, name)


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("health_port", "70000", "health_port: 70000 must be between 0 and 65535"),
        ("health_port", "many", "'many' is not a int"),
        ("log_level", "LOUD", "log_level: 'LOUD' must be one of DEBUG"),
        ("master", "192.0.2.1", "master: '192.0.2.1' must be HOST:PORT"),
        ("dns", "perhaps", "'perhaps' is not a bool"),
    ],
)
def test_refused(name: str, text: str, rule: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=rule.replace("(", r"\(")):
        load(tmp_path / "none.toml", {f"PILOT_NETPROXY_{name.upper()}": text}, {})


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        pytest.param(["--log-level", "LOUD"], 1, "pilot-netproxy: log_level: 'LOUD'", id="setting"),
        pytest.param(["--no-such-flag"], 2, "unrecognized arguments", id="flag"),
        pytest.param(["stop"], 2, "invalid choice: 'stop'", id="command"),
    ],
)
def test_wrong_use_says_so_in_a_line(arguments: list[str], status: int, says: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "netproxy.main", "--config", "/nonexistent", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == status
    assert says in done.stderr
    assert "Traceback" not in done.stderr
