"""Ends pods whose emptyDirs hold more than their sizeLimit.

Looked at every PERIOD seconds, as the kubelet does: a pod may be over its limit for so long. Out
goes a ruling, by which the pod fails with the reason Evicted. Not promised: limits on what
containers write elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from agent.lifecycle.view import Ruling
from agent.pod import PodTask
from agent.volumes.contract import Volumes
from pilothouse.process.clock import Clock
from protos.core_v1_pb2 import Pod

logger = logging.getLogger(__name__)

PERIOD = 10.0


async def watch_volumes(
    pods: Callable[[], Collection[PodTask]], volumes: Volumes, clock: Clock
) -> None:
    """Look until cancelled."""
    while True:
        await clock.sleep(PERIOD)
        for task in [task for task in pods() if has_limit(task.pod) and not task.is_over]:
            try:
                over = await volumes.oversized(task.pod)
            except OSError as error:  # the pod is just ending, or its disk fails
                logger.info("volumes of pod %s cannot be measured: %s", task.uid, error)
                continue
            if over:
                task.rule(Ruling("Evicted", " ".join(over), disrupts=True))


def has_limit(pod: Pod) -> bool:
    """One of its emptyDirs has a limit."""
    return any(v.volume_source.empty_dir.HasField("size_limit") for v in pod.spec.volumes)
