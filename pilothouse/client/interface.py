"""What every reader and writer of objects programs against.

Two implementations run: over gRPC (pilothouse.client) and inside the master, without a
wire (master.api). Controllers, scheduler, agent, netproxy and CLI take a ResourceClient as an
argument and cannot tell which one they have.

Objects that come from a list, a watch or an informer are shared: never change one. Copy it,
change the copy, write the copy.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum
from typing import Generic, Protocol, TypeVar

from google.protobuf.message import Message

from protos.meta_v1_pb2 import DeleteOptions

M = TypeVar("M", bound=Message)


class PatchType(Enum):
    """How a patch document is read."""

    JSON = "json"
    MERGE = "merge"
    STRATEGIC = "strategic"
    APPLY = "apply"


class EventType(Enum):
    """What a watch says of an object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"


@dataclass(frozen=True, slots=True)
class WatchEvent(Generic[M]):
    """One change; `object` is None only in a BOOKMARK."""

    type: EventType
    revision: int
    object: M | None


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """Objects ordered by namespace, then name, as they were at `revision`."""

    items: tuple[M, ...]
    revision: int
    continue_token: str = ""
    remaining: int = 0


class ResourceClient(Protocol):
    """The verbs of the API. `kind` is the message class (core_v1_pb2.Pod).

    namespace="" is cluster scope for cluster-scoped kinds, and in list and watch every
    namespace. Every method raises the errors of pilothouse.objects.errors.
    """

    async def get(
        self, kind: type[M], name: str, namespace: str = "", *, revision: int = 0
    ) -> M: ...

    async def list(
        self,
        kind: type[M],
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_token: str = "",
        revision: int = 0,
    ) -> Page[M]: ...

    def watch(
        self,
        kind: type[M],
        namespace: str = "",
        *,
        revision: int = 0,
        label_selector: str = "",
        field_selector: str = "",
        bookmarks: bool = False,
    ) -> AsyncIterator[WatchEvent[M]]:
        """Changes after `revision` (0: the present objects first), until closed or Expired."""
        ...

    async def create(
        self, obj: M, *, subresource: str = "", dry_run: bool = False, field_manager: str = ""
    ) -> M: ...

    async def update(
        self, obj: M, *, subresource: str = "", dry_run: bool = False, field_manager: str = ""
    ) -> M: ...

    async def update_status(self, obj: M) -> M: ...

    async def patch(
        self,
        kind: type[M],
        name: str,
        namespace: str = "",
        *,
        patch: bytes,
        type: PatchType,
        subresource: str = "",
        dry_run: bool = False,
        field_manager: str = "",
        force: bool = False,
    ) -> M: ...

    async def delete(
        self,
        kind: type[M],
        name: str,
        namespace: str = "",
        *,
        options: DeleteOptions | None = None,
    ) -> tuple[M, bool]:
        """The object's last state, and whether it is gone already."""
        ...

    async def delete_collection(
        self,
        kind: type[M],
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        options: DeleteOptions | None = None,
    ) -> Page[M]: ...
