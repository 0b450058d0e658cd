"""Commands that are talked to, without a terminal, by the OCI runtime on pipes of their own.

In goes input, out come both streams apart and the exit code. The engine's own exec does the same
with one socket, which its monitor resets when a process ends with input unread: what it wrote
last is lost. Pipes lose nothing.

A process that leaves others behind which hold its streams has ended all the same: what comes
within DRAIN_SECONDS of silence is read. Not promised: that a process ends when its session is let
go; it sees the end of its streams.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from asyncio.subprocess import Process
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from agent.runtime.crun import PROGRAM, result_of, write_process
from agent.runtime.errors import StreamBroken
from agent.runtime.specs import Channel, ContainerID
from agent.runtime.states import Output

PIECE = 64 * 1024
DRAIN_SECONDS = 1.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 0.1


async def open_session(
    container: ContainerID, config: Path, command: Sequence[str], *, stdin: bool
) -> PipedSession:
    """A process in a running container, once it runs or could not be run. NotRunning."""
    directory = Path(tempfile.mkdtemp(prefix="pilothouse-exec-"))
    try:
        pid_file, process_file = directory / "pid", directory / "process.json"
        write_process(container, config, command, process_file)
        arguments = ("exec", f"--pid-file={pid_file}", f"--process={process_file}", container)
        session = await _spawned(arguments)
        try:
            await session.begin(pid_file)
        except BaseException:
            await session.close()
            raise
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if not stdin:
        await session.close_input()
    return session


async def _spawned(arguments: Sequence[str]) -> PipedSession:
    """The OCI runtime, our ends of its pipes held by the session, its own by itself alone."""
    pipes = [os.pipe() for _ in range(3)]
    (its_in, our_in), (our_out, its_out), (our_err, its_err) = pipes
    try:
        process = await asyncio.create_subprocess_exec(
            PROGRAM,
            *arguments,
            stdin=its_in,
            stdout=its_out,
            stderr=its_err,
            start_new_session=True,
        )
    except BaseException:
        for descriptor in (our_in, our_out, our_err):
            os.close(descriptor)
        raise
    finally:
        for descriptor in (its_in, its_out, its_err):
            os.close(descriptor)
    readers = {Channel.STDOUT: await _reader(our_out), Channel.STDERR: await _reader(our_err)}
    return PipedSession(process, await _writer(our_in), readers)


async def _reader(descriptor: int) -> _Pipe:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=PIECE)
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", 0)
    )
    return _Pipe(reader, transport)


async def _writer(descriptor: int) -> asyncio.StreamWriter:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()),
        os.fdopen(descriptor, "wb", 0),
    )
    return asyncio.StreamWriter(transport, protocol, None, loop)


class _Pipe:
    """One of the process's streams, and the read of it that is under way."""

    def __init__(self, reader: asyncio.StreamReader, transport: asyncio.ReadTransport) -> None:
        self.reader = reader
        self._transport = transport
        self._read: asyncio.Task[bytes] | None = None

    def reading(self) -> asyncio.Task[bytes]:
        """The next bytes; the same task until they have been taken."""
        if self._read is None:
            self._read = asyncio.create_task(self.reader.read(PIECE), name="exec-output")
        return self._read

    def take(self) -> bytes:
        """What has been read; b"" at the end."""
        assert self._read is not None
        read, self._read = self._read, None
        return read.result()

    def close(self) -> None:
        if self._read is not None:
            self._read.cancel()
        self._transport.close()


class PipedSession:
    """Session; see the module."""

    def __init__(
        self, process: Process, stdin: asyncio.StreamWriter, pipes: dict[Channel, _Pipe]
    ) -> None:
        self._process = process
        self._stdin = stdin
        self._pipes = pipes
        self._open = dict(pipes)
        self._early: deque[Output] = deque()
        self._code: int | None = None
        self._ending = asyncio.create_task(process.wait(), name="exec-end")

    async def begin(self, pid_file: Path) -> None:
        """Wait until the process runs, or could not be run, which result_of tells. NotRunning."""
        pause = _FIRST_PAUSE
        while not self._ending.done():
            if _is_there(pid_file):
                return
            await asyncio.wait((self._ending,), timeout=pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        if not _is_there(pid_file):
            await self._take_failure()

    async def _take_failure(self) -> None:
        error = await self._pipes[Channel.STDERR].reader.read(PIECE)
        self._code = result_of(self._ending.result(), b"", error).exit_code
        self._early.append(Output(Channel.STDERR, error))

    async def read(self) -> Output | None:
        """The next output."""
        if self._early:
            return self._early.popleft()
        while self._open:
            reading = {pipe.reading(): channel for channel, pipe in self._open.items()}
            over = self._ending.done()
            waited = reading if over else [*reading, self._ending]
            done, _ = await asyncio.wait(
                waited,
                timeout=DRAIN_SECONDS if over else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not done:
                return None
            for task, channel in reading.items():
                if task in done:
                    data = self._open[channel].take()
                    if data:
                        return Output(channel, data)
                    del self._open[channel]
        return None

    async def write(self, data: bytes) -> None:
        """To the standard input."""
        try:
            self._stdin.write(data)
            await self._stdin.drain()
        except OSError as error:
            raise StreamBroken(f"the process does not read: {error}") from error

    async def close_input(self) -> None:
        """End of the standard input, after what was written."""
        self._stdin.close()

    async def resize(self, width: int, height: int) -> None:
        """There is no terminal."""

    async def exit_code(self) -> int:
        """Of the process."""
        code = await asyncio.shield(self._ending)
        return code if self._code is None else self._code

    async def close(self) -> None:
        """Let go; the OCI runtime waits for its process and ends with it."""
        if not self._stdin.transport.is_closing():
            self._stdin.transport.abort()
        for pipe in self._pipes.values():
            pipe.close()


def _is_there(file: Path) -> bool:
    return file.exists()
