"""Rules of pod specs, in pods and in templates."""

from __future__ import annotations

from typing import Final

from master.admission.faults import Key, Path, forbidden, invalid, required, unsupported
from master.admission.grammar import Check, dns_label, dns_subdomain, in_range, qualified_name
from master.admission.rules.containers import Surroundings, check_containers
from master.admission.rules.metadata import NOT_NEGATIVE, check_labels
from master.admission.rules.pod_dns import check_dns, check_host_aliases
from master.admission.rules.resource_claims import check_resource_claims
from master.admission.rules.resources import check_amount, container_resource_fault
from master.admission.rules.scheduling import (
    check_affinity,
    check_gates,
    check_spread,
    check_tolerations,
)
from master.admission.rules.security import check_pod_security
from master.admission.rules.systems import check_system
from master.admission.rules.volumes import check_volumes
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import PodSpec

RESTART_POLICIES: Final = frozenset({"Always", "Never", "OnFailure"})
PREEMPTION_POLICIES: Final = frozenset({"Never", "PreemptLowerPriority"})
_SYSTEMS: Final = frozenset({"linux", "windows"})
_MAX_DEADLINE: Final = 2**31 - 1
_NONE: Final[frozenset[str]] = frozenset()
_HOST_NAMESPACES: Final = (
    ("host_network", "hostNetwork"),
    ("host_pid", "hostPID"),
    ("host_ipc", "hostIPC"),
)


def check_pod_spec(spec: PodSpec, at: Path, found: list[Cause]) -> None:
    """Everything in a spec that does not depend on the pod around it."""
    volumes = check_volumes(spec.volumes, (*at, "volumes"), found) if spec.volumes else {}
    claims = _NONE
    if spec.resource_claims:
        claims = check_resource_claims(spec.resource_claims, (*at, "resourceClaims"), found)
    check_containers(Surroundings(spec, volumes, claims), at, found)
    if spec.restart_policy not in RESTART_POLICIES:
        here = (*at, "restartPolicy")
        policy = spec.restart_policy
        found.append(unsupported(here, policy, RESTART_POLICIES) if policy else required(here))
    check_dns(spec, at, found)
    if spec.host_aliases:
        check_host_aliases(spec.host_aliases, (*at, "hostAliases"), found)
    _check_times(spec, at, found)
    _check_names(spec, at, found)
    _check_placement(spec, at, found)
    _check_host(spec, at, found)
    _check_rest(spec, at, found)


def _check_times(spec: PodSpec, at: Path, found: list[Cause]) -> None:
    grace = spec.termination_grace_period_seconds
    if grace < 0:
        found.append(invalid((*at, "terminationGracePeriodSeconds"), grace, NOT_NEGATIVE))
    if spec.HasField("active_deadline_seconds"):
        deadline = spec.active_deadline_seconds
        if (why := in_range(deadline, 1, _MAX_DEADLINE)) is not None:
            found.append(invalid((*at, "activeDeadlineSeconds"), deadline, why))


def _check_names(spec: PodSpec, at: Path, found: list[Cause]) -> None:
    _check_name(spec.service_account_name, dns_subdomain, (*at, "serviceAccountName"), found)
    _check_name(spec.node_name, dns_subdomain, (*at, "nodeName"), found)
    _check_name(spec.hostname, dns_label, (*at, "hostname"), found)
    _check_name(spec.subdomain, dns_label, (*at, "subdomain"), found)
    _check_name(spec.priority_class_name, dns_subdomain, (*at, "priorityClassName"), found)
    _check_name(spec.runtime_class_name, dns_subdomain, (*at, "runtimeClassName"), found)


def _check_name(name: str, check: Check, at: Path, found: list[Cause]) -> None:
    if name and (why := check(name)) is not None:
        found.append(invalid(at, name, why))


def _check_placement(spec: PodSpec, at: Path, found: list[Cause]) -> None:
    if spec.node_selector:
        check_labels(spec.node_selector, (*at, "nodeSelector"), found)
    if spec.HasField("affinity"):
        check_affinity(spec.affinity, (*at, "affinity"), found)
    if spec.tolerations:
        check_tolerations(spec.tolerations, (*at, "tolerations"), found)
    if spec.topology_spread_constraints:
        here = (*at, "topologySpreadConstraints")
        check_spread(spec.topology_spread_constraints, here, found)
    if spec.scheduling_gates:
        check_gates(spec.scheduling_gates, (*at, "schedulingGates"), found)
    if spec.HasField("preemption_policy"):
        policy = spec.preemption_policy
        if policy not in PREEMPTION_POLICIES:
            found.append(unsupported((*at, "preemptionPolicy"), policy, PREEMPTION_POLICIES))


def _check_host(spec: PodSpec, at: Path, found: list[Cause]) -> None:
    if spec.HasField("security_context"):
        check_pod_security(spec.security_context, spec, (*at, "securityContext"), found)
    if spec.share_process_namespace and spec.host_pid:
        why = "ShareProcessNamespace and HostPID cannot both be enabled"
        found.append(invalid((*at, "shareProcessNamespace"), True, why))
    if spec.HasField("host_users") and not spec.host_users:
        for field, name in _HOST_NAMESPACES:
            if getattr(spec, field):
                found.append(forbidden((*at, name), "when `pod.Spec.HostUsers` is false"))


def _check_rest(spec: PodSpec, at: Path, found: list[Cause]) -> None:
    for index, gate in enumerate(spec.readiness_gates):
        if (why := qualified_name(gate.condition_type)) is not None:
            here = (*at, "readinessGates", index, "conditionType")
            found.append(invalid(here, gate.condition_type, why))
    if spec.HasField("os"):
        if not spec.os.name:
            found.append(required((*at, "os", "name"), "cannot be empty"))
        elif spec.os.name not in _SYSTEMS:
            found.append(unsupported((*at, "os"), spec.os.name, _SYSTEMS))
        else:
            check_system(spec, at, found)
    if spec.overhead:
        for name, quantity in spec.overhead.items():
            here = (*at, "overhead", Key(name))
            if (why := container_resource_fault(name)) is not None:
                found.append(invalid(here, name, why))
            check_amount(name, quantity.string, here, found)
