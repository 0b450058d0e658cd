"""What the creation of a pod derives from its spec."""

from __future__ import annotations

from collections.abc import Iterable

from protos.core_v1_pb2 import Pod, PodAffinityTerm


def complete_affinity(pod: Pod) -> None:
    """MatchLabelKeys and mismatchLabelKeys become expressions of their terms' selectors, with the
    pod's own values; a key that the pod has no label for says nothing."""
    labels = pod.metadata.labels
    for term in _terms(pod):
        for keys, operator in ((term.match_label_keys, "In"), (term.mismatch_label_keys, "NotIn")):
            for key in keys:
                if key in labels:
                    term.label_selector.match_expressions.add(
                        key=key, operator=operator, values=[labels[key]]
                    )


def _terms(pod: Pod) -> Iterable[PodAffinityTerm]:
    affinity = pod.spec.affinity
    for rules in (affinity.pod_affinity, affinity.pod_anti_affinity):
        yield from rules.required_during_scheduling_ignored_during_execution
        for weighted in rules.preferred_during_scheduling_ignored_during_execution:
            yield weighted.pod_affinity_term


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
