"""What goes wrong while people run playbooks, and what must be true then.

A refusal says what is amiss and what to do, and leaves the cluster as it was; a run that was
interrupted is finished by the next.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.vms import cluster, machines, views
from tests.vms.claims import equal, eventually, true, within
from tests.vms.cluster import INVENTORY, MASTER, NODES, OLDER, on, refused
from tests.vms.machines import Machine

# What would break a cluster that runs, and what is said about it.
REFUSED = {
    "pilothouse_cluster_cidr=10.200.0.0/16": "cluster_cidr is not 10.200.0.0/16 on the master",
    '{"pilothouse_master_settings": {"data_dir": "/srv/pilothouse"}}': (
        "pilothouse_master_settings: the playbooks decide data_dir"
    ),
    "pilothouse_node_name=other": "this machine is the node n1, not other",
}
SKEW = 600  # seconds
_FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
_LONELY = """\
apiVersion: v1
kind: Pod
metadata: {name: lonely}
spec:
  nodeName: n1
  terminationGracePeriodSeconds: 0
  containers: [{name: it, image: "traefik/whoami:v1.10"}]
"""


@contextmanager
def wrong_clock(master: Machine) -> Iterator[None]:
    """The master takes it for ten minutes later than it is."""
    service = "pilothouse-master.service"
    folder = f"/etc/systemd/system/{service}.d"
    setting = f"Environment=LD_PRELOAD={_FAKETIME} FAKETIME=+{SKEW} FAKETIME_DONT_FAKE_MONOTONIC=1"
    again = f"systemctl daemon-reload && systemctl restart {service}"
    on(master, f"mkdir {folder} && printf '[Service]\\n{setting}\\n' > {folder}/t.conf && {again}")
    try:
        yield
    finally:
        on(master, f"rm -r {folder} && {again}")


@contextmanager
def slow(machine: Machine) -> Iterator[None]:
    """Every program of ours takes two seconds longer to start."""
    folder = "/opt/pilothouse/current/lib/python3*/site-packages"
    on(machine, f"cd {folder} && echo 'import time; time.sleep(2)' > slow.pth")
    try:
        yield
    finally:
        on(machine, f"rm {folder}/slow.pth")


@contextmanager
def full_disk(machine: Machine, folder: str, spare: int) -> Iterator[None]:
    """So many bytes are left where the folder is; it is back as it was afterwards."""
    copy = "/mnt/copy"
    on(machine, f"cp --archive {folder} {copy}")
    size = int(on(machine, f"du --summarize --block-size=1 {copy}").split()[0]) + spare
    on(machine, f"mount -t tmpfs -o size={size},mode=755 tmpfs {folder}")
    try:
        on(machine, f"cp --archive {copy}/. {folder}/")
        yield
    finally:
        on(machine, f"umount {folder}; rm -r {copy}")


def no_room() -> None:
    """An upgrade for which the master's disk has no room changes nothing, and says so."""
    change = ("-e", f"pilothouse_version={OLDER}.post9 pilothouse_source=wheelhouse")
    with full_disk(MASTER, "/opt/pilothouse", 40 << 20):
        before = on(MASTER, "ls -A /opt/pilothouse")
        within("No space left", refused("upgrade.yml", *change))
        equal(on(MASTER, "ls -A /opt/pilothouse"), before)
        room = int(on(MASTER, "df --output=avail --block-size=1 /opt/pilothouse | tail -1"))
        true(room > 30 << 20, f"only {room} bytes are free again")
    with full_disk(MASTER, "/var/lib/pilothouse", 8 << 10):
        within(
            "pilot-master: the state cannot be copied to /var/lib/pilothouse: ",
            refused("backup.yml"),
        )
        equal(on(MASTER, "ls -A /var/lib/pilothouse"), "master")
    equal(views.versions(), {node.name: OLDER for node in NODES})


def lonely_pod(*options: str) -> None:
    """A pod that nobody would replace stops a drain; the node keeps its pods and its version."""
    on(MASTER, f"pilot apply -f - <<'END'\n{_LONELY}END")
    on(MASTER, "pilot wait pod/lonely --for=condition=Ready --timeout=30s")
    before = views.versions(), views.containers()
    said = refused("upgrade.yml", *options)
    within("n1 could not be drained", said)
    within("default/lonely (nobody would replace it: --force)", said)
    within("pilothouse_upgrade_drain=false", said)
    equal((views.versions(), views.containers()), before)
    equal(views.cordoned(), [])
    on(MASTER, "pilot delete pod lonely")


def cut(node: Machine, playbook: str, *options: str) -> None:
    """A node that is down keeps a playbook from changing anything."""
    machines.cut(node)
    cluster.forget_connections()
    before = views.versions()
    within(f"fatal: [{node.name}]: UNREACHABLE!", refused(playbook, *options))
    equal(views.versions(), before)
    eventually(lambda: not views.ready(node), f"{node.name} is not ready")


def decide(**variables: object) -> None:
    """Change variables of the inventory."""
    file = INVENTORY.parent / "group_vars/all.yml"
    text = file.read_text()
    for name, value in variables.items():
        text, count = re.subn(rf"(?m)^{name}:.*$", f"{name}: {value}", text)
        equal(count, 1)
    file.write_text(text)


@contextmanager
def an_index(machine: Machine) -> Iterator[tuple[str, str]]:
    """A package index on the controller; the options that make a playbook install from it on that
    machine, whose pip is told that it may."""
    with tempfile.TemporaryDirectory() as folder:
        for file in (*cluster.WHEELHOUSE.glob("*.whl"), *cluster.BUILT.glob("*.whl")):
            project = Path(folder) / re.sub(r"[-_.]+", "-", file.name.split("-")[0]).lower()
            project.mkdir(exist_ok=True)
            (project / file.name).symlink_to(file)
        on(machine, f"printf '[global]\\ntrusted-host = {machines.CONTROLLER}\\n' > /etc/pip.conf")
        with machines.serving(Path(folder), 8000) as address:
            yield (
                "-e",
                f"pilothouse_source=index pilothouse_wheelhouse= pilothouse_index_url={address}",
            )
        on(machine, "rm /etc/pip.conf")
