"""Defaults of containers, their ports, probes and lifecycle hooks."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from master.admission.defaults.resources import round_up_resources
from protos.core_v1_pb2 import (
    Container,
    EphemeralContainerCommon,
    HTTPGetAction,
    LifecycleHandler,
    Probe,
)

_COMPONENT: Final = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST: Final = rf"(?:{_COMPONENT}(?:\.{_COMPONENT})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PATH_PART: Final = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE: Final = re.compile(
    rf"(?:{_HOST}/)?{_PATH_PART}(?:/{_PATH_PART})*"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?"
    r"(?P<digest>@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)


@lru_cache(maxsize=4096)
def pull_policy(image: str) -> str:
    """Always for the tag latest, written or implied; IfNotPresent for any other reference.

    A reference that cannot be parsed counts as tagged, as in Kubernetes.
    """
    match = _REFERENCE.fullmatch(image)
    if match is None:
        return "IfNotPresent"
    tag, digest = match["tag"], match["digest"]
    if tag == "latest" or (tag is None and digest is None):
        return "Always"
    return "IfNotPresent"


def default_container(container: Container) -> None:
    """An application or init container."""
    _default_fields(container)


def default_ephemeral(container: EphemeralContainerCommon) -> None:
    """The part of an ephemeral container that it shares with others."""
    _default_fields(container)


def _default_fields(container: Container | EphemeralContainerCommon) -> None:
    if not container.image_pull_policy:
        container.image_pull_policy = pull_policy(container.image)
    if not container.termination_message_path:
        container.termination_message_path = "/dev/termination-log"
    if not container.termination_message_policy:
        container.termination_message_policy = "File"
    for port in container.ports:
        if not port.protocol:
            port.protocol = "TCP"
    for variable in container.env:
        if variable.HasField("value_from") and variable.value_from.HasField("field_ref"):
            field_ref = variable.value_from.field_ref
            if not field_ref.api_version:
                field_ref.api_version = "v1"
    if container.HasField("resources"):
        round_up_resources(container.resources.limits)
        round_up_resources(container.resources.requests)
    _default_hooks(container)


def _default_hooks(container: Container | EphemeralContainerCommon) -> None:
    if container.HasField("liveness_probe"):
        default_probe(container.liveness_probe)
    if container.HasField("readiness_probe"):
        default_probe(container.readiness_probe)
    if container.HasField("startup_probe"):
        default_probe(container.startup_probe)
    if container.HasField("lifecycle"):
        lifecycle = container.lifecycle
        if lifecycle.HasField("post_start"):
            _default_handler(lifecycle.post_start)
        if lifecycle.HasField("pre_stop"):
            _default_handler(lifecycle.pre_stop)


def default_probe(probe: Probe) -> None:
    """Numbers that are 0 are unset: a probe has no use for a zero in them."""
    if not probe.timeout_seconds:
        probe.timeout_seconds = 1
    if not probe.period_seconds:
        probe.period_seconds = 10
    if not probe.success_threshold:
        probe.success_threshold = 1
    if not probe.failure_threshold:
        probe.failure_threshold = 3
    if not probe.HasField("probe_handler"):
        return
    handler = probe.probe_handler
    if handler.HasField("http_get"):
        _default_http_get(handler.http_get)
    if handler.HasField("grpc") and not handler.grpc.HasField("service"):
        handler.grpc.service = ""


def _default_handler(handler: LifecycleHandler) -> None:
    if handler.HasField("http_get"):
        _default_http_get(handler.http_get)


def _default_http_get(action: HTTPGetAction) -> None:
    if not action.path:
        action.path = "/"
    if not action.scheme:
        action.scheme = "HTTP"
