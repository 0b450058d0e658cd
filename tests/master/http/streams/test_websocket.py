"""exec and attach over WebSockets: client, master and agent on real connections."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import grpc
import pytest

from master.identity.user import User
from tests.master.http.streams.face import AgentEnd, Face, homeless, path_of, status_in
from tests.master.running import DEADLINE, Agent, eventually, pod_of

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
ALL = "stdin=1&stdout=1&stderr=1&command=sh"


def exec_path(query: str = ALL) -> str:
    return f"{path_of('exec')}?{query}"


class Opening:
    """A WebSocket that is being opened while the agent's end answers."""

    def __init__(self, session: aiohttp.ClientSession, path: str, *protocols: str) -> None:
        self._task = asyncio.ensure_future(session.ws_connect(path, protocols=protocols))

    async def socket(self) -> aiohttp.ClientWebSocketResponse:
        async with asyncio.timeout(DEADLINE):
            return await self._task

    async def refused(self) -> aiohttp.WSServerHandshakeError:
        async with asyncio.timeout(DEADLINE):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await self._task
        return refused.value


async def opened(
    session: aiohttp.ClientSession, agent: Agent, path: str, *protocols: str
) -> tuple[aiohttp.ClientWebSocketResponse, AgentEnd]:
    """Both ends."""
    opening = Opening(session, path, *protocols)
    end = await AgentEnd.open(agent)
    return await opening.socket(), end


async def test_exec_carries_every_channel(session: aiohttp.ClientSession, agent: Agent) -> None:
    opening = Opening(session, exec_path(ALL + "&command=-c&container=main"), V5, V4)
    end = await AgentEnd.open(agent)
    assert list(end.request.exec.command) == ["sh", "-c"]
    assert (end.request.exec.stdin, end.request.exec.tty) == (True, False)
    socket = await opening.socket()
    assert socket.protocol == V5
    await socket.send_bytes(b"\x00hello")
    await socket.send_bytes(b'\x04{"Width":100,"Height":40}')
    await socket.send_bytes(b"\xff\x00")
    assert (await end.hear()).stdin == b"hello"
    assert (await end.hear()).resize.width == 100
    assert (await end.hear()).close_input
    await end.say(stdout=b"out")
    await end.say(stderr=b"err")
    await end.exit(0)
    assert await socket.receive_bytes() == b"\x01out"
    assert await socket.receive_bytes() == b"\x02err"
    verdict = await socket.receive_bytes()
    assert verdict[0] == 3
    assert status_in(verdict[1:])["status"] == "Success"
    assert (await socket.receive(DEADLINE)).type is aiohttp.WSMsgType.CLOSE
    assert socket.close_code == 1000
    await end.ended()


async def test_output_after_half_close_arrives_whole(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    socket, end = await opened(session, agent, exec_path(), V5)
    for _ in range(16):
        await socket.send_bytes(b"\x00" + b"x" * 100_000)
    await socket.send_bytes(b"\xff\x00")
    data = await end.stdin()
    assert len(data) == 1_600_000
    for at in range(0, len(data), 65_536):
        await end.say(stdout=data[at : at + 65_536])
    await end.exit(0)
    received = 0
    while (message := await socket.receive_bytes())[0] == 1:
        received += len(message) - 1
    assert received == 1_600_000


@pytest.mark.parametrize("protocol", [V5, V4], ids=["v5", "v4"])
async def test_exit_code_comes_as_a_status(
    session: aiohttp.ClientSession, agent: Agent, protocol: str
) -> None:
    socket, end = await opened(session, agent, exec_path(), protocol)
    await end.exit(42)
    status = status_in((await socket.receive_bytes())[1:])
    assert status["reason"] == "NonZeroExitCode"
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "42"}]


async def test_old_base64_protocol(session: aiohttp.ClientSession, agent: Agent) -> None:
    opening = Opening(session, exec_path(), "base64.channel.k8s.io")
    end = await AgentEnd.open(agent)
    socket = await opening.socket()
    assert await socket.receive_str() == "1"
    await socket.send_str("0aGVsbG8=")
    assert (await end.hear()).stdin == b"hello"
    await end.say(stdout=b"out")
    await end.exit(1)
    assert await socket.receive_str() == "1b3V0"
    assert (await socket.receive_str()).startswith("3")


async def test_oldest_protocol_names_itself_not_and_says_nothing_of_success(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    socket, end = await opened(session, agent, exec_path())
    assert socket.protocol is None
    assert await socket.receive_bytes() == b"\x01"  # the process runs
    await end.say(stdout=b"out")
    await end.exit(0)
    assert await socket.receive_bytes() == b"\x01out"
    assert (await socket.receive(DEADLINE)).type is aiohttp.WSMsgType.CLOSE


async def test_streams_that_were_not_asked_for_are_not_sent(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    socket, end = await opened(session, agent, exec_path("stdout=1&command=id"), V4)
    await end.say(stderr=b"noise")
    await end.say(stdout=b"out")
    await end.exit(0)
    assert await socket.receive_bytes() == b"\x01out"
    assert (await socket.receive_bytes())[0] == 3


async def test_attach_reaches_the_main_process(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    path = f"{path_of('attach')}?stdin=1&stdout=1&tty=1"
    socket, end = await opened(session, agent, path, V5)
    assert end.request.attach.container == "main"
    assert end.request.attach.tty
    await socket.send_bytes(b"\x00x")
    assert (await end.hear()).stdin == b"x"


async def test_attach_succeeds_however_the_process_ends(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    socket, end = await opened(session, agent, f"{path_of('attach')}?stdout=1", V5)
    await end.exit(3)
    assert status_in((await socket.receive_bytes())[1:])["status"] == "Success"


async def test_caller_that_closes_ends_the_tunnel(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    socket, end = await opened(session, agent, exec_path(), V5)
    await socket.close()
    await end.ended()


async def test_caller_that_is_cut_off_ends_the_tunnel(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    socket, end = await opened(session, agent, exec_path(), V5)
    transport: Any = socket.get_extra_info("socket")
    transport.shutdown(2)
    await end.ended()


async def test_node_that_breaks_is_told_in_the_verdict(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    socket, end = await opened(session, agent, exec_path(), V5)
    end.call.cancel()
    status = status_in((await socket.receive_bytes())[1:])
    assert status["reason"] == "ServiceUnavailable"
    assert '"n1"' in status["message"]


async def test_message_that_is_none_ends_the_stream_with_its_reason(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    socket, end = await opened(session, agent, exec_path(), "v4.base64.channel.k8s.io")
    await socket.send_str("0***")
    message = await socket.receive_str()
    assert message[0] == "3"
    await end.ended()


async def test_message_beyond_the_limit_ends_the_stream(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    socket, end = await opened(session, agent, exec_path(), V5)
    await socket.send_bytes(b"\x00" * (5 * 1024 * 1024))
    await end.ended()


async def test_slow_caller_holds_the_agent_back(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    socket, end = await opened(session, agent, exec_path(), V5)
    sent = 0

    async def flood() -> None:
        nonlocal sent
        for _ in range(1_000):
            await end.say(stdout=b"x" * 65_536)
            sent += 1
        await end.exit(0)

    async with asyncio.TaskGroup() as group:
        group.create_task(flood())
        still, last = 0, -1

        async def stalled() -> bool:
            nonlocal still, last
            still, last = (still + 1, sent) if sent == last else (0, sent)
            return still >= 30

        await eventually(stalled)
        assert sent < 800  # of 62 MiB, only what windows, sockets and pipes hold is under way
        received = 0
        while (message := await socket.receive_bytes())[0] == 1:
            received += len(message) - 1
    assert received == 1_000 * 65_536


async def test_process_that_is_slow_to_read_holds_the_caller_back(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    socket, end = await opened(session, agent, exec_path(), V5)
    sent = 0

    async def flood() -> None:
        nonlocal sent
        for _ in range(1_000):
            await socket.send_bytes(b"\x00" + b"x" * 65_536)
            sent += 1
        await socket.send_bytes(b"\xff\x00")

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


@pytest.mark.parametrize(
    ("path", "code", "text"),
    [
        pytest.param(exec_path("command=sh"), 400, "at least one", id="no stream"),
        pytest.param(exec_path("stdout=1"), 400, "command: Required", id="no command"),
        pytest.param(exec_path(ALL + "&container=x"), 400, "choose one of: [main]", id="container"),
        pytest.param(f"{path_of('exec', 'absent')}?{ALL}", 404, "absent", id="no pod"),
        pytest.param(f"{path_of('exec', 'late')}?{ALL}", 400, "not bound", id="not bound"),
        pytest.param(f"{path_of('exec', 'lost')}?{ALL}", 503, "not connected", id="no agent"),
    ],
)
async def test_what_cannot_begin_is_answered_with_a_status(
    served: Face, session: aiohttp.ClientSession, path: str, code: int, text: str
) -> None:
    client = await served.master.client()
    await client.create(homeless("late"))
    await client.create(pod_of("lost", "elsewhere"))
    async with session.get(path, headers=HANDSHAKE) as response:
        assert response.status == code
        document = await response.json()
        assert document["kind"] == "Status"
        assert text in document["message"]


HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Protocol": V5,
}


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"Upgrade": "h2c"}, id="another upgrade"),
        pytest.param({"Connection": "close"}, id="no upgrade"),
        pytest.param({"Sec-WebSocket-Protocol": "v9.channel.k8s.io"}, id="protocol"),
        pytest.param({"Sec-WebSocket-Key": "short"}, id="key"),
        pytest.param({"Sec-WebSocket-Version": "12"}, id="version"),
    ],
)
async def test_bad_handshakes_are_refused_before_anything_runs(
    session: aiohttp.ClientSession, agent: Agent, changed: dict[str, str]
) -> None:
    async with session.get(exec_path(), headers={**HANDSHAKE, **changed}) as response:
        assert response.status == 400
        assert (await response.json())["reason"] == "BadRequest"
    assert not any(message.HasField("tunnel") for message in agent.received)


async def test_process_that_does_not_start_is_answered_with_a_status(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    opening = Opening(session, exec_path(), V5)
    end = await AgentEnd.open(agent, starts=False)
    await end.refuse(grpc.StatusCode.INVALID_ARGUMENT.value[0], 'container "main" has not started')
    refused = await opening.refused()
    assert refused.status == 400


async def test_stranger_may_not_exec_in_a_system_namespace(served: Face) -> None:
    path = path_of("exec", namespace="kube-system")
    async with (
        served.session(User("anna")) as session,
        session.get(f"{path}?{ALL}", headers=HANDSHAKE) as response,
    ):
        assert response.status == 403
        assert "anna" in json.loads(await response.text())["message"]
