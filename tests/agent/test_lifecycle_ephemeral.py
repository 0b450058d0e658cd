"""Containers that are added to a pod while it runs."""

from __future__ import annotations

from protos.core_v1_pb2 import ContainerStatus, Pod
from tests.agent.lifecycle_pods import kinds, pod_of
from tests.agent.lifecycle_simulation import Simulation


def with_debugger(pod: Pod) -> Pod:
    """The pod, with a container added while it runs."""
    added = Pod()
    added.CopyFrom(pod)
    debugger = added.spec.ephemeral_containers.add(target_container_name="main")
    debugger.ephemeral_container_common.name = "debugger"
    debugger.ephemeral_container_common.image = "tools:1"
    return added


def debugger_of(world: Simulation) -> ContainerStatus:
    (status,) = world.status.ephemeral_container_statuses
    return status


def test_an_added_container_starts_beside_the_others() -> None:
    world = Simulation(pod_of())
    world.settle()
    world.pod = with_debugger(world.pod)
    world.log.clear()
    world.settle()
    assert kinds(world.log) == ["StartContainer:debugger"]
    status = debugger_of(world)
    assert status.state.HasField("running")
    assert (status.image, status.ready, status.HasField("started")) == ("tools:1", False, False)
    assert [entry.name for entry in world.status.container_statuses] == ["main"]


def test_an_added_container_runs_once() -> None:
    world = Simulation(with_debugger(pod_of()))
    world.settle()
    world.crash("debugger", 3)
    world.tick(600)
    status = debugger_of(world)
    assert status.state.terminated.exit_code == 3
    assert status.restart_count == 0
    assert world.status.phase == "Running"


def test_an_added_container_starts_while_init_containers_do_not_end() -> None:
    world = Simulation(with_debugger(pod_of(init=("prepare",))))
    world.settle()
    assert sorted(world.running()) == ["debugger", "prepare"]
    assert world.status.phase == "Pending"


def test_an_added_container_keeps_no_pod_from_its_end() -> None:
    world = Simulation(with_debugger(pod_of(policy="Never")))
    world.settle()
    world.crash("main", 0)
    world.settle()
    assert world.status.phase == "Succeeded"
    assert world.running() == []


def test_an_added_container_is_stopped_with_its_pod() -> None:
    world = Simulation(with_debugger(pod_of()))
    world.settle()
    world.delete()
    taken = world.settle()
    assert taken.ended
    assert "StopContainer:debugger" in kinds(world.log)


def test_an_added_container_that_went_with_its_sandbox_is_not_run_again() -> None:
    world = Simulation(with_debugger(pod_of()))
    world.settle()
    world.sandbox, world.runs = None, {}
    world.log.clear()
    world.settle()
    assert "StartContainer:debugger" not in kinds(world.log)
    assert debugger_of(world).state.terminated.reason == "ContainerStatusUnknown"
