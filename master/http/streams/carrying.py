"""One connection of a port-forward: between a client's end, whatever it is, and a pod's port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from master.dispatch.podstreams import PodStreams, join, started
from master.http.streams.idle import idle_limit
from pilothouse.objects.errors import ApiError
from protos.core_v1_pb2 import Pod
from protos.resources_pb2 import StreamInput, StreamOutput


class End(Protocol):
    """The client's end."""

    async def read(self) -> bytes:
        """What the client sent; b"" when it sends no more. ConnectionError."""
        ...

    async def write(self, data: bytes) -> None:
        """Send, waiting while it is not taken. ConnectionError."""
        ...

    async def fail(self, message: str) -> None:
        """Tell why there is no connection. ConnectionError."""
        ...

    async def finish(self) -> None:
        """The pod's side has closed. ConnectionError."""
        ...


Carry = Callable[[int, End], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Forward:
    """To one pod, for a caller that may."""

    streams: PodStreams
    pod: Pod

    async def carry(self, port: int, end: End) -> None:
        """Until the pod's side has closed or the client is gone. Tells the client of faults."""
        with suppress(ConnectionError):
            try:
                await self._carry(port, end)
            except ApiError as error:
                meta = self.pod.metadata
                text = f"error forwarding port {port} to pod {meta.name}, uid {meta.uid}"
                await end.fail(f"{text}: {error.message}")
            await end.finish()

    async def _carry(self, port: int, end: End) -> None:
        async with self.streams.dial(self.pod, port) as tunnel, idle_limit() as busy:
            await started(tunnel)

            async def inputs() -> AsyncIterator[StreamInput]:
                while data := await end.read():
                    busy()
                    yield StreamInput(stdin=data)

            async def write(output: StreamOutput) -> None:
                busy()
                await end.write(output.stdout)

            await join(tunnel, inputs(), write)
