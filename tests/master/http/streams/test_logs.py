"""Logs over HTTPS: client, master and agent on real connections."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import grpc
import pytest

from tests.master.http.streams.face import AgentEnd, Face, homeless, path_of
from tests.master.running import DEADLINE, Agent


def asking(session: aiohttp.ClientSession, query: str = "", pod: str = "web") -> asyncio.Task[Any]:
    async def get() -> aiohttp.ClientResponse:
        return await session.get(f"{path_of('log', pod)}?{query}")

    return asyncio.get_running_loop().create_task(get())


async def test_a_log_comes_whole_as_plain_text(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    asked = asking(session, "tailLines=3&timestamps=true")
    end = await AgentEnd.open(agent, starts=False)
    assert end.request.logs.options.container == "main"
    assert end.request.logs.options.tail_lines == 3
    assert end.request.logs.options.timestamps
    for number in range(100):
        await end.log(b"line %d\n" % number)
    await end.call.done_writing()
    response = await asked
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/plain"
    assert await response.text() == "".join(f"line {number}\n" for number in range(100))


async def test_an_empty_log_is_an_empty_answer(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    asked = asking(session)
    end = await AgentEnd.open(agent, starts=False)
    await end.call.done_writing()
    response = await asked
    assert (response.status, await response.read()) == (200, b"")


async def test_the_head_of_a_log_has_no_body(session: aiohttp.ClientSession, agent: Agent) -> None:
    async def heads() -> int:
        async with session.head(path_of("log")) as head:
            assert await head.read() == b""
        async with session.get(path_of("absent")) as next_:  # on the same connection
            return next_.status

    asked = asyncio.get_running_loop().create_task(heads())
    end = await AgentEnd.open(agent, starts=False)
    await end.log(b"one\n")
    await end.ended()
    assert await asked == 404


async def test_a_followed_log_answers_before_its_first_line(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    asked = asking(session, "follow=true")
    end = await AgentEnd.open(agent, starts=False)
    await end.log(b"")
    response = await asked
    assert response.status == 200
    await end.log(b"one\n")
    assert await response.content.readany() == b"one\n"
    await end.log(b"two\n")
    assert await response.content.readany() == b"two\n"
    await end.call.done_writing()
    assert await response.content.read() == b""


async def test_a_reader_that_leaves_a_quiet_log_ends_it(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    asked = asking(session, "follow=true")
    end = await AgentEnd.open(agent, starts=False)
    await end.log(b"")
    (await asked).close()
    await end.ended()


async def test_a_log_that_breaks_off_is_no_whole_log(
    session: aiohttp.ClientSession, agent: Agent
) -> None:
    asked = asking(session)
    end = await AgentEnd.open(agent, starts=False)
    await end.log(b"one\n")
    response = await asked
    end.call.cancel()
    with pytest.raises(aiohttp.ClientPayloadError):
        await response.read()


@pytest.mark.parametrize("query", ["", "follow=true"], ids=["at once", "followed"])
async def test_a_log_that_cannot_be_read_is_answered_with_a_status(
    session: aiohttp.ClientSession, agent: Agent, query: str
) -> None:
    asked = asking(session, query)
    end = await AgentEnd.open(agent, starts=False)
    message = 'container "main" in pod "web" is waiting to start: ContainerCreating'
    await end.refuse(grpc.StatusCode.INVALID_ARGUMENT.value[0], message)
    response = await asked
    assert response.status == 400
    assert (await response.json())["message"] == message


@pytest.mark.parametrize(
    ("query", "code", "text"),
    [
        pytest.param("tailLines=-1", 422, "tailLines: Invalid value: -1", id="tail"),
        pytest.param("limitBytes=0", 422, "limitBytes: Invalid value: 0", id="limit"),
        pytest.param("sinceSeconds=0", 422, "sinceSeconds: Invalid value: 0", id="since"),
        pytest.param(
            "sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", 422, "at most one", id="two times"
        ),
        pytest.param("stream=both", 422, "stream: Unsupported value", id="stream"),
        pytest.param("tailLines=x", 400, "tailLines: Invalid value", id="no number"),
        pytest.param("container=x", 400, "container x is not valid for pod web", id="container"),
    ],
)
async def test_bad_options_name_the_field(
    session: aiohttp.ClientSession, query: str, code: int, text: str
) -> None:
    response = await asking(session, query)
    assert response.status == code
    assert text in (await response.json())["message"]


async def test_a_pod_without_a_node_has_nothing_to_say(
    served: Face, session: aiohttp.ClientSession
) -> None:
    await (await served.master.client()).create(homeless("late"))
    async with asyncio.timeout(DEADLINE):
        response = await asking(session, pod="late")
    assert response.status == 204
