"""The pilot command as a user has it: what it prints, and how it ends."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from typer.testing import CliRunner

from pilothouse.cli.main import pilot as app

DEADLINE = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command printed."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[list[str]]:
        """The words of each line."""
        return [line.split() for line in self.out.splitlines() if line.strip()]

    def column(self, title: str) -> list[str]:
        """The values below a title without blanks."""
        titles = self.rows[0]
        return [row[titles.index(title)] for row in self.rows[1:]]


@dataclass(frozen=True, slots=True)
class Pilot:
    """Runs commands in this process; `namespace` is where they act."""

    namespace: str

    def __call__(self, *arguments: str, input: str = "", code: int = 0) -> Answer:
        """The answer; a failure shows what was printed where the exit code is another."""
        result = CliRunner().invoke(app, arguments, input=input, prog_name="pilot")
        answer = Answer(result.exit_code, result.stdout, result.stderr)
        assert result.exception is None or isinstance(result.exception, SystemExit), (
            result.exception
        )
        assert result.exit_code == code, f"{arguments}: {answer}"
        return answer

    def refused(self, *arguments: str, input: str = "", code: int = 1) -> str:
        """The error of a command that must fail, in a line or two without a traceback."""
        answer = self(*arguments, input=input, code=code)
        assert answer.err.count("\n") <= 2, answer.err
        assert answer.err.startswith("Error: "), answer.err
        return answer.err

    def until(self, *arguments: str, out: str) -> Answer:
        """Ask again until the text is in what is printed."""
        deadline = time.monotonic() + DEADLINE
        while True:
            answer = self(*arguments)
            if out in answer.out:
                return answer
            assert time.monotonic() < deadline, f"{arguments}: no {out!r} in {answer}"

    def pod(self, name: str, *, script: str = "sleep 1000", labels: str = "") -> None:
        """A pod of one container that runs the script, ready."""
        self("apply", "-f", "-", input=pod_manifest(name, script, labels or f"app: {name}"))
        self("wait", "pod", name)

    def deployment(self, name: str, replicas: int = 1, *options: str) -> None:
        """A deployment that is rolled out."""
        self("run", name, "--image=app:1", f"--replicas={replicas}", *options)
        self("rollout", "status", name, "--timeout=30s")


def pod_manifest(name: str, script: str, labels: str) -> str:
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{{labels}}}}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - {{name: main, image: "box:1", command: [sh, -c, "{script}"]}}
"""


class Running:
    """A command that goes on until it is interrupted."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def line(self, *words: str) -> str:
        """The next line that has all the words."""
        deadline = time.monotonic() + DEADLINE
        seen = []
        while True:
            try:
                seen.append(self._lines.get(timeout=max(0.0, deadline - time.monotonic())))
            except queue.Empty:
                raise AssertionError(f"no line with {words} in {seen}") from None
            if all(word in seen[-1] for word in words):
                return seen[-1]

    def interrupt(self) -> int:
        """The exit status after Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(DEADLINE)


@contextmanager
def running(*arguments: str) -> Iterator[Running]:
    """A command in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pilothouse.cli.main", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    command = Running(process)
    try:
        yield command
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def execute(*arguments: str, input: str = "", **environment: str) -> Answer:
    """A command in a process of its own, to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "pilothouse.cli.main", *arguments],
        input=input,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env={**os.environ, **environment},
    )
    return Answer(done.returncode, done.stdout, done.stderr)
