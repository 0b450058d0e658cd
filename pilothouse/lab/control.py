"""How the lab talks to the first process of a host: one JSON line each way, a connection each.

The socket lies in the host's directory. Its path may be longer than a socket address can be
(108 bytes), so both sides name it by the directory's descriptor.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pilothouse.lab.errors import LabError

SOCKET = "init.sock"
MAX_LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class Start:
    """Run argv as `process`, with its output appended to log. A running one stays.

    restart: when it ends by itself it is started again, as a service manager does; not when
    a Kill ended it.
    """

    process: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    log: str
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Kill:
    """Send a signal to `process`, which is then not restarted; SIGKILL answers once it is gone."""

    process: str
    signal: int


@dataclass(frozen=True, slots=True)
class Report:
    """Tell the state of every process."""


Request = Start | Kill | Report
_ACTIONS: dict[str, type[Request]] = {"start": Start, "kill": Kill, "report": Report}


@dataclass(frozen=True, slots=True)
class ProcessState:
    """A process that was started. pid is the host's own numbering; exit is None while it
    runs, else its exit code, or minus the signal that ended it."""

    process: str
    pid: int
    exit: int | None
    starts: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request; error is empty when it was done."""

    error: str = ""
    changed: bool = False
    processes: tuple[ProcessState, ...] = field(default=())


def encode_request(request: Request) -> bytes:
    """The line for a request."""
    action = next(name for name, kind in _ACTIONS.items() if isinstance(request, kind))
    return json.dumps({"action": action, **asdict(request)}).encode() + b"\n"


def decode_request(line: bytes) -> Request:
    """The request in a line; ValueError for anything else."""
    document = json.loads(line)
    kind = _ACTIONS.get(document.pop("action", ""))
    if kind is Start:
        document["argv"] = tuple(document["argv"])
    try:
        return kind(**document) if kind else _unknown()
    except TypeError as error:
        raise ValueError(str(error)) from error


def encode_answer(answer: Answer) -> bytes:
    """The line for an answer."""
    return json.dumps(asdict(answer)).encode() + b"\n"


def decode_answer(line: bytes) -> Answer:
    """The answer in a line; ValueError for anything else."""
    document = json.loads(line)
    states = tuple(ProcessState(**state) for state in document["processes"])
    return Answer(document["error"], document["changed"], states)


def call(directory: Path, request: Request, *, timeout: float = 10.0) -> Answer:
    """Ask the host in that directory; LabError if it is not there or refuses."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock, address(directory) as name:
            sock.settimeout(timeout)
            sock.connect(name)
            sock.sendall(encode_request(request))
            with sock.makefile("rb") as stream:
                answer = decode_answer(stream.readline(MAX_LINE))
    except (OSError, ValueError) as error:
        raise LabError(f"host {directory.name} does not answer: {error}") from error
    if answer.error:
        raise LabError(f"host {directory.name}: {answer.error}")
    return answer


@contextlib.contextmanager
def address(directory: Path) -> Iterator[str]:
    """A short name for the socket in the directory, good inside the block."""
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)


def _unknown() -> Request:
    raise ValueError("unknown action")
