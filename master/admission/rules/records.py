"""Rules of leases."""

from __future__ import annotations

from master.admission.faults import invalid
from master.admission.rules.metadata import NOT_NEGATIVE
from pilothouse.objects.errors import Cause
from protos.coordination_v1_pb2 import Lease


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
