"""The API for components of this process: the verbs of the registry, without a wire.

Objects that come back are the registry's own and shared; objects handed in are copied before
they are stored, never changed. What the user may do is not asked: the caller is part of the
master.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, TypeVar, cast

from google.protobuf.message import Message

from master.api.registry import Registry
from master.api.reporting import status_change
from master.identity.user import User
from pilothouse.client.interface import Page, PatchType, WatchEvent
from pilothouse.objects import kinds
from protos.meta_v1_pb2 import DeleteOptions

M = TypeVar("M", bound=Message)


class LocalClient:
    """Implements ResourceClient for one component, which `user` names."""

    def __init__(self, registry: Registry, user: User) -> None:
        self._registry = registry
        self.user = user

    async def get(self, kind: type[M], name: str, namespace: str = "", *, revision: int = 0) -> M:
        """One object, now or as it was at a revision."""
        found = await self._registry.get(kinds.of(kind), namespace, name, revision=revision)
        return cast(M, found)

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
    ) -> Page[M]:
        """Objects of a namespace (empty: of all), in pages of `limit` if given."""
        return await self._registry.list(
            kinds.of(kind),
            namespace,
            label_selector=label_selector,
            field_selector=field_selector,
            limit=limit,
            continue_token=continue_token,
            revision=revision,
        )

    async def watch(
        self,
        kind: type[M],
        namespace: str = "",
        *,
        revision: int = 0,
        label_selector: str = "",
        field_selector: str = "",
        bookmarks: bool = False,
    ) -> AsyncIterator[WatchEvent[M]]:
        """Changes after a revision (0: the present objects first)."""
        batches = self._registry.watch(
            kinds.of(kind),
            namespace,
            revision=revision,
            label_selector=label_selector,
            field_selector=field_selector,
            bookmarks=bookmarks,
        )
        async with aclosing(batches):
            async for batch in batches:
                for type_, event in batch:
                    yield event.local(type_)

    async def create(
        self, obj: M, *, subresource: str = "", dry_run: bool = False, field_manager: str = ""
    ) -> M:
        """The object as stored."""
        stored = await self._registry.create(
            obj,
            subresource=subresource,
            manager=field_manager,
            author=self.user,
            dry_run=dry_run,
        )
        return cast(M, stored)

    async def update(
        self, obj: M, *, subresource: str = "", dry_run: bool = False, field_manager: str = ""
    ) -> M:
        """Replace; Conflict when the object's resource_version is not the stored one."""
        stored = await self._registry.update(
            obj,
            subresource=subresource,
            manager=field_manager or self.user.name,
            dry_run=dry_run,
        )
        return cast(M, stored)

    async def update_status(self, obj: M) -> M:
        """Replace the status alone."""
        return await self.update(obj, subresource="status")

    async def report_status(
        self, kind: type[M], name: str, namespace: str, make: Callable[[M], Message | None]
    ) -> M:
        """Replace the status by what `make` gives for the present object (None: leave it); the
        object as it stands then. `make` is called again when somebody was faster."""
        change = status_change(kinds.of(kind), namespace, name, make)
        return cast(M, await self._registry.modify(change))

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
    ) -> M:
        """Change parts of an object; APPLY creates it if need be."""
        manager = field_manager or self.user.name
        changed: Any
        if type is PatchType.APPLY:
            changed = await self._registry.apply(
                kinds.of(kind),
                namespace,
                name,
                patch,
                manager=manager,
                author=self.user,
                force=force,
                dry_run=dry_run,
            )
        else:
            changed = await self._registry.patch(
                kinds.of(kind),
                namespace,
                name,
                patch,
                type,
                subresource=subresource,
                manager=manager,
                dry_run=dry_run,
            )
        return cast(M, changed)

    async def delete(
        self,
        kind: type[M],
        name: str,
        namespace: str = "",
        *,
        options: DeleteOptions | None = None,
    ) -> tuple[M, bool]:
        """The object's last state, and whether it is gone already."""
        return await self._registry.delete(kinds.of(kind), namespace, name, options)

    async def delete_collection(
        self,
        kind: type[M],
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        options: DeleteOptions | None = None,
    ) -> Page[M]:
        """Delete what matches; the objects' last states."""
        return await self._registry.delete_collection(
            kinds.of(kind),
            namespace,
            label_selector=label_selector,
            field_selector=field_selector,
            options=options,
        )
