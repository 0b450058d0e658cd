"""The file system of a plain machine: Debian as its installer leaves it, with an SSH server.

Made once, then copied for each machine. It has apt's lists, and in apt's cache the packages that
the roles will ask for, so that they are really installed, and no machine needs a way out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
PACKAGES = (
    *("systemd-sysv", "dbus", "udev", "openssh-server", "sudo", "ca-certificates", "iproute2"),
    *("python3", "python3-apt", "procps", "kmod", "curl"),
)
# What common's tasks install on Debian and Ubuntu.
FETCHED = (
    *("podman", "crun", "conmon", "catatonit", "netavark", "nftables", "libnftables1", "conntrack"),
    *("python3-venv",),
)
# On a machine that is a container the hierarchies come read-only; Podman makes groups in them.
_CGROUPS = """\
[Unit]
Description=Make the control groups writable
DefaultDependencies=no
Before=sysinit.target

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'for d in /sys/fs/cgroup /sys/fs/cgroup/*/; do mount -o remount,rw,bind "$d" || true; done'

[Install]
WantedBy=sysinit.target
"""  # noqa: E501


def build(target: Path, key: str) -> None:
    """The tree, with root reachable by that public SSH key; nothing if it is there."""
    if target.exists():
        return
    draft = target.with_name(target.name + ".draft")
    shutil.rmtree(draft, ignore_errors=True)
    include = ",".join(PACKAGES)
    _run("debootstrap", "--variant=minbase", f"--include={include}", SUITE, str(draft), MIRROR)
    sources = draft / "etc/apt/sources.list"
    sources.write_text(f"deb {MIRROR} {SUITE} main\n")
    _run("chroot", str(draft), "apt-get", "update", "-qq")
    _run(
        *("chroot", str(draft), "apt-get", "install", "-qq", "--yes", "--no-install-recommends"),
        *("--download-only", *FETCHED),
    )
    _furnish(draft, key)
    draft.rename(target)


def _furnish(tree: Path, key: str) -> None:
    unit = tree / "etc/systemd/system/control-groups.service"
    unit.write_text(_CGROUPS)
    _run("systemctl", f"--root={tree}", "enable", "--quiet", unit.name)
    # The network is there before the first process; nothing in the machine configures it.
    _run("systemctl", f"--root={tree}", "mask", "--quiet", "systemd-networkd-wait-online.service")
    ssh = tree / "root/.ssh"
    ssh.mkdir(mode=0o700, exist_ok=True)
    (ssh / "authorized_keys").write_text(key + "\n")
    (tree / "etc/machine-id").write_text("")
    (tree / "etc/resolv.conf").write_text("# no name server: nothing leaves the test\n")


def copy(base: Path, target: Path, name: str, names: str) -> None:
    """A machine's own copy, with its host name; `names` is its /etc/hosts."""
    subprocess.run(["cp", "--archive", "--reflink=auto", str(base), str(target)], check=True)
    (target / "etc/hostname").write_text(name + "\n")
    (target / "etc/hosts").write_text(f"127.0.0.1 localhost\n{names}")


def _run(*command: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
