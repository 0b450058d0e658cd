"""What every cluster has from its first start."""

from __future__ import annotations

from master.api.writer import PERMANENT_NAMESPACES, Writer
from pilothouse.objects.errors import AlreadyExists
from protos.core_v1_pb2 import Namespace


async def ensure(writer: Writer) -> None:
    """Create what is missing; what is there stays as it is."""
    for name in PERMANENT_NAMESPACES:
        namespace = Namespace()
        namespace.metadata.name = name
        try:
            await writer.create(namespace)
        except AlreadyExists:
            continue
