"""Scheduler decisions alone, in process: pods of a few deployments over many nodes.

python -m benchmarks.scheduler [--nodes 5000] [--pods 20000]
"""

from __future__ import annotations

import argparse
import time

from benchmarks.figures import DECISIONS, Report
from master.scheduler.placement import Placement
from master.scheduler.request import request_of
from master.scheduler.scheduling import draw_of
from master.scheduler.snapshot import Snapshot
from protos.core_v1_pb2 import Node, Pod

NODES = 5_000


def make_node(number: int) -> Node:
    """A node of 16 cores, 64 GiB and 110 pods."""
    node = Node()
    node.metadata.name = f"node-{number:05}"
    node.metadata.labels["kubernetes.io/hostname"] = node.metadata.name
    node.metadata.labels["topology.kubernetes.io/zone"] = f"zone-{number % 3}"
    for name, amount in (("cpu", "16"), ("memory", "64Gi"), ("pods", "110")):
        node.status.allocatable[name].string = amount
    return node


def make_pod(number: int, owners: int) -> Pod:
    """A pod of 100m and 128Mi, of one of so many controllers."""
    pod = Pod()
    pod.metadata.name = f"pod-{number}"
    pod.metadata.namespace = "default"
    pod.metadata.uid = f"uid-{number}"
    owner = number % owners
    pod.metadata.owner_references.add(uid=f"owner-{owner}", controller=True)
    container = pod.spec.containers.add(name="main", image="busybox")
    container.resources.requests["cpu"].string = "100m"
    container.resources.requests["memory"].string = "128Mi"
    return pod


def measure(nodes: int, pods: int, owners: int) -> tuple[float, float]:
    """Pods parsed and decided a second, each placed before the next is decided."""
    snapshot = Snapshot()
    for number in range(nodes):
        snapshot.set_node(make_node(number))
    made = [make_pod(number, owners) for number in range(pods)]
    start = time.perf_counter()
    requests = [request_of(pod) for pod in made]
    parsed = time.perf_counter()
    placement = Placement(snapshot)
    for request in requests:
        decision = placement.decide(request, draw_of(request.uid))
        assert decision.node is not None
        snapshot.place(request, decision.node)
    return pods / (parsed - start), pods / (time.perf_counter() - parsed)


def run(report: Report) -> None:
    """The section; what counts is the slowest of its rows."""
    report.section(f"Scheduler decisions alone, {NODES:,} nodes, in process")
    pods = 4_000 if report.quick else 20_000
    found = {owners: measure(NODES, pods, owners) for owners in (1, 10, 100)}
    rows = [(owners, pods, *rates) for owners, rates in found.items()]
    report.rows(("controllers", "pods", "parsed /s", "decided /s"), rows)
    report.keep(DECISIONS, min(decided for _, decided in found.values()))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=NODES)
    parser.add_argument("--pods", type=int, default=20000)
    arguments = parser.parse_args()
    print(f"{'nodes':>6} {'owners':>7} {'pods':>6} {'parse/s':>9} {'decide/s':>9}")
    for owners in (1, 10, 100):
        parsed, decided = measure(arguments.nodes, arguments.pods, owners)
        print(
            f"{arguments.nodes:>6} {owners:>7} {arguments.pods:>6} {parsed:>9.0f} {decided:>9.0f}"
        )


if __name__ == "__main__":
    main()
