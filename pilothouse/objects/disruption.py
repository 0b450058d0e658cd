"""The mark of a pod that the cluster ends, for its owner to tell from a failure of its own."""

from __future__ import annotations

from protos.core_v1_pb2 import Pod

DISRUPTION_TARGET = "DisruptionTarget"


def disrupted(pod: Pod, reason: str, message: str, now: int) -> Pod:
    """A copy with the condition DisruptionTarget; `now` in Unix seconds."""
    copy = Pod()
    copy.CopyFrom(pod)
    others = [c for c in pod.status.conditions if c.type != DISRUPTION_TARGET]
    del copy.status.conditions[:]
    copy.status.conditions.extend(others)
    mark = copy.status.conditions.add(type=DISRUPTION_TARGET, status="True")
    mark.reason, mark.message = reason, message
    mark.last_transition_time.seconds = now
    return copy
