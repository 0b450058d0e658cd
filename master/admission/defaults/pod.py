"""Defaults of pod specs: those every pod spec gets, and those only a pod gets.

A template keeps what its author left open (requests, host ports, service links, tolerations,
priority), so that its hash and its diffs stay the author's; the pod made from it is completed
when it is created. What classes give a pod is in master.admission.classes. Source: Kubernetes
1.32's core/v1 defaults and the admission plugins DefaultTolerationSeconds and ServiceAccount.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from master.admission.defaults.container import default_container, default_ephemeral
from master.admission.defaults.resources import default_requests, round_up_resources
from master.admission.defaults.volume import default_volume
from pilothouse.objects.remembering import remembered
from protos.core_v1_pb2 import Container, Pod, PodSpec

SYSTEM_PRIORITIES: Final = {
    "system-cluster-critical": 2_000_000_000,
    "system-node-critical": 2_000_001_000,
}
TOLERATION_SECONDS: Final = 300
_NOT_READY: Final = "node.kubernetes.io/not-ready"
_UNREACHABLE: Final = "node.kubernetes.io/unreachable"


def default_pod(pod: Pod) -> None:
    """Everything that an API server fills in on a pod itself."""
    pod.spec.CopyFrom(_completed(pod.spec))


@remembered
def _completed(written: PodSpec) -> PodSpec:
    spec = PodSpec()
    spec.CopyFrom(written)
    default_pod_spec(spec)
    if not spec.service_account_name:
        spec.service_account_name = spec.service_account = "default"
    if not spec.HasField("enable_service_links"):
        spec.enable_service_links = True
    _default_requests(spec)
    if spec.host_network:
        _default_host_ports(spec.containers)
        _default_host_ports(spec.init_containers)
    _default_tolerations(spec)
    return spec


def default_pod_spec(spec: PodSpec) -> None:
    """What every pod spec gets, in a pod and in a template."""
    if not spec.dns_policy:
        spec.dns_policy = "ClusterFirst"
    if not spec.restart_policy:
        spec.restart_policy = "Always"
    if not spec.HasField("security_context"):
        spec.security_context.SetInParent()
    if not spec.HasField("termination_grace_period_seconds"):
        spec.termination_grace_period_seconds = 30
    if not spec.scheduler_name:
        spec.scheduler_name = "default-scheduler"
    _mirror_service_account(spec)
    for volume in spec.volumes:
        default_volume(volume)
    for container in spec.init_containers:
        default_container(container)
    for container in spec.containers:
        default_container(container)
    for ephemeral in spec.ephemeral_containers:
        default_ephemeral(ephemeral.ephemeral_container_common)
    if spec.overhead:
        round_up_resources(spec.overhead)


def _mirror_service_account(spec: PodSpec) -> None:
    name = spec.service_account_name
    if not name:
        name = spec.service_account
        if not name:
            return
        spec.service_account_name = name
    spec.service_account = name


def _default_requests(spec: PodSpec) -> None:
    for container in spec.containers:
        if container.HasField("resources"):
            default_requests(container.resources)
    for container in spec.init_containers:
        if container.HasField("resources"):
            default_requests(container.resources)


def _default_host_ports(containers: Iterable[Container]) -> None:
    for container in containers:
        for port in container.ports:
            if not port.host_port:
                port.host_port = port.container_port


def _default_tolerations(spec: PodSpec) -> None:
    not_ready = unreachable = False
    for toleration in spec.tolerations:
        if toleration.effect in ("NoExecute", ""):
            key = toleration.key
            not_ready = not_ready or key in (_NOT_READY, "")
            unreachable = unreachable or key in (_UNREACHABLE, "")
    if not not_ready:
        _tolerate(spec, _NOT_READY)
    if not unreachable:
        _tolerate(spec, _UNREACHABLE)


def _tolerate(spec: PodSpec, key: str) -> None:
    spec.tolerations.add(
        key=key, operator="Exists", effect="NoExecute", toleration_seconds=TOLERATION_SECONDS
    )
