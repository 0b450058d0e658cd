"""What a new user does first: run, expose, scale, look, read logs, execute, update, undo."""

from __future__ import annotations

import json
from functools import partial

from pilothouse.lab import demo_image
from pilothouse.lab.plan import Host
from protos.core_v1_pb2 import Node, Service
from tests.e2e import manifests
from tests.e2e.cluster import Lab, until


def test_every_node_has_its_own_pod_range_and_its_address(lab: Lab) -> None:
    nodes = {node.metadata.name: node for node in lab.client.list(Node).items}
    assert set(nodes) == {host.name for host in lab.plan.nodes}
    assert len({node.spec.pod_cidr for node in nodes.values()}) == 3
    for host in lab.plan.nodes:
        addresses = {a.type: a.address for a in nodes[host.name].status.addresses}
        assert addresses["InternalIP"] == host.address


def test_what_is_run_and_exposed_answers_on_every_host_and_in_a_pod(
    lab: Lab, namespace: str
) -> None:
    image = demo_image.name(1)
    lab.pilot("run", "web", f"--image={image}", "--replicas=2", "--port=8080", "-n", namespace)
    lab.pilot("expose", "deployment", "web", "--port=80", "--target-port=8080", "-n", namespace)
    names = {pod.metadata.name for pod in lab.ready_pods(namespace, 2)}
    address = lab.service_address(namespace, "web")
    for host in lab.plan.nodes:
        until(
            partial(_all_answer, lab, host, address, names, set()),
            within=20,
            what=f"answers of both pods on {host.name}",
        )
    url = f"http://{address}/"
    page = lab.pilot("exec", sorted(names)[0], "-n", namespace, "--", "wget", "-qO-", url)
    assert page.split()[0] in names


def test_pods_reach_each_other_across_hosts_by_their_addresses(lab: Lab, namespace: str) -> None:
    lab.pilot("apply", "-f", "-", stdin=manifests.web(namespace, 3))
    pods = lab.ready_pods(namespace, 3)
    assert {pod.spec.node_name for pod in pods} == {host.name for host in lab.plan.nodes}
    source = pods[0].metadata.name
    for pod in pods:
        url = f"http://{pod.status.pod_ip}:8080/"
        page = lab.pilot("exec", source, "-n", namespace, "--", "wget", "-qO-", url)
        assert page.split()[0] == pod.metadata.name


def test_scaling_up_and_down_changes_how_many_pods_there_are(lab: Lab, namespace: str) -> None:
    lab.pilot("apply", "-f", "-", stdin=manifests.web(namespace, 1, drain=0))
    lab.ready_pods(namespace, 1)
    lab.pilot("scale", "deployment", "web", "--replicas=4", "-n", namespace)
    lab.ready_pods(namespace, 4)
    lab.pilot("scale", "deployment", "web", "--replicas=2", "-n", namespace)
    lab.ready_pods(namespace, 2)
    table = lab.pilot("get", "pods", "-n", namespace, "-o", "wide").splitlines()
    assert len(table) == 3
    assert {"NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"} <= set(table[0].split())


def test_logs_are_read_followed_and_limited(lab: Lab, namespace: str) -> None:
    script = "i=0; while test $i -lt 50; do echo line $i; i=$((i+1)); done; sleep 1000"
    lab.pilot("apply", "-f", "-", stdin=manifests.pod(namespace, "talker", "sh", "-c", script))
    lab.ready_pods(namespace, 1)
    until(
        lambda: "line 49" in lab.pilot("logs", "talker", "-n", namespace),
        within=10,
        what="all the lines",
    )
    assert lab.pilot("logs", "talker", "-n", namespace, "--tail=2").split("\n")[:2] == [
        "line 48",
        "line 49",
    ]


def test_exec_passes_streams_and_the_exit_code_on(lab: Lab, namespace: str) -> None:
    lab.pilot("apply", "-f", "-", stdin=manifests.pod(namespace, "box", "sleep", "1000"))
    lab.ready_pods(namespace, 1)
    command = ("exec", "-i", "box", "-n", namespace, "--", "cat")
    assert lab.pilot(*command, stdin="through\n") == "through\n"
    script = "echo out; echo why >&2; exit 7"
    result = lab.try_pilot("exec", "box", "-n", namespace, "--", "sh", "-c", script)
    assert result.returncode == 7
    assert result.stdout == "out\n"
    assert "why" in result.stderr


def test_logs_are_followed_as_they_are_written(lab: Lab, namespace: str) -> None:
    script = "i=0; while true; do echo line $i; i=$((i+1)); sleep 0.1; done"
    lab.pilot("apply", "-f", "-", stdin=manifests.pod(namespace, "talker", "sh", "-c", script))
    lab.ready_pods(namespace, 1)
    with lab.piloting("logs", "-f", "talker", "-n", namespace) as follower:
        assert follower.stdout is not None
        lines = [follower.stdout.readline().strip() for _ in range(20)]
    assert lines == [f"line {number}" for number in range(20)]


def test_exec_with_a_terminal_behaves_as_one(lab: Lab, namespace: str) -> None:
    lab.pilot("apply", "-f", "-", stdin=manifests.pod(namespace, "box", "sleep", "1000"))
    lab.ready_pods(namespace, 1)
    script = "test -t 0 && test -t 1 && echo a terminal; read line; echo heard $line; exit 3"
    shown = lab.at_terminal(
        ("exec", "-it", "box", "-n", namespace, "--", "sh", "-c", script), "something\n"
    )
    assert "a terminal" in shown.output
    assert "heard something" in shown.output
    assert shown.exit_code == 3


def test_a_node_port_answers_on_every_host(lab: Lab, namespace: str) -> None:
    lab.pilot("apply", "-f", "-", stdin=manifests.web(namespace, 1, drain=0))
    lab.ready_pods(namespace, 1)
    lab.pilot(
        *("expose", "deployment", "web", "--name=outside", "--type=NodePort"),
        *("--port=80", "--target-port=8080", "-n", namespace),
    )
    service = lab.client.get(Service, "outside", namespace)
    for host in lab.plan.nodes:
        address = f"{host.address}:{service.spec.ports[0].node_port}"
        until(partial(lab.ask, lab.plan.master, address), within=10, what=f"an answer of {address}")


def test_services_have_names_in_pods(lab: Lab, namespace: str) -> None:
    lab.pilot("apply", "-f", "-", stdin=manifests.web(namespace, 1, drain=0))
    (pod,) = lab.ready_pods(namespace, 1)
    address = lab.service_address(namespace, "web")
    command = ("exec", pod.metadata.name, "-n", namespace, "--", "nslookup")
    name = f"web.{namespace}.svc.cluster.local"
    until(
        lambda: address in lab.try_pilot(*command, name).stdout,
        within=10,
        what=f"address of {name}",
    )


def test_why_names_every_node_for_a_pod_that_fits_nowhere(lab: Lab, namespace: str) -> None:
    text = manifests.pod(namespace, "large", "sleep", "1000")
    lab.pilot(
        "apply",
        "-f",
        "-",
        stdin=text + '    resources: {requests: {cpu: "1000"}}\n',
    )
    for host in lab.plan.nodes:
        until(
            lambda host=host: (  # type: ignore[misc]
                host.name in lab.pilot("why", "pod", "large", "-n", namespace)
            ),
            within=10,
            what=f"a verdict on {host.name}",
        )
    assert "cpu" in lab.pilot("why", "pod", "large", "-n", namespace)


def test_an_update_is_rolled_out_and_undone(lab: Lab, namespace: str) -> None:
    lab.pilot("apply", "-f", "-", stdin=manifests.web(namespace, 2, drain=0))
    lab.ready_pods(namespace, 2)
    lab.pilot("set", "image", "deployment/web", f"httpd={demo_image.name(2)}", "-n", namespace)
    lab.pilot("rollout", "status", "deployment/web", "-n", namespace, within=60)
    images = {pod.spec.containers[0].image for pod in lab.ready_pods(namespace, 2)}
    assert images == {demo_image.name(2)}
    lab.pilot("rollout", "undo", "deployment/web", "-n", namespace)
    lab.pilot("rollout", "status", "deployment/web", "-n", namespace, within=60)
    images = {pod.spec.containers[0].image for pod in lab.ready_pods(namespace, 2)}
    assert images == {demo_image.name(1)}


def test_what_is_applied_is_what_is_shown(lab: Lab, namespace: str) -> None:
    lab.pilot("apply", "-f", "-", stdin=manifests.web(namespace, 1))
    shown = json.loads(lab.pilot("get", "deployment", "web", "-n", namespace, "-o", "json"))
    assert shown["apiVersion"] == "apps/v1"
    container = shown["spec"]["template"]["spec"]["containers"][0]
    assert container["readinessProbe"]["httpGet"] == {"path": "/", "port": 8080, "scheme": "HTTP"}


def _all_answer(lab: Lab, host: Host, address: str, names: set[str], answered: set[str]) -> bool:
    """Ask once more; whether all have answered so far."""
    answered.add(lab.ask(host, address))
    return answered >= names
