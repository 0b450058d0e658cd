"""Objects of very many small parts are refused before anybody has to wait for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from master.api.registry import Registry
from pilothouse.client.interface import PatchType
from pilothouse.objects import kinds
from pilothouse.objects.errors import TooLarge
from protos.core_v1_pb2 import Pod
from tests.master.api.objects import config_map, pod

MANY = 200_000


def containers(made: Pod) -> None:
    made.spec.containers.extend(type(made.spec.containers[0])() for _ in range(MANY))


def arguments(made: Pod) -> None:
    made.spec.containers[0].args.extend("" for _ in range(MANY))


def labels(made: Pod) -> None:
    made.metadata.labels.update({f"{n}": "" for n in range(MANY)})


def limits(made: Pod) -> None:
    for n in range(20_000):
        made.spec.containers[0].resources.limits[f"{n}"].string = "1"


@pytest.mark.parametrize("swell", [containers, arguments, labels, limits])
async def test_object_of_too_many_parts_is_refused_quickly(
    registry: Registry, swell: Callable[[Pod], None]
) -> None:
    made = pod()
    swell(made)
    with pytest.raises(TooLarge, match="elements"):
        await registry.create(made)


async def test_patch_cannot_swell_an_object(registry: Registry) -> None:
    await registry.create(pod())
    document: dict[str, Any] = {"spec": {"containers": [{} for _ in range(100_000)]}}
    with pytest.raises(TooLarge):
        await registry.patch(
            kinds.of(Pod), "default", "web", json.dumps(document).encode(), PatchType.MERGE
        )


async def test_large_text_is_no_weight(registry: Registry) -> None:
    made = await registry.create(config_map(text="x" * 1_000_000))
    assert len(made.data["text"]) == 1_000_000


async def test_object_beyond_what_can_be_stored_is_refused(registry: Registry) -> None:
    made = pod()
    made.spec.containers[0].args.append("x" * 1_600_000)
    with pytest.raises(TooLarge):
        await registry.create(made)
    assert not (await registry.list(kinds.of(Pod))).items
