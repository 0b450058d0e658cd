"""What a master holds: for tests that nothing was stored."""

from __future__ import annotations

from typing import Any

from pilothouse.client.aio import Client
from pilothouse.objects import kinds

SELF_MADE = {"leases.coordination.k8s.io", "events"}  # the master's own, at any time


async def stored(client: Client) -> dict[tuple[str, str, str], str]:
    """Every object by resource, namespace and name, with its resource version."""
    found = {}
    for kind in kinds.every():
        if kind.resource in SELF_MADE:
            continue
        items: Any = (await client.list(kind.message, "")).items
        for item in items:
            meta = item.metadata
            found[kind.resource, meta.namespace, meta.name] = meta.resource_version
    return found
