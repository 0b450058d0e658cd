"""What breaks, and what goes on all the same."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pilothouse.objects.errors import ApiError
from protos.apps_v1_pb2 import Deployment
from protos.core_v1_pb2 import ConfigMap, Pod
from tests.e2e import manifests
from tests.e2e.cluster import Lab, containers, is_ending, is_ready, until

LOST_SECONDS = 15.0
# Not promised: what the operator's machine needs to notice and show it, on a busy machine.
GRACE = 5.0


def test_agent_killed_and_restarted_adopts_its_containers(lab: Lab, namespace: str) -> None:
    lab.pilot("apply", "-f", "-", stdin=manifests.web(namespace, 3))
    before = {p.metadata.name: p for p in lab.ready_pods(namespace, 3)}
    with lab.caller(lab.plan.nodes[0], lab.service_address(namespace, "web")) as calls:
        lab.kill("node-1", "agent")
        seen = calls().total
        until(lambda: calls().total > seen + 20, within=10, what="calls without the agent")
        lab.start("node-1", "agent")
        own = [p for p in before.values() if p.spec.node_name == "node-1"]
        until(lambda: _is_reached(lab, own), within=10, what="the agent is back")
        assert calls().failures == []
    after = {p.metadata.name: p for p in lab.ready_pods(namespace, 3)}
    assert {n: containers(p) for n, p in after.items()} == {
        n: containers(p) for n, p in before.items()
    }
    assert {n: p.status.pod_ip for n, p in after.items()} == {
        n: p.status.pod_ip for n, p in before.items()
    }


def test_master_killed_under_load_loses_nothing_and_disturbs_no_service(
    lab: Lab, namespace: str
) -> None:
    lab.pilot("apply", "-f", "-", stdin=manifests.web(namespace, 3))
    pods = lab.ready_pods(namespace, 3)
    before = {p.metadata.name: containers(p) for p in pods}
    with lab.caller(lab.plan.nodes[0], lab.service_address(namespace, "web")) as calls:
        acknowledged = _write_until_refused(lab, namespace)
        seen = calls().total
        until(lambda: calls().total > seen + 50, within=10, what="calls without the master")
        lab.start("master")
        restarted = time.monotonic()
        until(lambda: _is_reached(lab, pods), within=20, what="all agents are back")
        assert time.monotonic() - restarted < 5.0
        assert calls().failures == []
    stored = {m.metadata.name for m in lab.client.list(ConfigMap, namespace).items}
    assert acknowledged <= stored
    assert {p.metadata.name: containers(p) for p in lab.ready_pods(namespace, 3)} == before


def test_podman_service_killed_and_restarted_the_agent_recovers(lab: Lab, namespace: str) -> None:
    lab.pilot("apply", "-f", "-", stdin=manifests.web(namespace, 3, drain=0))
    before = {p.metadata.name: containers(p) for p in lab.ready_pods(namespace, 3)}
    address = lab.service_address(namespace, "web")
    until(lambda: lab.ask(lab.plan.nodes[1], address), within=10, what="an answer")
    lab.kill("node-2", "podman")
    assert lab.ask(lab.plan.nodes[1], address)
    lab.start("node-2", "podman")
    until(lambda: "node-2" in lab.ready_nodes(), within=20, what="the node is ready")
    lab.pilot("scale", "deployment", "web", "--replicas=6", "-n", namespace)
    after = {p.metadata.name: p for p in lab.ready_pods(namespace, 6)}
    assert {name: containers(after[name]) for name in before} == before
    assert "node-2" in {p.spec.node_name for n, p in after.items() if n not in before}


def test_container_that_dies_is_restarted_with_growing_pauses(lab: Lab, namespace: str) -> None:
    lab.pilot("apply", "-f", "-", stdin=manifests.pod(namespace, "box", "sleep", "1000"))
    (pod,) = lab.ready_pods(namespace, 1)
    address = pod.status.pod_ip
    pauses = []
    for count in (1, 2):
        died = time.monotonic()
        _kill_container(lab, lab.client.get(Pod, "box", namespace))
        until(partial(_has_restarts, lab, namespace, "box", count), within=60, what="a restart")
        pauses.append(time.monotonic() - died)
    (pod,) = lab.ready_pods(namespace, 1)
    assert pod.status.pod_ip == address
    assert pauses[0] < 5 < pauses[1], "the first restart is at once, the second waits for 10 s"
    state = pod.status.container_statuses[0].last_state.terminated
    assert state.exit_code == 137


def test_pods_of_a_lost_node_are_replaced_and_removed_on_its_return(
    lab: Lab, namespace: str
) -> None:
    lab.pilot("apply", "-f", "-", stdin=manifests.web(namespace, 3, toleration=2, drain=0))
    old = {p.metadata.name: p for p in lab.ready_pods(namespace, 3)}
    lost = [name for name, pod in old.items() if pod.spec.node_name == "node-3"]
    assert len(lost) == 1
    with lab.caller(lab.plan.nodes[0], lab.service_address(namespace, "web")) as calls:
        lab.pilot("lab", "partition", "node-3", *_lab_options(lab))
        cut = time.monotonic()
        until(lambda: "node-3" not in lab.ready_nodes(), within=30, what="the node is lost")
        assert time.monotonic() - cut < LOST_SECONDS + GRACE

        def replaced() -> bool:
            pods = [p for p in lab.pods(namespace) if p.spec.node_name != "node-3"]
            return len([p for p in pods if is_ready(p) and not is_ending(p)]) == 3

        until(replaced, within=30, what="replacements on the other nodes")
        out_of_rotation, seen = time.time(), calls().total
        until(lambda: calls().total > seen + 100, within=20, what="calls meanwhile")
        lab.pilot("lab", "heal", "node-3", *_lab_options(lab))
        until(lambda: "node-3" in lab.ready_nodes(), within=20, what="the node is back")
        names = {p.metadata.name for p in lab.ready_pods(namespace, 3)}
        assert not names & set(lost)
        assert calls().failed_since(out_of_rotation) == []
    until(
        lambda: not _containers_of(lab, "node-3", lost[0]), within=20, what="the old pod is removed"
    )


def test_netproxy_killed_leaves_rules_and_catches_up_on_return(lab: Lab, namespace: str) -> None:
    lab.pilot("apply", "-f", "-", stdin=manifests.web(namespace, 2, drain=0))
    lab.ready_pods(namespace, 2)
    host, address = lab.plan.nodes[0], lab.service_address(namespace, "web")
    until(lambda: lab.ask(host, address), within=10, what="an answer")
    lab.kill("node-1", "netproxy")
    for _ in range(10):
        assert lab.ask(host, address)
    lab.pilot("rollout", "restart", "deployment/web", "-n", namespace)
    lab.pilot("rollout", "status", "deployment/web", "-n", namespace, within=60)
    fresh = {p.metadata.name for p in lab.ready_pods(namespace, 2)}
    lab.start("node-1", "netproxy")
    until(lambda: lab.ask(host, address) in fresh, within=10, what="an answer of the new pods")
    for _ in range(10):
        assert lab.ask(host, address) in fresh


def test_a_host_that_lost_power_comes_back_with_its_pods(lab: Lab, namespace: str) -> None:
    lab.pilot("apply", "-f", "-", stdin=manifests.web(namespace, 3, drain=0))
    lab.ready_pods(namespace, 3)
    lab.kill("node-2", "all")
    lab.start("node-2")
    lab.ready_pods(namespace, 3, within=60)
    address = lab.service_address(namespace, "web")
    until(lambda: lab.ask(lab.plan.nodes[1], address), within=20, what="an answer on it")


def _lab_options(lab: Lab) -> tuple[str, ...]:
    return ("--name", lab.plan.directory.name, "--state", str(lab.plan.directory.parent))


def _has_restarts(lab: Lab, namespace: str, name: str, count: int) -> bool:
    statuses = lab.client.get(Pod, name, namespace).status.container_statuses
    return [s.restart_count for s in statuses if s.state.HasField("running")] == [count]


def _kill_container(lab: Lab, pod: Pod) -> None:
    container = pod.status.container_statuses[0].container_id.rpartition("/")[2]
    lab.on(lab.node(pod.spec.node_name), "podman", "kill", "--signal=KILL", container)


def _containers_of(lab: Lab, node: str, pod: str) -> str:
    listing = ("podman", "ps", "--all", "--format={{.Names}} {{.Labels}}")
    return "\n".join(line for line in lab.on(lab.node(node), *listing).splitlines() if pod in line)


def _is_reached(lab: Lab, pods: Iterable[Pod]) -> bool:
    """Whether the agents of these pods serve: a log is read through each one's session."""
    for pod in pods:
        list(lab.client.logs(pod.metadata.name, pod.metadata.namespace))
    return True


def _write_until_refused(lab: Lab, namespace: str) -> set[str]:
    """Create objects, kill the master amid, and return the names of those it acknowledged."""
    acknowledged: set[str] = set()

    def write(number: int) -> None:
        for part in range(1000):
            made = ConfigMap()
            made.metadata.name, made.metadata.namespace = f"m{number}-{part}", namespace
            try:
                lab.client.create(made)
            except ApiError:
                return
            acknowledged.add(made.metadata.name)

    with ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(write, number) for number in range(8)]
        until(lambda: len(acknowledged) > 100, within=20, what="writes under way")
        lab.kill("master", "master")
        for writer in writers:
            writer.result()
    return acknowledged


def test_deployments_are_complete_after_a_restart_of_the_master(lab: Lab, namespace: str) -> None:
    lab.pilot("apply", "-f", "-", stdin=manifests.web(namespace, 2, drain=0))
    lab.ready_pods(namespace, 2)
    before = lab.client.get(Deployment, "web", namespace)
    lab.kill("master", "master")
    lab.start("master")
    after = until(
        lambda: lab.client.get(Deployment, "web", namespace), within=10, what="the deployment"
    )
    assert after.metadata.uid == before.metadata.uid
    assert after.spec == before.spec
