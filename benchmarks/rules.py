"""Endpoint changes until the kernel has the rule: 10,000 services of 4 endpoints each.

Everything runs in a network namespace of its own, which ends with the section: the backend alone
in this process, then the whole way (a client changes an endpoint slice over gRPC, a real
master stores it, a real netproxy watches it and writes the rule). The kernel itself says when: it
notifies of every element that it took, and the new address is looked for there.

python -m benchmarks.rules    is what runs in the namespace; it prints its figures as JSON
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvloop

from benchmarks import machine
from benchmarks.figures import RULE_P50, RULE_P99, Report, quantile
from benchmarks.master import Master, free_ports, running_master
from master.identity.ca import utc_now
from master.identity.files import IdentityFiles
from master.identity.user import netproxy_user
from netproxy.backends.libnftables import LibNftables
from netproxy.backends.nftables import NftablesBackend
from netproxy.table import Backends, Frontend, Table, Target
from pilothouse.client.aio import Client
from pilothouse.process import nodefacts, tls
from pilothouse.process.nodefacts import NodeFacts
from protos.core_v1_pb2 import Service
from protos.discovery_v1_pb2 import EndpointSlice

SERVICES = 10_000
ENDPOINTS = 4
CHANGES = 300
AT_ONCE = 32
DEADLINE = 60.0
POD_CIDR, CLUSTER_CIDR, SERVICE_CIDR = "10.244.0.0/24", "10.244.0.0/16", "10.96.0.0/12"
_NETLINK_NETFILTER, _GROUP_NFTABLES = 12, 7  # linux/netlink.h, linux/netfilter/nfnetlink.h
_SOL_NETLINK, _ADD_MEMBERSHIP = 270, 1


def endpoint(service: int, number: int) -> str:
    """An address of the pod network."""
    index = service * ENDPOINTS + number
    return f"10.244.{(index >> 8) & 255}.{index & 255}"


def fresh(change: int) -> str:
    """An address that no endpoint has had: what the kernel's messages are searched for."""
    return f"10.245.{change >> 8}.{change & 255}"


class KernelNews:
    """The kernel's notifications about nftables in this network namespace."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        self._socket.bind((0, 0))
        self._socket.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, struct.pack("I", _GROUP_NFTABLES))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.settimeout(DEADLINE)

    def await_address(self, address: str) -> float:
        """When (time.perf_counter) the kernel has told of an element with that address."""
        packed = socket.inet_aton(address)
        while packed not in self._socket.recv(1 << 20):
            pass
        return time.perf_counter()

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()


def backend_alone() -> dict[str, float]:
    """The backend in this process: the first apply, then changes of one endpoint."""
    table = Table()
    for number in range(SERVICES):
        targets = tuple(Target(endpoint(number, n), 8080) for n in range(ENDPOINTS))
        frontend = Frontend(f"10.96.{number >> 8}.{number & 255}", "tcp", 80)
        table.services["default", f"s-{number}"] = {frontend: Backends(targets)}
    with closing(LibNftables.open()) as nft:
        backend = NftablesBackend(
            nft.run, cluster_cidr=CLUSTER_CIDR, pod_cidr=POD_CIDR, service_cidr=SERVICE_CIDR
        )
        begun = time.perf_counter()
        backend.apply(table, None)
        first = time.perf_counter() - begun
        seconds = []
        rng = random.Random(1)
        with closing(KernelNews()) as news:
            for change in range(CHANGES):
                name = ("default", f"s-{rng.randrange(SERVICES)}")
                [(frontend, backends)] = table.services[name].items()
                targets = (Target(fresh(change), 8080), *backends.targets[1:])
                begun = time.perf_counter()
                table.services[name] = {frontend: Backends(targets)}
                backend.apply(table, [name])
                seconds.append(news.await_address(fresh(change)) - begun)
        backend.remove()
    return {"first": first, "p50": quantile(seconds, 50), "p99": quantile(seconds, 99)}


async def _filled(client: Client) -> float:
    """Create the services and their slices; seconds that it took."""
    begun = time.perf_counter()
    numbers = iter(range(SERVICES))

    async def writer() -> None:
        for number in numbers:
            service = Service()
            service.metadata.name, service.metadata.namespace = f"s-{number}", "default"
            service.spec.ports.add(port=80)
            await client.create(service)
            await client.create(_slice(number))

    await asyncio.gather(*(writer() for _ in range(AT_ONCE)))
    return time.perf_counter() - begun


def _slice(number: int) -> EndpointSlice:
    made = EndpointSlice(address_type="IPv4")
    made.metadata.name, made.metadata.namespace = f"s-{number}-b", "default"
    made.metadata.labels["kubernetes.io/service-name"] = f"s-{number}"
    made.ports.add(port=8080, protocol="TCP", name="")
    for position in range(ENDPOINTS):
        item = made.endpoints.add(addresses=[endpoint(number, position)], node_name="n2")
        item.conditions.ready = True
    return made


@contextmanager
def running_netproxy(master: Master, directory: Path) -> Iterator[tuple[int, float]]:
    """A pilot-netproxy that has written its rules: its pid, and seconds from its start."""
    authority = IdentityFiles(master.directory / "data").authority()
    credential = authority.issue_client(netproxy_user("n1"), timedelta(hours=1), utc_now())
    facts = NodeFacts(
        "n1", master.target, POD_CIDR, CLUSTER_CIDR, SERVICE_CIDR, "10.96.0.10", "cluster.local"
    )
    nodefacts.write(directory, facts)
    files = {"ca.crt": authority.pem, "netproxy.crt": credential.certificate}
    for name, content in {**files, "netproxy.key": credential.key}.items():
        (directory / name).write_bytes(content)
    [port] = free_ports(1)
    command = [sys.executable, "-m", "netproxy.main", f"--data-dir={directory}"]
    settings = {"HEALTH_PORT": str(port), "DNS": "false", "LOG_LEVEL": "WARNING"}
    environment = os.environ | {f"PILOT_NETPROXY_{key}": value for key, value in settings.items()}
    begun = time.perf_counter()
    with subprocess.Popen([*command], env=environment) as process:
        try:
            _await_ready(port, process)
            yield process.pid, time.perf_counter() - begun
        finally:
            process.terminate()


def _await_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.02)
    raise TimeoutError("the netproxy is not ready")


async def _changed(client: Client) -> list[float]:
    """Seconds from the call that changes an endpoint to the kernel's word, one at a time."""
    rng = random.Random(2)
    seconds = []
    with closing(KernelNews()) as news:
        for change in range(CHANGES):
            changed = _slice(rng.randrange(SERVICES))
            changed.endpoints[0].addresses[0] = fresh(change)
            hearing = asyncio.get_running_loop().run_in_executor(
                None, news.await_address, fresh(change)
            )
            begun = time.perf_counter()
            await client.update(changed)
            seconds.append(await hearing - begun)
    return seconds


async def whole_way(directory: Path, master: Master) -> dict[str, Any]:
    """The figures of a netproxy with a master."""
    async with Client(tls.channel(master.target, master.administrator())) as client:
        filled = await _filled(client)
        (directory / "netproxy").mkdir()
        with running_netproxy(master, directory / "netproxy") as (pid, first):
            seconds = await _changed(client)
            return {
                "filled": filled,
                "first": first,
                "p50": quantile(seconds, 50),
                "p99": quantile(seconds, 99),
                "netproxy": machine.resident(pid),
                "master": machine.resident(master.pid),
            }


def main() -> None:
    """In the namespace: print the figures."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    alone = backend_alone()
    with tempfile.TemporaryDirectory() as folder, running_master(Path(folder)) as master:
        whole = uvloop.run(whole_way(Path(folder), master))
    print(json.dumps({"alone": alone, "whole": whole}))


def run(report: Report) -> None:
    """The section."""
    report.section(f"Endpoint change → kernel rule, {SERVICES:,} services of {ENDPOINTS} endpoints")
    if os.geteuid() != 0:
        report.note("left out: it needs root, for a network namespace")
        return
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-m", "benchmarks.rules"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found = json.loads(done.stdout)
    rows = [
        (name, f"{part['first']:.2f}", f"{part['p50'] * 1e3:.1f}", f"{part['p99'] * 1e3:.1f}")
        for name, part in (
            ("backend alone, in process", found["alone"]),
            ("change by gRPC → master → netproxy → kernel", found["whole"]),
        )
    ]
    report.rows(("", "first sync s", "p50 ms", "p99 ms"), rows)
    whole = found["whole"]
    report.note(
        f"resident then: netproxy {whole['netproxy']:.0f} MB, master {whole['master']:.0f} MB;"
        f" {2 * SERVICES:,} objects were created in {whole['filled']:.0f} s"
    )
    report.keep(RULE_P50, whole["p50"] * 1e3)
    report.keep(RULE_P99, whole["p99"] * 1e3)


if __name__ == "__main__":
    main()
