"""What the node makes of a pod that changes, and of one that it has to end."""

from __future__ import annotations

import pytest

from agent.lifecycle.view import Ruling, StartContainer
from tests.agent.lifecycle_pods import kinds, pod_of, status_of, waiting
from tests.agent.lifecycle_simulation import Simulation


@pytest.mark.parametrize("policy", ["Always", "OnFailure", "Never"])
def test_a_container_with_another_image_is_stopped_and_started_anew(policy: str) -> None:
    world = Simulation(pod_of("main", "other", policy=policy))
    world.settle()
    world.pod = pod_of("main", "other", policy=policy)
    world.pod.spec.containers[0].image = "main:2"
    world.generation += 1
    world.log.clear()
    world.settle()
    assert kinds(world.log)[-2:] == ["StartContainer:main", "RemoveRun"]
    assert "StopContainer:main" in kinds(world.log)
    assert "StopContainer:other" not in kinds(world.log)
    assert [(n.reason, n.message) for n in world.notices] == [
        ("Killing", "Container main definition changed, will be restarted")
    ]
    status = status_of(world)
    assert (status.restart_count, status.image) == (1, "main:2")
    assert status.last_state.HasField("terminated")


def test_a_status_names_the_image_that_runs() -> None:
    world = Simulation(pod_of("main"), obeys=False)
    world.settle()
    world.pod = pod_of("main")
    world.pod.spec.containers[0].image = "main:2"
    world.settle()
    assert status_of(world).image == "main:1"


def test_another_image_does_not_wait_for_what_the_old_one_did() -> None:
    world = Simulation(pod_of("main"))
    world.settle()
    for _ in range(3):
        world.exit("main", 1)
        world.settle()
    assert waiting(world) == "CrashLoopBackOff"
    world.pod = pod_of("main")
    world.pod.spec.containers[0].image = "main:2"
    world.settle()
    assert status_of(world).state.HasField("running")


def test_a_pull_is_tried_at_once_when_the_pod_names_another_image() -> None:
    world = Simulation(pod_of("main"))
    world.fail = lambda action: (
        ("ErrImagePull", "no such image") if isinstance(action, StartContainer) else None
    )
    world.settle()
    world.fail = lambda action: None
    world.pod = pod_of("main")
    world.pod.spec.containers[0].image = "main:2"
    world.generation += 1
    world.settle()
    assert status_of(world).state.HasField("running")


def test_a_pod_that_its_node_ends_fails_within_a_second() -> None:
    world = Simulation(pod_of("main"), obeys=False)
    world.settle()
    world.ruling = Ruling("Evicted", "too much on the disk", disrupts=True)
    world.settle()
    assert (world.status.phase, world.status.reason) == ("Failed", "Evicted")
    assert world.status.message == "too much on the disk"
    assert status_of(world).state.HasField("running")
    world.tick(1)
    assert status_of(world).state.terminated.exit_code == 137
    assert [(n.reason, n.warning) for n in world.notices if n.reason == "Evicted"] == [
        ("Evicted", True)
    ]
    (mark,) = (c for c in world.status.conditions if c.type == "DisruptionTarget")
    assert (mark.status, mark.reason) == ("True", "TerminationByKubelet")


def test_a_status_tells_how_volumes_are_mounted() -> None:
    pod = pod_of("main")
    mounts = pod.spec.containers[0].volume_mounts
    mounts.add(name="e", mount_path="/e")
    mounts.add(name="r", mount_path="/r", read_only=True)
    mounts.add(name="a", mount_path="/a", read_only=True, recursive_read_only="Enabled")
    world = Simulation(pod)
    world.settle()
    told = [
        (mount.mount_path, mount.read_only, mount.recursive_read_only)
        for mount in status_of(world).volume_mounts
    ]
    assert told == [("/e", False, ""), ("/r", True, "Disabled"), ("/a", True, "Enabled")]
