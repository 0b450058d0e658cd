"""What the steps do, and what must be true after each; see __main__.py."""

from __future__ import annotations

import shutil

from agent.runtime.references import DEFAULT_REGISTRY
from tests.vms import (
    cluster,
    image,
    machines,
    mishaps,
    neighbours,
    readme,
    traces,
    tree,
    views,
    wheels,
)
from tests.vms.claims import equal, eventually, no_fault, true, within
from tests.vms.client import calling
from tests.vms.cluster import MACHINES, MASTER, NEWER, NODES, OLDER, PLACE, SPOILT, on, play
from tests.vms.machines import Machine
from tests.vms.releases import RELEASES

NAMES = [node.name for node in NODES]
# So that nobody is sent to a pod that has ended.
_GRACEFUL = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec: {containers: [{name: web, lifecycle: {preStop: {sleep: {seconds: 3}}}}]}
"""
IMAGE = f"{DEFAULT_REGISTRY}/traefik/whoami:v1.10"


def up() -> None:
    """Everything that the steps need; what is there is used again, but for the machines."""
    PLACE.mkdir(parents=True, exist_ok=True)
    if not cluster.KEY.exists():
        machines.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(cluster.KEY))
    for release in set(cluster.RELEASES):
        tree.build(PLACE, release, cluster.KEY.with_suffix(".pub").read_text().strip())
    shutil.rmtree(cluster.CHECKOUT, ignore_errors=True)
    cluster.make_checkout()
    wheels.build(cluster.CHECKOUT, cluster.WHEELHOUSE, NEWER, SPOILT)
    for python in {release.python for release in cluster.RELEASES}:
        wheels.fetch(cluster.CHECKOUT, cluster.WHEELHOUSE, python)
    image.archive(PLACE / "image.tar")
    machines.make_switch()
    for machine in MACHINES:
        machines.make(machine, cluster.host_names())
        machines.boot(machine)


def down() -> None:
    """No machine, no namespace, no file."""
    cluster.forget_connections()
    for machine in MACHINES:
        machines.destroy(machine)
    machines.destroy_switch()
    shutil.rmtree(PLACE, ignore_errors=True)


def arm64() -> None:
    """There are wheels for the Python of each release; machines of that kind are not made here."""
    for release in RELEASES.values():
        wheels.require(cluster.CHECKOUT, release.python, "aarch64")


def install() -> None:
    """The README's commands for the controller; between them the addresses are put in. Before, a
    dry run, which does nothing, and a run that is killed, which does no harm."""
    neighbours.move_in(PLACE / "image.tar")
    first, *_ = readme.blocks()
    enter, copy, *rest = first
    equal(enter, "cd ansible")  # the controller is there
    cluster.controller("sh", "-ec", copy)
    cluster.write_inventory(NODES[:2])
    play("site.yml", "--check", "--diff")
    for machine in (MASTER, NODES[0]):
        equal(traces.of(machine), [])
    cluster.interrupted(["[common : Install Pilothouse and its libraries]"], "site.yml")
    for command in rest:
        changed = cluster.changes(cluster.controller("sh", "-ec", command))
        equal(sorted(changed), ["m1", "n1", "n2"])
    for machine in (MASTER, *NODES[:2]):
        equal(on(machine, "systemctl is-system-running"), "running")
    equal(_secrets_in_logs(), "")


def use() -> None:
    """The README's commands for the master, and the service from everywhere."""
    for node in NODES[:2]:
        cluster.send(node, PLACE / "image.tar", image.load_command(IMAGE))
    _, second, *_ = readme.blocks()
    said = on(MASTER, "set -e\n" + "\n".join(second))
    true(said.splitlines()[-1].startswith("web-"), said)
    views.service_answers(NODES[:2])


def again() -> None:
    """Nothing is changed, and a dry run says so too."""
    for options in ((), ("--check", "--diff")):
        equal(play("site.yml", *options), {"m1": 0, "n1": 0, "n2": 0})
    neighbours.untouched()
    views.service_answers(NODES[:2])


def grow() -> None:
    """A third node, from a package index, while the first two are left alone. It joins only when
    the clocks agree, and with a token that is valid."""
    cluster.write_inventory(NODES)
    adding = ("add-node.yml", "--limit", "n3")
    with mishaps.an_index(NODES[2]) as source, mishaps.wrong_clock(MASTER):
        within("s behind the master's", cluster.refused(*adding, *source))
    taken = cluster.refused(*adding, "-e", "pilothouse_node_name=n1")
    within('node "n1" is connected', taken)
    with mishaps.slow(NODES[2]):
        within("n3 could not join", cluster.refused(*adding, "-e", "pilothouse_token_ttl=1s"))
    equal(list(play(*adding)), ["n3"])
    equal(on(MASTER, "pilot token list").splitlines()[1:], [])
    cluster.send(NODES[2], PLACE / "image.tar", image.load_command(IMAGE))
    on(MASTER, "pilot scale deployment web --replicas=6")
    eventually(lambda: "n3" in views.nodes_of_pods(), "a pod on n3")
    on(MASTER, "pilot rollout status deployment/web --timeout=60s")
    views.service_answers(NODES)


def decide() -> None:
    """Other ports for a cluster that runs; what would break it is refused."""
    before = views.containers()
    mishaps.decide(pilothouse_grpc_port=17443, pilothouse_https_port=16443)
    with calling(NODES[1], views.service_url()) as tally:
        play("site.yml")
    no_fault(tally)
    equal(views.containers(), before)
    views.service_answers(NODES)
    equal(_changed_in_all("site.yml"), 0)
    for variables, complaint in mishaps.REFUSED.items():
        within(complaint, cluster.refused("site.yml", "-e", variables))


def upgrade() -> None:
    """To the newer build, at the second try, the first being killed between a node's two versions;
    no connection fails, no container stops."""
    change = ("-e", f"pilothouse_version={NEWER} pilothouse_source=wheelhouse")
    midway = ["PLAY [Upgrade the nodes]", "[common : Restart what runs]"]
    before = views.containers()
    with calling(NODES[1], views.service_url()) as tally:
        cluster.interrupted(midway, "upgrade.yml", *change)
        equal(views.versions(), dict.fromkeys(NAMES, OLDER))
        play("upgrade.yml", *change)
    no_fault(tally)
    equal(views.versions(), dict.fromkeys(NAMES, NEWER))
    equal(views.containers(), before)
    views.service_answers(NODES)


def back() -> None:
    """To the build before, which is the checkout's, with the pods elsewhere meanwhile: not while a
    pod cannot go, then without the node that is down, at last with it."""
    options = (
        *("-e", "pilothouse_upgrade_drain=true pilothouse_drain_timeout=60s"),
        *("-e", "pilothouse_upgrade_backup=false"),
    )
    on(MASTER, f"pilot apply -f - <<'END'\n{_GRACEFUL}END")
    on(MASTER, "pilot rollout status deployment/web --timeout=90s")
    mishaps.lonely_pod(*options)
    mishaps.cut(NODES[2], "upgrade.yml", *options)
    before = views.containers_of(NODES[0]) + views.containers_of(NODES[1])
    with calling(NODES[1], views.service_url()) as tally:
        play("upgrade.yml", "--limit", "!n3", *options)
    no_fault(tally)
    equal(views.versions(), {"n1": OLDER, "n2": OLDER, "n3": NEWER})
    after = views.containers_of(NODES[0]) + views.containers_of(NODES[1])
    equal(set(before) & set(after), set())
    machines.boot(NODES[2])
    on(MASTER, "pilot wait node/n3 --for=condition=Ready --timeout=60s")
    play("upgrade.yml", *options)
    equal(views.versions(), dict.fromkeys(NAMES, OLDER))
    equal(views.cordoned(), [])
    views.service_answers(NODES)


def spoil() -> None:
    """A build that is not healthy stops at its first node, which goes back; nothing fails."""
    before = views.containers()
    with calling(NODES[1], views.service_url()) as tally:
        change = f"pilothouse_version={SPOILT} pilothouse_source=wheelhouse"
        within(f"which is back at {OLDER}", cluster.refused("upgrade.yml", "-e", change))
    no_fault(tally)
    eventually(lambda: views.versions() == dict.fromkeys(NAMES, OLDER), f"all nodes at {OLDER}")
    equal(views.containers(), before)
    play("upgrade.yml", "-e", "pilothouse_upgrade_backup=false")
    views.service_answers(NODES)


def full() -> None:
    """No room on the master's disk."""
    mishaps.no_room()
    views.service_answers(NODES)


def reboot() -> None:
    """The shutdown ends containers gracefully; after the boot they are there again."""
    node = NODES[0]
    count = len([name for name in views.nodes_of_pods() if name == node.name])
    boot = on(node, "cat /proc/sys/kernel/random/boot_id")
    machines.run(*cluster.ssh_command(node, "systemctl reboot"), check=False)
    eventually(lambda: _booted(node) not in ("", boot), "the node has booted")
    cluster.forget_connections()
    said = on(node, "journalctl --boot=-1 --unit=pilothouse-pods.service --output=cat")
    true(f"{count} containers stopped" in said, said)
    ready = "pilot wait node/n1 --for=condition=Ready --timeout=60s"
    on(MASTER, ready)
    on(MASTER, "pilot rollout status deployment/web --timeout=90s")
    eventually(
        lambda: len(views.containers_of(node)) == count, f"{count} containers on {node.name}"
    )
    views.service_answers(NODES)


def restore() -> None:
    """The master's machine is lost and made anew; the cluster goes on from the backup."""
    before = views.containers()
    with calling(NODES[1], views.service_url()) as tally:
        play("backup.yml")
        (backup,) = sorted((cluster.INVENTORY.parent / "backups").iterdir())[-1:]
        machines.destroy(MASTER)
        cluster.forget_connections()
        machines.make(MASTER, cluster.host_names())
        machines.boot(MASTER)
        play("restore.yml", "-e", f"pilothouse_restore_from={backup}")
    no_fault(tally)
    on(MASTER, "pilot-master check --config /etc/pilothouse/master.toml")
    equal(views.containers(), before)
    on(MASTER, "pilot scale deployment web --replicas=7")
    on(MASTER, "pilot rollout status deployment/web --timeout=60s")
    views.service_answers(NODES)
    equal(_changed_in_all("site.yml"), 0)


def replace() -> None:
    """A master that is there is replaced if that is said, and not by a file that is damaged."""
    play("backup.yml")
    (backup,) = sorted((cluster.INVENTORY.parent / "backups").iterdir())[-1:]
    damaged = backup.with_name("damaged")
    damaged.write_bytes(backup.read_bytes()[:-100])
    on(MASTER, "pilot scale deployment web --replicas=5")
    on(MASTER, "pilot rollout status deployment/web --timeout=60s")
    replacing = "pilothouse_restore_replace=true pilothouse_restore_from"
    refused = cluster.refused("restore.yml", "-e", f"pilothouse_restore_from={backup}")
    within("pilothouse_restore_replace=true moves it aside", refused)
    refused = cluster.refused("restore.yml", "-e", f"{replacing}={damaged}")
    within("was not restored, everything is as it was", refused)
    equal(len(views.nodes_of_pods()), 5)
    play("restore.yml", "-e", f"{replacing}={backup}")
    on(MASTER, "pilot rollout status deployment/web --timeout=60s")
    equal(len(views.nodes_of_pods()), 7)
    equal(len(on(MASTER, "ls -d /var/lib/pilothouse/master.replaced-*").split()), 1)
    views.service_answers(NODES)


def leave() -> None:
    """One node goes, its pods elsewhere before; the others are left alone."""
    with calling(NODES[1], views.service_url()) as tally:
        equal(list(_remove("--limit", "n3")), ["n3"])
    no_fault(tally)
    equal(traces.of(NODES[2]), [])
    equal(sorted(views.versions()), ["n1", "n2"])
    eventually(lambda: len(views.running()) == 7, "seven pods on the others")
    views.service_answers(NODES[:2])


def remove() -> None:
    """Everything goes, and nothing of it can be found; what others have stays."""
    _remove()
    for machine in (MASTER, NODES[0], NODES[2]):
        equal(traces.of(machine), [])
    equal(traces.of(neighbours.HOME, podman=True), [])
    neighbours.untouched()


def _remove(*options: str) -> dict[str, int]:
    all_of_it = (
        "pilothouse_remove_confirmed=true pilothouse_remove_packages=true"
        " pilothouse_remove_images=true"
    )
    return play("remove.yml", *options, "-e", all_of_it)


def _changed_in_all(playbook: str, *options: str) -> int:
    return sum(play(playbook, *options).values())


def _booted(node: Machine) -> str:
    command = cluster.ssh_command(node, "cat /proc/sys/kernel/random/boot_id")
    return machines.run(*command, check=False).stdout.strip()


def _secrets_in_logs() -> str:
    """Lines of any machine's journal that hold a token."""
    script = "journalctl --output=cat | grep -E '[a-z0-9]{10}\\.[A-Za-z0-9_-]{43}' || true"
    return "\n".join(filter(None, (on(machine, script) for machine in MACHINES)))
