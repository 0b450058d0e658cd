"""What can stand next on the command line: resource types, and names asked of the cluster.

The shell waits for the answer, so a cluster that is slow or absent completes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import islice
from typing import Any

SECONDS = 1.5
MOST = 200


def resources(ctx: Any, args: list[str], incomplete: str) -> list[str]:
    """A type, then names of that type; or TYPE/NAME."""
    given = next(filter(None, map(ctx.params.get, ("resources", "resource", "words"))), ())
    given = [given] if isinstance(given, str) else list(given)
    if "/" in incomplete:
        word, _, start = incomplete.partition("/")
        return [f"{word}/{name}" for name in _names(ctx, word, start)]
    if given and "/" not in given[0]:
        return _names(ctx, given[0], incomplete)
    return types(incomplete)


def pods(ctx: Any, args: list[str], incomplete: str) -> list[str]:
    """Names of pods."""
    return _names(ctx, "pods", incomplete)


def nodes(ctx: Any, args: list[str], incomplete: str) -> list[str]:
    """Names of nodes."""
    return _names(ctx, "nodes", incomplete)


def namespaces(ctx: Any, args: list[str], incomplete: str) -> list[str]:
    """Names of namespaces."""
    return _names(ctx, "namespaces", incomplete)


def types(incomplete: str) -> list[str]:
    """Plurals of the kinds."""
    from pilothouse.objects import kinds

    return sorted(kind.plural for kind in kinds.every() if kind.plural.startswith(incomplete))


def _names(ctx: Any, word: str, start: str) -> list[str]:
    from pilothouse.client.config import ConfigError
    from pilothouse.objects.errors import ApiError

    try:
        found = asyncio.run(_asked(word, ctx.params.get("namespace") or "", ctx))
    except (ApiError, ConfigError, TimeoutError):
        return []
    return list(islice((name for name in found if name.startswith(start)), MOST))


async def _asked(word: str, namespace: str, ctx: Any) -> Sequence[str]:
    from pilothouse.client.aio import Client
    from pilothouse.objects.arguments import kind_of

    kind = kind_of(word)
    async with (
        asyncio.timeout(SECONDS),
        Client.connect(ctx.params.get("config"), patience=0.0) as client,
    ):
        where = (namespace or client.namespace) if kind.namespaced else ""
        page: Any = await client.list(kind.message, where)
        return [obj.metadata.name for obj in page.items]
