"""How many calls of the API there were, how they ended, how long they took, and who watches."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

from master.api.registry import Registry
from pilothouse.objects import kinds

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # s


class Meter(Collector):
    """Counted as calls end, put into Prometheus' words when asked for."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._calls: Counter[tuple[str, str]] = Counter()
        self._buckets: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}

    def count(self, method: str, reason: str, seconds: float) -> None:
        """A call has ended. reason: "" or that of its error."""
        self._calls[method, reason or "OK"] += 1
        buckets = self._buckets.get(method)
        if buckets is None:
            buckets = self._buckets[method] = [0] * (len(BOUNDS) + 1)
            self._seconds[method] = 0.0
        buckets[bisect_left(BOUNDS, seconds)] += 1
        self._seconds[method] += seconds

    def collect(self) -> Iterator[Metric]:
        """The present figures."""
        calls = CounterMetricFamily(
            "pilot_api_calls", "Calls that have ended, by outcome", labels=("method", "reason")
        )
        for (method, reason), count in sorted(self._calls.items()):
            calls.add_metric((method, reason), count)
        yield calls
        yield self._durations()
        watches = GaugeMetricFamily(
            "pilot_api_watches", "Watches that are open", labels=("resource",)
        )
        for kind in kinds.every():
            watches.add_metric((kind.resource,), self._registry.topic(kind).watching)
        yield watches

    def _durations(self) -> Metric:
        family = HistogramMetricFamily(
            "pilot_api_call_seconds", "How long calls took, watches left out", labels=("method",)
        )
        for method, buckets in sorted(self._buckets.items()):
            total, counted = 0, []
            for bound, count in zip((*map(str, BOUNDS), "+Inf"), buckets, strict=True):
                total += count
                counted.append((bound, total))
            family.add_metric((method,), counted, self._seconds[method])
        return family
