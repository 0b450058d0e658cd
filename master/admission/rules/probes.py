"""Rules of probes and lifecycle hooks."""

from __future__ import annotations

from typing import Final

from master.admission.faults import Path, forbidden, invalid, required, unsupported
from master.admission.grammar import http_header, port_name, port_number
from master.admission.rules.metadata import NOT_NEGATIVE
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import (
    HTTPGetAction,
    Lifecycle,
    LifecycleHandler,
    Probe,
    ProbeHandler,
)
from protos.scalars_pb2 import IntOrString

_SCHEMES: Final = frozenset({"HTTP", "HTTPS"})
_NUMBERS: Final = (
    ("initial_delay_seconds", "initialDelaySeconds"),
    ("timeout_seconds", "timeoutSeconds"),
    ("period_seconds", "periodSeconds"),
    ("success_threshold", "successThreshold"),
    ("failure_threshold", "failureThreshold"),
)
_JSON_NAMES: Final = {
    "exec": "exec",
    "http_get": "httpGet",
    "tcp_socket": "tcpSocket",
    "grpc": "grpc",
    "sleep": "sleep",
}


def check_probe(probe: Probe, at: Path, found: list[Cause]) -> None:
    """Any probe: one handler, no negative numbers."""
    _check_handler(probe.probe_handler, 0, at, found)
    for field, name in _NUMBERS:
        number = getattr(probe, field)
        if number < 0:
            found.append(invalid((*at, name), number, NOT_NEGATIVE))
    grace = probe.termination_grace_period_seconds
    if probe.HasField("termination_grace_period_seconds") and grace <= 0:
        here = (*at, "terminationGracePeriodSeconds")
        found.append(invalid(here, grace, "must be greater than 0"))


def check_single_success(probe: Probe, at: Path, found: list[Cause]) -> None:
    """A liveness or startup probe: one success is enough."""
    check_probe(probe, at, found)
    if probe.success_threshold not in (0, 1):
        found.append(invalid((*at, "successThreshold"), probe.success_threshold, "must be 1"))


def check_readiness(probe: Probe, at: Path, found: list[Cause]) -> None:
    """A readiness probe: it kills nothing, so it has no grace period."""
    check_probe(probe, at, found)
    if probe.HasField("termination_grace_period_seconds"):
        grace = probe.termination_grace_period_seconds
        here = (*at, "terminationGracePeriodSeconds")
        found.append(invalid(here, grace, "must not be set for readinessProbes"))


def check_lifecycle(lifecycle: Lifecycle, grace: int, at: Path, found: list[Cause]) -> None:
    """Hooks; `grace` is the pod's grace period, which a sleep must end within."""
    if lifecycle.HasField("post_start"):
        _check_handler(lifecycle.post_start, grace, (*at, "postStart"), found)
    if lifecycle.HasField("pre_stop"):
        _check_handler(lifecycle.pre_stop, grace, (*at, "preStop"), found)


def _check_handler(
    handler: ProbeHandler | LifecycleHandler, grace: int, at: Path, found: list[Cause]
) -> None:
    fields = handler.ListFields()
    if not fields:
        found.append(required(at, "must specify a handler type"))
    for position, (field, action) in enumerate(fields):
        here = (*at, _JSON_NAMES[field.name])
        if position:
            found.append(forbidden(here, "may not specify more than 1 handler type"))
        elif field.name == "exec":
            if not action.command:
                found.append(required((*here, "command")))
        elif field.name == "http_get":
            _check_http_get(action, here, found)
        elif field.name == "tcp_socket":
            check_port_reference(action.port, (*here, "port"), found)
        elif field.name == "grpc":
            if (why := port_number(action.port)) is not None:
                found.append(invalid((*here, "port"), action.port, why))
        else:
            _check_sleep(action.seconds, grace, here, found)


def _check_http_get(action: HTTPGetAction, at: Path, found: list[Cause]) -> None:
    if not action.path:
        found.append(required((*at, "path")))
    check_port_reference(action.port, (*at, "port"), found)
    if action.scheme not in _SCHEMES:
        found.append(unsupported((*at, "scheme"), action.scheme, _SCHEMES))
    for index, header in enumerate(action.http_headers):
        if (why := http_header(header.name)) is not None:
            found.append(invalid((*at, "httpHeaders", index), header.name, why))


def _check_sleep(seconds: int, grace: int, at: Path, found: list[Cause]) -> None:
    if not 0 < seconds <= grace:
        why = f"must be greater than 0 and less than terminationGracePeriodSeconds ({grace})"
        found.append(invalid(at, seconds, why))


def check_port_reference(port: IntOrString, at: Path, found: list[Cause]) -> None:
    """A port's number, or the name of one."""
    if port.type == 0:
        if (why := port_number(port.int_val)) is not None:
            found.append(invalid(at, port.int_val, why))
    elif port.type == 1:
        if (why := port_name(port.str_val)) is not None:
            found.append(invalid(at, port.str_val, why))
    else:
        found.append(invalid(at, port.type, "must be a number or a string"))
