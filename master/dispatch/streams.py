"""The Streams service: a caller's logs, exec, attach and port-forward, through a tunnel.

Bytes pass through in both directions, with the flow control of both gRPC streams and a bounded
pipe between them. Nothing is interpreted but the first message, which names pod and container.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from google.protobuf.message import Message

from master.dispatch.tunnels import Tunnel, Tunnels
from master.identity.authentication import Authenticate
from master.identity.authorization import Action, Authorizer
from master.identity.calls import answering
from pilothouse.client.interface import ResourceClient
from pilothouse.objects.errors import ApiError, BadRequest
from pilothouse.objects.status import error_of_code
from protos.core_v1_pb2 import Pod
from protos.dispatch_pb2 import TunnelDown, TunnelRequest
from protos.resources_pb2 import Chunk, LogsRequest, StreamInput, StreamOutput, StreamStart
from protos.resources_pb2_grpc import StreamsServicer

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
START_SECONDS = 30.0


class StreamsService(StreamsServicer):
    """See the module."""

    def __init__(
        self,
        client: ResourceClient,
        authorizer: Authorizer,
        tunnels: Tunnels,
        authenticate: Authenticate,
    ) -> None:
        self._authenticate = authenticate
        self._client = client
        self._authorizer = authorizer
        self._tunnels = tunnels

    async def Logs(self, request: LogsRequest, context: Any) -> None:  # noqa: N802
        """One container's log."""
        async with answering(context):
            pod = await self._pod(context, request.namespace, request.pod, "log")
            asked = LogsRequest()
            asked.CopyFrom(request)
            asked.options.container = container_of(pod, request.options.container)
            async with self._tunnels.to(pod.spec.node_name, _request(pod, logs=asked)) as tunnel:
                async for chunk in _received(tunnel):
                    if isinstance(chunk, Chunk):
                        await context.write(chunk)

    async def Exec(self, requests: AsyncIterator[StreamInput], context: Any) -> None:  # noqa: N802
        """A command in a container."""
        async with answering(context):
            start = await _start(requests)
            if not start.command:
                raise BadRequest("start.command: Required value: nothing to run")
            pod = await self._pod(context, start.namespace, start.pod, "exec")
            start.container = container_of(pod, start.container)
            await self._join(pod, _request(pod, exec=start), requests, context)

    async def Attach(self, requests: AsyncIterator[StreamInput], context: Any) -> None:  # noqa: N802
        """A container's main process."""
        async with answering(context):
            start = await _start(requests)
            pod = await self._pod(context, start.namespace, start.pod, "attach")
            start.container = container_of(pod, start.container)
            await self._join(pod, _request(pod, attach=start), requests, context)

    async def PortForward(  # noqa: N802
        self, requests: AsyncIterator[StreamInput], context: Any
    ) -> None:
        """One TCP connection to a port of a pod."""
        async with answering(context):
            start = await _start(requests)
            if not 1 <= start.port <= 65_535:
                raise BadRequest(f"start.port: Invalid value: {start.port}: must be 1 to 65535")
            pod = await self._pod(context, start.namespace, start.pod, "portforward")
            await self._join(pod, _request(pod, port_forward=start), requests, context)

    async def _pod(self, context: Any, namespace: str, name: str, subresource: str) -> Pod:
        verb = "get" if subresource == "log" else "create"
        action = Action(verb, "pods", namespace, name, subresource)
        self._authorizer.require(self._authenticate(context), action)
        pod = await self._client.get(Pod, name, namespace)
        if not pod.spec.node_name:
            raise BadRequest(f'pod "{name}" is not bound to a node yet', resource="pods", name=name)
        return pod

    async def _join(
        self, pod: Pod, request: TunnelRequest, requests: AsyncIterator[StreamInput], context: Any
    ) -> None:
        async with (
            self._tunnels.to(pod.spec.node_name, request) as tunnel,
            asyncio.TaskGroup() as group,
        ):
            sender = group.create_task(_send(requests, tunnel), name="tunnel-input")
            error = await _receive(tunnel, context)
            sender.cancel()
        if error is not None:
            raise error


async def _receive(tunnel: Tunnel, context: Any) -> ApiError | None:
    """The error that ended it. Returned, because a raised one would come out as a group."""
    try:
        async for output in _received(tunnel):
            if isinstance(output, StreamOutput):
                await context.write(output)
    except ApiError as error:
        return error
    return None


async def _send(requests: AsyncIterator[StreamInput], tunnel: Tunnel) -> None:
    async for message in requests:
        if not await tunnel.down.put(TunnelDown(input=message)):
            return
    await tunnel.down.put(TunnelDown(input=StreamInput(close_input=True)))


async def _received(tunnel: Tunnel) -> AsyncIterator[Message]:
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


async def _start(requests: AsyncIterator[StreamInput]) -> StreamStart:
    try:
        async with asyncio.timeout(START_SECONDS):
            first = await anext(requests, None)
    except TimeoutError:
        raise BadRequest(f"no start message within {START_SECONDS:.0f} s") from None
    if first is None or first.WhichOneof("content") != "start":
        raise BadRequest("the first message of the stream must be start")
    start = StreamStart()
    start.CopyFrom(first.start)
    return start


def _request(pod: Pod, **kind: Any) -> TunnelRequest:
    return TunnelRequest(pod_uid=pod.metadata.uid, **kind)


def container_of(pod: Pod, asked: str) -> str:
    """The container that is meant: the one asked for, the default or the only one.

    Raises BadRequest naming the choices.
    """
    spec = pod.spec
    every = [c.name for c in (*spec.containers, *spec.init_containers)]
    every += [c.ephemeral_container_common.name for c in spec.ephemeral_containers]
    choices = f"choose one of: {', '.join(every)}"
    if asked:
        if asked in every:
            return asked
        raise BadRequest(f'container "{asked}" is not in pod "{pod.metadata.name}", {choices}')
    default = pod.metadata.annotations.get(DEFAULT_CONTAINER, "")
    if default in every:
        return default
    if len(spec.containers) == 1:
        return spec.containers[0].name
    raise BadRequest(f'pod "{pod.metadata.name}" has several containers, {choices}')
