"""The master's figures for /metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, PlatformCollector, ProcessCollector

from master.api.metering import Meter
from master.api.registry import Registry
from master.dispatch.sessions import Sessions


def metrics_of(sessions: Sessions, registry: Registry, meter: Meter) -> CollectorRegistry:
    """Gauges that are read when they are asked for, and the process's own."""
    collectors = CollectorRegistry()
    ProcessCollector(registry=collectors)
    PlatformCollector(registry=collectors)
    connected = Gauge("pilot_sessions", "Nodes with a live session", registry=collectors)
    connected.set_function(lambda: len(sessions))
    revision = Gauge("pilot_store_revision", "The newest revision", registry=collectors)
    revision.set_function(lambda: registry.revision)
    collectors.register(meter)
    return collectors
