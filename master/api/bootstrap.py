"""What every cluster has from its first start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from master.admission.defaults.pod import SYSTEM_PRIORITIES
from master.api.writer import PERMANENT_NAMESPACES, Writer
from pilothouse.objects.errors import AlreadyExists
from protos.core_v1_pb2 import Namespace
from protos.scheduling_v1_pb2 import PriorityClass

_PURPOSES: Final = {
    "system-cluster-critical": "For pods that the cluster needs, on whichever node.",
    "system-node-critical": "For pods that their node needs, on that very node.",
}


async def ensure(writer: Writer) -> None:
    """Create what is missing; what is there stays as it is."""
    for obj in _objects():
        try:
            await writer.create(obj)
        except AlreadyExists:
            continue


def _objects() -> Iterator[Any]:
    for name in PERMANENT_NAMESPACES:
        namespace = Namespace()
        namespace.metadata.name = name
        yield namespace
    for name, value in SYSTEM_PRIORITIES.items():
        priority_class = PriorityClass(value=value, description=_PURPOSES[name])
        priority_class.metadata.name = name
        yield priority_class
