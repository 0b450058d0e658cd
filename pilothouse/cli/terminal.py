"""The local terminal as one end of a stream: raw mode, window size, standard input.

Input is read in chunks by the event loop when standard input can be polled, in a thread when it
is a plain file. Nothing is read ahead of what the stream takes.
"""

from __future__ import annotations

import asyncio
import os
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from protos.resources_pb2 import StreamInput, StreamOutput, StreamStart, TerminalSize

CHUNK = 32 * 1024


class CannotRun(Exception):
    """The other side could not start the command; the message says why."""


@contextmanager
def raw_mode(*, wanted: bool) -> Iterator[None]:
    """Keys go to the other end as they are typed; the terminal is as before afterwards."""
    if not wanted or not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _size() -> StreamInput:
    columns, lines = shutil.get_terminal_size()
    return StreamInput(resize=TerminalSize(width=columns, height=lines))


async def inputs(start: StreamStart) -> AsyncIterator[StreamInput]:
    """The start, then what is typed and every change of the window's size."""
    yield StreamInput(start=start)
    queue: asyncio.Queue[StreamInput | None] = asyncio.Queue(maxsize=16)
    loop = asyncio.get_running_loop()
    if start.tty:
        yield _size()
        # A full queue drops a size: the next change brings the newest.
        loop.add_signal_handler(
            signal.SIGWINCH, lambda: None if queue.full() else queue.put_nowait(_size())
        )
    reader = asyncio.create_task(_read(queue)) if start.stdin else None
    try:
        while True:
            message = await queue.get()
            if message is None:
                break
            yield message
        yield StreamInput(close_input=True)
        await asyncio.Event().wait()  # the stream ends from the other side
    finally:
        if reader is not None:
            reader.cancel()
        if start.tty:
            loop.remove_signal_handler(signal.SIGWINCH)


async def _read(queue: asyncio.Queue[StreamInput | None]) -> None:
    stdin = sys.stdin.fileno()
    readable = asyncio.Event()
    loop = asyncio.get_running_loop()
    try:
        loop.add_reader(stdin, readable.set)
    except PermissionError:  # epoll takes no plain files
        while data := await asyncio.to_thread(os.read, stdin, CHUNK):
            await queue.put(StreamInput(stdin=data))
        await queue.put(None)
        return
    try:
        while True:
            await readable.wait()
            readable.clear()
            # The loop may have told it twice before this ran once, and a read of nothing would
            # hold up the loop until the next key.
            if not select.select([stdin], [], [], 0)[0]:
                continue
            data = os.read(stdin, CHUNK)
            if not data:
                break
            await queue.put(StreamInput(stdin=data))
        await queue.put(None)
    finally:
        loop.remove_reader(stdin)


async def show(outputs: AsyncIterator[StreamOutput]) -> int:
    """Print what comes; the exit status of the command. CannotRun: it could not be started."""
    async for message in outputs:
        match message.WhichOneof("content"):
            case "stdout":
                sys.stdout.buffer.write(message.stdout)
                sys.stdout.buffer.flush()
            case "stderr":
                sys.stderr.buffer.write(message.stderr)
                sys.stderr.buffer.flush()
            case "exit_code":
                return message.exit_code
            case "error":
                raise CannotRun(message.error)
    return 0
