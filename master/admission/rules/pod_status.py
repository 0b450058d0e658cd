"""Rules of what a node reports about a pod."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from master.admission.faults import Path, duplicate, forbidden, invalid, unsupported
from master.admission.grammar import address, dns_subdomain, qualified_name
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import Container, ContainerStatus, Pod, PodStatus

_STATUS: Final[Path] = ("status",)
_PHASES: Final = frozenset({"", "Pending", "Running", "Succeeded", "Failed", "Unknown"})
_CONDITIONS: Final = frozenset({"True", "False", "Unknown"})


def check_pod_status(new: Pod, old: Pod, found: list[Cause]) -> None:
    """The status of an existing pod; what has ended for good does not start again."""
    status = new.status
    if status.phase not in _PHASES:
        found.append(unsupported((*_STATUS, "phase"), status.phase, _PHASES - {""}))
    nominated = status.nominated_node_name
    if nominated and (why := dns_subdomain(nominated)) is not None:
        found.append(invalid((*_STATUS, "nominatedNodeName"), nominated, why))
    for index, condition in enumerate(status.conditions):
        here = (*_STATUS, "conditions", index)
        if (why := qualified_name(condition.type)) is not None:
            found.append(invalid((*here, "type"), condition.type, why))
        if condition.status not in _CONDITIONS:
            found.append(unsupported((*here, "status"), condition.status, _CONDITIONS))
    _check_addresses(status, found)
    if status.host_ips and status.host_ip != status.host_ips[0].ip:
        at = (*_STATUS, "hostIPs", 0, "ip")
        found.append(invalid(at, status.host_ips[0].ip, "must be equal to `hostIP`"))
    _check_restarts(new, old, found)


def _check_addresses(status: PodStatus, found: list[Cause]) -> None:
    at = (*_STATUS, "podIPs")
    seen: set[str] = set()
    for index, pod_ip in enumerate(status.pod_ips):
        if (why := address(pod_ip.ip)) is not None:
            found.append(invalid((*at, index), pod_ip.ip, why))
        if pod_ip.ip in seen:
            found.append(duplicate((*at, index), pod_ip.ip))
        seen.add(pod_ip.ip)
    if len(status.pod_ips) > 1:
        families = {":" in pod_ip.ip for pod_ip in status.pod_ips}
        if len(status.pod_ips) > 2 or len(families) != 2:
            listed = [pod_ip.ip for pod_ip in status.pod_ips]
            why = "may specify no more than one IP for each IP family"
            found.append(invalid(at, listed, why))


def _check_restarts(new: Pod, old: Pod, found: list[Cause]) -> None:
    """A container that ended stays ended unless the pod's or its own policy restarts it."""
    policy = old.spec.restart_policy
    if policy == "Always":
        return
    before, after = old.status, new.status
    _check_ended(
        before.container_statuses,
        after.container_statuses,
        policy,
        frozenset(),
        (*_STATUS, "containerStatuses"),
        found,
    )
    _check_ended(
        before.init_container_statuses,
        after.init_container_statuses,
        policy,
        _sidecars(old.spec.init_containers),
        (*_STATUS, "initContainerStatuses"),
        found,
    )


def _sidecars(containers: Iterable[Container]) -> frozenset[str]:
    return frozenset(
        container.name for container in containers if container.restart_policy == "Always"
    )


def _check_ended(
    before: Iterable[ContainerStatus],
    after: Iterable[ContainerStatus],
    policy: str,
    restartable: frozenset[str],
    at: Path,
    found: list[Cause],
) -> None:
    ended = {
        status.name: status.state.terminated.exit_code
        for status in before
        if status.state.HasField("terminated") and status.name not in restartable
    }
    for index, status in enumerate(after):
        if status.name not in ended or status.state.HasField("terminated"):
            continue
        if policy == "OnFailure" and ended[status.name] != 0:
            continue
        why = "may not be transitioned to non-terminated state"
        found.append(forbidden((*at, index, "state"), why))
