"""Rules of ingresses and ingress classes."""

from __future__ import annotations

from typing import Final

from master.admission.faults import (
    Path,
    forbidden,
    invalid,
    required,
    too_long,
    unsupported,
)
from master.admission.grammar import (
    dns_label,
    dns_label_1035,
    dns_subdomain,
    port_name,
    port_number,
    wildcard_subdomain,
)
from master.admission.rules.balancers import check_balancers, check_host
from master.admission.rules.metadata import IMMUTABLE
from master.admission.rules.references import check_domain_path, check_object
from pilothouse.objects.errors import Cause
from protos.networking_v1_pb2 import (
    HTTPIngressPath,
    Ingress,
    IngressBackend,
    IngressClass,
    IngressClassParametersReference,
    IngressRule,
    IngressServiceBackend,
    IngressSpec,
)

_SPEC: Final[Path] = ("spec",)
_CLASS_ANNOTATION: Final = "kubernetes.io/ingress.class"
_PATH_TYPES: Final = frozenset({"Exact", "ImplementationSpecific", "Prefix"})
# What could be read in two ways, or lead out of the path.
_SEQUENCES: Final = ("//", "/./", "/../", "%2f", "%2F")
_ENDINGS: Final = ("/..", "/.")
_CONTROLLER_LIMIT: Final = 250  # bytes
_SCOPES: Final = frozenset({"Cluster", "Namespace"})


def check_ingress(ingress: Ingress, found: list[Cause]) -> None:
    """An ingress that is created; an older way of naming its class must not contradict."""
    _check_spec(ingress.spec, found)
    annotated = ingress.metadata.annotations.get(_CLASS_ANNOTATION)
    named = ingress.spec.ingress_class_name
    if annotated is not None and ingress.spec.HasField("ingress_class_name") and annotated != named:
        at = ("annotations", _CLASS_ANNOTATION)
        why = "must match `ingressClassName` when both are specified"
        found.append(invalid(at, annotated, why))


def check_ingress_update(new: Ingress, old: Ingress, found: list[Cause]) -> None:
    """Everything may change."""
    if new.spec != old.spec:
        _check_spec(new.spec, found)
    if new.status != old.status:
        at = ("status", "loadBalancer", "ingress")
        check_balancers(new.status.load_balancer.ingress, at, found)


def _check_spec(spec: IngressSpec, found: list[Cause]) -> None:
    if not spec.rules and not spec.HasField("default_backend"):
        why = "either `defaultBackend` or `rules` must be specified"
        found.append(invalid(_SPEC, [], why))
    if spec.HasField("default_backend"):
        _check_backend(spec.default_backend, (*_SPEC, "defaultBackend"), found)
    for index, rule in enumerate(spec.rules):
        _check_rule(rule, (*_SPEC, "rules", index), found)
    for index, tls in enumerate(spec.tls):
        at = (*_SPEC, "tls", index)
        for place, host in enumerate(tls.hosts):
            _check_certified(host, (*at, "hosts", place), found)
        if tls.secret_name and (why_not := dns_subdomain(tls.secret_name)) is not None:
            found.append(invalid((*at, "secretName"), tls.secret_name, why_not))
    name = spec.ingress_class_name
    if spec.HasField("ingress_class_name") and (why_not := dns_subdomain(name)) is not None:
        found.append(invalid((*_SPEC, "ingressClassName"), name, why_not))


def _check_certified(host: str, at: Path, found: list[Cause]) -> None:
    check = wildcard_subdomain if "*" in host else dns_subdomain
    if (why := check(host)) is not None:
        found.append(invalid(at, host, why))


def _check_rule(rule: IngressRule, at: Path, found: list[Cause]) -> None:
    host, here = rule.host, (*at, "host")
    if "*" in host:
        if (why := wildcard_subdomain(host)) is not None:
            found.append(invalid(here, host, why))
    elif host:
        check_host(host, here, found)
    if not rule.ingress_rule_value.HasField("http"):
        return
    there = (*at, "http", "paths")
    paths = rule.ingress_rule_value.http.paths
    if not paths:
        found.append(required(there))
    for index, path in enumerate(paths):
        _check_path(path, (*there, index), found)


def _check_path(path: HTTPIngressPath, at: Path, found: list[Cause]) -> None:
    kind, text, here = path.path_type, path.path, (*at, "path")
    if not path.HasField("path_type"):
        found.append(required((*at, "pathType"), "pathType must be specified"))
        return
    free = kind == "ImplementationSpecific"
    if kind not in _PATH_TYPES:
        found.append(unsupported((*at, "pathType"), kind, _PATH_TYPES))
    elif not text.startswith("/") and not (free and not text):
        found.append(invalid(here, text, "must be an absolute path"))
    if kind in _PATH_TYPES and not free:
        _check_plain(text, here, found)
    _check_backend(path.backend, (*at, "backend"), found)


def _check_plain(text: str, at: Path, found: list[Cause]) -> None:
    found.extend(
        invalid(at, text, f"must not contain '{part}'") for part in _SEQUENCES if part in text
    )
    found.extend(
        invalid(at, text, f"cannot end with '{part}'") for part in _ENDINGS if text.endswith(part)
    )


def _check_backend(backend: IngressBackend, at: Path, found: list[Cause]) -> None:
    if backend.HasField("resource") and backend.HasField("service"):
        found.append(invalid(at, "", "cannot set both resource and service backends"))
    elif backend.HasField("resource"):
        check_object(backend.resource, (*at, "resource"), found)
    elif backend.HasField("service"):
        _check_service(backend.service, at, found)
    else:
        found.append(invalid(at, "", "resource or service backend is required"))


def _check_service(service: IngressServiceBackend, at: Path, found: list[Cause]) -> None:
    here, port = (*at, "service"), service.port
    if not service.name:
        found.append(required((*here, "name")))
    elif (why := dns_label_1035(service.name)) is not None:
        found.append(invalid((*here, "name"), service.name, why))
    if port.name and port.number:
        found.append(invalid(at, "", "cannot set both port name & port number"))
    elif port.name:
        if (why := port_name(port.name)) is not None:
            found.append(invalid((*here, "port", "name"), port.name, why))
    elif port.number:
        if (why := port_number(port.number)) is not None:
            found.append(invalid((*here, "port", "number"), port.number, why))
    else:
        found.append(required(at, "port name or number is required"))


def check_ingress_class(ingress_class: IngressClass, found: list[Cause]) -> None:
    """Who serves the class, and with which parameters."""
    spec, at = ingress_class.spec, (*_SPEC, "controller")
    if len(spec.controller.encode()) > _CONTROLLER_LIMIT:
        found.append(too_long(at, _CONTROLLER_LIMIT))
    check_domain_path(spec.controller, at, found)
    if spec.HasField("parameters"):
        _check_parameters(spec.parameters, (*_SPEC, "parameters"), found)


def check_ingress_class_update(new: IngressClass, old: IngressClass, found: list[Cause]) -> None:
    """Who serves it stays."""
    if new.spec != old.spec:
        check_ingress_class(new, found)
        if new.spec.controller != old.spec.controller:
            found.append(invalid((*_SPEC, "controller"), new.spec.controller, IMMUTABLE))


def _check_parameters(
    parameters: IngressClassParametersReference, at: Path, found: list[Cause]
) -> None:
    check_object(parameters, at, found)
    scope, namespace, here = parameters.scope, parameters.namespace, (*at, "namespace")
    if not parameters.HasField("scope"):
        found.append(required((*at, "scope")))
    elif scope not in _SCOPES:
        found.append(unsupported((*at, "scope"), scope, _SCOPES))
    elif scope == "Namespace":
        if not parameters.HasField("namespace"):
            found.append(required(here, "`parameters.scope` is set to 'Namespace'"))
        elif (why := dns_label(namespace)) is not None:
            found.append(invalid(here, namespace, why))
    elif parameters.HasField("namespace"):
        found.append(forbidden(here, "`parameters.scope` is set to 'Cluster'"))
