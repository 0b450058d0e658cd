"""Pulls against an engine that says what the test wants it to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.runtime.errors import EngineUnavailable, ErrImagePull, RuntimeFault
from agent.runtime.podman.pulling import LINE_LIMIT, Pulls

STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PROGRESS = b'{"status":"Download complete","id":"x"}\n'
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@contextlib.asynccontextmanager
async def engine(socket: Path, answer: bytes) -> AsyncIterator[Pulls]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_unix_server(serve, str(socket)):
        yield Pulls(socket, silence=5)


async def test_reports_may_be_cut_anywhere(tmp_path: Path) -> None:
    answer = STREAM + chunk(PROGRESS[:7]) + chunk(PROGRESS[7:] + PROGRESS) + END
    async with engine(tmp_path / "s", answer) as pulls:
        await pulls.pull("quay.io/a:1", None, 0)


@pytest.mark.parametrize(
    ("answer", "fault", "message"),
    [
        (b"", EngineUnavailable, "it went away"),
        (STREAM, EngineUnavailable, "it went away"),
        (STREAM + chunk(PROGRESS), EngineUnavailable, "it went away"),
        (STREAM + chunk(PROGRESS)[:-9], EngineUnavailable, "it went away"),
        (STREAM + chunk(b'{"error":"no'), EngineUnavailable, "it went away"),
        (STREAM + chunk(b'{"error":"no"}\n'), ErrImagePull, "image quay.io/a:1: no"),
        (STREAM + chunk(b'{"errorDetail":{"message":"no"}}') + END, ErrImagePull, ": no"),
        (b'HTTP/1.1 500 X\r\nContent-Length: 16\r\n\r\n{"message":"no"}', ErrImagePull, ": no"),
        (STREAM.replace(b"200", b"500") + chunk(b'{"message":"no"}\n'), ErrImagePull, ": no"),
        (STREAM + chunk(b"nonsense\n"), ErrImagePull, "podman's report"),
        (STREAM + b"what?\r\n", ErrImagePull, "podman's report"),
        (STREAM + chunk(b"x" * LINE_LIMIT) + chunk(b"x"), ErrImagePull, "a line is too long"),
    ],
    ids=lambda value: repr(value)[-40:],
)
async def test_only_a_whole_answer_without_an_error_is_a_pull(
    tmp_path: Path, answer: bytes, fault: type[RuntimeFault], message: str
) -> None:
    async with engine(tmp_path / "s", answer) as pulls:
        with pytest.raises(fault) as caught:
            await pulls.pull("quay.io/a:1", None, 0)
    assert message in caught.value.message
