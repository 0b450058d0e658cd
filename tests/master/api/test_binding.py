"""Binding, alone and in batches, of which each stands or falls alone."""

from __future__ import annotations

import asyncio

import pytest

from master.api.registry import Registry
from master.scheduler.binding import Binding
from pilothouse.client.interface import ResourceClient
from pilothouse.objects import kinds
from pilothouse.objects.errors import BadRequest, Conflict, NotFound
from protos.core_v1_pb2 import Pod
from tests.master.api.objects import pod


async def test_bound_pod_has_its_node_and_says_so(client: ResourceClient) -> None:
    await client.create(pod())
    wanted = pod()
    wanted.spec.node_name = "n1"
    wanted.spec.containers[0].image = "registry.local/other:1"
    bound = await client.create(wanted, subresource="binding")
    assert bound.spec.node_name == "n1"
    assert bound.spec.containers[0].image == "registry.local/web:1"
    conditions = {c.type: c.status for c in bound.status.conditions}
    assert conditions["PodScheduled"] == "True"


async def test_pod_is_bound_once(client: ResourceClient) -> None:
    await client.create(pod())
    wanted = pod()
    wanted.spec.node_name = "n1"
    results = await asyncio.gather(
        *(client.create(wanted, subresource="binding") for _ in range(10)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Pod) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 9


async def test_binding_needs_a_node(client: ResourceClient) -> None:
    await client.create(pod())
    with pytest.raises(BadRequest, match=r"spec\.nodeName"):
        await client.create(pod(), subresource="binding")


async def test_ending_pod_is_not_bound(client: ResourceClient) -> None:
    made = pod()
    made.metadata.finalizers.append("example.com/care")
    await client.create(made)
    await client.delete(Pod, "web", "default")
    wanted = pod()
    wanted.spec.node_name = "n1"
    with pytest.raises(Conflict, match="being deleted"):
        await client.create(wanted, subresource="binding")


async def test_bindings_of_a_batch_stand_alone(registry: Registry) -> None:
    made = [await registry.create(pod(f"p{n}")) for n in range(300)]
    bindings = [
        Binding("default", p.metadata.name, p.metadata.uid, f"n{i % 7}") for i, p in enumerate(made)
    ]
    bindings[3] = Binding("default", "absent", "", "n1")
    bindings[5] = Binding("default", "p5", "another-uid", "n1")
    results = await registry.bind_many([*bindings, bindings[0]])
    assert isinstance(results[3], NotFound)
    assert isinstance(results[5], Conflict)
    assert isinstance(results[-1], Conflict)
    good = [r for i, r in enumerate(results[:-1]) if i not in (3, 5)]
    assert all(isinstance(r, Pod) for r in good)
    on_node = await registry.list(kinds.of(Pod), field_selector="spec.nodeName=n1")
    assert [p.metadata.name for p in on_node.items] == sorted(
        f"p{n}" for n in range(300) if n % 7 == 1
    )
