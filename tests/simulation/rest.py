"""What must hold once every fault is healed and time has passed: pure questions to a world's
state. Each gives what is not so, in words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from agent.runtime.states import ContainerPhase
from pilothouse.objects import kinds
from protos.apps_v1_pb2 import Deployment, ReplicaSet
from protos.core_v1_pb2 import Event, Namespace, Node, Pod, Service
from protos.discovery_v1_pb2 import EndpointSlice
from tests.simulation.control import MASTER_ADDRESS
from tests.simulation.host import Host
from tests.simulation.monitor import Monitor, controller, is_active, is_over

EVENTS_ABOUT_ONE = 80
RETAINED_SETS = 10


def unrest(monitor: Monitor, hosts: Sequence[Host]) -> list[str]:
    """Everything that is not as it should be."""
    return [
        *_ending(monitor),
        *_unowned(monitor),
        *_nodes(monitor, hosts),
        *_pods(monitor),
        *_deployments(monitor),
        *_endpoints(monitor),
        *_machines(monitor, hosts),
        *_allocations(monitor),
        *_events(monitor),
    ]


def _all(monitor: Monitor) -> Iterable[Any]:
    return (obj for key, obj in monitor.objects.items() if not key.startswith("/-/"))


def _name(obj: Any) -> str:
    return f"{kinds.of(obj).resource} {obj.metadata.namespace}/{obj.metadata.name}"


def _ending(monitor: Monitor) -> Iterable[str]:
    for obj in _all(monitor):
        if obj.metadata.HasField("deletion_timestamp"):
            yield f"{_name(obj)} was deleted and is not gone"


def _unowned(monitor: Monitor) -> Iterable[str]:
    uids = {obj.metadata.uid for obj in _all(monitor)}
    names = {namespace.metadata.name for namespace in monitor.of(Namespace)}
    for obj in _all(monitor):
        for owner in obj.metadata.owner_references:
            if owner.uid not in uids:
                yield f"{_name(obj)}: its owner {owner.kind} {owner.name} is gone"
        if obj.metadata.namespace and obj.metadata.namespace not in names:
            yield f"{_name(obj)}: its namespace is gone"
        if isinstance(obj, ReplicaSet) and not obj.metadata.owner_references:
            yield f"{_name(obj)}: nobody owns it"


def _nodes(monitor: Monitor, hosts: Sequence[Host]) -> Iterable[str]:
    for host in hosts:
        node = monitor.get(Node, "", host.name)
        if node is None:
            yield f"node {host.name}: not there"
            continue
        ready = {c.type: c.status for c in node.status.conditions}.get("Ready")
        if ready != "True" or node.spec.taints:
            yield f"node {host.name}: ready {ready}, taints {[t.key for t in node.spec.taints]}"


def _is_ready(pod: Pod) -> bool:
    return any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions)


def _pods(monitor: Monitor) -> Iterable[str]:
    for pod in monitor.of(Pod):
        if is_over(pod):
            continue
        if not pod.spec.node_name or pod.status.phase != "Running" or not _is_ready(pod):
            yield f"{_name(pod)}: {pod.status.phase} on {pod.spec.node_name!r}, not ready"


def _deployments(monitor: Monitor) -> Iterable[str]:
    for deployment in monitor.of(Deployment):
        sets = [r for r in monitor.of(ReplicaSet) if controller(r) == deployment.metadata.uid]
        uids = {replica_set.metadata.uid for replica_set in sets}
        pods = [p for p in monitor.of(Pod) if controller(p) in uids and is_active(p)]
        wanted = deployment.spec.replicas
        if len(pods) != wanted:
            yield f"{_name(deployment)}: {len(pods)} pods, wanted {wanted}"
        image = deployment.spec.template.spec.containers[0].image
        others = [p.metadata.name for p in pods if p.spec.containers[0].image != image]
        if others:
            yield f"{_name(deployment)}: pods of an older template: {others}"
        if len(sets) > RETAINED_SETS + 1:
            yield f"{_name(deployment)}: {len(sets)} replica sets"
        status = deployment.status
        if (status.observed_generation, status.ready_replicas, status.updated_replicas) != (
            deployment.metadata.generation,
            wanted,
            wanted,
        ):
            yield f"{_name(deployment)}: status is not that of its pods"


def _endpoints(monitor: Monitor) -> Iterable[str]:
    shown: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in monitor.of(EndpointSlice):
        service = one.metadata.labels["kubernetes.io/service-name"]
        for endpoint in one.endpoints:
            if endpoint.conditions.ready:
                shown[one.metadata.namespace, service].extend(endpoint.addresses)
    for service_ in monitor.of(Service):
        key = service_.metadata.namespace, service_.metadata.name
        if key == ("default", "kubernetes"):
            if shown.pop(key, []) != [MASTER_ADDRESS]:
                yield f"{_name(service_)}: endpoints are not the master"
            continue
        selector = dict(service_.spec.selector)
        ready = [
            pod.status.pod_ip
            for pod in monitor.of(Pod)
            if pod.metadata.namespace == key[0]
            and selector.items() <= dict(pod.metadata.labels).items()
            and is_active(pod)
            and _is_ready(pod)
        ]
        if sorted(shown.pop(key, [])) != sorted(ready):
            yield f"{_name(service_)}: endpoints are not its {len(ready)} ready pods"
    for key in shown:
        yield f"endpoints of {key[0]}/{key[1]}, which is gone"


def _machines(monitor: Monitor, hosts: Sequence[Host]) -> Iterable[str]:
    pods = {pod.metadata.uid: pod for pod in monitor.of(Pod)}
    for host in hosts:
        ips = Counter(held.sandbox.ip for held in host.machine.pods.values())
        for ip, count in ips.items():
            if count > 1:
                yield f"{host.name}: {count} pods have the address {ip}"
        running: dict[str, list[str]] = defaultdict(list)
        for run in host.machine.runs.values():
            if run.state.phase is ContainerPhase.RUNNING:
                running[run.spec.pod].append(run.spec.name)
        for uid in {*running, *host.machine.pods}:
            if uid not in pods or pods[uid].spec.node_name != host.name:
                yield f"{host.name}: holds pod {uid}, which is not bound to it"
        yield from _bound(host, pods.values(), running)


def _bound(host: Host, pods: Iterable[Pod], running: dict[str, list[str]]) -> Iterable[str]:
    for pod in pods:
        if pod.spec.node_name != host.name:
            continue
        uid = pod.metadata.uid
        wanted = [] if is_over(pod) else [c.name for c in pod.spec.containers]
        if sorted(running[uid]) != sorted(wanted):
            yield f"{_name(pod)}: {running[uid]} run on {host.name}, wanted {wanted}"
        held = host.machine.pods.get(uid)  # type: ignore[call-overload]
        if wanted and held is not None and held.sandbox.ip != pod.status.pod_ip:
            yield f"{_name(pod)}: says {pod.status.pod_ip}, has {held.sandbox.ip}"


def _allocations(monitor: Monitor) -> Iterable[str]:
    """Every address and port in use is held, and nothing else is."""
    held = {key.split("/", 4)[3] + "/" + key.split("/", 4)[4] for key in monitor.keys("/-/alloc")}
    used: set[str] = set()
    for service in monitor.of(Service):
        used.update(f"addresses/{ip}" for ip in service.spec.cluster_ips if ip != "None")
        used.update(f"ports/{p.node_port}" for p in service.spec.ports if p.node_port)
    for node in monitor.of(Node):
        used.add("subnets/" + node.spec.pod_cidr.replace("/", "_"))
    if held != used:
        yield f"allocations: held and not used {held - used}, used and not held {used - held}"


def _events(monitor: Monitor) -> Iterable[str]:
    about = Counter(event.involved_object.uid for event in monitor.of(Event))
    for uid, count in about.items():
        if count > EVENTS_ABOUT_ONE:
            yield f"{count} events about {uid}"
