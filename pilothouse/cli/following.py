"""Following one object: its states, from now on.

In: an object as it was read some time ago. Out: its present state, then every later one, then
None once this very object (not another of its name) is gone. A stream that breaks, or whose
revision the store has forgotten, is begun again with the present state, so a state may come
twice and intermediate ones may be missing: those who follow look at states, not at changes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

from google.protobuf.message import Message

from pilothouse.client.aio import Client
from pilothouse.client.interface import EventType
from pilothouse.objects.errors import Expired, ServiceUnavailable

M = TypeVar("M", bound=Message)


async def states(client: Client, obj: M) -> AsyncIterator[M | None]:
    """See the module. ServiceUnavailable only after the client's patience with a read."""
    kind, metadata = type(obj), obj.metadata  # type: ignore[attr-defined]  # every kind has it
    selector = f"metadata.name={metadata.name}"
    while True:
        page = await client.list(kind, metadata.namespace, field_selector=selector)
        present = next((item for item in page.items if _same(item, obj)), None)
        yield present
        if present is None:
            return
        try:
            async for event in client.watch(
                kind, metadata.namespace, field_selector=selector, revision=page.revision
            ):
                if event.object is None:
                    continue
                if event.type is EventType.DELETED or not _same(event.object, obj):
                    yield None
                    return
                yield event.object
        except (Expired, ServiceUnavailable):
            continue


def _same(one: Message, other: Message) -> bool:
    """The same object, not another of its name; one read from a manifest has no uid yet."""
    wanted = other.metadata.uid  # type: ignore[attr-defined]  # every kind has it
    return not wanted or one.metadata.uid == wanted  # type: ignore[attr-defined]  # as above
