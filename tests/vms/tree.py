"""The file system of a plain machine: Debian or Ubuntu with an SSH server, Python and little else.

Made once a release, then copied for each machine. It has apt's lists, and in apt's cache the
packages that the roles will ask for, so that they are really installed, and no machine needs a way
out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.vms.releases import Release

# A user who may use sudo: on some machines the controller comes as this one.
OPERATOR = "deploy"
PACKAGES = (
    *("systemd-sysv", "dbus", "udev", "openssh-server", "sudo", "ca-certificates", "iproute2"),
    *("python3", "procps", "kmod", "curl", "libfaketime"),
)
# What the roles install on Debian and Ubuntu, and iptables for a neighbour's Podman.
FETCHED = (
    *("podman", "crun", "conmon", "catatonit", "netavark", "nftables", "libnftables1", "conntrack"),
    *("python3-venv", "python3-apt", "iptables"),
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


def of(place: Path, release: Release) -> Path:
    """Where the release's tree is."""
    return place / f"base-{release.name}"


def build(place: Path, release: Release, key: str) -> None:
    """The tree, with root and the operator reachable by that public SSH key; nothing if it is
    there."""
    target = of(place, release)
    if target.exists():
        return
    draft = target.with_name(target.name + ".draft")
    shutil.rmtree(draft, ignore_errors=True)
    _run(
        *("debootstrap", "--variant=minbase", "--merged-usr", f"--include={','.join(PACKAGES)}"),
        *(f"--components={','.join(release.components)}",),
        *(f"--keyring={release.keyring(place)}", release.name, str(draft)),
        *(release.mirror, f"/usr/share/debootstrap/scripts/{release.script}"),
    )
    (draft / "etc/apt/sources.list").write_text(release.source_lines())
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
    _run("chroot", str(tree), "useradd", "--create-home", "--shell", "/bin/bash", OPERATOR)
    (tree / "etc/sudoers.d/deploy").write_text(f"{OPERATOR} ALL=(ALL) NOPASSWD: ALL\n")
    for user, home in (("root", tree / "root"), (OPERATOR, tree / "home" / OPERATOR)):
        ssh = home / ".ssh"
        ssh.mkdir(mode=0o700, exist_ok=True)
        (ssh / "authorized_keys").write_text(key + "\n")
        _run("chroot", str(tree), "chown", "-R", f"{user}:{user}", f"/{ssh.relative_to(tree)}")
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
