"""What the steps do, and what must be true after each; see __main__.py."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable

from agent.runtime.references import DEFAULT_REGISTRY
from tests.vms import cluster, image, machines, readme, traces, tree, wheels
from tests.vms.client import Tally, calling
from tests.vms.cluster import MACHINES, MASTER, NEWER, NODES, OLDER, PLACE, SPOILT, on, play
from tests.vms.machines import Machine

IMAGE = f"{DEFAULT_REGISTRY}/traefik/whoami:v1.10"
SECONDS = 90.0


def up() -> None:
    """Everything that the steps need; what is there is used again, but for the machines."""
    PLACE.mkdir(parents=True, exist_ok=True)
    if not cluster.KEY.exists():
        machines.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(cluster.KEY))
    tree.build(PLACE / "base", cluster.KEY.with_suffix(".pub").read_text().strip())
    shutil.rmtree(cluster.CHECKOUT, ignore_errors=True)
    cluster.make_checkout()
    wheels.build(cluster.CHECKOUT, cluster.WHEELHOUSE, NEWER, SPOILT)
    image.archive(PLACE / "image.tar")
    machines.make_switch()
    for machine in MACHINES:
        machines.make(machine, PLACE / "base", cluster.host_names())
        machines.boot(machine)


def down() -> None:
    """No machine, no namespace, no file."""
    cluster.forget_connections()
    for machine in MACHINES:
        machines.destroy(machine)
    machines.destroy_switch()
    shutil.rmtree(PLACE, ignore_errors=True)


def install() -> None:
    """The README's commands for the controller; between them the addresses are put in."""
    first, *_ = readme.blocks()
    enter, copy, *rest = first
    _equal(enter, "cd ansible")  # the controller is there
    cluster.controller("sh", "-ec", copy)
    cluster.write_inventory(NODES[:2])
    for command in rest:
        changed = cluster.changes(cluster.controller("sh", "-ec", command))
        _equal(sorted(changed), ["m1", "n1", "n2"])
    for machine in (MASTER, *NODES[:2]):
        _equal(on(machine, "systemctl is-system-running"), "running")
    _equal(_secrets_in_logs(), "")


def use() -> None:
    """The README's commands for the master, and the service from everywhere."""
    for node in NODES[:2]:
        cluster.send(node, PLACE / "image.tar", image.load_command(IMAGE))
    _, second, *_ = readme.blocks()
    said = on(MASTER, "set -e\n" + "\n".join(second))
    _true(said.splitlines()[-1].startswith("web-"), said)
    _service_answers(NODES[:2])


def again() -> None:
    """Nothing is changed, and a dry run says so too."""
    for options in ((), ("--check", "--diff")):
        _equal(play("site.yml", *options), {"m1": 0, "n1": 0, "n2": 0})
    _service_answers(NODES[:2])


def grow() -> None:
    """A third node, while the first two are left alone."""
    cluster.write_inventory(NODES)
    _equal(list(play("add-node.yml", "--limit", "n3")), ["n3"])
    cluster.send(NODES[2], PLACE / "image.tar", image.load_command(IMAGE))
    on(MASTER, "pilot scale deployment web --replicas=6")
    _eventually(lambda: "n3" in _nodes_of_pods(), "a pod on n3")
    on(MASTER, "pilot rollout status deployment/web --timeout=60s")
    _service_answers(NODES)
    _equal(_changed_in_all("site.yml"), 0)


def upgrade() -> None:
    """To the newer build; no connection fails, no container stops."""
    _change(OLDER, NEWER, "-e", f"pilothouse_version={NEWER} pilothouse_source=wheelhouse")


def back() -> None:
    """To the build before, which is the checkout's: nothing is built, the link is turned."""
    _change(NEWER, OLDER, "-e", "pilothouse_upgrade_backup=false")


def _change(one: str, other: str, *options: str) -> None:
    names = [node.name for node in NODES]
    _equal(_versions(), dict.fromkeys(names, one))
    before = _containers()
    with calling(NODES[1], _url()) as tally:
        play("upgrade.yml", *options)
    _no_fault(tally)
    _equal(_versions(), dict.fromkeys(names, other))
    _equal(_containers(), before)
    _service_answers(NODES)


def spoil() -> None:
    """A build that is not healthy stops at its first node, which goes back; nothing fails."""
    names = [node.name for node in NODES]
    before = _containers()
    with calling(NODES[1], _url()) as tally:
        said = _refused("upgrade.yml", f"pilothouse_version={SPOILT} pilothouse_source=wheelhouse")
    _true(f"which is back at {OLDER}" in said, said[-6000:])
    _no_fault(tally)
    _eventually(lambda: _versions() == dict.fromkeys(names, OLDER), f"all nodes at {OLDER}")
    _equal(_containers(), before)
    play("upgrade.yml", "-e", "pilothouse_upgrade_backup=false")
    _service_answers(NODES)


def reboot() -> None:
    """The shutdown ends containers gracefully; after the boot they are there again."""
    node = NODES[0]
    count = len([name for name in _nodes_of_pods() if name == node.name])
    boot = on(node, "cat /proc/sys/kernel/random/boot_id")
    machines.run(*cluster.ssh_command(node, "systemctl reboot"), check=False)
    _eventually(lambda: _booted(node) not in ("", boot), "the node has booted")
    cluster.forget_connections()
    said = on(node, "journalctl --boot=-1 --unit=pilothouse-pods.service --output=cat")
    _true(f"{count} containers stopped" in said, said)
    ready = "pilot wait node/n1 --for=condition=Ready --timeout=60s"
    on(MASTER, ready)
    on(MASTER, "pilot rollout status deployment/web --timeout=90s")
    _eventually(lambda: len(_containers_of(node)) == count, f"{count} containers on {node.name}")
    _service_answers(NODES)


def restore() -> None:
    """The master's machine is lost and made anew; the cluster goes on from the backup."""
    before = _containers()
    with calling(NODES[1], _url()) as tally:
        play("backup.yml")
        (backup,) = sorted((cluster.INVENTORY.parent / "backups").iterdir())[-1:]
        machines.destroy(MASTER)
        cluster.forget_connections()
        machines.make(MASTER, PLACE / "base", cluster.host_names())
        machines.boot(MASTER)
        play("restore.yml", "-e", f"pilothouse_restore_from={backup}")
    _no_fault(tally)
    on(MASTER, "pilot-master check --config /etc/pilothouse/master.toml")
    _equal(_containers(), before)
    on(MASTER, "pilot scale deployment web --replicas=7")
    on(MASTER, "pilot rollout status deployment/web --timeout=60s")
    _service_answers(NODES)
    _equal(_changed_in_all("site.yml"), 0)


def remove() -> None:
    """Everything goes, and nothing of it can be found."""
    play(
        "remove.yml",
        "-e",
        "pilothouse_remove_confirmed=true pilothouse_remove_packages=true"
        " pilothouse_remove_images=true",
    )
    for machine in MACHINES:
        _equal(traces.of(machine), [])


def _url() -> str:
    address = on(MASTER, "pilot get service web -o jsonpath='{.spec.clusterIP}'")
    return f"http://{address}/"


def _service_answers(nodes: tuple[Machine, ...]) -> None:
    """The service's address from each node and from a pod, and the node port of each node."""
    url = _url()
    port = on(MASTER, "pilot get service web -o jsonpath='{.spec.ports[0].nodePort}'")
    for node in nodes:
        _true(on(node, f"curl -sS -m 5 {url}").startswith("web-"), f"{url} from {node.name}")
        outside = on(MASTER, f"curl -sS -m 5 http://{node.address}:{port}/")
        _true(outside.startswith("web-"), f"port {port} of {node.name}")
    inside = on(MASTER, "pilot exec deployment/web -- wget -q -O - http://web/")
    _true(inside.startswith("web-"), "the service's name from a pod")


def _nodes_of_pods() -> list[str]:
    said = on(MASTER, "pilot get pods -o jsonpath='{.items[*].spec.nodeName}'")
    return said.split()


def _containers_of(node: Machine) -> list[str]:
    label = "label=runtime.pilothouse.io/kind=container"
    said = on(node, f"podman ps --filter {label} --format '{{{{.ID}}}} {{{{.StartedAt}}}}'")
    return sorted(said.splitlines())


def _containers() -> dict[str, list[str]]:
    """Which run where, and since when: the same as long as nothing was restarted."""
    return {node.name: _containers_of(node) for node in NODES}


def _versions() -> dict[str, str]:
    said = on(
        MASTER,
        "pilot get nodes -o jsonpath='{range .items[*]}{.metadata.name}"
        ' {.status.nodeInfo.kubeletVersion}{"\\n"}{end}\'',
    )
    return dict(line.split() for line in said.splitlines())


def _changed_in_all(playbook: str, *options: str) -> int:
    return sum(play(playbook, *options).values())


def _refused(playbook: str, variables: str) -> str:
    """What a playbook says that must fail."""
    try:
        play(playbook, "-e", variables)
    except AssertionError as failure:
        return str(failure)
    raise AssertionError(f"{playbook} with {variables} did not fail")


def _booted(node: Machine) -> str:
    command = cluster.ssh_command(node, "cat /proc/sys/kernel/random/boot_id")
    return machines.run(*command, check=False).stdout.strip()


def _secrets_in_logs() -> str:
    """Lines of any machine's journal that hold a token."""
    script = "journalctl --output=cat | grep -E '[a-z0-9]{10}\\.[A-Za-z0-9_-]{43}' || true"
    return "\n".join(filter(None, (on(machine, script) for machine in MACHINES)))


def _no_fault(tally: Tally) -> None:
    print(f"   {tally.good} connections, the longest took {tally.longest:.2f} s")
    _equal(tally.faults, [])
    _true(tally.good > 100, f"only {tally.good} connections")


def _eventually(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        _true(time.monotonic() < deadline, f"not within {SECONDS:g} s: {what}")
        time.sleep(0.5)


def _equal(found: object, wanted: object) -> None:
    _true(found == wanted, f"{found!r} is not {wanted!r}")


def _true(condition: bool, complaint: str) -> None:
    if not condition:
        raise AssertionError(complaint)
