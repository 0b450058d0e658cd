"""From ports of the machine's loopback into a host's network namespace.

    python -m pilothouse.lab.forwarder PID {LISTENER_FD ADDRESS PORT}...

Comes in: listening sockets that were made outside, as open descriptors. Goes out: connections
made inside the network namespace of process PID. A socket belongs for ever to
the namespace it was made in, so moving this process between the two is all it takes: the
machine's network gets no interface, address or rule.

A connection whose target refuses is closed at once. Bytes are passed on in order with flow
control both ways (64 KiB a direction in flight); a half-close is passed on too. At most
MAX_CONNECTIONS at a time for each listener; further ones wait in its backlog.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys

from pilothouse.lab import kernel

MAX_CONNECTIONS = 400
_CHUNK = 64 * 1024
_CONNECT_SECONDS = 5.0


def main() -> None:
    """Serve until killed; the line "ready" says that connections are taken."""
    pid, *rest = sys.argv[1:]
    doors = [
        (socket.socket(fileno=int(descriptor)), address, int(port))
        for descriptor, address, port in zip(rest[::3], rest[1::3], rest[2::3], strict=True)
    ]
    kernel.enter_network(int(pid))
    asyncio.run(_serve_all(doors))


async def _serve_all(doors: list[tuple[socket.socket, str, int]]) -> None:
    print("ready", flush=True)  # the listeners' backlogs take connections already
    async with asyncio.TaskGroup() as group:
        for listener, address, port in doors:
            group.create_task(serve(listener, address, port), name=f"port-{port}")


async def serve(listener: socket.socket, address: str, port: int) -> None:
    """Pass on every connection of the listener to address:port; ends by cancellation."""
    room = asyncio.Semaphore(MAX_CONNECTIONS)
    loop = asyncio.get_running_loop()
    listener.setblocking(False)
    async with asyncio.TaskGroup() as group:
        while True:
            await room.acquire()
            client, _ = await loop.sock_accept(listener)
            task = group.create_task(_connection(client, address, port), name="connection")
            task.add_done_callback(lambda _task: room.release())


async def _connection(client: socket.socket, address: str, port: int) -> None:
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(address, port, limit=_CHUNK)
    except (OSError, TimeoutError):
        client.close()
        return
    near_reader, near_writer = await asyncio.open_connection(sock=client, limit=_CHUNK)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_copy(near_reader, writer), name="up")
            group.create_task(_copy(reader, near_writer), name="down")
    except* OSError:
        pass  # either side reset the connection; both are closed below
    finally:
        for side in (writer, near_writer):
            side.close()
        for side in (writer, near_writer):
            with contextlib.suppress(OSError):
                await side.wait_closed()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while chunk := await source.read(_CHUNK):
        target.write(chunk)
        await target.drain()
    if target.can_write_eof():
        target.write_eof()


if __name__ == "__main__":
    main()
