"""Defaults of horizontal pod autoscalers.

The first version of the kind has the same defaults: it is converted before they are filled in.
"""

from __future__ import annotations

from typing import Final

from protos.autoscaling_v2_pb2 import HorizontalPodAutoscaler, HPAScalingRules

UTILIZATION: Final = 80  # percent of the requested processor time


def default_autoscaler(autoscaler: HorizontalPodAutoscaler) -> None:
    """From one replica on, by the use of the processor."""
    spec = autoscaler.spec
    if not spec.HasField("min_replicas"):
        spec.min_replicas = 1
    if not spec.metrics:
        metric = spec.metrics.add(type="Resource")
        metric.resource.name = "cpu"
        metric.resource.target.type = "Utilization"
        metric.resource.target.average_utilization = UTILIZATION
    if spec.HasField("behavior"):
        _default_up(spec.behavior.scale_up)
        _default_down(spec.behavior.scale_down)


def _default_up(rules: HPAScalingRules) -> None:
    """At once, by four pods or to the double within 15 seconds, whichever is more."""
    if not rules.HasField("stabilization_window_seconds"):
        rules.stabilization_window_seconds = 0
    if not rules.policies:
        rules.policies.add(type="Pods", value=4, period_seconds=15)
        rules.policies.add(type="Percent", value=100, period_seconds=15)
    _default_choice(rules)


def _default_down(rules: HPAScalingRules) -> None:
    """As far as the metrics allow; for how long they have to, the controller decides."""
    if not rules.policies:
        rules.policies.add(type="Percent", value=100, period_seconds=15)
    _default_choice(rules)


def _default_choice(rules: HPAScalingRules) -> None:
    if not rules.HasField("select_policy"):
        rules.select_policy = "Max"
