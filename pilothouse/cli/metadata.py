"""Changing labels and annotations: KEY=VALUE sets, KEY- removes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pilothouse.cli.command import Failed, UsageError, say
from pilothouse.cli.output import name_of
from pilothouse.cli.targets import objects, parse
from pilothouse.client.aio import Client
from pilothouse.client.interface import PatchType

Changes = dict[str, str | None]


def split(words: list[str]) -> tuple[list[str], Changes]:
    """(what names objects, the changes; None removes)."""
    named: list[str] = []
    changes: Changes = {}
    for word in words:
        key, equals, value = word.partition("=")
        if equals:
            changes[key] = value
        elif word.endswith("-") and named:
            changes[word[:-1]] = None
        else:
            named.append(word)
    if not changes:
        raise UsageError("say KEY=VALUE to set, KEY- to remove")
    return named, changes


async def change(
    client: Client,
    words: list[str],
    field: str,
    namespace: str,
    *,
    selector: str = "",
    everything: bool = False,
    overwrite: bool = False,
) -> None:
    """Patch metadata.FIELD ("labels" or "annotations") of the objects."""
    named, changes = split(words)
    targets = parse(named)
    if not all(target.name for target in targets) and not (selector or everything):
        raise UsageError("name the objects, or select them with -l or --all")
    for obj in await objects(client, targets, namespace, selector=selector):
        await _change_one(client, obj, field, changes, overwrite)


async def _change_one(
    client: Client, obj: Any, field: str, changes: Changes, overwrite: bool
) -> None:
    present: Mapping[str, str] = getattr(obj.metadata, field)
    clashing = [
        key
        for key, value in changes.items()
        if value is not None and present.get(key, value) != value
    ]
    if clashing and not overwrite:
        key = clashing[0]
        raise Failed(f"{name_of(obj)}: {key!r} is {present[key]!r} already; --overwrite changes it")
    if all(present.get(key) == value for key, value in changes.items()):
        say(f"{name_of(obj)} {'not labeled' if field == 'labels' else 'not annotated'}")
        return
    await client.patch(
        type(obj),
        obj.metadata.name,
        obj.metadata.namespace,
        patch=json.dumps({"metadata": {field: changes}}).encode(),
        type=PatchType.MERGE,
        field_manager="pilot",
    )
    say(f"{name_of(obj)} {'labeled' if field == 'labels' else 'annotated'}")
