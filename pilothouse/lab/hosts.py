"""One host: its files, its first process, and running commands in it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pilothouse.lab import cgroups, control, engine, init, network, processes
from pilothouse.lab.errors import LabError
from pilothouse.lab.plan import Host, Plan, Role
from pilothouse.lab.records import Record

_END_SECONDS = 10.0
_MOST_FILES = 20000
_MOST_PROCESSES = 30000
_ENTER = """\
group=$1 pid=$2
shift 2
for file in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; do
  own=${file%cgroup.procs}$group/cgroup.procs
  if [ -w "$own" ]; then echo 0 >"$own" || exit 125; fi
done
exec nsenter --target "$pid" --mount --net --pid --uts --ipc --cgroup --wd=/ -- "$@"
"""


def environment(directory: Path) -> dict[str, str]:
    """Of every process in a host: nothing of the caller's but where programs are."""
    programs = Path(sys.executable).parent
    return {
        "PATH": f"{programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(directory / "home"),
        "LANG": "C.UTF-8",
    }


def prepare(plan: Plan, host: Host) -> None:
    """Make the files and the control group of a host that is down."""
    containers = host.etc / "containers"
    for folder in (host.logs, host.directory / "home", host.directory / "etc-work", containers):
        folder.mkdir(parents=True, exist_ok=True)
    (host.etc / "hostname").write_text(host.name + "\n")
    names = "".join(f"{h.address} {h.name}\n" for h in plan.hosts)
    (host.etc / "hosts").write_text(f"127.0.0.1 localhost\n{names}")
    (host.etc / "resolv.conf").write_text("# no name server: the hosts reach only each other\n")
    nofile = _limit(resource.RLIMIT_NOFILE, _MOST_FILES)
    nproc = _limit(resource.RLIMIT_NPROC, _MOST_PROCESSES)
    (containers / "containers.conf").write_text(engine.containers_conf(nofile=nofile, nproc=nproc))
    (containers / "storage.conf").write_text(engine.storage_conf(plan, host))
    plan.images.mkdir(exist_ok=True)
    (host.etc / "pilothouse").mkdir(exist_ok=True)
    for name, text in processes.configuration(plan, host).items():
        (host.etc / "pilothouse" / name).write_text(text)
    # As after a start of a machine: no group of what ran before. On v2 the first process could
    # not enter the old one either, which hands controllers on.
    cgroups.remove(host.cgroup, deadline=time.monotonic() + _END_SECONDS)
    cgroups.create(host.cgroup)


def boot(plan: Plan, host: Host) -> Record:
    """Start the host's first process and plug the host in; the host of that name must be down."""
    prepare(plan, host)
    result = subprocess.run(
        [sys.executable, "-m", init.__name__, host.name, str(host.directory), host.cgroup],
        env=environment(host.directory),
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if result.returncode != 0:
        raise LabError(f"host {host.name}: {result.stderr.strip()}{_tail(host.logs / 'init.log')}")
    record = running(host)
    if host.role is Role.SWITCH:
        network.apply(record.pid, network.bridge_commands(plan))
    else:
        switch = running(plan.switch).pid
        network.unplug(switch, host)
        network.apply(switch, network.port_commands(host, record.pid))
        network.apply(record.pid, network.link_commands(plan, host))
    return record


def find(host: Host) -> Record | None:
    """The host's first process if it runs."""
    return Record.read(host.directory / init.RECORD)


def running(host: Host) -> Record:
    """The host's first process; LabError if the host is down."""
    record = find(host)
    if record is None:
        raise LabError(f"host {host.name} is down; `pilot lab start {host.name}` brings it back")
    return record


def halt(host: Host) -> bool:
    """End everything in the host at once, as a power cut; False if it was down."""
    record = find(host)
    if record is not None:
        record.kill()
    (host.directory / init.RECORD).unlink(missing_ok=True)
    return record is not None


def start(host: Host, process: str, argv: Sequence[str], *, restart: bool = False) -> bool:
    """Run a process in the host, its output in its log; False if it runs already.

    restart: again when it ends by itself.
    """
    request = control.Start(
        process=process,
        argv=tuple(argv),
        env=environment(host.directory),
        log=str(host.logs / f"{process}.log"),
        restart=restart,
    )
    return control.call(host.directory, request).changed


def assert_running(host: Host, process: str) -> None:
    """LabError with the end of its log if a process that was started has ended."""
    for state in control.call(host.directory, control.Report()).processes:
        if state.process == process and state.exit is not None:
            log = _tail(host.logs / f"{process}.log")
            raise LabError(f"{process} on {host.name} ended with {state.exit}:{log}")


def enter_command(host: Host, argv: Sequence[str]) -> list[str]:
    """A command line that runs argv in the host, from the machine."""
    record = running(host)
    group = f"{host.cgroup}/{cgroups.SYSTEM}"
    return ["sh", "-c", _ENTER, "sh", group, str(record.pid), *argv]


def run(
    host: Host, argv: Sequence[str], *, timeout: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run a command in the host and return what it said, whatever its exit code."""
    return subprocess.run(
        enter_command(host, argv),
        env=environment(host.directory),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def wait_for_file(host: Host, path: str, *, timeout: float) -> None:
    """Until a path exists in the host; LabError after timeout seconds."""
    root = Path(f"/proc/{running(host).pid}/root")
    deadline = time.monotonic() + timeout
    while not os.path.lexists(root / path.lstrip("/")):
        if time.monotonic() > deadline:
            raise LabError(f"host {host.name}: no {path} after {timeout:g} s; see {host.logs}")
        time.sleep(0.01)


def _limit(kind: int, most: int) -> int:
    hard = resource.getrlimit(kind)[1]
    return most if hard == resource.RLIM_INFINITY else min(most, hard)


def _tail(path: Path) -> str:
    return "\n" + path.read_text()[-2000:] if path.exists() else ""
