"""Port-forward in its three forms: client, master and agent on real connections."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import grpc
import pytest

from master.http.streams.spdy import frames
from tests.master.http.streams.face import AgentEnd, Face, path_of
from tests.master.http.streams.spdy.client import Client, MessageCarrier, upgrade
from tests.master.running import DEADLINE, Agent

SPDY = {
    "Connection": "Upgrade",
    "Upgrade": "SPDY/3.1",
    "X-Stream-Protocol-Version": "portforward.k8s.io",
}
TUNNEL = "SPDY/3.1+portforward.k8s.io"


@pytest.fixture(params=["raw", "in a WebSocket"])
async def client(request: Any, served: Face, session: aiohttp.ClientSession) -> Client:
    if request.param == "raw":
        code, head, carrier = await upgrade(served, path_of("portforward"), SPDY)
        assert code == 101
        assert "X-Stream-Protocol-Version: portforward.k8s.io\r\n" in head
        return Client(carrier)
    socket = await session.ws_connect(path_of("portforward"), protocols=(TUNNEL,))
    assert socket.protocol == TUNNEL
    return Client(MessageCarrier(socket))


async def pair(client: Client, port: int, request: str) -> tuple[int, int]:
    headers = {"port": str(port), "requestid": request}
    error = await client.open(streamtype="error", **headers)
    await client.say(error, fin=True)
    return error, await client.open(streamtype="data", **headers)


async def test_connections_side_by_side(client: Client, agent: Agent) -> None:
    _, first = await pair(client, 80, "0")
    one = await AgentEnd.open(agent)
    assert one.request.port_forward.port == 80
    error, second = await pair(client, 443, "1")
    two = await AgentEnd.open(agent)
    assert two.request.port_forward.port == 443
    await client.say(first, b"to 80")
    await client.say(second, b"to 443", fin=True)
    assert (await one.hear()).stdin == b"to 80"
    assert await two.stdin() == b"to 443"
    await two.say(stdout=b"from 443")
    await two.call.done_writing()
    assert await client.read(second) == b"from 443"
    assert await client.read(error) == b""
    await one.say(stdout=b"from 80")
    await one.call.done_writing()
    assert await client.read(first) == b"from 80"
    await client.carrier.close()


async def test_refused_connection_is_told_and_others_go_on(client: Client, agent: Agent) -> None:
    error, data = await pair(client, 81, "0")
    end = await AgentEnd.open(agent, starts=False)
    await end.refuse(grpc.StatusCode.UNAVAILABLE.value[0], "connection refused")
    told = (await client.read(error)).decode()
    assert told.startswith("error forwarding port 81 to pod web, uid ")
    assert told.endswith(": connection refused")
    assert await client.read(data) == b""
    await pair(client, 80, "1")
    assert (await AgentEnd.open(agent)).request.port_forward.port == 80
    await client.carrier.close()


async def test_reset_of_the_data_ends_the_connection(client: Client, agent: Agent) -> None:
    _, data = await pair(client, 80, "0")
    end = await AgentEnd.open(agent)
    await client.send(frames.RstStream(data, frames.ResetStatus.CANCEL))
    await end.ended()
    await client.carrier.close()


async def test_client_that_leaves_ends_every_connection(client: Client, agent: Agent) -> None:
    await pair(client, 80, "0")
    one = await AgentEnd.open(agent)
    await pair(client, 80, "1")
    two = await AgentEnd.open(agent)
    await client.carrier.close()
    await one.ended()
    await two.ended()


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"streamtype": "data", "port": "0"}, id="port"),
        pytest.param({"streamtype": "data"}, id="no port"),
        pytest.param({"streamtype": "stdin", "port": "80"}, id="kind"),
    ],
)
async def test_streams_out_of_place_are_refused(client: Client, headers: dict[str, str]) -> None:
    stream = await client.open(**headers)
    assert (await client.hear(frames.RstStream, stream)).status
    await client.carrier.close()


async def test_pairs_without_an_id_are_those_next_to_each_other(
    client: Client, agent: Agent
) -> None:
    await client.open(streamtype="error", port="80")
    data = await client.open(streamtype="data", port="80")
    end = await AgentEnd.open(agent)
    await client.say(data, b"x", fin=True)
    assert await end.stdin() == b"x"
    await client.carrier.close()


async def test_streams_of_one_client_are_bounded(client: Client, agent: Agent) -> None:
    for number in range(256):
        await client.open(streamtype="error", port="80", requestid=str(number))
    await client.send(frames.SynStream(1001, {"streamtype": "error", "port": "80"}))
    reset = await client.hear(frames.RstStream, 1001)
    assert reset.status == frames.ResetStatus.REFUSED_STREAM
    await client.carrier.close()


async def test_channels_are_one_connection_a_port(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    path = path_of("portforward") + "?ports=80,443"
    socket = await session.ws_connect(path, protocols=("v4.channel.k8s.io",))
    greetings = {await socket.receive_bytes() for _ in range(4)}
    assert greetings == {b"\x00P\x00", b"\x01P\x00", b"\x02\xbb\x01", b"\x03\xbb\x01"}
    ends = [await AgentEnd.open(agent), await AgentEnd.open(agent)]
    by_port = {end.request.port_forward.port: end for end in ends}
    await socket.send_bytes(b"\x00to 80")
    await socket.send_bytes(b"\x02to 443")
    assert (await by_port[80].hear()).stdin == b"to 80"
    assert (await by_port[443].hear()).stdin == b"to 443"
    await by_port[443].say(stdout=b"from 443")
    assert await socket.receive_bytes() == b"\x02from 443"
    for end in ends:
        await end.call.done_writing()
    assert (await socket.receive(DEADLINE)).type is aiohttp.WSMsgType.CLOSE


async def test_refused_connection_is_told_in_its_channel(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    path = path_of("portforward") + "?ports=81"
    socket = await session.ws_connect(path, protocols=("v4.base64.channel.k8s.io",))
    assert await socket.receive_str() == "0UQA="
    assert await socket.receive_str() == "1UQA="
    end = await AgentEnd.open(agent, starts=False)
    await end.refuse(grpc.StatusCode.UNAVAILABLE.value[0], "connection refused")
    assert (await socket.receive_str())[0] == "1"
    assert (await socket.receive(DEADLINE)).type is aiohttp.WSMsgType.CLOSE


async def test_client_of_channels_that_closes_ends_its_connections(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    path = path_of("portforward") + "?ports=80"
    socket = await session.ws_connect(path, protocols=("v4.channel.k8s.io",))
    end = await AgentEnd.open(agent)
    await socket.close()
    await end.ended()


@pytest.mark.parametrize(
    ("query", "text"),
    [
        pytest.param("", "ports: Invalid value: 0", id="none"),
        pytest.param("?ports=0", "port: Invalid value", id="zero"),
        pytest.param("?ports=" + ",".join(["80"] * 65), "must be 1 to 64", id="too many"),
    ],
)
async def test_bad_ports_are_answered_with_a_status(
    session: aiohttp.ClientSession, query: str, text: str
) -> None:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Protocol": "v4.channel.k8s.io",
    }
    async with asyncio.timeout(DEADLINE):
        async with session.get(path_of("portforward") + query, headers=headers) as response:
            assert response.status == 400
            assert text in (await response.json())["message"]
