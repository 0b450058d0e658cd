"""Sessions and connections of the in-memory runtime: echoes with back-pressure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from agent.runtime.errors import StreamBroken
from agent.runtime.script import Script
from agent.runtime.specs import Channel
from agent.runtime.states import Output
from pilothouse.process.clock import Clock

QUEUE_LENGTH = 64  # writes; a writer waits when its reader is so far behind


class EchoConnection:
    """Connection to a container that sends back what it gets."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUE_LENGTH)
        self._closed = False

    async def read(self) -> bytes:
        """The next bytes; b"" at the end."""
        return b"" if self._closed else await self._queue.get()

    async def write(self, data: bytes) -> None:
        """Send."""
        if self._closed:
            raise StreamBroken("the connection is closed")
        if data:
            await self._queue.put(data)

    async def close_input(self) -> None:
        """Its echo is the end of the output."""
        await self._queue.put(b"")

    async def close(self) -> None:
        """Let go."""
        self._closed = True


class ScriptSession:
    """An exec: the script's lines at their times, then its echo if it reads."""

    def __init__(self, script: Script, clock: Clock, tty: bool) -> None:
        self._script = script
        self._clock = clock
        self._tty = tty
        self._started = clock.monotonic()
        self._lines = list(script.lines)
        self._echo = EchoConnection()
        self._ended = False

    async def read(self) -> Output | None:
        """The next output; None at the end."""
        output = None if self._ended else await self._next()
        self._ended = output is None
        return output

    async def _next(self) -> Output | None:
        if self._lines:
            line = self._lines.pop(0)
            await self._until(line.at)
            return Output(Channel.STDOUT if self._tty else line.channel, line.data)
        if self._script.reads_input:
            data = await self._echo.read()
            return Output(Channel.STDOUT, data) if data else None
        await self._until(self._script.ends_after)
        return None

    async def _until(self, at: float | None) -> None:
        if at is None:
            await asyncio.get_running_loop().create_future()
            return
        wait = self._started + at - self._clock.monotonic()
        if wait > 0:
            await self._clock.sleep(wait)

    async def write(self, data: bytes) -> None:
        """To the standard input; a script that does not read leaves it there."""
        if self._script.reads_input:
            await self._echo.write(data)

    async def close_input(self) -> None:
        """End of the standard input."""
        if self._script.reads_input:
            await self._echo.close_input()

    async def resize(self, width: int, height: int) -> None:
        """Scripts draw nothing."""

    async def exit_code(self) -> int:
        """The script's."""
        while await self.read() is not None:
            pass
        return self._script.exit_code

    async def close(self) -> None:
        """Let go."""
        await self._echo.close()


class AttachedSession:
    """An attach: what the run writes from now on, its input if it reads."""

    def __init__(self, inner: ScriptSession, end_input: Callable[[], None]) -> None:
        self._inner = inner
        self._end_input = end_input

    async def read(self) -> Output | None:
        """The next output; None at the end."""
        return await self._inner.read()

    async def write(self, data: bytes) -> None:
        """To the standard input."""
        await self._inner.write(data)

    async def close_input(self) -> None:
        """The run ends if it was opened for one input only."""
        await self._inner.close_input()
        self._end_input()

    async def resize(self, width: int, height: int) -> None:
        """Scripts draw nothing."""

    async def exit_code(self) -> int:
        """The script's."""
        return await self._inner.exit_code()

    async def close(self) -> None:
        """Let go; the run goes on."""
        await self._inner.close()
