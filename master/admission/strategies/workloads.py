"""What writes of pods, stateful sets and daemon sets drop and derive."""

from __future__ import annotations

from typing import Final

from protos.apps_v1_pb2 import DaemonSet, StatefulSet
from protos.core_v1_pb2 import Pod

# Clients from before apps/v1 tell templates apart by it; Kubernetes still writes it.
TEMPLATE_GENERATION: Final = "deprecated.daemonset.template.generation"


def hold_back(pod: Pod, now: int) -> None:
    """A pod with scheduling gates says from the start why no node is looked for."""
    if not pod.spec.scheduling_gates:
        return
    condition = pod.status.conditions.add(
        type="PodScheduled",
        status="False",
        reason="SchedulingGated",
        message="Scheduling is blocked due to non-empty scheduling gates",
    )
    condition.last_transition_time.seconds = now


def create_stateful_set(stateful_set: StatefulSet) -> None:
    """How many pods may be missing during an update cannot be said in a plain Kubernetes 1.32."""
    stateful_set.ClearField("status")
    drop_max_unavailable(stateful_set)


def drop_max_unavailable(stateful_set: StatefulSet) -> None:
    """See create_stateful_set."""
    strategy = stateful_set.spec.update_strategy
    if strategy.HasField("rolling_update"):
        strategy.rolling_update.ClearField("max_unavailable")


def create_daemon_set(daemon_set: DaemonSet) -> None:
    """Templates are counted from 1."""
    daemon_set.ClearField("status")
    daemon_set.metadata.annotations[TEMPLATE_GENERATION] = str(max(_generation(daemon_set), 1))


def count_template(new: DaemonSet, old: DaemonSet) -> None:
    """One more with every change of the template; whatever the writer says."""
    generation = _generation(old) + (new.spec.template != old.spec.template)
    new.metadata.annotations[TEMPLATE_GENERATION] = str(generation)


def _generation(daemon_set: DaemonSet) -> int:
    text = daemon_set.metadata.annotations.get(TEMPLATE_GENERATION, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
