"""How the engine is reached and where it keeps things."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PodmanOptions:
    """Of one node. With `manage` the agent starts the engine's service itself, on the socket,
    and starts it again when it is gone; without, somebody else does (systemd).

    root, run_root: the engine's storage; None: its default (/var/lib/containers,
    /run/containers). data_dir: pods' namespaces, files and logs; the engine must see the same
    mounts below it as the agent. workers: calls on the engine beside each other.
    """

    socket: Path
    data_dir: Path
    manage: bool = True
    root: Path | None = None
    run_root: Path | None = None
    program: str = "podman"
    workers: int = 8
    pull_silence: float = 300.0  # seconds without a byte after which a pull is given up
    log_bytes: int = 10 * 1024 * 1024  # a container's log is rotated at this size
    log_files: int = 3  # kept a run, the current one too

    @property
    def pods(self) -> Path:
        """One directory a sandbox."""
        return self.data_dir / "pods"

    @property
    def logs(self) -> Path:
        """Logs by pod uid, container name and attempt."""
        return self.data_dir / "logs"
