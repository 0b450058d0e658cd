"""The test's cluster: its machines, what the controller works from, and commands on both."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from tests.vms import machines
from tests.vms.machines import Machine
from tests.vms.releases import chosen
from tests.vms.tree import OPERATOR

PLACE = Path(os.environ.get("PILOT_VMS", "/var/tmp/pilot-vms"))
REPOSITORY = Path(__file__).parents[2]
CHECKOUT = PLACE / "checkout"
PLAYBOOKS = CHECKOUT / "ansible"
INVENTORY = PLAYBOOKS / "inventory/mine/hosts.yml"
BUILT = CHECKOUT / "dist"
WHEELHOUSE = PLACE / "wheelhouse"
KEY = PLACE / "key"
CONNECTIONS = PLACE / "cp"
RELEASES = chosen(4)
MASTER = Machine("m1", 10, PLACE, RELEASES[0])
NODES = (
    Machine("n1", 11, PLACE, RELEASES[1]),
    Machine("n2", 12, PLACE, RELEASES[2]),
    Machine("n3", 13, PLACE, RELEASES[3], OPERATOR),
)
MACHINES = (MASTER, *NODES)
OLDER = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
NEWER = f"{OLDER}.post1"
SPOILT = f"{OLDER}.post2"  # its agent does not start
_SSH = (
    *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
    *("-o", "LogLevel=ERROR", "-o", "ConnectTimeout=10"),
)
_RECAP = re.compile(r"^(\S+)\s+: ok=\d+ +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.M)


def host_names() -> str:
    """What every machine has in /etc/hosts."""
    return "".join(f"{machine.address} {machine.name}\n" for machine in MACHINES)


def make_checkout() -> None:
    """The repository's files, as a user has them after a clone."""
    listed = machines.run("git", "-C", str(REPOSITORY), "ls-files", "-z").stdout
    for name in filter(None, listed.split("\0")):
        source = REPOSITORY / name
        if source.exists():
            (CHECKOUT / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, CHECKOUT / name)


def write_inventory(nodes: Sequence[Machine]) -> None:
    """The machines' addresses, and how they are reached; they have no way to an index."""
    options = " ".join(_SSH)
    lines = [
        "all:",
        "  vars:",
        f"    ansible_ssh_private_key_file: {KEY}",
        f"    ansible_ssh_common_args: {options}",
        "master:",
        "  hosts:",
        _entry(MASTER),
        "nodes:",
        "  hosts:",
        *map(_entry, nodes),
    ]
    INVENTORY.write_text("\n".join(lines) + "\n")
    settings = INVENTORY.parent / "group_vars/all.yml"
    text = settings.read_text()
    settings.write_text(
        re.sub(r"(?m)^pilothouse_wheelhouse:.*$", f"pilothouse_wheelhouse: {WHEELHOUSE}", text)
    )


def _entry(machine: Machine) -> str:
    reached = f"ansible_host: {machine.address}, ansible_user: {machine.user}"
    return f"    {machine.name}: {{{reached}}}"


def controller(*command: str) -> str:
    """What a command says where the controller is, in the checkout's ansible folder."""
    script = f'cd {PLAYBOOKS} && exec "$@"'
    result = machines.in_switch("sh", "-c", script, "sh", *command, environment=_environment())
    return result.stdout


def _environment() -> dict[str, str]:
    programs = Path(sys.executable).parent
    return {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PIP_NO_BUILD_ISOLATION": "0",  # to pip this means: take the setuptools that is there
        "ANSIBLE_FORCE_COLOR": "0",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(CONNECTIONS),
    }


def forget_connections() -> None:
    """Close what Ansible keeps open: a machine that is gone does not say so."""
    for socket in CONNECTIONS.glob("*"):
        machines.run("ssh", "-o", f"ControlPath={socket}", "-O", "exit", "gone", check=False)


def play(playbook: str, *options: str) -> dict[str, int]:
    """Run a playbook; by machine, how much it changed. AssertionError when it failed."""
    said = controller("ansible-playbook", "-i", str(INVENTORY), playbook, *options)
    return changes(said)


def refused(playbook: str, *options: str) -> str:
    """What a playbook says that must fail."""
    try:
        play(playbook, *options)
    except AssertionError as failure:
        return str(failure)
    raise AssertionError(f"{playbook} {' '.join(options)} did not fail")


def interrupted(seen: Sequence[str], playbook: str, *options: str) -> None:
    """Run a playbook, and kill it as soon as its output has had these words, in this order."""
    command = ("ansible-playbook", "-i", str(INVENTORY), playbook, *options)
    waited = list(seen)
    with subprocess.Popen(
        ["nsenter", f"--net=/run/netns/{machines.SWITCH}", *command],
        cwd=PLAYBOOKS,
        env={**_environment(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        said = []
        for line in process.stdout or ():
            said.append(line)
            if waited[0] in line and not waited[1:]:
                os.killpg(process.pid, signal.SIGKILL)
                return
            waited = waited[1:] if waited[0] in line else waited
    raise AssertionError(f"{waited[0]!r} was not said:\n{''.join(said)[-6000:]}")


def changes(said: str) -> dict[str, int]:
    """The recap of a playbook's output; AssertionError where a machine failed."""
    found = {}
    for name, changed, unreachable, failed in _RECAP.findall(said):
        if int(unreachable) or int(failed):
            raise AssertionError(f"{name} failed:\n{said[-6000:]}")
        found[name] = int(changed)
    if not found:
        raise AssertionError(f"no recap:\n{said[-6000:]}")
    return found


def ssh_command(machine: Machine, script: str) -> list[str]:
    """The command line that runs a shell's script on a machine."""
    return [
        *("nsenter", f"--net=/run/netns/{machines.SWITCH}"),
        *("ssh", "-i", str(KEY), *_SSH, f"root@{machine.address}", script),
    ]


def on(machine: Machine, script: str) -> str:
    """What a shell's script says on a machine; AssertionError when it fails."""
    return machines.run(*ssh_command(machine, script)).stdout.strip()


def succeeds(machine: Machine, script: str) -> bool:
    """Whether it ends with 0."""
    return machines.run(*ssh_command(machine, script), check=False).returncode == 0


def send(machine: Machine, source: Path, script: str) -> None:
    """Give a file to a script's standard input."""
    with source.open("rb") as file:
        subprocess.run(ssh_command(machine, script), stdin=file, check=True, capture_output=True)
