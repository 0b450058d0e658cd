"""A gRPC server that answers what it is sent, over mutual TLS: the ceiling of every call here.

python -m benchmarks.echo DATA_DIR    prints its port; ends with its standard input
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import uvloop

from pilothouse.process import tls
from pilothouse.process.tls import KeyPair

METHOD = "/benchmark.Echo/Echo"


async def _echo(raw: bytes, _context: Any) -> bytes:
    return raw


async def serve(pair: KeyPair) -> None:
    """Until the standard input ends."""
    server = grpc.aio.server()
    methods = {"Echo": grpc.unary_unary_rpc_method_handler(_echo)}
    handler = grpc.method_handlers_generic_handler("benchmark.Echo", methods)
    server.add_generic_rpc_handlers((handler,))
    credentials = tls.server_credentials(pair, require_client=True)
    print(server.add_secure_port("127.0.0.1:0", credentials), flush=True)
    await server.start()
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(None)


@contextmanager
def running_echo(data_dir: Path) -> Iterator[str]:
    """Its address, with the server certificate of that master."""
    command = [sys.executable, "-m", "benchmarks.echo", str(data_dir)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        if server.stdin is None or server.stdout is None:
            raise RuntimeError("the echo has no pipes")
        yield f"127.0.0.1:{int(server.stdout.readline())}"
        server.stdin.close()


def main() -> None:
    """Serve with a master's certificate."""
    directory = Path(sys.argv[1])
    names = ("ca.crt", "server.crt", "server.key")
    uvloop.run(serve(KeyPair.read(*(directory / name for name in names))))


if __name__ == "__main__":
    main()
