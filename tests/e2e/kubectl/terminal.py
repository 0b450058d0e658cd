"""A terminal with a command of kubectl in it: what a person sees and types."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.kubectl.kubectl import PATIENCE, Kubectl


class Terminal:
    """A command in a terminal of a given size."""

    def __init__(
        self, argv: list[str], environment: dict[str, str], rows: int, columns: int
    ) -> None:
        self._own, other = pty.openpty()
        self.resize(rows, columns)
        self.process = subprocess.Popen(
            argv,
            env=environment,
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(other)
        self.shown = ""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._own, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self._own, text.encode())

    def see(self, text: str) -> None:
        """Wait until that is shown, after what was seen before; then forget it."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.shown:
            left = max(0.0, deadline - time.monotonic())
            assert select.select([self._own], [], [], left)[0], f"{text!r} not in {self.shown!r}"
            self.shown += os.read(self._own, 4096).decode(errors="replace")
        self.shown = self.shown.partition(text)[2]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._own)


@contextmanager
def terminal(kubectl: Kubectl, *arguments: str) -> Iterator[Terminal]:
    opened = Terminal(kubectl.argv(*arguments), kubectl.environment(), 30, 100)
    try:
        yield opened
    finally:
        opened.close()
