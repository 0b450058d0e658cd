"""A master in a process of its own, so that what hostile callers cost it can be measured.

    python -m tests.hostile.victim DIRECTORY NODE...

prints one line of JSON (ports) when it serves, then one line of figures for every line that it
reads, and serves until its standard input ends. The nodes have credentials and no agents.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from master.identity.files import ADMINISTRATOR
from master.identity.user import User, node_user
from pilothouse.process.tls import KeyPair
from tests.master.running import Running, pair_of, running_master
from tests.pilothouse.cluster import write_config

END_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What the process holds; `rss` in bytes."""

    tasks: int
    files: int
    threads: int
    rss: int


@dataclass(frozen=True, slots=True)
class Victim:
    """The process, and who may call it: credentials by user name."""

    grpc: int
    join: int
    http: int
    https: int
    config: Path
    users: dict[str, KeyPair]
    pid: int
    asking: IO[str]
    answers: IO[str]

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.grpc}"

    def figures(self) -> Figures:
        """Now, behind a collection of garbage."""
        self.asking.write("\n")
        self.asking.flush()
        return Figures(**json.loads(self.answers.readline()))


@contextmanager
def victim(directory: Path, users: Sequence[User]) -> Iterator[Victim]:
    """Start it and end it; it must have ended well, with nothing on its log of level ERROR."""
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "log"
    command = [sys.executable, "-m", "tests.hostile.victim", str(directory)]
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [*command, *(user.node for user in users if user.node)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, log.read_text()
            said = json.loads(line)
            yield Victim(
                **said["ports"],
                config=directory / "client" / "client.toml",
                users={
                    name: KeyPair(*(part.encode() for part in pair))
                    for name, pair in said["users"].items()
                },
                pid=process.pid,
                asking=process.stdin,
                answers=process.stdout,
            )
        finally:
            process.stdin.close()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
    said_wrong = [line for line in log.read_text().splitlines() if " ERROR " in line]
    assert process.returncode == 0, log.read_text()[-4000:]
    assert not said_wrong


def _figures() -> Figures:
    gc.collect()
    tasks = [task for task in asyncio.all_tasks() if not task.done()]
    status = Path("/proc/self/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return Figures(
        tasks=len(tasks),
        files=len(os.listdir("/proc/self/fd")),
        threads=int(fields["Threads"]),
        rss=int(fields["VmRSS"].split()[0]) * 1024,
    )


async def _serve(directory: Path, nodes: Sequence[str]) -> None:
    async with running_master(directory / "master") as master:
        users = (ADMINISTRATOR, *(node_user(name) for name in nodes))
        _announce(master, directory, users)
        while await asyncio.to_thread(sys.stdin.readline):
            figures = _figures()
            _say({name: getattr(figures, name) for name in Figures.__slots__})


def _announce(master: Running, directory: Path, users: Sequence[User]) -> None:
    pairs = {user.name: pair_of(master.authority, user) for user in users}
    parts = {
        name: [part.decode() for part in (pair.ca, pair.certificate, pair.key)]
        for name, pair in pairs.items()
    }
    admin = pairs[ADMINISTRATOR.name]
    server = f"127.0.0.1:{master.ports.grpc}"
    write_config(directory / "client", (admin.ca, admin.certificate, admin.key), server)
    ports = {name: getattr(master.ports, name) for name in ("grpc", "join", "http", "https")}
    _say({"ports": ports, "users": parts})


def _say(value: object) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    import uvloop

    from pilothouse.process import logs

    logs.configure("INFO")
    uvloop.run(_serve(Path(sys.argv[1]), sys.argv[2:]))
