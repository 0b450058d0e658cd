"""Rules of API services."""

from __future__ import annotations

from typing import Final

from master.admission.faults import Path, invalid, required, unsupported
from master.admission.grammar import dns_label_1035, dns_subdomain, port_number
from pilothouse.objects.errors import Cause
from protos.apiregistration_v1_pb2 import APIService, APIServiceSpec

_SPEC: Final[Path] = ("spec",)
_MAX_GROUP_PRIORITY: Final = 20_000
_MAX_VERSION_PRIORITY: Final = 1_000
_STATES: Final = frozenset({"False", "True", "Unknown"})


def check_api_service(service: APIService, found: list[Cause]) -> None:
    """Which group and version, with which priority, and where it is served."""
    spec, name = service.spec, service.metadata.name
    wanted = f"{spec.version}.{spec.group}"
    if name and name != wanted:
        why = f'must be `spec.version+"."+spec.group`: "{wanted}"'
        found.append(invalid(("metadata", "name"), name, why))
    if not spec.group and spec.version != "v1":
        why = "only v1 may have an empty group and it better be legacy kube"
        found.append(required((*_SPEC, "group"), why))
    if spec.group and (fault := dns_subdomain(spec.group)) is not None:
        found.append(invalid((*_SPEC, "group"), spec.group, fault))
    if (fault := dns_label_1035(spec.version)) is not None:
        found.append(invalid((*_SPEC, "version"), spec.version, fault))
    for field, number, limit in (
        ("groupPriorityMinimum", spec.group_priority_minimum, _MAX_GROUP_PRIORITY),
        ("versionPriority", spec.version_priority, _MAX_VERSION_PRIORITY),
    ):
        if not 0 < number <= limit:
            why = f"must be positive and less than {limit}"
            found.append(invalid((*_SPEC, field), number, why))
    (_check_remote if spec.HasField("service") else _check_local)(spec, found)


def check_api_service_update(new: APIService, old: APIService, found: list[Cause]) -> None:
    """Everything may change; what is reported has a known status."""
    if new.spec != old.spec:
        check_api_service(new, found)
    for index, condition in enumerate(new.status.conditions):
        if condition.status not in _STATES:
            at = ("status", "conditions", index, "status")
            found.append(unsupported(at, condition.status, _STATES))


def _check_local(spec: APIServiceSpec, found: list[Cause]) -> None:
    if spec.ca_bundle:
        why = "local APIServices may not have a caBundle"
        found.append(invalid((*_SPEC, "caBundle"), spec.ca_bundle, why))
    if spec.insecure_skip_tls_verify:
        why = "local APIServices may not have insecureSkipTLSVerify"
        found.append(invalid((*_SPEC, "insecureSkipTLSVerify"), True, why))


def _check_remote(spec: APIServiceSpec, found: list[Cause]) -> None:
    service, at = spec.service, (*_SPEC, "service")
    if not service.namespace:
        found.append(required((*at, "namespace")))
    if not service.name:
        found.append(required((*at, "name")))
    if service.HasField("port") and (why := port_number(service.port)) is not None:
        found.append(invalid((*at, "port"), service.port, f"port is not valid: {why}"))
    if spec.insecure_skip_tls_verify and spec.ca_bundle:
        why = "may not be true if caBundle is present"
        found.append(invalid((*_SPEC, "insecureSkipTLSVerify"), True, why))
