"""kubectl port-forward and proxy: bytes between here and a pod's port."""

from __future__ import annotations

import json
import os
import re
import select
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.kubectl.kubectl import PATIENCE, Kubectl


@contextmanager
def forwarding(kubectl: Kubectl, what: str, port: str) -> Iterator[int]:
    """The local port that leads there."""
    with kubectl.running("port-forward", what, f":{port}") as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        found = re.search(r"127\.0\.0\.1:(\d+) -> ", line)
        assert found, line
        yield int(found.group(1))


@pytest.mark.parametrize("what", ["deployment/web:8080", "service/web:80", "service/web:http"])
def test_port_forward(kubectl: Kubectl, what: str) -> None:
    target, _, port = what.partition(":")
    with forwarding(kubectl, target, port) as local:
        for _ in range(3):
            with urllib.request.urlopen(f"http://127.0.0.1:{local}/", timeout=PATIENCE) as page:
                assert b"version 1" in page.read()


def test_port_forward_carries_every_byte_and_half_close(kubectl: Kubectl) -> None:
    serve = ("sh", "-c", "nc -l -p 9000 -e sh -c 'cat; echo done'")
    sent = os.urandom(400_000)
    with (
        kubectl.running("exec", "shell", "-c", "main", "--", *serve),
        forwarding(kubectl, "pod/shell", "9000") as local,
    ):
        listening = ("exec", "shell", "-c", "main", "--", "sh", "-c")
        kubectl.eventually(
            lambda: "2328" in kubectl(*listening, "cat /proc/net/tcp /proc/net/tcp6"), "a server"
        )
        with socket.create_connection(("127.0.0.1", local), timeout=PATIENCE) as connection:
            received = _exchange(connection, sent)
    assert received == sent + b"done\n"


def _exchange(connection: socket.socket, sent: bytes) -> bytes:
    """Send it all, close that half, and read to the end, both at the same time."""
    received, left = bytearray(), memoryview(sent)
    while True:
        writers = [connection] if left else []
        readable, writable, _ = select.select([connection], writers, [], PATIENCE)
        assert readable or writable, f"stuck after {len(received)} bytes"
        if writable:
            left = left[connection.send(left[:65536]) :]
            if not left:
                connection.shutdown(socket.SHUT_WR)
        if readable:
            chunk = connection.recv(65536)
            if not chunk:
                return bytes(received)
            received += chunk


def test_proxy(kubectl: Kubectl) -> None:
    with kubectl.running("proxy", "--port=0") as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        base = "http://" + line.rpartition(" ")[2].strip()
        base += f"/api/v1/namespaces/{kubectl.namespace}"
        with urllib.request.urlopen(f"{base}/pods/shell", timeout=PATIENCE) as answer:
            assert json.load(answer)["metadata"]["name"] == "shell"
        for path in ("services/web:http/proxy/", "services/web:80/proxy/"):
            with urllib.request.urlopen(f"{base}/{path}", timeout=PATIENCE) as page:
                assert b"version 1" in page.read()
        pod = kubectl("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.name}")
        with urllib.request.urlopen(f"{base}/pods/{pod}:8080/proxy/", timeout=PATIENCE) as page:
            assert pod.encode() in page.read()
