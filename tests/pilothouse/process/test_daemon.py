"""The lifetime of a process, as signals and a service manager see it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

DEADLINE = 20.0

WAITING = """
async def main(lifetime):
    lifetime.ready("serving")
    print("ready", flush=True)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        print("cancelled", flush=True)
        {then}
        raise
"""


@contextmanager
def process(body: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    program = f"import asyncio\nfrom pilothouse.process import daemon\n{body}\ndaemon.run(main)\n"
    env = {key: value for key, value in os.environ.items() if not key.startswith("NOTIFY")}
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**env, **environment},
    ) as child:
        try:
            yield child
        finally:
            child.kill()


@contextmanager
def manager(address: str) -> Iterator[socket.socket]:
    """The socket of a service manager."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address)
        listening.settimeout(DEADLINE)
        yield listening


def said(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_cancels_main_and_the_end_is_a_good_one(number: signal.Signals) -> None:
    with process(WAITING.format(then="")) as child:
        assert said(child) == "ready"
        child.send_signal(number)
        assert said(child) == "cancelled"
        assert child.wait(DEADLINE) == 0


def test_a_second_signal_ends_a_clean_up_that_hangs() -> None:
    with process(WAITING.format(then="await asyncio.Event().wait()")) as child:
        assert said(child) == "ready"
        child.send_signal(signal.SIGTERM)
        assert said(child) == "cancelled"
        assert child.poll() is None
        child.send_signal(signal.SIGTERM)
        assert child.wait(DEADLINE) == 128 + signal.SIGTERM


def test_main_that_returns_ends_the_process() -> None:
    with process("async def main(lifetime): pass", WATCHDOG_USEC="1000000") as child:
        assert child.wait(DEADLINE) == 0


def test_an_error_of_main_is_an_error_of_the_process() -> None:
    with process("async def main(lifetime): raise ValueError('broken')") as child:
        _, errors = child.communicate(timeout=DEADLINE)
        assert child.returncode == 1
        assert "ValueError: broken" in errors


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_the_service_manager_is_told(tmp_path: Path, abstract: bool) -> None:
    name = f"pilothouse-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    spelled, bound = (f"@{name}", f"\0{name}") if abstract else (name, name)
    with (
        manager(bound) as listening,
        process(WAITING.format(then=""), NOTIFY_SOCKET=spelled, WATCHDOG_USEC="300000") as child,
    ):
        messages = [listening.recv(1024) for _ in range(4)]
        assert messages.count(b"READY=1\nSTATUS=serving") == 1
        assert messages.count(b"WATCHDOG=1") == 3
        child.send_signal(signal.SIGTERM)
        while (message := listening.recv(1024)) == b"WATCHDOG=1":
            pass
        assert message == b"STOPPING=1"
        assert child.wait(DEADLINE) == 0


def test_no_watchdog_is_fed_that_nobody_asked_for(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with (
        manager(address) as listening,
        process(WAITING.format(then=""), NOTIFY_SOCKET=address) as child,
    ):
        assert listening.recv(1024).startswith(b"READY=1")
        child.send_signal(signal.SIGTERM)
        assert listening.recv(1024) == b"STOPPING=1"
        assert child.wait(DEADLINE) == 0


def test_a_manager_that_is_gone_does_not_stop_the_process(tmp_path: Path) -> None:
    with process(WAITING.format(then=""), NOTIFY_SOCKET=str(tmp_path / "gone")) as child:
        assert said(child) == "ready"
        child.send_signal(signal.SIGTERM)
        assert said(child) == "cancelled"
        assert child.wait(DEADLINE) == 0


def test_children_do_not_speak_to_the_service_manager() -> None:
    body = "import os\nasync def main(lifetime):\n    print(sorted(os.environ), flush=True)\n"
    told = {"NOTIFY_SOCKET": "/no/such", "WATCHDOG_USEC": "9000000", "WATCHDOG_PID": "1"}
    with process(body, **told) as child:
        names = said(child)
    assert "PATH" in names
    assert not any(name in names for name in told)
