"""Ends pods that hold more of the node's disk than they may.

Looked at every PERIOD seconds, as the kubelet does, so a pod may be over a limit for that long: an
emptyDir over its sizeLimit, a container over its limit of ephemeral-storage (what it wrote outside
of volumes, and its logs), a pod over its containers' limits together. Out goes a ruling, by which
the pod fails with the reason Evicted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping

from agent.lifecycle.view import Ruling
from agent.pod import PodTask
from agent.runtime.contract import Runtime
from agent.runtime.errors import RuntimeFault
from agent.volumes.contract import Volumes
from pilothouse.objects import quantity
from pilothouse.process.clock import Clock
from protos.core_v1_pb2 import Container, Pod

logger = logging.getLogger(__name__)

PERIOD = 10.0
_STORAGE = "ephemeral-storage"


async def watch_storage(
    pods: Callable[[], Collection[PodTask]], volumes: Volumes, runtime: Runtime, clock: Clock
) -> None:
    """Look until cancelled."""
    while True:
        await clock.sleep(PERIOD)
        for task in [task for task in pods() if has_limit(task.pod) and not task.is_over]:
            try:
                held = await volumes.usage(task.pod)
                written = await runtime.written(task.uid) if _limited(task.pod) else {}
            except (OSError, RuntimeFault) as error:  # the pod is just ending, or its disk fails
                logger.info("what pod %s holds cannot be measured: %s", task.uid, error)
                continue
            why = excess(task.pod, held, written)
            if why:
                task.rule(Ruling("Evicted", why, disrupts=True))


def has_limit(pod: Pod) -> bool:
    """There is something to measure."""
    return bool(_limited(pod)) or any(
        volume.volume_source.empty_dir.HasField("size_limit") for volume in pod.spec.volumes
    )


def _limited(pod: Pod) -> list[Container]:
    return [c for c in pod.spec.containers if _STORAGE in c.resources.limits]


def excess(pod: Pod, held: Mapping[str, int], written: Mapping[str, int]) -> str:
    """Which limit the pod is over, in Kubernetes' words; "" for none. In bytes: `held` by the
    names of emptyDirs, `written` by those of containers."""
    for volume in pod.spec.volumes:
        limit = volume.volume_source.empty_dir.size_limit.string
        if limit and held.get(volume.name, 0) > quantity.value(limit):
            return f'Usage of EmptyDir volume "{volume.name}" exceeds the limit "{limit}".'
    together = 0
    for container in _limited(pod):
        limit = container.resources.limits[_STORAGE].string
        together += quantity.value(limit)
        if written.get(container.name, 0) > quantity.value(limit):
            name = container.name
            return f'Container {name} exceeded its local ephemeral storage limit "{limit}".'
    if together and sum(held.values()) + sum(written.values()) > together:
        total = f"exceeds the total limit of containers {together}."
        return f"Pod ephemeral local storage usage {total}"
    return ""
