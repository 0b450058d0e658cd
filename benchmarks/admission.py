"""What admission costs per object, in process, on one core.

python -m benchmarks.admission [--seconds 1]

Each row completes, prepares and validates a fresh copy of an object, over and over, and shows
microseconds of processor time a piece. Names always differ from copy to copy; pods of one kind
share their spec, as those of one replica set do.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import count

from google.protobuf.message import Message

from master.admission.allocation import NODE_PORTS, AddressPool, SubnetPool, Taken, subnet_at
from master.admission.defaulting import apply_defaults
from master.admission.service_allocation import plan_service
from master.admission.strategy import prepare_create, prepare_update
from master.admission.validation import validate_create, validate_update
from protos.core_v1_pb2 import Pod, Service

SERVICES = 10_000
NODES = 5_000


def plain_pod() -> Pod:
    """One container with requests and nothing else."""
    pod = Pod()
    pod.metadata.name, pod.metadata.namespace = "plain", "default"
    container = pod.spec.containers.add(name="main", image="example.com/web:1.0")
    container.resources.requests["cpu"].string = "100m"
    container.resources.requests["memory"].string = "128Mi"
    return pod


def typical_pod() -> Pod:
    """As a replica set makes them: labels, owner, ports, environment, probe, config volume."""
    pod = plain_pod()
    pod.metadata.labels["app"] = "web"
    pod.metadata.labels["pod-template-hash"] = "5d4f8c7b9"
    pod.metadata.owner_references.add(
        api_version="apps/v1", kind="ReplicaSet", name="web-5d4f8c7b9", uid="1-2", controller=True
    )
    container = pod.spec.containers[0]
    container.resources.limits["memory"].string = "256Mi"
    container.ports.add(name="http", container_port=8080)
    container.env.add(name="MODE", value="production")
    variable = container.env.add(name="POD_NAME")
    variable.value_from.field_ref.field_path = "metadata.name"
    container.readiness_probe.probe_handler.http_get.port.int_val = 8080
    volume = pod.spec.volumes.add(name="config")
    volume.volume_source.config_map.local_object_reference.name = "web"
    container.volume_mounts.add(name="config", mount_path="/etc/web")
    return pod


def large_pod() -> Pod:
    """Four typical containers and an init container."""
    pod = typical_pod()
    for number in range(3):
        container = pod.spec.containers.add()
        container.CopyFrom(pod.spec.containers[0])
        container.name = f"side-{number}"
    pod.spec.init_containers.add(name="setup", image="example.com/setup:1.0")
    return pod


def creating(sample: Pod, *, alike: bool = True) -> Callable[[int], None]:
    """The whole way of a create, copy included; alike: the pods differ in their names alone."""
    tags = count()

    def create(number: int) -> None:
        pod = Pod()
        pod.CopyFrom(sample)
        pod.metadata.name = f"{sample.metadata.name}-{number}"
        if not alike:
            pod.spec.containers[0].image = f"example.com/web:{next(tags)}"
        apply_defaults(pod)
        prepare_create(pod, "1-2-3", 1)
        _require(validate_create(pod) == [])

    return create


def reporting(sample: Pod) -> Callable[[int], None]:
    """The way of an update of the status."""
    old = _admitted(sample)

    def report(number: int) -> None:
        pod = Pod()
        pod.CopyFrom(old)
        pod.status.phase = "Running"
        pod.status.pod_ip = f"10.244.0.{number % 250}"
        apply_defaults(pod)
        prepare_update(pod, old, "status")
        _require(validate_update(pod, old) == [])

    return report


def allocating() -> Callable[[int], None]:
    """A cluster IP and a node port among those of many services."""
    pool = AddressPool.of("10.96.0.0/12")
    addresses, ports = Taken(pool.size), Taken(len(NODE_PORTS))
    for slot in range(SERVICES):
        addresses.add(slot * 7 % pool.size)
    for slot in range(len(NODE_PORTS) - 1):
        ports.add(slot)
    service = Service()
    service.spec.ports.add(port=80)
    service.spec.type = "NodePort"

    def allocate(number: int) -> None:
        new = Service()
        new.CopyFrom(service)
        plan = plan_service(new, None, pool, addresses, ports, number * 2_654_435_761)
        _require(not plan.causes)

    return allocate


def placing_networks() -> Callable[[int], None]:
    """The last free pod network but one among those of many nodes."""
    pool = SubnetPool.of("10.0.0.0/11")
    taken = Taken(pool.size)
    for slot in range(NODES):
        taken.add(slot)

    def place(number: int) -> None:
        _require(isinstance(subnet_at(pool, taken, "", number, ("spec", "podCIDR")), range))

    return place


def _admitted(sample: Pod) -> Pod:
    pod = Pod()
    pod.CopyFrom(sample)
    apply_defaults(pod)
    prepare_create(pod, "1-2-3", 1)
    return pod


def _require(holds: bool) -> None:
    if not holds:
        raise RuntimeError("the sample was refused")


def copying(sample: Message) -> Callable[[int], None]:
    """What the copy alone costs."""

    def copy(number: int) -> None:
        type(sample)().CopyFrom(sample)

    return copy


def measure(work: Callable[[int], None], seconds: float) -> tuple[float, int]:
    """Microseconds a piece, the best of five runs, and the pieces of one run."""
    pieces = 1
    while (took := _run(work, pieces)) < seconds / 5:
        pieces = max(pieces * 2, int(pieces * seconds / 5 / max(took, 1e-6)))
    return min(_run(work, pieces) for _ in range(5)) / pieces * 1e6, pieces


def _run(work: Callable[[int], None], pieces: int) -> float:
    start = time.process_time()
    for number in range(pieces):
        work(number)
    return time.process_time() - start


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each row")
    arguments = parser.parse_args()
    rows = {
        "copy of a typical pod alone": copying(typical_pod()),
        "create plain pods of one kind": creating(plain_pod()),
        "create typical pods of one kind": creating(typical_pod()),
        "create large pods of one kind": creating(large_pod()),
        "create plain pods, all different": creating(plain_pod(), alike=False),
        "create typical pods, all different": creating(typical_pod(), alike=False),
        "create large pods, all different": creating(large_pod(), alike=False),
        "status of a typical pod": reporting(typical_pod()),
        f"allocate among {SERVICES} services": allocating(),
        f"pod network among {NODES} nodes": placing_networks(),
    }
    print(f"{'':34} {'µs':>8} {'/s':>9}")
    for name, work in rows.items():
        micros, _ = measure(work, arguments.seconds)
        print(f"{name:34} {micros:8.1f} {1e6 / micros:9.0f}")


if __name__ == "__main__":
    main()
