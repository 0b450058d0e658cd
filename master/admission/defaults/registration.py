"""Defaults of what extends the API: API services."""

from __future__ import annotations

from protos.apiregistration_v1_pb2 import APIService

HTTPS_PORT = 443


def default_api_service(service: APIService) -> None:
    """Servers are reached over HTTPS."""
    spec = service.spec
    if spec.HasField("service") and not spec.service.HasField("port"):
        spec.service.port = HTTPS_PORT
