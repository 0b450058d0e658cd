"""Processes that outlive the command which started them, known by more than their pid."""

from __future__ import annotations

import json
import os
import select
import signal
from dataclasses import asdict, dataclass
from pathlib import Path

from pilothouse.lab import kernel
from pilothouse.lab.errors import LabError


@dataclass(frozen=True, slots=True)
class Record:
    """One process: pid, start time and boot. A file of the same shape survives a crash."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Record:
        """The running process of that pid; LabError if it ended already."""
        started = kernel.start_time(pid)
        if started is None:
            raise LabError(f"process {pid} ended at once")
        return cls(pid, started, kernel.boot_id())

    @classmethod
    def read(cls, path: Path) -> Record | None:
        """The process recorded there if it still runs; None otherwise."""
        try:
            document = json.loads(path.read_text())
            record = cls(int(document["pid"]), int(document["started"]), str(document["boot"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None  # never begun, or cut off while it was written: nothing to end
        return record if record.alive() else None

    def write(self, path: Path) -> None:
        """Record it, whole or not at all."""
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self)))
        draft.rename(path)

    def alive(self) -> bool:
        """Whether this very process runs."""
        return self.boot == kernel.boot_id() and self.started == kernel.start_time(self.pid)

    def kill(self, *, timeout: float = 10.0) -> None:
        """SIGKILL, and wait until it is gone; LabError if it is not after timeout seconds.

        The pid is checked after the pidfd is open, so that no other process can be meant.
        """
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if not self.alive():
                return
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            if not select.select([descriptor], [], [], timeout)[0]:
                raise LabError(f"process {self.pid} did not end within {timeout:g} s of SIGKILL")
        finally:
            os.close(descriptor)
