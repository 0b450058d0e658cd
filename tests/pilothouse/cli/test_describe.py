"""pilot describe: every kind, with what belongs to it and its events."""

from __future__ import annotations

import pytest

from pilothouse.objects import kinds
from pilothouse.objects.kinds import Kind
from tests.pilothouse.cli.terminal import Pilot
from tests.samples import sample


@pytest.mark.parametrize("kind", list(kinds.every()), ids=lambda kind: kind.resource)
def test_every_kind_is_described(pilot: Pilot, kind: Kind) -> None:
    manifest = sample(kind.kind)
    if manifest:
        pilot("apply", "-f", "-", input=manifest)
    else:
        pilot.deployment("web", 1, "--port=80", "--expose")
        pilot("create", "secret", "hush", "--from-literal=password=tops3cret")
        pilot("create", "configmap", "conf")
    answer = pilot("describe", kind.resource, "-A")
    assert answer.out.startswith("Name:")
    assert "Created:" in answer.out
    assert "tops3cret" not in answer.out
    assert answer.out.count("\nEvents:") >= 1


def test_a_pod_with_all_that_is_known_of_it(pilot: Pilot) -> None:
    manifest = """
apiVersion: v1
kind: Pod
metadata: {name: full, labels: {app: full, tier: db}, annotations: {note: hello}}
spec:
  nodeSelector: {kubernetes.io/os: linux}
  volumes: [{name: scratch, emptyDir: {}}]
  initContainers:
  - {name: first, image: "i:1", command: ["true"]}
  containers:
  - name: main
    image: app:1
    command: [serve]
    args: ["-v"]
    ports: [{containerPort: 80}]
    resources: {requests: {cpu: 100m}, limits: {memory: 64Mi}}
    livenessProbe: {httpGet: {path: /live, port: 80}}
    readinessProbe: {exec: {command: ["true"]}, periodSeconds: 1}
    startupProbe: {tcpSocket: {port: 80}}
"""
    pilot("apply", "-f", "-", input=manifest)
    pilot("wait", "pod", "full")
    answer = pilot.until("describe", "pod", "full", out="Started container main")
    for line in (
        "Labels:           app=full\n                  tier=db\n",
        "Annotations:      note=hello\n",
        "Init Containers:\n  first:\n",
        "Command:        serve\n",
        "Args:           -v\n",
        "Requests:       cpu 100m, memory 64Mi\n",
        "Liveness:       http-get :80/live delay=0s timeout=1s period=10s #success=1 #failure=3\n",
        "Readiness:      exec true",
        "Startup:        tcp-socket :80",
        "State:          Terminated: Completed (exit code 0)\n",
        "Node-Selectors:   kubernetes.io/os=linux\n",
        "Volumes:          scratch\n",
        "QoS Class:        Burstable\n",
    ):
        assert line in answer.out, answer.out
    assert "last-applied" not in answer.out


def test_a_deployment_with_its_replica_sets(pilot: Pilot) -> None:
    pilot.deployment("web", 1)
    pilot("set", "image", "deploy/web", "web=app:2")
    pilot("rollout", "status", "web", "--timeout=30s")
    answer = pilot("describe", "deploy", "web")
    assert "Replicas:       1 desired | 1 updated | 1 total | 1 available" in answer.out
    rows = [row for row in answer.rows if row[-1] in ("app:1", "app:2")]
    assert [(row[0], *row[2:]) for row in rows if len(row) == 4] == [
        ("1", "0/0", "app:1"),
        ("2", "1/1", "app:2"),
    ]
    assert "ScalingReplicaSet" in answer.out


def test_a_service_with_its_endpoints(pilot: Pilot) -> None:
    pilot.deployment("web", 2, "--port=80")
    pilot("expose", "deploy/web", "--port=8080", "--target-port=80")
    addresses = pilot("get", "pods", "-o", "jsonpath={.items[*].status.podIP}").out.split()
    answer = pilot.until("describe", "svc", "web", out=f"{addresses[1]}:80")
    assert f"{addresses[0]}:80" in answer.out
    assert "<unset> 8080/TCP → 80\n" in answer.out


def test_a_node_with_its_pods_and_what_they_ask_for(pilot: Pilot) -> None:
    pilot.deployment("web", 1, "--requests=cpu=250m")
    (node,) = pilot("get", "pods", "-o", "wide").column("NODE")
    answer = pilot("describe", "node", node)
    assert "Unschedulable:      false\n" in answer.out
    assert pilot.namespace in [row[0] for row in answer.rows]
    (cpu,) = [row for row in answer.rows if row[0] == "cpu"]
    assert cpu[1:3] == ["32", "32"]


def test_several_and_none(pilot: Pilot) -> None:
    pilot("create", "configmap", "a", "--from-literal=k=v")
    pilot("create", "configmap", "b")
    rows = pilot("describe", "cm").rows
    assert {"a", "b"} <= {row[1] for row in rows if row[0] == "Name:"}
    assert "  k:\n      v\n" in pilot("describe", "cm", "a").out
    assert "no matching objects" in pilot.refused("describe", "pods")
    assert '"x" not found' in pilot.refused("describe", "pod", "x")
