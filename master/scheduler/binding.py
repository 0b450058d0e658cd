"""What the scheduler asks of whoever writes its decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pilothouse.objects.errors import ApiError
from protos.core_v1_pb2 import Pod


@dataclass(frozen=True, slots=True)
class Binding:
    """A pod and the node that it shall run on; uid "" binds whatever has the name."""

    namespace: str
    name: str
    uid: str
    node: str


class Binder(Protocol):
    """Writes bindings; one answer each, in order: the bound pod, or why it was refused."""

    async def bind_many(self, bindings: Sequence[Binding]) -> Sequence[Pod | ApiError]: ...
