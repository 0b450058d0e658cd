"""Rules of containers: application, init, sidecar and ephemeral ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from master.admission.faults import (
    Path,
    duplicate,
    forbidden,
    invalid,
    not_found,
    required,
    unsupported,
)
from master.admission.grammar import address, dns_label, port_name, port_number
from master.admission.rules.environment import check_environment, check_environment_sources
from master.admission.rules.mounts import check_mounts
from master.admission.rules.probes import (
    check_lifecycle,
    check_readiness,
    check_single_success,
)
from master.admission.rules.resources import check_resources
from master.admission.rules.security import check_container_security
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import (
    Container,
    ContainerPort,
    EphemeralContainer,
    EphemeralContainerCommon,
    PodSpec,
)

PROTOCOLS: Final = frozenset({"SCTP", "TCP", "UDP"})
PULL_POLICIES: Final = frozenset({"Always", "IfNotPresent", "Never"})
_MESSAGE_POLICIES: Final = frozenset({"FallbackToLogsOnError", "File"})
_RESIZED: Final = frozenset({"cpu", "memory"})
_RESIZE_POLICIES: Final = frozenset({"NotRequired", "RestartContainer"})
_ONLY_SIDECARS: Final = "may not be set for init containers without restartPolicy=Always"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What containers are checked against: their pod, its volumes (name → field of the source)
    and its resource claims."""

    spec: PodSpec
    volumes: Mapping[str, str]
    claims: frozenset[str]


def check_containers(around: Surroundings, at: Path, found: list[Cause]) -> None:
    """All containers of the pod; no name comes twice."""
    spec = around.spec
    names: set[str] = set()
    if not spec.containers:
        found.append(required((*at, "containers")))
    for index, container in enumerate(spec.containers):
        here = (*at, "containers", index)
        _check_container(container, around, here, names, found)
        _check_hooks(container, spec, here, found)
        if container.HasField("restart_policy"):
            why = "may not be set for non-init containers"
            found.append(forbidden((*here, "restartPolicy"), why))
    for index, container in enumerate(spec.init_containers):
        here = (*at, "initContainers", index)
        _check_container(container, around, here, names, found)
        _check_init_container(container, spec, here, found)
    if spec.ephemeral_containers:
        _check_ephemeral(spec.ephemeral_containers, around, names, at, found)
    _check_host_ports(spec, at, found)


def _check_container(
    container: Container | EphemeralContainerCommon,
    around: Surroundings,
    at: Path,
    names: set[str],
    found: list[Cause],
) -> None:
    name = container.name
    if not name:
        found.append(required((*at, "name")))
    elif (why := dns_label(name)) is not None:
        found.append(invalid((*at, "name"), name, why))
    elif name in names:
        found.append(duplicate((*at, "name"), name))
    names.add(name)
    if not container.image:
        found.append(required((*at, "image")))
    _check_policies(container, around, at, found)
    if container.ports:
        check_ports(container.ports, (*at, "ports"), found)
    if container.env:
        check_environment(container.env, (*at, "env"), found)
    if container.env_from:
        check_environment_sources(container.env_from, (*at, "envFrom"), found)
    if container.volume_mounts or container.volume_devices:
        check_mounts(container, around.volumes, at, found)
    if container.HasField("resources"):
        check_resources(container.resources, around.claims, (*at, "resources"), found)
    if container.HasField("security_context"):
        here = (*at, "securityContext")
        check_container_security(container.security_context, around.spec, here, found)


def _check_policies(
    container: Container | EphemeralContainerCommon,
    around: Surroundings,
    at: Path,
    found: list[Cause],
) -> None:
    policy = container.image_pull_policy
    if policy not in PULL_POLICIES:
        here = (*at, "imagePullPolicy")
        found.append(unsupported(here, policy, PULL_POLICIES) if policy else required(here))
    policy = container.termination_message_policy
    if policy not in _MESSAGE_POLICIES:
        here = (*at, "terminationMessagePolicy")
        found.append(unsupported(here, policy, _MESSAGE_POLICIES) if policy else required(here))
    if container.resize_policy:
        never = around.spec.restart_policy == "Never"
        _check_resize_policies(container, never, (*at, "resizePolicy"), found)


def _check_resize_policies(
    container: Container | EphemeralContainerCommon, never: bool, at: Path, found: list[Cause]
) -> None:
    seen: set[str] = set()
    for index, policy in enumerate(container.resize_policy):
        here = (*at, index)
        if policy.resource_name in seen:
            found.append(duplicate(here, policy.resource_name))
        seen.add(policy.resource_name)
        if policy.resource_name not in _RESIZED:
            found.append(unsupported((*here, "resourceName"), policy.resource_name, _RESIZED))
        if policy.restart_policy not in _RESIZE_POLICIES:
            here = (*here, "restartPolicy")
            found.append(unsupported(here, policy.restart_policy, _RESIZE_POLICIES))
        elif never and policy.restart_policy != "NotRequired":
            why = "must be 'NotRequired' when `restartPolicy` is 'Never'"
            found.append(invalid((*here, "restartPolicy"), policy.restart_policy, why))


def check_ports(ports: Iterable[ContainerPort], at: Path, found: list[Cause]) -> None:
    """A container's ports: numbers, protocols, names that come once."""
    names: set[str] = set()
    for index, port in enumerate(ports):
        if name := port.name:
            if (why := port_name(name)) is not None:
                found.append(invalid((*at, index, "name"), name, why))
            elif name in names:
                found.append(duplicate((*at, index, "name"), name))
            names.add(name)
        if not port.container_port:
            found.append(required((*at, index, "containerPort")))
        elif (why := port_number(port.container_port)) is not None:
            found.append(invalid((*at, index, "containerPort"), port.container_port, why))
        if port.host_port and (why := port_number(port.host_port)) is not None:
            found.append(invalid((*at, index, "hostPort"), port.host_port, why))
        protocol = port.protocol
        if protocol not in PROTOCOLS:
            here = (*at, index, "protocol")
            found.append(unsupported(here, protocol, PROTOCOLS) if protocol else required(here))
        if port.host_ip and (why := address(port.host_ip)) is not None:
            found.append(invalid((*at, index, "hostIP"), port.host_ip, why))


def _check_hooks(container: Container, spec: PodSpec, at: Path, found: list[Cause]) -> None:
    if container.HasField("lifecycle"):
        grace = spec.termination_grace_period_seconds
        check_lifecycle(container.lifecycle, grace, (*at, "lifecycle"), found)
    if container.HasField("liveness_probe"):
        check_single_success(container.liveness_probe, (*at, "livenessProbe"), found)
    if container.HasField("readiness_probe"):
        check_readiness(container.readiness_probe, (*at, "readinessProbe"), found)
    if container.HasField("startup_probe"):
        check_single_success(container.startup_probe, (*at, "startupProbe"), found)


def _check_init_container(
    container: Container, spec: PodSpec, at: Path, found: list[Cause]
) -> None:
    if container.HasField("restart_policy"):
        if container.restart_policy == "Always":
            _check_hooks(container, spec, at, found)
            return
        here = (*at, "restartPolicy")
        found.append(unsupported(here, container.restart_policy, {"Always"}))
    if container.HasField("lifecycle"):
        found.append(forbidden((*at, "lifecycle"), _ONLY_SIDECARS))
    if container.HasField("liveness_probe"):
        found.append(forbidden((*at, "livenessProbe"), _ONLY_SIDECARS))
    if container.HasField("readiness_probe"):
        found.append(forbidden((*at, "readinessProbe"), _ONLY_SIDECARS))
    if container.HasField("startup_probe"):
        found.append(forbidden((*at, "startupProbe"), _ONLY_SIDECARS))


_NOT_EPHEMERAL: Final = (
    ("ports", "ports"),
    ("lifecycle", "lifecycle"),
    ("liveness_probe", "livenessProbe"),
    ("readiness_probe", "readinessProbe"),
    ("startup_probe", "startupProbe"),
    ("resources", "resources"),
    ("resize_policy", "resizePolicy"),
    ("restart_policy", "restartPolicy"),
)


def _check_ephemeral(
    containers: Iterable[EphemeralContainer],
    around: Surroundings,
    names: set[str],
    at: Path,
    found: list[Cause],
) -> None:
    targets = {container.name for container in around.spec.containers}
    targets |= {container.name for container in around.spec.init_containers}
    for index, ephemeral in enumerate(containers):
        here = (*at, "ephemeralContainers", index)
        common = ephemeral.ephemeral_container_common
        _check_container(common, around, here, names, found)
        target = ephemeral.target_container_name
        if target and target not in targets:
            found.append(not_found((*here, "targetContainerName"), target))
        present = {field.name for field, value in common.ListFields()}
        for field, name in _NOT_EPHEMERAL:
            if field in present and (field != "resources" or common.resources.ListFields()):
                found.append(forbidden((*here, name), "cannot be set for an Ephemeral Container"))


def _check_host_ports(spec: PodSpec, at: Path, found: list[Cause]) -> None:
    taken: set[str] = set()
    for index, container in enumerate(spec.containers):
        _check_taken(container, taken, (*at, "containers", index), found)
    for index, container in enumerate(spec.init_containers):
        # Plain init containers run one after another and give their ports back.
        kept = taken if container.restart_policy == "Always" else set()
        _check_taken(container, kept, (*at, "initContainers", index), found)
    if spec.host_network:
        for index, container in enumerate(spec.containers):
            _check_host_network(container, (*at, "containers", index), found)


def _check_taken(container: Container, taken: set[str], at: Path, found: list[Cause]) -> None:
    for index, port in enumerate(container.ports):
        if port.host_port:
            key = f"{port.protocol}/{port.host_ip}/{port.host_port}"
            if key in taken:
                found.append(duplicate((*at, "ports", index, "hostPort"), key))
            taken.add(key)


def _check_host_network(container: Container, at: Path, found: list[Cause]) -> None:
    for index, port in enumerate(container.ports):
        # A template may leave it open: the pod made from it gets the container's port.
        if port.host_port not in (0, port.container_port):
            why = "must match `containerPort` when `hostNetwork` is true"
            found.append(invalid((*at, "ports", index, "hostPort"), port.host_port, why))
