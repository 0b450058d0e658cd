"""Logs, exec and port-forward through tunnels: caller, master and agent on real connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from master.dispatch.podstreams import container_of
from master.dispatch.tunnels import TUNNELS_A_NODE
from master.identity.files import ADMINISTRATOR
from master.identity.user import User, node_user
from pilothouse.objects.errors import BadRequest
from protos.core_v1_pb2 import Pod
from protos.dispatch_pb2 import AgentMessage, Resubscribe, TunnelUp
from protos.dispatch_pb2_grpc import DispatchStub
from protos.resources_pb2 import (
    Chunk,
    LogsRequest,
    StreamInput,
    StreamOutput,
    StreamStart,
    TerminalSize,
)
from protos.resources_pb2_grpc import StreamsStub
from tests.master.running import DEADLINE, END, Agent, Running, eventually, pod_of, running_master

ANNA = User("anna")


@pytest.fixture
async def master(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_master(tmp_path) as running:
        yield running


@pytest.fixture
async def agent(master: Running) -> Agent:
    agent = await master.agent("n1")
    await (await master.client()).create(pod_of("web", "n1"))
    return agent


@pytest.fixture
async def streams(master: Running, agent: Agent) -> StreamsStub:
    return StreamsStub(await master.channel(ADMINISTRATOR))


async def opened(agent: Agent, id_: str) -> Any:
    """The agent's tunnel for that id."""
    call = agent.stub.Tunnel()
    await call.write(TunnelUp(opened=id_))
    return call


def exec_start(**fields: Any) -> StreamInput:
    start = {"namespace": "default", "pod": "web", "command": ["sh"], "stdin": True, **fields}
    return StreamInput(start=StreamStart(**start))


async def code_of(call: Any) -> grpc.StatusCode:
    async with asyncio.timeout(DEADLINE):
        code: grpc.StatusCode = await call.code()
        return code


async def test_logs_arrive_in_order_and_end(agent: Agent, streams: StreamsStub) -> None:
    call = streams.Logs(LogsRequest(namespace="default", pod="web"))
    request = await agent.hear("tunnel")
    assert request.logs.options.container == "main"
    assert request.pod_uid
    tunnel = await opened(agent, request.id)
    for number in range(200):
        await tunnel.write(TunnelUp(log=Chunk(data=b"%d" % number)))
    await tunnel.done_writing()
    received = [chunk.data async for chunk in call]
    assert received == [b"%d" % number for number in range(200)]
    assert await code_of(call) == grpc.StatusCode.OK
    assert await code_of(tunnel) == grpc.StatusCode.OK


async def test_exec_carries_both_directions(agent: Agent, streams: StreamsStub) -> None:
    call = streams.Exec()
    await call.write(exec_start(tty=True))
    request = await agent.hear("tunnel")
    assert list(request.exec.command) == ["sh"]
    assert request.exec.container == "main"
    tunnel = await opened(agent, request.id)
    await tunnel.write(TunnelUp(output=StreamOutput(started=True)))
    assert (await call.read()).started
    await call.write(StreamInput(stdin=b"hello"))
    await call.write(StreamInput(resize=TerminalSize(width=80, height=24)))
    await call.done_writing()
    assert (await tunnel.read()).input.stdin == b"hello"
    assert (await tunnel.read()).input.resize.width == 80
    assert (await tunnel.read()).input.close_input
    await tunnel.write(TunnelUp(output=StreamOutput(stdout=b"out")))
    await tunnel.write(TunnelUp(output=StreamOutput(exit_code=7)))
    await tunnel.done_writing()
    assert (await call.read()).stdout == b"out"
    assert (await call.read()).exit_code == 7
    assert await call.read() is END
    assert await code_of(call) == grpc.StatusCode.OK
    await agent.say(AgentMessage(resubscribe=Resubscribe()))
    await agent.hear("assignments", lambda a: a.sequence == 3)
    assert not any(message.HasField("tunnel_cancel") for message in agent.received)


async def test_caller_that_leaves_ends_the_agents_stream(
    agent: Agent, streams: StreamsStub
) -> None:
    call = streams.Exec()
    await call.write(exec_start())
    tunnel = await opened(agent, (await agent.hear("tunnel")).id)
    await tunnel.write(TunnelUp(output=StreamOutput(started=True)))
    assert (await call.read()).started
    call.cancel()
    async with asyncio.timeout(DEADLINE):
        while await tunnel.read() is not END:
            pass
    assert await code_of(tunnel) == grpc.StatusCode.OK


async def test_caller_that_leaves_early_cancels_the_request(
    agent: Agent, streams: StreamsStub
) -> None:
    call = streams.Exec()
    await call.write(exec_start())
    request = await agent.hear("tunnel")
    call.cancel()
    assert (await agent.hear("tunnel_cancel")).id == request.id
    late = await opened(agent, request.id)
    assert await code_of(late) == grpc.StatusCode.NOT_FOUND


async def test_broken_tunnel_is_unavailable_to_the_caller(
    agent: Agent, streams: StreamsStub
) -> None:
    call = streams.Exec()
    await call.write(exec_start())
    tunnel = await opened(agent, (await agent.hear("tunnel")).id)
    await tunnel.write(TunnelUp(output=StreamOutput(started=True)))
    assert (await call.read()).started
    tunnel.cancel()
    assert await code_of(call) == grpc.StatusCode.UNAVAILABLE


async def test_agents_error_reaches_the_caller(agent: Agent, streams: StreamsStub) -> None:
    call = streams.Logs(LogsRequest(namespace="default", pod="web"))
    tunnel = await opened(agent, (await agent.hear("tunnel")).id)
    await tunnel.write(TunnelUp(error_code=grpc.StatusCode.NOT_FOUND.value[0]))
    await tunnel.write(TunnelUp(error="container main has not started"))
    await tunnel.done_writing()
    assert await code_of(call) == grpc.StatusCode.NOT_FOUND
    assert await call.details() == "container main has not started"


async def test_slow_caller_holds_the_agent_back(agent: Agent, streams: StreamsStub) -> None:
    call = streams.Logs(LogsRequest(namespace="default", pod="web"))
    tunnel = await opened(agent, (await agent.hear("tunnel")).id)
    sent = 0

    async def flood() -> None:
        nonlocal sent
        for _ in range(2_000):
            await tunnel.write(TunnelUp(log=Chunk(data=b"x" * 65_536)))
            sent += 1
        await tunnel.done_writing()

    async with asyncio.TaskGroup() as group:
        group.create_task(flood())
        still = 0
        last = -1

        async def stalled() -> bool:
            nonlocal still, last
            still, last = (still + 1, sent) if sent == last else (0, sent)
            return still >= 30

        await eventually(stalled)
        assert sent < 1_000  # of 125 MiB, only what windows and pipes hold is under way
        size = 0
        async for chunk in call:
            size += len(chunk.data)
    assert size == 2_000 * 65_536


async def test_tunnel_of_another_node_is_not_to_be_had(master: Running, agent: Agent) -> None:
    streams = StreamsStub(await master.channel(ADMINISTRATOR))
    call = streams.Exec()
    await call.write(exec_start())
    id_ = (await agent.hear("tunnel")).id
    thief = DispatchStub(await master.channel(node_user("n2"))).Tunnel()
    await thief.write(TunnelUp(opened=id_))
    assert await code_of(thief) == grpc.StatusCode.NOT_FOUND
    rightful = await opened(agent, id_)
    await rightful.write(TunnelUp(output=StreamOutput(started=True)))
    assert (await call.read()).started
    again = await opened(agent, id_)
    assert await code_of(again) == grpc.StatusCode.NOT_FOUND


async def test_streams_of_one_node_are_bounded(agent: Agent, streams: StreamsStub) -> None:
    calls = [streams.Logs(LogsRequest(namespace="default", pod="web"))]
    first = await agent.hear("tunnel")
    for _ in range(TUNNELS_A_NODE - 1):
        calls.append(streams.Logs(LogsRequest(namespace="default", pod="web")))
        await agent.hear("tunnel")
    beyond = streams.Logs(LogsRequest(namespace="default", pod="web"))
    assert await code_of(beyond) == grpc.StatusCode.RESOURCE_EXHAUSTED
    calls[0].cancel()
    assert (await agent.hear("tunnel_cancel")).id == first.id
    calls.append(streams.Logs(LogsRequest(namespace="default", pod="web")))
    await agent.hear("tunnel")
    for call in calls:
        call.cancel()


@pytest.mark.parametrize(
    ("start", "code"),
    [
        pytest.param(exec_start(pod="absent"), grpc.StatusCode.NOT_FOUND, id="no pod"),
        pytest.param(exec_start(command=[]), grpc.StatusCode.INVALID_ARGUMENT, id="no command"),
        pytest.param(
            exec_start(container="absent"), grpc.StatusCode.INVALID_ARGUMENT, id="no container"
        ),
        pytest.param(StreamInput(stdin=b"x"), grpc.StatusCode.INVALID_ARGUMENT, id="no start"),
    ],
)
async def test_bad_exec_is_refused(
    streams: StreamsStub, start: StreamInput, code: grpc.StatusCode
) -> None:
    call = streams.Exec()
    await call.write(start)
    assert await code_of(call) == code


async def test_node_that_is_not_connected_is_unavailable(master: Running) -> None:
    await (await master.client()).create(pod_of("web", "absent"))
    streams = StreamsStub(await master.channel(ADMINISTRATOR))
    call = streams.Logs(LogsRequest(namespace="default", pod="web"))
    assert await code_of(call) == grpc.StatusCode.UNAVAILABLE


async def test_pod_that_is_not_bound_is_refused(master: Running) -> None:
    await (await master.client()).create(pod_of("web"))
    streams = StreamsStub(await master.channel(ADMINISTRATOR))
    call = streams.Logs(LogsRequest(namespace="default", pod="web"))
    assert await code_of(call) == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("user", "namespace", "code"),
    [
        pytest.param(ANNA, "kube-system", grpc.StatusCode.PERMISSION_DENIED, id="a person"),
        pytest.param(
            node_user("n1"), "default", grpc.StatusCode.PERMISSION_DENIED, id="the pod's node"
        ),
    ],
)
async def test_who_may_not_exec(
    master: Running, agent: Agent, user: User, namespace: str, code: grpc.StatusCode
) -> None:
    streams = StreamsStub(await master.channel(user))
    call = streams.Exec()
    await call.write(exec_start(namespace=namespace))
    assert await code_of(call) == code


async def test_port_forward_names_a_port(agent: Agent, streams: StreamsStub) -> None:
    call = streams.PortForward()
    await call.write(StreamInput(start=StreamStart(namespace="default", pod="web", port=0)))
    assert await code_of(call) == grpc.StatusCode.INVALID_ARGUMENT
    call = streams.PortForward()
    await call.write(StreamInput(start=StreamStart(namespace="default", pod="web", port=80)))
    assert (await agent.hear("tunnel")).port_forward.port == 80
    call.cancel()


def _pod(*containers: str, default: str = "") -> Pod:
    pod = Pod()
    for name in containers:
        pod.spec.containers.add(name=name)
    if default:
        pod.metadata.annotations["kubectl.kubernetes.io/default-container"] = default
    return pod


def test_container_that_is_meant() -> None:
    assert container_of(_pod("a"), "") == "a"
    assert container_of(_pod("a", "b"), "b") == "b"
    assert container_of(_pod("a", "b", default="b"), "") == "b"
    with pytest.raises(BadRequest, match=r"choose one of: \[a b\]"):
        container_of(_pod("a", "b"), "")
    with pytest.raises(BadRequest, match=r"not valid for pod .*: \[a\]"):
        container_of(_pod("a"), "x")
