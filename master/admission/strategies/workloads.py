"""What writes of stateful sets and daemon sets drop and derive."""

from __future__ import annotations

from typing import Final

from protos.apps_v1_pb2 import DaemonSet, StatefulSet

# Clients from before apps/v1 tell templates apart by it; Kubernetes still writes it.
TEMPLATE_GENERATION: Final = "deprecated.daemonset.template.generation"


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
