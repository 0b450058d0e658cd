"""A node's network in namespaces of its own: a bridge with pods, and a client outside.

client 192.0.2.2 ── 192.0.2.1 node 10.244.1.1 ── bridge ── pods 10.244.1.2, .3, …
                               (forwards)
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

POD_CIDR = "10.244.1.0/24"
CLIENT = "192.0.2.2"
NODE = "192.0.2.1"
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def inside(namespace: str, call: Callable[[], T]) -> T:
    """Run the call in a thread that has entered the network namespace."""
    outcome: list[Any] = []

    def enter() -> None:
        try:
            descriptor = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
            try:
                if _libc.setns(descriptor, _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            finally:
                os.close(descriptor)
            outcome.append(call())
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
            outcome.append(error)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    result: T = outcome[0]
    return result


@contextmanager
def network_namespace(role: str) -> Iterator[str]:
    """One that is empty but for loopback, and gone when the context ends."""
    name = f"pilot-{os.getpid()}-{role}"
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)


class Node:
    """Names are unique to this process; everything is gone when the context ends."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._made: list[str] = []
        self._servers: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self.namespace = self._namespace("node")

    def _namespace(self, role: str) -> str:
        made = f"pilot-{os.getpid()}-{self._name}-{role}"
        _run("ip", "netns", "add", made)
        self._made.append(made)
        _run("ip", "-n", made, "link", "set", "lo", "up")
        return made

    def build(self, pods: int) -> None:
        self._sysctl("net.ipv4.ip_forward", "1")
        _run("ip", "-n", self.namespace, "link", "add", "br0", "type", "bridge")
        _run("ip", "-n", self.namespace, "addr", "add", "10.244.1.1/24", "dev", "br0")
        _run("ip", "-n", self.namespace, "link", "set", "br0", "up")
        # Packets between pods of one bridge pass the rules too, as on a real node.
        self._sysctl("net.bridge.bridge-nf-call-iptables", "1")
        for number in range(2, 2 + pods):
            pod = self._namespace(f"pod{number}")
            self._join(pod, f"v{number}", f"10.244.1.{number}/24", "10.244.1.1", bridge="br0")
        self.client = self._namespace("client")
        self._join(self.client, "vc", f"{CLIENT}/24", NODE)
        _run("ip", "-n", self.namespace, "addr", "add", f"{NODE}/24", "dev", "vc")
        # The rest of the world is behind the client.
        _run("ip", "-n", self.namespace, "route", "add", "198.51.100.0/24", "via", CLIENT)

    def _join(
        self, namespace: str, link: str, address: str, gateway: str, *, bridge: str = ""
    ) -> None:
        peer = ("type", "veth", "peer", "name", "eth0", "netns", namespace)
        _run("ip", "-n", self.namespace, "link", "add", link, *peer)
        _run("ip", "-n", self.namespace, "link", "set", link, "up")
        if bridge:
            _run("ip", "-n", self.namespace, "link", "set", link, "master", bridge)
            _run(
                "ip",
                "-n",
                self.namespace,
                "link",
                "set",
                link,
                "type",
                "bridge_slave",
                "hairpin",
                "on",
            )
        _run("ip", "-n", namespace, "addr", "add", address, "dev", "eth0")
        _run("ip", "-n", namespace, "link", "set", "eth0", "up")
        _run("ip", "-n", namespace, "route", "add", "default", "via", gateway)

    def _sysctl(self, key: str, value: str) -> None:
        path = Path("/proc/sys") / key.replace(".", "/")
        inside(self.namespace, lambda: path.exists() and path.write_text(value))

    def pod(self, number: int) -> str:
        """The namespace of the pod with address 10.244.1.NUMBER."""
        return next(name for name in self._made if name.endswith(f"-pod{number}"))

    def serve_host(self, port: int) -> None:
        """The node itself answers, as a pod on its network would."""
        server = inside(self.namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("0.0.0.0", port))
        server.listen(64)
        self._sockets.append(server)
        self._start(_answer_tcp, server, "host")

    def serve(self, number: int, port: int = 8080, *, udp: bool = False) -> None:
        """The pod answers every connection (or datagram) with its name and the caller's address."""
        kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
        server = inside(self.pod(number), lambda: socket.socket(socket.AF_INET, kind))
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("0.0.0.0", port))
        self._sockets.append(server)
        if not udp:
            server.listen(64)
        target = _answer_udp if udp else _answer_tcp
        self._start(target, server, f"pod{number}")

    def _start(
        self, answer: Callable[[socket.socket, str], None], server: socket.socket, name: str
    ) -> None:
        thread = threading.Thread(target=answer, args=(server, name), daemon=True)
        thread.start()
        self._servers.append(thread)

    def close(self) -> None:
        for server in self._sockets:
            server.close()
        for name in reversed(self._made):
            subprocess.run(["ip", "netns", "del", name], check=False)


@contextmanager
def node(name: str, pods: int) -> Iterator[Node]:
    made = Node(name)
    try:
        made.build(pods)
        yield made
    finally:
        made.close()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


def _answer_tcp(server: socket.socket, name: str) -> None:
    try:
        while True:
            connection, (address, _) = server.accept()
            with connection:
                connection.sendall(f"{name} {address}".encode())
    except OSError:
        return


def _answer_udp(server: socket.socket, name: str) -> None:
    try:
        while True:
            _, caller = server.recvfrom(512)
            server.sendto(f"{name} {caller[0]}".encode(), caller)
    except OSError:
        return


def ask(namespace: str, address: str, port: int, *, udp: bool = False, source: int = 0) -> str:
    """What answers there; ConnectionRefusedError and TimeoutError as they come."""
    kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
    with inside(namespace, lambda: socket.socket(socket.AF_INET, kind)) as sock:
        sock.settimeout(1.0)
        if source:
            sock.bind(("", source))
        sock.connect((address, port))
        if udp:
            sock.send(b"?")
        return sock.recv(512).decode()
