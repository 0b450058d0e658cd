"""Rules of leases and events."""

from __future__ import annotations

from typing import Final

from master.admission.faults import invalid
from master.admission.rules.metadata import NOT_NEGATIVE
from pilothouse.objects.errors import Cause
from protos.coordination_v1_pb2 import Lease
from protos.core_v1_pb2 import Event

# Where events about objects without a namespace go.
_CLUSTER_EVENTS: Final = frozenset({"default", "kube-system"})


def check_lease(lease: Lease, found: list[Cause]) -> None:
    """Durations and counts make sense."""
    spec = lease.spec
    if spec.HasField("lease_duration_seconds") and spec.lease_duration_seconds <= 0:
        at = ("spec", "leaseDurationSeconds")
        found.append(invalid(at, spec.lease_duration_seconds, "must be greater than 0"))
    if spec.lease_transitions < 0:
        found.append(invalid(("spec", "leaseTransitions"), spec.lease_transitions, NOT_NEGATIVE))
    if spec.HasField("strategy") and not spec.strategy:
        found.append(invalid(("spec", "strategy"), "", "must not be empty"))


def check_event(event: Event, found: list[Cause]) -> None:
    """An event lies in the namespace of what it is about."""
    about, namespace = event.involved_object.namespace, event.metadata.namespace
    matches = about == namespace if about else namespace in _CLUSTER_EVENTS
    if not matches:
        at = ("involvedObject", "namespace")
        found.append(invalid(at, about, "does not match event.namespace"))
    if event.count < 0:
        found.append(invalid(("count",), event.count, NOT_NEGATIVE))
