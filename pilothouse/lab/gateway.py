"""The operator's way in: 127.0.0.1 on the machine to the master's port in its namespace."""

from __future__ import annotations

import select
import socket
import subprocess
import sys

from pilothouse.lab import cgroups, forwarder, hosts, processes
from pilothouse.lab.errors import LabError
from pilothouse.lab.plan import Plan
from pilothouse.lab.records import Record

RECORD = "forwarder.json"
_LOOPBACK = "127.0.0.1"


def free_port(wanted: int) -> int:
    """The wanted port of the loopback address if nobody listens there, any free one if not."""
    for port in (wanted, 0):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((_LOOPBACK, port))
            except OSError:
                continue
            return int(sock.getsockname()[1])
    raise LabError(f"no free port on {_LOOPBACK}")


def open_gateway(plan: Plan) -> None:
    """Forward the plan's port to the master's host, which must be up. Replaces a former one."""
    close_gateway(plan)
    group = f"{plan.cgroup}/gateway"
    cgroups.create(group)
    target = hosts.running(plan.master).pid
    log = plan.directory / "forwarder.log"
    with socket.socket() as listener, log.open("ab") as output:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_LOOPBACK, plan.grpc_port))
        except OSError as error:
            raise LabError(f"{_LOOPBACK}:{plan.grpc_port}: {error.strerror}") from error
        listener.listen(128)
        arguments = (target, listener.fileno(), plan.master.address, processes.GRPC_PORT)
        process = subprocess.Popen(
            [sys.executable, "-m", forwarder.__name__, *map(str, arguments)],
            pass_fds=[listener.fileno()],
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


def close_gateway(plan: Plan) -> None:
    """End the forwarder if it runs."""
    path = plan.directory / RECORD
    record = Record.read(path)
    if record is not None:
        record.kill()
    path.unlink(missing_ok=True)
