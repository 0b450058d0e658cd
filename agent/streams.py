"""Logs, exec, attach and port-forward: tunnels that the agent opens when the master asks.

In comes a TunnelRequest; out goes one Dispatch.Tunnel stream that says the id, then carries
bytes both ways between the caller and the runtime. Flow control is gRPC's: a write waits
while the other side does not read, and nothing is read ahead. A tunnel ends with its process,
with its caller, or with its channel; what the runtime holds open is let go in every case. At
most LIMIT tunnels at once, more are refused. What cannot be served is told to the caller with
a gRPC code and in words.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

import grpc
import grpc.aio

from agent.lifecycle.runs import container_named, reported
from agent.pod import PodTask
from agent.runtime import errors
from agent.runtime.contract import Connection, Runtime, Session
from agent.runtime.specs import Channel, LogOptions, PodUID, StreamSpec
from agent.runtime.states import ContainerState
from pilothouse.process.clock import Clock
from protos.core_v1_pb2 import Pod, PodLogOptions
from protos.dispatch_pb2 import TunnelDown, TunnelRequest, TunnelUp
from protos.dispatch_pb2_grpc import DispatchStub
from protos.resources_pb2 import Chunk, LogsRequest, StreamInput, StreamOutput, StreamStart

logger = logging.getLogger(__name__)

LIMIT = 256
PIECE = 64 * 1024
FAREWELL_SECONDS = 10.0

_LOG_STREAMS = {"Stdout": Channel.STDOUT, "Stderr": Channel.STDERR}

_Taker = Callable[[StreamInput], Awaitable[None]]
_Call = grpc.aio.StreamStreamCall[TunnelUp, TunnelDown]
_CODES: dict[type[errors.RuntimeFault], grpc.StatusCode] = {
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.NotRunning: grpc.StatusCode.INVALID_ARGUMENT,
    errors.EngineUnavailable: grpc.StatusCode.UNAVAILABLE,
    errors.StreamBroken: grpc.StatusCode.UNAVAILABLE,
}


class Refused(Exception):
    """The tunnel cannot be served; code and message are for the caller."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class CallerGone(Exception):
    """Nobody reads any more."""


class _Line:
    """The agent's side of one tunnel.

    One task reads it until the master ends it: to cut a read off would cut off the call, with
    what is still on its way. What comes before anybody wants it waits in gRPC.
    """

    def __init__(self, call: _Call) -> None:
        self._call = call
        self._taker: _Taker | None = None
        self._wanted = asyncio.Event()
        self._finished = False

    async def say(self, message: TunnelUp) -> None:
        await self._call.write(message)

    async def put(self, output: StreamOutput) -> None:
        await self._call.write(TunnelUp(output=output))

    async def refuse(self, refused: Refused) -> None:
        code: int = refused.code.value[0]
        await self.say(TunnelUp(error_code=code))
        await self.say(TunnelUp(error=refused.message))

    def hand_to(self, taker: _Taker) -> None:
        """Who gets what the caller says."""
        self._taker = taker
        self._wanted.set()

    async def finish(self) -> None:
        """Nothing more to say; the caller's words are of no use any more."""
        self._finished = True
        self._wanted.set()
        await self._call.done_writing()

    async def listen(self) -> None:
        """Until the master ends the call; CallerGone if that was before finish."""
        async for message in self._call:
            await self._wanted.wait()
            if self._taker is not None and not self._finished:
                await self._hand(message.input, self._taker)
        if not self._finished:
            raise CallerGone

    async def _hand(self, said: StreamInput, taker: _Taker) -> None:
        try:
            await taker(said)
        except errors.StreamBroken:
            logger.debug("input for one that does not read any more")


class Tunnels:
    """See the module. find() gives the task of a pod of this node."""

    def __init__(
        self, runtime: Runtime, find: Callable[[PodUID], PodTask | None], clock: Clock
    ) -> None:
        self._runtime = runtime
        self._find = find
        self._clock = clock
        self._open: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self.idle = asyncio.Event()  # no tunnel is open
        self.idle.set()

    @property
    def count(self) -> int:
        """Open tunnels."""
        return len(self._open)

    def serve_in(self, group: asyncio.TaskGroup) -> None:
        """From now on tunnels are tasks of this group."""
        self._group = group

    def open(self, request: TunnelRequest, stub: DispatchStub) -> None:
        """Begin to serve a request."""
        if self._group is None or request.id in self._open:
            return
        task = self._group.create_task(self._serve(request, stub), name="tunnel")
        self._open[request.id] = task
        self.idle.clear()
        task.add_done_callback(lambda _: self._closed(request.id))

    def _closed(self, tunnel: str) -> None:
        del self._open[tunnel]
        if not self._open:
            self.idle.set()

    def cancel(self, tunnel: str) -> None:
        """The caller went away."""
        task = self._open.get(tunnel)
        if task is not None:
            task.cancel()

    async def _serve(self, request: TunnelRequest, stub: DispatchStub) -> None:
        call: _Call = stub.Tunnel()
        line = _Line(call)
        try:
            await line.say(TunnelUp(opened=request.id))
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(line.listen(), name="tunnel-down")
                await self._converse(request, line)
                await line.finish()
                async with asyncio.timeout(FAREWELL_SECONDS):
                    await listening
        except* (grpc.aio.AioRpcError, CallerGone, asyncio.InvalidStateError) as group:
            logger.debug("tunnel ended early: %s", group.exceptions[0])
        except* TimeoutError:
            logger.debug("the master keeps a tunnel open that has ended")
        finally:
            call.cancel()

    async def _converse(self, request: TunnelRequest, line: _Line) -> None:
        try:
            if len(self._open) > LIMIT:
                raise Refused(
                    grpc.StatusCode.RESOURCE_EXHAUSTED, f"the node has {LIMIT} streams open"
                )
            await self._carry(request, line)
        except Refused as refused:
            await line.refuse(refused)
        except errors.RuntimeFault as fault:
            code = _CODES.get(type(fault), grpc.StatusCode.INTERNAL)
            await line.refuse(Refused(code, fault.message))

    async def _carry(self, request: TunnelRequest, line: _Line) -> None:
        uid = PodUID(request.pod_uid)
        task = self._find(uid)
        if task is None:
            raise Refused(grpc.StatusCode.NOT_FOUND, "the pod is not on this node any more")
        match request.WhichOneof("kind"):
            case "logs":
                await self._logs(task, request.logs, line)
            case "exec":
                run = _running(task, request.exec)
                spec = _streams(request.exec)
                command = tuple(request.exec.command)
                await _talk(await self._runtime.open_exec(run.id, command, spec), line)
            case "attach":
                run = _running(task, request.attach)
                once = _ends_with_input(task.pod, request.attach)
                session = await self._runtime.attach(run.id, _streams(request.attach))
                await _talk(session, line, ends_input=once, at_the_latest=once)
            case "port_forward":
                await _forward(await self._runtime.connect(uid, request.port_forward.port), line)
            case other:
                raise Refused(grpc.StatusCode.UNIMPLEMENTED, f"this agent has no {other}")

    async def _logs(self, task: PodTask, request: LogsRequest, line: _Line) -> None:
        name = request.options.container
        options = log_options(request.options, self._clock.now())
        try:
            async for piece in self._runtime.logs(task.uid, name, options):
                for part in _parts(piece):
                    await line.say(TunnelUp(log=Chunk(data=part)))
        except errors.NotFound as fault:
            message = _why_no_log(task, name, previous=options.previous)
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, message) from fault


def log_options(asked: PodLogOptions, now: float) -> LogOptions:
    """The runtime's options for Kubernetes' ones, which the master has checked."""
    since = 0.0
    if asked.HasField("since_seconds"):
        since = now - asked.since_seconds
    elif asked.HasField("since_time"):
        since = float(asked.since_time.seconds)
    return LogOptions(
        follow=asked.follow,
        previous=asked.previous,
        tail=asked.tail_lines if asked.HasField("tail_lines") else None,
        since=since,
        timestamps=asked.timestamps,
        limit_bytes=asked.limit_bytes,
        stream=_LOG_STREAMS.get(asked.stream),
    )


def _why_no_log(task: PodTask, name: str, *, previous: bool) -> str:
    pod = task.pod.metadata.name
    if previous:
        return f'previous terminated container "{name}" in pod "{pod}" not found'
    entry = reported(task.status).get(name)
    if entry is not None and entry.state.HasField("waiting"):
        reason = entry.state.waiting.reason
        return f'container "{name}" in pod "{pod}" is waiting to start: {reason}'
    return f'container "{name}" in pod "{pod}" has no log'


def _running(task: PodTask, start: StreamStart) -> ContainerState:
    run = task.newest_run(start.container)
    if run is None:
        raise Refused(
            grpc.StatusCode.INVALID_ARGUMENT,
            f'container "{start.container}" in pod "{task.pod.metadata.name}" has not started',
        )
    return run


def _ends_with_input(pod: Pod, start: StreamStart) -> bool:
    """The container's input is the first caller's, and ends when that has no more to say. Any
    other stays open for the next one."""
    return start.stdin and container_named(pod, start.container).stdin_once


def _streams(start: StreamStart) -> StreamSpec:
    return StreamSpec(stdin=start.stdin, stdout=start.stdout, stderr=start.stderr, tty=start.tty)


def _parts(data: bytes) -> Iterator[bytes]:
    return (data[at : at + PIECE] for at in range(0, max(len(data), 1), PIECE))


async def _talk(
    session: Session, line: _Line, *, ends_input: bool = True, at_the_latest: bool = False
) -> None:
    """Between a caller and a process, until the process ends. ends_input: the end of what the
    caller says is the process's end of input; at_the_latest: so is the caller's leaving."""

    async def take(said: StreamInput) -> None:
        match said.WhichOneof("content"):
            case "stdin":
                await session.write(said.stdin)
            case "resize":
                await session.resize(said.resize.width, said.resize.height)
            case "close_input" if ends_input:
                await session.close_input()

    try:
        await line.put(StreamOutput(started=True))
        line.hand_to(take)
        while (output := await session.read()) is not None:
            for part in _parts(output.data):
                if output.channel is Channel.STDOUT:
                    await line.put(StreamOutput(stdout=part))
                else:
                    await line.put(StreamOutput(stderr=part))
        await line.put(StreamOutput(exit_code=await session.exit_code()))
    finally:
        if at_the_latest:
            with suppress(errors.StreamBroken):
                await session.close_input()
        await session.close()


async def _forward(connection: Connection, line: _Line) -> None:
    """Between a caller and a port, until the port's side has closed."""

    async def take(said: StreamInput) -> None:
        match said.WhichOneof("content"):
            case "stdin":
                await connection.write(said.stdin)
            case "close_input":
                await connection.close_input()

    try:
        await line.put(StreamOutput(started=True))
        line.hand_to(take)
        while data := await connection.read():
            await line.put(StreamOutput(stdout=data))
    finally:
        await connection.close()
