"""Taking nodes out of service and back."""

from __future__ import annotations

import json

from pilothouse.cli.command import say
from pilothouse.client.aio import Client
from pilothouse.client.interface import PatchType
from protos.core_v1_pb2 import Node


async def set_unschedulable(client: Client, names: list[str], value: bool) -> None:
    """Cordon (True) or uncordon (False) the nodes."""
    word = "cordoned" if value else "uncordoned"
    for name in names:
        node = await client.get(Node, name)
        if node.spec.unschedulable == value:
            say(f"node/{name} already {word}")
            continue
        await client.patch(
            Node,
            name,
            patch=json.dumps({"spec": {"unschedulable": value or None}}).encode(),
            type=PatchType.MERGE,
            field_manager="pilot",
        )
        say(f"node/{name} {word}")
