"""The operator's way in: 127.0.0.1 on the machine to the master's ports in its namespace."""

from __future__ import annotations

import select
import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import astuple

from pilothouse.lab import cgroups, forwarder, hosts
from pilothouse.lab.errors import LabError
from pilothouse.lab.plan import USUAL_PORTS, Plan, Ports
from pilothouse.lab.records import Record

RECORD = "forwarder.json"
_LOOPBACK = "127.0.0.1"


def free_ports(grpc: int = 0) -> Ports:
    """Ports of the loopback address where nobody listens: the usual ones, or any. grpc 0: any of
    all three."""
    with ExitStack() as held:  # all at once, so that no two are the same
        join, https = (USUAL_PORTS.join, USUAL_PORTS.https) if grpc else (0, 0)
        return Ports(*(_free_port(held, wanted) for wanted in (grpc, join, https)))


def _free_port(held: ExitStack, wanted: int) -> int:
    for port in (wanted, 0):
        sock = held.enter_context(socket.socket())
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((_LOOPBACK, port))
        except OSError:
            continue
        return int(sock.getsockname()[1])
    raise LabError(f"no free port on {_LOOPBACK}")


def open_gateway(plan: Plan) -> None:
    """Forward the plan's ports to the master's host, which must be up. Replaces a former one."""
    close_gateway(plan)
    group = f"{plan.cgroup}/gateway"
    cgroups.create(group)
    target = hosts.running(plan.master).pid
    log = plan.directory / "forwarder.log"
    with ExitStack() as held, log.open("ab") as output:
        doors = [
            (_listener(held, here), plan.master.address, there)
            for here, there in zip(astuple(plan.ports), astuple(USUAL_PORTS), strict=True)
        ]
        arguments = (target, *(part for door in doors for part in door))
        process = subprocess.Popen(
            [sys.executable, "-m", forwarder.__name__, *map(str, arguments)],
            pass_fds=[descriptor for descriptor, _, _ in doors],
            env=hosts.environment(plan.master.directory),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            start_new_session=True,
        )
    Record.of(process.pid).write(plan.directory / RECORD)
    cgroups.add(f"{group}/{cgroups.SYSTEM}", process.pid)
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], 10)[0] or not process.stdout.readline():
        raise LabError(f"the forwarder did not start; see {log}")
    process.stdout.close()
    process.returncode = 0  # it outlives this command: nobody is to wait for it


def _listener(held: ExitStack, port: int) -> int:
    listener = held.enter_context(socket.socket())
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_LOOPBACK, port))
    except OSError as error:
        raise LabError(f"{_LOOPBACK}:{port}: {error.strerror}") from error
    listener.listen(128)
    return listener.fileno()


def close_gateway(plan: Plan) -> None:
    """End the forwarder if it runs."""
    path = plan.directory / RECORD
    record = Record.read(path)
    if record is not None:
        record.kill()
    path.unlink(missing_ok=True)
