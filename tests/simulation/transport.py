"""The lines between agents and the master, in place of gRPC over TCP.

In: an agent's channel on one side, the Dispatch service's Session on the other. Out: what gRPC
gives both: messages serialized, in order, one way slower than the other, each at most once; a
stream that breaks loses what was under way and tells each side in its own time. A parted line
holds back what is sent until it is whole again, or until the keepalive of a side gives up: then
that side alone knows that the stream is broken.

Not simulated: tunnels and certificate renewal.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import grpc
import grpc.aio

from protos.dispatch_pb2 import AgentMessage

CAPACITY = 64  # messages under way one way; who writes more waits
KEEPALIVE = (10.0, 20.0)  # seconds until a side notices that nothing comes through
CONNECT_SECONDS = 3.0
SESSION = "/pilothouse.v1.Dispatch/Session"


class Serving(Protocol):
    """A master that answers."""

    def accept(self, node: str, stream: Stream) -> bool:
        """Serve the stream in a task of its own; False: nobody listens."""
        ...


class Line:
    """One node's way to the master. `parted`: nothing comes through, either way."""

    def __init__(self, node: str, rng: random.Random, serving: Callable[[], Serving | None]):
        self.node = node
        self.rng = rng
        self.serving = serving
        self.parted = False
        self.streams: list[Stream] = []

    def delay(self) -> float:
        """Seconds that the next message takes; now and then much longer."""
        usual = self.rng.uniform(0.0002, 0.005)
        return usual if self.rng.random() > 0.03 else self.rng.uniform(0.05, 1.5)

    def part(self) -> None:
        """Nothing comes through from now on."""
        self.parted = True
        for stream in self.streams:
            stream.doubt()

    def heal(self) -> None:
        """Everything that was held back goes on."""
        self.parted = False
        for stream in tuple(self.streams):
            stream.up.release()
            stream.down.release()

    def cut(self) -> None:
        """Every stream breaks; the line is as before."""
        for stream in tuple(self.streams):
            stream.break_off()


class Wire:
    """Messages one way. They arrive in the order in which they were sent."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._under_way: deque[bytes] = deque()
        self._held = 0
        self._arrived: deque[bytes] = deque()
        self._changed = asyncio.Event()
        self.ended = False
        self.sealed = False  # its sender is dead: what is under way arrives, and no more

    async def send(self, message: bytes) -> None:
        """Put it on its way; waits while too much is."""
        while not self.ended and len(self._under_way) + len(self._arrived) >= CAPACITY:
            self._changed.clear()
            await self._changed.wait()
        if not self.ended and not self.sealed:
            self._under_way.append(message)
            asyncio.get_running_loop().call_later(self._line.delay(), self._arrive)

    async def receive(self) -> bytes | None:
        """The next one; None: the stream is over."""
        while not self._arrived:
            if self.ended:
                return None
            self._changed.clear()
            await self._changed.wait()
        message = self._arrived.popleft()
        self._changed.set()
        return message

    def release(self) -> None:
        """The line is whole again."""
        held, self._held = self._held, 0
        for _ in range(held):
            self._arrive()

    def end(self, *, lose: bool) -> None:
        """Nothing is sent any more. lose: what is under way never arrives."""
        self.ended = True
        if lose:
            self._under_way.clear()
        else:
            self._arrived.extend(self._under_way)
            self._under_way.clear()
        self._changed.set()

    def _arrive(self) -> None:
        if self._line.parted:
            self._held += 1
        elif self._under_way:
            self._arrived.append(self._under_way.popleft())
            self._changed.set()


class Stream:
    """One Session call: both wires, and what either side knows of its end."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.up, self.down = Wire(line), Wire(line)
        self.handler: asyncio.Task[None] | None = None
        self.error: grpc.aio.AioRpcError | None = None
        self.finished = False  # as the agent knows
        line.streams.append(self)

    def doubt(self) -> None:
        """Nothing comes through: each side gives up on the stream when its keepalive says so."""
        loop, rng = asyncio.get_running_loop(), self.line.rng
        loop.call_later(rng.uniform(*KEEPALIVE), self._if_parted, self._tell_agent)
        loop.call_later(rng.uniform(*KEEPALIVE), self._if_parted, self._tell_master)

    def _if_parted(self, tell: Callable[[], None]) -> None:
        if self.line.parted:
            tell()

    def break_off(self, *, agent_knows_in: float = 0.05, master_knows_in: float = 0.05) -> None:
        """What is under way is lost, and each side learns it within so many seconds."""
        loop, rng = asyncio.get_running_loop(), self.line.rng
        self.up.end(lose=True)
        self.down.sealed = True
        loop.call_later(rng.uniform(0, agent_knows_in), self._tell_agent)
        loop.call_later(rng.uniform(0, master_knows_in), self._tell_master)

    def hang_up(self) -> None:
        """The agent has cancelled the call (or its process is gone)."""
        self.finished = True
        self.down.end(lose=True)
        loop = asyncio.get_running_loop()
        if self.line.parted:
            loop.call_later(self.line.rng.uniform(*KEEPALIVE), self._tell_master)
        else:
            loop.call_later(self.line.delay(), self._tell_master)

    def answered(self, error: grpc.aio.AioRpcError | None) -> None:
        """The master's side is done; what it has written still arrives."""
        self.error = self.error or error
        asyncio.get_running_loop().call_later(self.line.delay(), self._finish, False)
        self.up.end(lose=True)
        self._forget()

    def _tell_agent(self) -> None:
        self.error = self.error or rpc_error(grpc.StatusCode.UNAVAILABLE, "connection broken")
        self._finish(True)

    def _finish(self, lose: bool) -> None:
        self.finished = True
        self.down.end(lose=lose)

    def _tell_master(self) -> None:
        # gRPC may show a broken stream as one that ended, and only then cancel the handler.
        if self.line.rng.random() < 0.5:
            self.up.end(lose=True)
        loop = asyncio.get_running_loop()
        loop.call_later(self.line.rng.uniform(0, 0.01), self._cancel_handler)

    def _cancel_handler(self) -> None:
        self.up.end(lose=True)
        if self.handler is not None:
            self.handler.cancel()
        self._forget()

    def _forget(self) -> None:
        with suppress(ValueError):
            self.line.streams.remove(self)


class Call:
    """The agent's side: the part of grpc.aio.StreamStreamCall that a session uses."""

    def __init__(self, line: Line, deserialize: Callable[[bytes], Any]) -> None:
        self._line = line
        self._deserialize = deserialize
        self._stream: Stream | None = None

    async def write(self, message: AgentMessage) -> None:
        """Send; dials first."""
        stream = self._stream or await self._dial()
        if stream.finished:
            raise stream.error or asyncio.InvalidStateError("RPC already finished.")
        await stream.up.send(message.SerializeToString())

    def __aiter__(self) -> Call:
        return self

    async def __anext__(self) -> Any:
        stream = self._stream or await self._dial()
        message = await stream.down.receive()
        if message is not None:
            return self._deserialize(message)
        if stream.error is not None:
            raise stream.error
        raise StopAsyncIteration

    def cancel(self) -> bool:
        """Hang up."""
        if self._stream is not None:
            self._stream.hang_up()
        return True

    async def _dial(self) -> Stream:
        line = self._line
        await asyncio.sleep(CONNECT_SECONDS if line.parted else 2 * line.delay())
        stream = Stream(line)
        serving = line.serving()
        if line.parted or serving is None or not serving.accept(line.node, stream):
            stream._forget()
            raise rpc_error(grpc.StatusCode.UNAVAILABLE, "failed to connect")
        self._stream = stream
        return stream


class Channel:
    """What a DispatchStub needs of a grpc.aio.Channel."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def stream_stream(
        self, path: str, *, response_deserializer: Callable[[bytes], Any], **_: Any
    ) -> Callable[[], Call]:
        """Sessions; a tunnel cannot be opened."""

        def call() -> Call:
            if path != SESSION:
                raise rpc_error(grpc.StatusCode.UNIMPLEMENTED, f"{path} is not simulated")
            return Call(self._line, response_deserializer)

        return call

    def unary_unary(self, path: str, **_: Any) -> Callable[..., Any]:
        """None."""

        def call(*_: Any) -> Any:
            raise rpc_error(grpc.StatusCode.UNIMPLEMENTED, f"{path} is not simulated")

        return call


class Context:
    """What the Session service needs of a grpc.aio.ServicerContext."""

    def __init__(self, certificate: bytes, stream: Stream) -> None:
        self._certificate = certificate
        self._stream = stream

    def auth_context(self) -> dict[str, list[bytes]]:
        """The peer's certificate."""
        return {"x509_pem_cert": [self._certificate]}

    def invocation_metadata(self) -> tuple[()]:
        """None."""
        return ()

    async def write(self, message: Any) -> None:
        """Serialized as the server does it."""
        data = message if isinstance(message, bytes) else message.SerializeToString()
        await self._stream.down.send(data)

    async def abort(self, code: grpc.StatusCode, details: str, metadata: Any = ()) -> None:
        """End the call with a status."""
        self._stream.error = rpc_error(code, details)
        raise Aborted(details)


class Aborted(Exception):
    """As grpc's: the handler is over."""


async def requests(stream: Stream) -> Any:
    """What the agent says, as the service reads it."""
    while (message := await stream.up.receive()) is not None:
        yield AgentMessage.FromString(message)


def rpc_error(code: grpc.StatusCode, details: str) -> grpc.aio.AioRpcError:
    """As a call of grpc.aio raises it."""
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details, None)
