"""What a service asks for and does not get: pure; the endpoint slice controller tells it."""

from __future__ import annotations

from protos.core_v1_pb2 import Service

REASON = "FieldNotSupported"
DEFAULT_AFFINITY_SECONDS = 10_800


def unheeded(service: Service) -> list[str]:
    """One sentence for each field that is stored and has no effect (docs/networking.md)."""
    spec, found = service.spec, []
    if spec.load_balancer_source_ranges:
        found.append("spec.loadBalancerSourceRanges has no effect: every source is let in")
    if spec.traffic_distribution:
        found.append("spec.trafficDistribution has no effect: every ready endpoint serves")
    timeout = spec.session_affinity_config.client_ip.timeout_seconds
    if timeout not in (0, DEFAULT_AFFINITY_SECONDS):
        field = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
        found.append(f"{field} has no effect: a client stays with its endpoint for good")
    return found
