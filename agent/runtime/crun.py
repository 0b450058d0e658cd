"""One-shot commands in a container, by the OCI runtime itself.

The engine's own exec takes eight times as long and changes the owner of the host's
/dev/null when the user is not root; the OCI runtime's, with pipes for all three streams, does
neither. It runs in the container's namespaces, group, environment and user.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.runtime.errors import ExecTimeout, NotRunning
from agent.runtime.specs import ContainerID
from agent.runtime.states import ExecResult

PROGRAM = "crun"
_PIECE = 64 * 1024
_NOT_FOUND, _NOT_EXECUTABLE, _OWN_FAILURE = 127, 126, 255
_AFTER_KILL = 5.0  # seconds for the streams to close


@dataclass(frozen=True, slots=True)
class Execution:
    """A command in a container. config: the container's OCI configuration, whose process it
    is like in all but the command line; timeout: seconds; limit: bytes kept a stream."""

    container: ContainerID
    config: Path
    command: tuple[str, ...]
    timeout: float
    limit: int


async def execute(wanted: Execution) -> ExecResult:
    """See Runtime.exec. ExecTimeout, NotRunning."""
    with tempfile.TemporaryDirectory(prefix="pilothouse-exec-") as directory:
        pid_file, process_file = Path(directory, "pid"), Path(directory, "process.json")
        write_process(wanted.container, wanted.config, wanted.command, process_file)
        process = await asyncio.create_subprocess_exec(
            PROGRAM,
            "exec",
            f"--pid-file={pid_file}",
            f"--process={process_file}",
            wanted.container,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=_PIECE,
        )
        try:
            async with asyncio.timeout(wanted.timeout):
                out, err = await _collect(process, wanted.limit)
                code = await process.wait()
        except TimeoutError:
            await _kill(process, pid_file)
            raise ExecTimeout(f"command timed out after {wanted.timeout:g}s") from None
        except asyncio.CancelledError:
            await _kill(process, pid_file)
            raise
    return result_of(code, out, err)


def write_process(container: ContainerID, config: Path, command: Sequence[str], path: Path) -> None:
    """What the OCI runtime is to start: a process like the container's own, but with this command
    line and no terminal. NotRunning."""
    try:
        process = json.loads(config.read_bytes())["process"]
    except FileNotFoundError as error:
        raise NotRunning(f"container {container} has ended") from error
    process |= {"args": list(command), "terminal": False}
    path.write_text(json.dumps(process))


async def _collect(process: asyncio.subprocess.Process, limit: int) -> tuple[bytes, bytes]:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise RuntimeError("exec without pipes")
    process.stdin.close()
    async with asyncio.TaskGroup() as tasks:
        out = tasks.create_task(_head(process.stdout, limit))
        err = tasks.create_task(_head(process.stderr, limit))
    return out.result(), err.result()


async def _head(stream: asyncio.StreamReader, limit: int) -> bytes:
    """The first bytes; the rest is read and dropped, so that the process can go on."""
    kept = bytearray()
    while piece := await stream.read(_PIECE):
        kept += piece[: limit - len(kept)]
    return bytes(kept)


async def _kill(process: asyncio.subprocess.Process, pid_file: Path) -> None:
    """The process in the container; the runtime's own ends with it."""
    _kill_inner(pid_file)
    try:
        async with asyncio.timeout(_AFTER_KILL):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _kill_inner(pid_file: Path) -> None:
    # Absent or empty: the runtime has not got so far, and is killed itself.
    with contextlib.suppress(OSError, ValueError):
        os.kill(int(pid_file.read_text()), signal.SIGKILL)


def result_of(code: int, out: bytes, err: bytes) -> ExecResult:
    """How a command ended. NotRunning: it could not be run in that container at all.

    The runtime reports its own failures with a code that a command may have too; its words tell
    them apart.
    """
    if code != _OWN_FAILURE or out:
        return ExecResult(code, out, err)
    text = err.decode(errors="replace")
    if "does not exist" in text or "is not running" in text or "cannot exec" in text:
        raise NotRunning(text.strip())
    if text.startswith(("executable file", "open executable", "exec ")):
        denied = "Permission denied" in text
        return ExecResult(_NOT_EXECUTABLE if denied else _NOT_FOUND, b"", err)
    return ExecResult(code, out, err)
