"""Machines: systemd-nspawn on copies of the tree, each in a network namespace of its own.

The switch between them is in a namespace of its own too, and the controller works in that one:
nothing leaves the test. A machine's control groups are below one of its own. Everything is named
after the place, and found again by these names: steps may run as processes of their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pilothouse.lab import cgroups
from tests.vms import tree
from tests.vms.releases import Release

PREFIX = "pilot-vm-"
SWITCH = f"{PREFIX}switch"
NETWORK = "10.77.0"
CONTROLLER = f"{NETWORK}.1"
BOOT_SECONDS = 60.0
END_SECONDS = 60.0
# Podman in the machine makes namespaces, mounts and control groups.
_CALLS = "@keyring bpf perf_event_open @mount"
# nspawn ends with 133 when its machine reboots. Podman's OCI runtime refuses mixed hierarchies.
_ENTER = """\
umount /sys/fs/cgroup/unified 2>/dev/null || true
status=133
while [ "$status" = 133 ]; do
  status=0
  "$@" || status=$?
done
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """name is its host name; number the last byte of its address; user whom the controller comes
    as."""

    name: str
    number: int
    place: Path
    release: Release
    user: str = "root"

    @property
    def address(self) -> str:
        return f"{NETWORK}.{self.number}"

    @property
    def root(self) -> Path:
        return self.place / self.name

    @property
    def namespace(self) -> str:
        return f"{PREFIX}{self.name}"

    @property
    def group(self) -> str:
        return f"{PREFIX}test/{self.name}"


def make_switch() -> None:
    """The namespace with the bridge, where the controller is."""
    run("ip", "netns", "add", SWITCH)
    for command in (
        "link set lo up",
        "link add br0 type bridge",
        f"address add {CONTROLLER}/24 dev br0",
        "link set br0 up",
        # So that the machines have a way for what their rules rewrite, and it ends here.
        "route add unreachable default",
    ):
        run("ip", "-netns", SWITCH, *command.split())


def make(machine: Machine, names: str) -> None:
    """Its disk, a copy of its release's tree, and its link."""
    tree.copy(tree.of(machine.place, machine.release), machine.root, machine.name, names)
    space, port = machine.namespace, f"p-{machine.name}"
    run("ip", "netns", "add", space)
    run(
        *("ip", "-netns", SWITCH, "link", "add", port, "type", "veth"),
        *("peer", "name", "eth0", "netns", space),
    )
    run("ip", "-netns", SWITCH, "link", "set", port, "master", "br0", "up")
    for command in (
        "link set lo up",
        f"address add {machine.address}/24 dev eth0",
        "link set eth0 up",
        f"route add default via {CONTROLLER}",
    ):
        run("ip", "-netns", space, *command.split())


def boot(machine: Machine) -> None:
    """Start it and wait until its SSH server answers. It reboots by itself."""
    cgroups.create(machine.group)
    console = (machine.place / f"{machine.name}.log").open("ab")
    subprocess.Popen(
        [
            *("unshare", "--mount", "--propagation", "private", "sh", "-ec", _ENTER, "sh"),
            *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--console=pipe"),
            *("--directory", str(machine.root), f"--machine={machine.name}"),
            *("--resolv-conf=off", "--timezone=off", "--capability=all"),
            f"--network-namespace-path=/run/netns/{machine.namespace}",
            *(f"--system-call-filter={_CALLS}", "--bind=/dev/fuse", "--boot"),
        ],
        # Settings of the network are the machine's own; the kernel's others are everybody's.
        env={**os.environ, "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"},
        stdin=subprocess.DEVNULL,
        stdout=console,
        stderr=console,
        start_new_session=True,
        preexec_fn=lambda: cgroups.enter(machine.group),
    )
    console.close()
    wait_for_ssh(machine)


def wait_for_ssh(machine: Machine) -> None:
    """Until the machine takes logins."""
    try:
        wait_for_port(machine.address, 22)
    except AssertionError as error:
        tail = (machine.place / f"{machine.name}.log").read_text(errors="replace")[-3000:]
        raise AssertionError(f"{machine.name} does not answer:\n{tail}") from error


def wait_for_port(address: str, port: int) -> None:
    """Until somebody listens there."""
    deadline = time.monotonic() + BOOT_SECONDS
    knock = f"exec 3<>/dev/tcp/{address}/{port}"
    while in_switch("timeout", "1", "bash", "-c", knock, check=False).returncode != 0:
        if time.monotonic() > deadline:
            raise AssertionError(f"nobody listens on {address} port {port}")
        time.sleep(0.2)


def cut(machine: Machine) -> None:
    """End it as by a power cut; its disk stays."""
    cgroups.remove(machine.group, deadline=time.monotonic() + END_SECONDS)


def destroy(machine: Machine) -> None:
    """Whatever there is of it, as by a power cut."""
    cut(machine)
    run("ip", "netns", "delete", machine.namespace, check=False)
    run("ip", "-netns", SWITCH, "link", "delete", f"p-{machine.name}", check=False)
    shutil.rmtree(machine.root, ignore_errors=True)


def destroy_switch() -> None:
    """The controller's namespace and what held the machines' control groups."""
    run("ip", "netns", "delete", SWITCH, check=False)
    cgroups.remove(f"{PREFIX}test", deadline=time.monotonic() + END_SECONDS)


@contextmanager
def serving(folder: Path, port: int) -> Iterator[str]:
    """A web server with the folder where the controller is; its address."""
    with subprocess.Popen(
        [
            *("nsenter", f"--net=/run/netns/{SWITCH}"),
            *(sys.executable, "-m", "http.server", "--directory", str(folder), str(port)),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait_for_port(CONTROLLER, port)
            yield f"http://{CONTROLLER}:{port}/"
        finally:
            process.terminate()


def in_switch(
    *command: str, check: bool = True, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command where the controller is."""
    return run(
        "nsenter", f"--net=/run/netns/{SWITCH}", *command, check=check, environment=environment
    )


def run(
    *command: str, check: bool = True, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command; AssertionError with what it said when it fails and must not."""
    result = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if check and result.returncode != 0:
        raise AssertionError(f"{_words(command)}: {result.stdout}{result.stderr}")
    return result


def _words(command: Sequence[str]) -> str:
    return " ".join(command)[:300]
