"""Pods and the classes that they name; classes of which there may be one, or must be some."""

from __future__ import annotations

import pytest

from pilothouse.client.interface import ResourceClient
from pilothouse.objects.errors import Forbidden
from protos.core_v1_pb2 import Pod
from protos.node_v1_pb2 import RuntimeClass
from protos.scheduling_v1_pb2 import PriorityClass
from tests.master.api.objects import pod


def priority_class(name: str, value: int, *, default: bool = False) -> PriorityClass:
    made = PriorityClass(value=value, global_default=default)
    made.metadata.name = name
    return made


def classed(priority: str = "", runtime: str | None = None) -> Pod:
    made = pod()
    made.spec.priority_class_name = priority
    if runtime is not None:
        made.spec.runtime_class_name = runtime
    return made


async def test_pod_gets_the_number_of_its_class(client: ResourceClient) -> None:
    await client.create(priority_class("high", 500))
    made = await client.create(classed("high"))
    assert (made.spec.priority, made.spec.preemption_policy) == (500, "PreemptLowerPriority")


async def test_systems_classes_are_there_and_stay(client: ResourceClient) -> None:
    for name, value in (
        ("system-cluster-critical", 2_000_000_000),
        ("system-node-critical", 2_000_001_000),
    ):
        assert (await client.get(PriorityClass, name)).value == value
        with pytest.raises(Forbidden, match="this is a system priority class"):
            await client.delete(PriorityClass, name)
    made = await client.create(classed("system-node-critical"))
    assert made.spec.priority == 2_000_001_000


async def test_class_that_does_not_exist_is_refused(client: ResourceClient) -> None:
    with pytest.raises(Forbidden) as priority:
        await client.create(classed("high"))
    assert priority.value.message == (
        'pods "web" is forbidden: no PriorityClass with name high was found'
    )
    with pytest.raises(Forbidden) as runtime:
        await client.create(classed(runtime="fast"))
    assert runtime.value.message == (
        'pods "web" is forbidden: pod rejected: RuntimeClass "fast" not found'
    )


async def test_number_without_class_is_refused(client: ResourceClient) -> None:
    given = pod()
    given.spec.priority = 7
    with pytest.raises(Forbidden, match=r"the integer value of priority \(7\) must not be"):
        await client.create(given)


async def test_pod_without_class_gets_the_default_one(client: ResourceClient) -> None:
    assert (await client.create(pod("early"))).spec.priority == 0
    await client.create(priority_class("usual", 5, default=True))
    made = await client.create(pod("late"))
    assert (made.spec.priority_class_name, made.spec.priority) == ("usual", 5)
    assert (await client.get(Pod, "early", "default")).spec.priority_class_name == ""


async def test_only_one_class_is_the_default(client: ResourceClient) -> None:
    usual = await client.create(priority_class("usual", 5, default=True))
    why = "PriorityClass usual is already marked as default. Only one default can exist"
    with pytest.raises(Forbidden, match=why):
        await client.create(priority_class("other", 6, default=True))
    other = await client.create(priority_class("other", 6))
    changed = PriorityClass()
    changed.CopyFrom(other)
    changed.global_default = True
    with pytest.raises(Forbidden, match=why):
        await client.update(changed)
    again = PriorityClass()
    again.CopyFrom(usual)
    again.description = "for most"
    assert (await client.update(again)).description == "for most"


async def test_update_that_leaves_the_number_open_keeps_it(client: ResourceClient) -> None:
    await client.create(priority_class("high", 500))
    made = await client.create(classed("high"))
    again = Pod()
    again.CopyFrom(made)
    again.spec.ClearField("priority")
    again.spec.ClearField("preemption_policy")
    again.metadata.labels["a"] = "b"
    changed = await client.update(again)
    assert changed.spec == made.spec


async def test_pod_runs_as_its_runtime_class_says(client: ResourceClient) -> None:
    runtime = RuntimeClass(handler="crun")
    runtime.metadata.name = "heavy"
    runtime.overhead.pod_fixed["cpu"].string = "50m"
    await client.create(runtime)
    made = await client.create(classed(runtime="heavy"))
    assert made.spec.overhead["cpu"].string == "50m"
