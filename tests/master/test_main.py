"""The pilot-master command, as a process."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pilothouse.client.aio import Client
from protos.core_v1_pb2 import Namespace
from tests.master.running import DEADLINE, eventually


def command(tmp_path: Path, *arguments: str) -> list[str]:
    fixed = ["--config", "/dev/null", "--data-dir", str(tmp_path / "data")]
    return [sys.executable, "-m", "master.main", arguments[0], *fixed, *arguments[1:]]


def run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(tmp_path, *arguments), capture_output=True, text=True, timeout=60, check=False
    )


def free_ports() -> list[int]:
    sockets = [socket.socket() for _ in range(3)]
    try:
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in sockets]
    finally:
        for sock in sockets:
            sock.close()


@asynccontextmanager
async def served(tmp_path: Path, ports: list[int]) -> AsyncIterator[asyncio.subprocess.Process]:
    names = ("--grpc-port", "--join-port", "--http-port")
    flags = [part for name, port in zip(names, ports, strict=True) for part in (name, str(port))]
    process = await asyncio.create_subprocess_exec(
        *command(tmp_path, "serve", "--listen-address", "127.0.0.1", *flags)
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def page(port: int, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, b""
    except OSError:
        return 0, b""


async def ready(port: int) -> bool:
    return (await asyncio.to_thread(page, port, "/readyz"))[0] == 200


def init(tmp_path: Path, port: int) -> Path:
    config = tmp_path / "client" / "config.toml"
    result = run(
        tmp_path,
        "init",
        "--client-config",
        str(config),
        "--client-server",
        f"127.0.0.1:{port}",
    )
    assert result.returncode == 0, result.stderr
    return config


async def test_init_serve_use_and_stop(tmp_path: Path) -> None:
    ports = free_ports()
    config = init(tmp_path, ports[0])
    async with served(tmp_path, ports) as process:
        await eventually(lambda: ready(ports[2]), 30)
        async with Client.connect(config) as client:
            assert (await client.get(Namespace, "default")).metadata.name == "default"
        status, body = await asyncio.to_thread(page, ports[2], "/cluster-info")
        assert (status, json.loads(body)["join_port"]) == (200, ports[1])
        status, body = await asyncio.to_thread(page, ports[2], "/metrics")
        assert b"pilot_sessions 0.0" in body
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DEADLINE):
            assert await process.wait() == 0


async def test_killed_master_serves_again(tmp_path: Path) -> None:
    ports = free_ports()
    config = init(tmp_path, ports[0])
    namespace = Namespace()
    namespace.metadata.name = "team"
    async with served(tmp_path, ports) as process:
        await eventually(lambda: ready(ports[2]), 30)
        async with Client.connect(config) as client:
            await client.create(namespace)
        process.kill()
        await process.wait()
    async with served(tmp_path, ports):
        await eventually(lambda: ready(ports[2]), 30)
        async with Client.connect(config) as client:
            assert (await client.get(Namespace, "team")).metadata.name == "team"


def test_init_twice_is_the_same_cluster(tmp_path: Path) -> None:
    config = init(tmp_path, 7443)
    before = (config.read_bytes(), (tmp_path / "data" / "ca.crt").read_bytes())
    init(tmp_path, 7443)
    assert (config.read_bytes(), (tmp_path / "data" / "ca.crt").read_bytes()) == before


def test_init_does_not_overwrite_another_clusters_credential(tmp_path: Path) -> None:
    config = init(tmp_path / "a", 7443)
    result = run(tmp_path / "b", "init", "--client-config", str(config))
    assert result.returncode == 1
    assert "another cluster" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(("serve",), "pilot-master init", id="no init"),
        pytest.param(("serve", "--grpc-port", "many"), "--grpc-port", id="no number"),
        pytest.param(("serve", "--listen-address", "here"), "listen_address", id="no address"),
    ],
)
def test_what_a_user_can_mend_is_one_line(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    result = run(tmp_path, *arguments)
    assert result.returncode == 1
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_port_in_use_is_one_line(tmp_path: Path) -> None:
    init(tmp_path, 7443)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = run(
            tmp_path, "serve", "--listen-address", "127.0.0.1", "--grpc-port", port,
            "--join-port", "0", "--http-port", "0",
        )  # fmt: skip
    assert result.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in result.stderr.splitlines()[-1]
