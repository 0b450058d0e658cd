"""Streams to pods, whoever asks: the one place where they are checked and opened.

In: a caller and what it wants of a pod. Out: an open tunnel, or an error that names the field, the
value and the rule. gRPC (streams.py) and HTTPS both stand on this; they differ in how bytes look
on the caller's side only. `join` carries them between a caller and a tunnel.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass

from google.protobuf.message import Message

from master.dispatch.tunnels import Tunnel, Tunnels
from master.identity.authorization import Action, Authorizer
from master.identity.user import User
from pilothouse.client.interface import ResourceClient
from pilothouse.objects.errors import (
    ApiError,
    BadRequest,
    Cause,
    Invalid,
    ServerTimeout,
    ServiceUnavailable,
)
from pilothouse.objects.status import error_of_code
from protos.core_v1_pb2 import Pod, PodLogOptions
from protos.dispatch_pb2 import TunnelDown, TunnelRequest
from protos.resources_pb2 import Chunk, LogsRequest, StreamInput, StreamOutput, StreamStart

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
START_SECONDS = 30.0

Write = Callable[[StreamOutput], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class PodStreams:
    """See the module. `client` acts as the control plane; callers are checked here."""

    client: ResourceClient
    authorizer: Authorizer
    tunnels: Tunnels

    async def logs(
        self, user: User, namespace: str, name: str, options: PodLogOptions
    ) -> AbstractAsyncContextManager[Tunnel]:
        """For one container's log: read it with `chunks`."""
        pod = await self.pod(user, Action("get", "pods", namespace, name, "log"))
        check_log_options(options, name)
        require_node(pod)
        asked = LogsRequest(namespace=namespace, pod=name, options=options)
        asked.options.container = container_of(pod, options.container)
        return self._tunnel(pod, TunnelRequest(logs=asked))

    async def exec(self, user: User, start: StreamStart) -> AbstractAsyncContextManager[Tunnel]:
        """For a command in a container."""
        pod = await self._target(user, start, "exec")
        if not start.command:
            raise BadRequest("command: Required value: nothing to run")
        return self._tunnel(pod, TunnelRequest(exec=_in_container(pod, start)))

    async def attach(self, user: User, start: StreamStart) -> AbstractAsyncContextManager[Tunnel]:
        """For a container's main process."""
        pod = await self._target(user, start, "attach")
        return self._tunnel(pod, TunnelRequest(attach=_in_container(pod, start)))

    async def port(self, user: User, start: StreamStart) -> AbstractAsyncContextManager[Tunnel]:
        """For one TCP connection to a port of a pod."""
        pod = await self._target(user, start, "portforward")
        return self.dial(pod, start.port)

    def dial(self, pod: Pod, port: int) -> AbstractAsyncContextManager[Tunnel]:
        """The same to a pod that the caller was allowed already."""
        if not 1 <= port <= 65_535:
            raise BadRequest(f"port: Invalid value: {port}: must be 1 to 65535")
        meta = pod.metadata
        start = StreamStart(namespace=meta.namespace, pod=meta.name, port=port)
        return self._tunnel(pod, TunnelRequest(port_forward=start))

    async def pod(self, user: User, action: Action) -> Pod:
        """The pod of an action that the user may do."""
        self.authorizer.require(user, action)
        return await self.client.get(Pod, action.name, action.namespace)

    async def _target(self, user: User, start: StreamStart, subresource: str) -> Pod:
        action = Action("create", "pods", start.namespace, start.pod, subresource)
        pod = await self.pod(user, action)
        require_node(pod)
        return pod

    def _tunnel(self, pod: Pod, request: TunnelRequest) -> AbstractAsyncContextManager[Tunnel]:
        request.pod_uid = pod.metadata.uid
        return self.tunnels.to(pod.spec.node_name, request)


class Unbound(BadRequest):
    """The pod runs nowhere yet."""


def require_node(pod: Pod) -> None:
    """Raises Unbound."""
    name = pod.metadata.name
    if not pod.spec.node_name:
        raise Unbound(f'pod "{name}" is not bound to a node yet', resource="pods", name=name)


def _in_container(pod: Pod, start: StreamStart) -> StreamStart:
    asked = StreamStart()
    asked.CopyFrom(start)
    asked.container = container_of(pod, start.container)
    return asked


def container_of(pod: Pod, asked: str) -> str:
    """The container that is meant: the one asked for, the default or the only one.

    Raises BadRequest, in Kubernetes' words, naming the choices.
    """
    spec, name = pod.spec, pod.metadata.name
    containers = [container.name for container in spec.containers]
    inits = [container.name for container in spec.init_containers]
    added = [each.ephemeral_container_common.name for each in spec.ephemeral_containers]
    every = [*containers, *inits, *added]
    if asked:
        if asked in every:
            return asked
        why = f"container {asked} is not valid for pod {name}"
        raise BadRequest(f"{why}, choose one of: [{' '.join(every)}]")
    default = pod.metadata.annotations.get(DEFAULT_CONTAINER, "")
    if default in every:
        return default
    if len(containers) == 1:
        return containers[0]
    why = f"a container name must be specified for pod {name}, choose one of:"
    others = f" or one of the init containers: [{' '.join(inits)}]" if inits else ""
    raise BadRequest(f"{why} [{' '.join(containers)}]{others}")


def check_log_options(options: PodLogOptions, pod: str) -> None:
    """Raises Invalid with every fault of the options, as Kubernetes words them."""
    faults = []
    for field, least, rule in (
        ("tail_lines", 0, "must be greater than or equal to 0"),
        ("limit_bytes", 1, "must be greater than 0"),
        ("since_seconds", 1, "must be greater than 0"),
    ):
        if options.HasField(field) and getattr(options, field) < least:
            faults.append(_invalid(field, getattr(options, field), rule))
    if options.HasField("since_seconds") and options.HasField("since_time"):
        text = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
        faults.append(Cause("sinceSeconds", "FieldValueForbidden", text))
    if options.HasField("stream") and options.stream not in ("All", "Stdout", "Stderr"):
        text = f'Unsupported value: "{options.stream}": supported values: "All", "Stdout", "Stderr"'
        faults.append(Cause("stream", "FieldValueNotSupported", text))
    if faults:
        told = ", ".join(map(str, faults))
        message = f'PodLogOptions "{pod}" is invalid: {told}'
        raise Invalid(message, resource="pods", name=pod, causes=faults)


def _invalid(field: str, value: int, rule: str) -> Cause:
    first, *rest = field.split("_")
    name = first + "".join(part.capitalize() for part in rest)
    return Cause(name, "FieldValueInvalid", f"Invalid value: {value}: {rule}")


async def chunks(tunnel: Tunnel) -> AsyncGenerator[bytes, None]:
    """What comes of a log; the first is empty and says that the log is open."""
    async for message in _received(tunnel):
        if isinstance(message, Chunk):
            yield message.data


async def join(tunnel: Tunnel, inputs: AsyncIterator[StreamInput], write: Write) -> None:
    """Carry a caller's input down and a process's output up, until the output ends.

    The end of the inputs is the end of the process's input; a caller that is gone is a
    ConnectionError, raised by either side, and ends it quietly. Raises what the agent says, and
    an ApiError of the inputs.
    """
    async with asyncio.TaskGroup() as group:
        sender = group.create_task(_send(inputs, tunnel), name="tunnel-input")
        error = await _receive(tunnel, write)
        sender.cancel()
    if error is not None:
        raise error


async def _receive(tunnel: Tunnel, write: Write) -> ApiError | None:
    """The error that ended it. Returned, because a raised one would come out as a group."""
    try:
        async for output in _received(tunnel):
            if isinstance(output, StreamOutput):
                await write(output)
    except ApiError as error:
        return error
    except ConnectionError:
        await tunnel.close()
    return None


async def _send(inputs: AsyncIterator[StreamInput], tunnel: Tunnel) -> None:
    try:
        async for message in inputs:
            if not await tunnel.down.put(TunnelDown(input=message)):
                return
    except ApiError as error:
        await tunnel.up.close(error)
    except ConnectionError:
        await tunnel.close()
    else:
        await tunnel.down.put(TunnelDown(input=StreamInput(close_input=True)))


async def started(tunnel: Tunnel) -> None:
    """Wait until the agent says that the process runs or the connection is open.

    Raises what it says instead, ServerTimeout when it says nothing for START_SECONDS.
    """
    try:
        async with asyncio.timeout(START_SECONDS), aclosing(_received(tunnel)) as outputs:
            async for output in outputs:
                if isinstance(output, StreamOutput) and output.HasField("started"):
                    return
    except TimeoutError:
        text = f'node "{tunnel.node}" did not start the stream within {START_SECONDS:.0f} s'
        raise ServerTimeout(text) from None
    raise ServiceUnavailable("the stream ended before it began")


async def _received(tunnel: Tunnel) -> AsyncGenerator[Message, None]:
    code = 0
    async for message in tunnel.up:
        match message.WhichOneof("content"):
            case "output":
                yield message.output
            case "log":
                yield message.log
            case "error_code":
                code = message.error_code
            case "error":
                raise error_of_code(code, message.error)
