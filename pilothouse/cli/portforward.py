"""pilot port-forward: a port of this machine that leads to a port of a pod."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Annotated

import typer

from pilothouse.cli.command import Config, Failed, Namespace, UsageError, run, say
from pilothouse.cli.targets import PodName, one_pod
from pilothouse.client.aio import Client
from pilothouse.objects.errors import ApiError
from protos.resources_pb2 import StreamInput, StreamStart

CHUNK = 32 * 1024
HIGHEST_PORT = 65535

app = typer.Typer(add_completion=False)
logger = logging.getLogger(__name__)


@app.command()
def port_forward(
    pod: PodName,
    ports: Annotated[
        list[str],
        typer.Argument(metavar="[LOCAL:]REMOTE", help="Ports; :80 takes any local one."),
    ],
    address: Annotated[str, typer.Option(help="Listen on.")] = "127.0.0.1",
    namespace: Namespace = "",
    config: Config = None,
) -> None:
    """Forward local ports to a pod until interrupted."""

    async def act(client: Client) -> None:
        pairs = [_parse(word) for word in ports]
        found = await one_pod(client, pod, namespace)
        async with AsyncExitStack() as stack:
            for local, remote in pairs:
                start = StreamStart(
                    namespace=found.metadata.namespace, pod=found.metadata.name, port=remote
                )
                server = await _listen(client, start, address, local)
                await stack.enter_async_context(server)
                number = server.sockets[0].getsockname()[1]
                say(f"Forwarding from {address}:{number} -> {remote}")
            await asyncio.Event().wait()  # until interrupted

    run(config, act)


def _parse(word: str) -> tuple[int, int]:
    local, colon, remote = word.partition(":")
    if not colon:
        remote = local
    if not (local or "0").isdigit() or not remote.isdigit():
        raise UsageError(f"{word!r}: write LOCAL:REMOTE")
    pair = int(local or "0"), int(remote)
    if max(pair) > HIGHEST_PORT or not pair[1]:
        raise UsageError(f"{word!r}: ports are from 1 to {HIGHEST_PORT}")
    return pair


async def _listen(client: Client, start: StreamStart, address: str, local: int) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async for output in client.port_forward(_upwards(start, reader)):
                if output.WhichOneof("content") == "stdout":
                    writer.write(output.stdout)
                    await writer.drain()
                elif output.WhichOneof("content") == "error":
                    typer.echo(f"port {start.port}: {output.error}", err=True)
        except (ApiError, OSError) as error:
            typer.echo(f"port {start.port}: {error}", err=True)
        finally:
            writer.close()

    try:
        return await asyncio.start_server(serve, address, local)
    except OSError as error:
        raise Failed(f"cannot listen on {address}:{local}: {error.strerror}") from error


async def _upwards(start: StreamStart, reader: asyncio.StreamReader) -> AsyncIterator[StreamInput]:
    yield StreamInput(start=start)
    while data := await reader.read(CHUNK):
        yield StreamInput(stdin=data)
    yield StreamInput(close_input=True)
    await asyncio.Event().wait()  # the stream ends from the other side
