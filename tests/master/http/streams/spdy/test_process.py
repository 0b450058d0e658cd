"""exec and attach over SPDY: client, master and agent on real connections."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from master.http.streams.spdy import frames
from tests.master.http.streams.face import AgentEnd, Face, path_of, status_in
from tests.master.http.streams.spdy.client import Client, upgrade
from tests.master.running import Agent, eventually

V4 = "v4.channel.k8s.io"
ALL = "stdin=1&stdout=1&stderr=1&command=sh"
SPDY = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1"}


def headers(*protocols: str) -> dict[str, str]:
    return {**SPDY, "X-Stream-Protocol-Version": ", ".join(protocols)}


async def opened(
    served: Face, agent: Agent, query: str = ALL, protocol: str = V4, subresource: str = "exec"
) -> tuple[Client, AgentEnd]:
    path = f"{path_of(subresource)}?{query}"
    upgrading = asyncio.ensure_future(upgrade(served, path, headers(protocol)))
    end = await AgentEnd.open(agent)
    code, head, carrier = await upgrading
    assert code == 101
    assert f"X-Stream-Protocol-Version: {protocol}\r\n" in head
    assert "Upgrade: SPDY/3.1\r\n" in head
    return Client(carrier), end


async def test_exec_carries_every_stream(served: Face, agent: Agent) -> None:
    client, end = await opened(served, agent)
    error = await client.open(streamtype="error")
    stdin = await client.open(streamtype="stdin")
    stdout = await client.open(streamtype="stdout")
    stderr = await client.open(streamtype="stderr")
    await client.say(stdin, b"hello")
    await client.say(stdin, fin=True)
    assert await end.stdin() == b"hello"
    await end.say(stdout=b"out")
    await end.say(stderr=b"err")
    await end.exit(7)
    assert await client.read(stdout) == b"out"
    assert await client.read(stderr) == b"err"
    status = status_in(await client.read(error))
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "7"}]
    assert (await client.hear(frames.GoAway)).status == frames.GoAwayStatus.OK
    await end.ended()
    await client.carrier.close()


async def test_terminal_is_resized(served: Face, agent: Agent) -> None:
    client, end = await opened(served, agent, "stdin=1&stdout=1&tty=1&command=sh")
    await client.open(streamtype="error")
    await client.open(streamtype="stdin")
    stdout = await client.open(streamtype="stdout")
    resize = await client.open(streamtype="resize")
    await client.say(resize, b'{"Width":80,"Height":24}\n{"Width":100,"Height":40}\n')
    said = await end.hear()
    assert (said.resize.width, said.resize.height) == (100, 40)
    await end.exit(0)
    assert await client.read(stdout) == b""
    await client.carrier.close()


@pytest.mark.parametrize(
    ("protocol", "code", "text"),
    [
        pytest.param("channel.k8s.io", 3, "exit status 3", id="v1, failure"),
        pytest.param("v3.channel.k8s.io", 0, "", id="v3, success"),
    ],
)
async def test_old_protocols_tell_the_end_in_words(
    served: Face, agent: Agent, protocol: str, code: int, text: str
) -> None:
    client, end = await opened(served, agent, "stdout=1&command=sh", protocol)
    error = await client.open(streamtype="error")
    await client.open(streamtype="stdout")
    await end.exit(code)
    assert text in (await client.read(error)).decode()
    await client.carrier.close()


async def test_large_streams_arrive_whole_both_ways(served: Face, agent: Agent) -> None:
    client, end = await opened(served, agent, "stdin=1&stdout=1&command=cat")
    await client.open(streamtype="error")
    stdin = await client.open(streamtype="stdin")
    stdout = await client.open(streamtype="stdout")

    async def say() -> None:
        for _ in range(100):
            await client.say(stdin, b"x" * 65_536)
        await client.say(stdin, fin=True)

    async with asyncio.TaskGroup() as group:
        group.create_task(say())
        data = await end.stdin()
    assert len(data) == 100 * 65_536
    for at in range(0, len(data), 65_536):
        await end.say(stdout=data[at : at + 65_536])
    await end.exit(0)
    assert len(await client.read(stdout)) == len(data)
    await client.carrier.close()


async def test_bytes_that_were_read_are_given_back(served: Face, agent: Agent) -> None:
    client, end = await opened(served, agent, "stdin=1&stdout=1&command=cat")
    await client.open(streamtype="error")
    stdin = await client.open(streamtype="stdin")
    await client.open(streamtype="stdout")
    await client.say(stdin, b"x" * 60_000)
    await end.hear()
    given = await client.hear(frames.WindowUpdate, stdin)
    assert given.delta == (await client.hear(frames.WindowUpdate, 0)).delta
    assert given.delta >= 32_768
    await client.carrier.close()


async def test_process_that_is_slow_to_read_holds_the_caller_back(
    served: Face, agent: Agent
) -> None:
    client, end = await opened(served, agent, "stdin=1&stdout=1&command=cat")
    await client.open(streamtype="error")
    stdin = await client.open(streamtype="stdin")
    await client.open(streamtype="stdout")
    sent = 0

    async def flood() -> None:
        nonlocal sent
        for _ in range(1_000):
            await client.say(stdin, b"x" * 65_536)
            sent += 1
        await client.say(stdin, fin=True)

    async with asyncio.TaskGroup() as group:
        group.create_task(flood())
        still, last = 0, -1

        async def stalled() -> bool:
            nonlocal still, last
            still, last = (still + 1, sent) if sent == last else (0, sent)
            return still >= 30

        await eventually(stalled)
        assert sent < 800
        assert len(await end.stdin()) == 1_000 * 65_536
    await client.carrier.close()


async def test_client_that_is_cut_off_ends_the_tunnel(served: Face, agent: Agent) -> None:
    client, end = await opened(served, agent, "stdin=1&stdout=1&command=cat")
    for kind in ("error", "stdin", "stdout"):
        await client.open(streamtype=kind)
    carrier: Any = client.carrier
    carrier.writer.transport.abort()
    await end.ended()


async def test_what_is_no_spdy_ends_the_connection(served: Face, agent: Agent) -> None:
    client, end = await opened(served, agent)
    for kind in ("error", "stdin", "stdout", "stderr"):
        await client.open(streamtype=kind)
    await client.carrier.write(b"\x80\x02\0\x01\0\0\0\0")
    assert (await client.hear(frames.GoAway)).status == frames.GoAwayStatus.PROTOCOL_ERROR
    await end.ended()
    await client.carrier.close()


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("stderr", id="not asked for"),
        pytest.param("error", id="twice"),
        pytest.param("other", id="unknown"),
    ],
)
async def test_streams_out_of_place_are_refused(served: Face, agent: Agent, kind: str) -> None:
    client, _ = await opened(served, agent, "stdout=1&command=sh")
    await client.open(streamtype="error")
    stream = await client.open(streamtype=kind)
    reset = await client.hear(frames.RstStream, stream)
    assert reset.status == frames.ResetStatus.PROTOCOL_ERROR
    await client.carrier.close()


async def test_pings_are_answered(served: Face, agent: Agent) -> None:
    client, _ = await opened(served, agent)
    await client.send(frames.Ping(1))
    assert (await client.hear(frames.Ping)).id == 1
    await client.carrier.close()


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        pytest.param(SPDY, "X-Stream-Protocol-Version", id="no protocol"),
        pytest.param(headers("v9.channel.k8s.io"), "supported values: v5", id="unknown protocol"),
        pytest.param({"Connection": "Upgrade", "Upgrade": "h2c"}, "Upgrade", id="no SPDY"),
    ],
)
async def test_bad_upgrades_are_refused_before_anything_runs(
    served: Face, agent: Agent, sent: dict[str, str], text: str
) -> None:
    code, _, carrier = await upgrade(served, f"{path_of('exec')}?{ALL}", sent)
    assert code == 400
    assert text in (await carrier.read()).decode()
    await carrier.close()
    assert not any(message.HasField("tunnel") for message in agent.received)


async def test_process_that_does_not_start_is_answered_with_a_status(
    served: Face, agent: Agent
) -> None:
    upgrading = asyncio.ensure_future(upgrade(served, f"{path_of('attach')}?{ALL}", headers(V4)))
    end = await AgentEnd.open(agent, starts=False)
    await end.refuse(grpc.StatusCode.NOT_FOUND.value[0], "the pod is not on this node any more")
    code, _, carrier = await upgrading
    assert code == 404
    await carrier.close()
