"""What the server notes of API services."""

from __future__ import annotations

from protos.apiregistration_v1_pb2 import APIService


def create_api_service(service: APIService, now: int) -> None:
    """One that is served by this very server is available from `now` (unix seconds) on."""
    service.ClearField("status")
    if service.spec.HasField("service"):
        return
    condition = service.status.conditions.add(
        type="Available",
        status="True",
        reason="Local",
        message="Local APIServices are always available",
    )
    condition.last_transition_time.seconds = now
