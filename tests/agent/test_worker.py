"""Assignments become pods that run, on the in-memory machine."""

from __future__ import annotations

import pytest

from agent.hollow import HollowVolumes
from agent.runtime.specs import Mount, Pairs
from agent.runtime.states import ContainerPhase
from agent.volumes.contract import VolumeFault
from protos.core_v1_pb2 import ConfigMap, Container, Pod
from tests.agent.world import World, make_pod


async def test_an_assigned_pod_is_reported_running_without_time_passing() -> None:
    world = World()
    async with world.agent_runs():
        await world.assign(make_pod(), complete=True)
        status = world.status("uid-web")
        assert status.phase == "Running"
        assert status.pod_ip.startswith("10.244.1.")
        assert [c.type for c in status.conditions if c.status == "True"] == [
            "PodReadyToStartContainers",
            "Initialized",
            "Ready",
            "ContainersReady",
            "PodScheduled",
        ]
        reasons = [reason for reason, _ in world.events()]
        assert reasons == ["Pulling", "Pulled", "Created", "Started"]


async def test_a_restarted_agent_adopts_what_runs() -> None:
    world = World()
    async with world.agent_runs():
        await world.assign(make_pod(), complete=True)
        before = world.status("uid-web")
    await world.advance(100)
    async with world.agent_runs(master=False):
        pods = world.worker.pods()
        after = next(iter(pods.values())).status
        assert after.pod_ip == before.pod_ip
        assert after.container_statuses == before.container_statuses
        assert after == before


async def test_a_pod_is_restarted_with_no_master_in_sight() -> None:
    world = World()
    async with world.agent_runs():
        await world.assign(make_pod(main="sleep 50; exit 1"), complete=True)
    await world.advance(20)
    async with world.agent_runs(master=False):
        await world.advance(40)
        status = world.status("uid-web")
        assert status.container_statuses[0].restart_count == 1
        assert status.container_statuses[0].state.HasField("running")
        assert status.container_statuses[0].last_state.terminated.exit_code == 1


async def test_a_pod_absent_from_a_complete_set_ends_at_once() -> None:
    world = World()
    async with world.agent_runs():
        await world.assign(make_pod("a"), make_pod("b"), complete=True)
        await world.assign(make_pod("b"), complete=True)
        assert [state.pod for state in await world.runtime.list_containers()] == ["uid-b"]
        assert list(world.worker.pods()) == ["uid-b"]


async def test_what_nobody_assigned_is_removed_only_after_a_complete_set() -> None:
    world = World()
    async with world.agent_runs():
        await world.assign(make_pod("a"), complete=True)
    world.ledger = type(world.ledger)()
    async with world.agent_runs():
        await world.advance(10)
        assert len(await world.runtime.list_containers()) == 1
        await world.assign(complete=True)
        assert await world.runtime.list_containers() == ()
        assert await world.volumes.known() == ()


async def test_a_deleted_pod_ends_with_grace_and_is_reported_terminated() -> None:
    world = World()
    async with world.agent_runs():
        await world.assign(make_pod(main="nc -ll -p 80 -e cat"), complete=True)
        await world.assign(deleted(world, make_pod(main="nc -ll -p 80 -e cat"), 5))
        assert not world.reports["uid-web"].terminated
        await world.advance(4)
        assert not world.reports["uid-web"].terminated
        await world.advance(2)
        report = world.reports["uid-web"]
        assert report.terminated
        assert report.status.phase == "Failed"
        assert report.status.container_statuses[0].state.terminated.exit_code == 137


async def test_a_pod_waits_for_a_missing_config_map_and_starts_when_it_comes() -> None:
    pod = make_pod()
    source = pod.spec.containers[0].env_from.add()
    source.config_map_ref.local_object_reference.name = "settings"
    world = World()
    async with world.agent_runs():
        await world.assign(pod, complete=True)
        waiting = world.status("uid-web").container_statuses[0].state.waiting
        assert waiting.reason == "CreateContainerConfigError"
        assert waiting.message == 'configmap "settings" not found'
        settings = ConfigMap(data={"COLOUR": "blue"})
        settings.metadata.name, settings.metadata.namespace = "settings", "default"
        await world.assign(settings)
        assert world.status("uid-web").phase == "Running"
        run = next(iter(world.machine.runs.values()))
        assert run.spec.env == (("COLOUR", "blue"),)


class Broken(HollowVolumes):
    """Volumes with a subPath that leads out of them."""

    def mounts(self, pod: Pod, container: Container, env: Pairs) -> tuple[Mount, ...]:
        raise VolumeFault("subPath '..' leads out of its volume")


async def test_a_part_of_a_volume_that_cannot_be_is_the_containers_own_error() -> None:
    world = World()
    world.volumes = Broken()
    async with world.agent_runs():
        await world.assign(make_pod(), complete=True)
        waiting = world.status("uid-web").container_statuses[0].state.waiting
        assert waiting.reason == "CreateContainerConfigError"
        assert waiting.message == "subPath '..' leads out of its volume"


class Overflowing(HollowVolumes):
    """Volumes that hold too much, of pods named so."""

    async def usage(self, pod: Pod) -> dict[str, int]:
        return {"e": (2 << 20) if pod.metadata.name == "full" else 0}


async def test_a_pod_whose_volume_overflows_is_evicted() -> None:
    world = World()
    world.volumes = Overflowing()
    pods = [make_pod("full"), make_pod("empty")]
    for pod in pods:
        limit = pod.spec.volumes.add(name="e").volume_source.empty_dir.size_limit
        limit.string = "1Mi"
    async with world.agent_runs():
        await world.assign(*pods, make_pod("unlimited"), complete=True)
        await world.advance(11)
        full = world.status("uid-full")
        assert (full.phase, full.reason) == ("Failed", "Evicted")
        assert full.message == 'Usage of EmptyDir volume "e" exceeds the limit "1Mi".'
        assert world.status("uid-empty").phase == "Running"


async def test_a_new_uid_under_an_old_name_is_another_pod() -> None:
    world = World()
    async with world.agent_runs():
        await world.assign(make_pod(uid="one"), complete=True)
        await world.assign(make_pod(uid="two"))
        assert [state.pod for state in await world.runtime.list_containers()] == ["two"]


async def test_a_crash_is_restarted_at_once_then_with_growing_waits() -> None:
    world = World()
    async with world.agent_runs():
        await world.assign(make_pod(main="sleep 1; exit 3"), complete=True)
        starts: list[float] = []
        for _ in range(200):
            await world.advance(1)
            count = world.status("uid-web").container_statuses[0].restart_count
            if len(starts) < count:
                starts.append(world.clock.monotonic())
        gaps = [round(b - a) for a, b in zip(starts, starts[1:], strict=False)]
        assert gaps[:3] == [11, 21, 41]
        status = world.status("uid-web").container_statuses[0]
        assert status.state.waiting.reason == "CrashLoopBackOff"
        assert status.last_state.terminated.exit_code == 3


async def test_an_absent_image_is_shown_and_tried_again() -> None:
    world = World()
    world.machine.absent = frozenset({"demo"})
    async with world.agent_runs():
        await world.assign(make_pod(), complete=True)
        waiting = world.status("uid-web").container_statuses[0].state.waiting
        assert waiting.reason == "ErrImagePull"
        await world.advance(2)
        waiting = world.status("uid-web").container_statuses[0].state.waiting
        assert waiting.reason == "ImagePullBackOff"
        world.machine.absent = frozenset()
        await world.advance(10)
        assert world.status("uid-web").phase == "Running"


async def test_a_killed_container_comes_back_with_the_same_address() -> None:
    world = World()
    async with world.agent_runs():
        await world.assign(make_pod(), complete=True)
        address = world.status("uid-web").pod_ip
        run = (await world.runtime.list_containers())[0]
        await world.runtime.kill_container(run.id, 9)
        await world.settle()
        status = world.status("uid-web")
        assert status.container_statuses[0].restart_count == 1
        assert status.container_statuses[0].last_state.terminated.exit_code == 137
        assert status.pod_ip == address
        states = await world.runtime.list_containers()
        assert [state.phase for state in states] == [ContainerPhase.RUNNING]


def deleted(world: World, pod: Pod, grace: int) -> Pod:
    """The pod, marked for deletion."""
    pod.metadata.deletion_timestamp.seconds = int(world.clock.now()) + grace
    pod.metadata.deletion_grace_period_seconds = grace
    return pod


async def test_a_status_that_the_master_has_wrong_is_reported_again() -> None:
    world = World()
    async with world.agent_runs():
        await world.assign(make_pod(), complete=True)
        await world.until(lambda: world.status("uid-web").phase == "Running")
        theirs = make_pod()
        theirs.status.CopyFrom(world.status("uid-web"))
        before = len(world.history)
        await world.assign(theirs)
        assert len(world.history) == before
        wrong = make_pod()
        wrong.status.CopyFrom(theirs.status)
        for condition in wrong.status.conditions:
            if condition.type == "Ready":
                condition.status, condition.reason = "False", "NodeLost"
        await world.assign(wrong)
        await world.until(lambda: len(world.history) > before)
        assert world.status("uid-web") == theirs.status


async def test_an_agent_that_starts_reports_what_the_master_has_wrong() -> None:
    world = World()
    async with world.agent_runs():
        await world.assign(make_pod(), complete=True)
        await world.until(lambda: world.status("uid-web").phase == "Running")
    wrong = make_pod()
    wrong.status.CopyFrom(world.status("uid-web"))
    for condition in wrong.status.conditions:
        if condition.type == "Ready":
            condition.status, condition.reason = "False", "NodeLost"
    world.ledger.put("pods/default/web", wrong.SerializeToString())
    before = len(world.history)
    async with world.agent_runs():
        await world.until(lambda: len(world.history) > before)
        assert {c.type: c.status for c in world.status("uid-web").conditions}["Ready"] == "True"


async def test_a_container_added_to_a_running_pod_runs_in_it() -> None:
    world = World()
    async with world.agent_runs():
        pod = make_pod()
        await world.assign(pod, complete=True)
        added = Pod()
        added.CopyFrom(pod)
        debugger = added.spec.ephemeral_containers.add(target_container_name="main")
        common = debugger.ephemeral_container_common
        common.name, common.image, common.image_pull_policy = "debugger", "demo", "IfNotPresent"
        await world.assign(added)
        (status,) = world.status("uid-web").ephemeral_container_statuses
        assert status.state.HasField("running")
        runs = await world.runtime.list_containers()
        assert [run.name for run in runs] == ["debugger", "main"]


async def test_a_container_whose_target_does_not_run_waits_for_it() -> None:
    world = World()
    async with world.agent_runs():
        pod = make_pod(main="sleep 5; exit 0")
        pod.spec.restart_policy = "OnFailure"
        pod.spec.containers.add(name="other", image="demo", image_pull_policy="IfNotPresent")
        await world.assign(pod, complete=True)
        await world.advance(10)
        added = Pod()
        added.CopyFrom(pod)
        debugger = added.spec.ephemeral_containers.add(target_container_name="main")
        common = debugger.ephemeral_container_common
        common.name, common.image, common.image_pull_policy = "debugger", "demo", "IfNotPresent"
        await world.assign(added)
        (status,) = world.status("uid-web").ephemeral_container_statuses
        assert status.state.waiting.reason == "CreateContainerError"
        assert 'target container "main" does not run' in status.state.waiting.message


async def test_a_pod_is_told_what_it_asks_in_vain() -> None:
    world = World()
    asking = make_pod("asking")
    asking.spec.host_users = False
    asking.spec.resource_claims.add(name="gpu")
    asking.spec.runtime_class_name = "sandboxed"
    asking.spec.security_context.supplemental_groups_policy = "Strict"
    async with world.agent_runs():
        await world.assign(asking, make_pod("plain"), complete=True)
        told = [text for reason, text in world.events() if reason == "FieldNotSupported"]
        fields = [text.partition(" ")[0] for text in told]
        assert fields == [
            "spec.hostUsers",
            "spec.runtimeClassName",
            "spec.resourceClaims",
            "spec.securityContext.supplementalGroupsPolicy",
        ]


@pytest.mark.parametrize(
    ("image", "policy", "events"),
    [
        (
            "absent",
            "Never",
            [
                (
                    "ErrImageNeverPull",
                    'Container image "absent" is not present with pull policy of Never',
                ),
                ("Failed", "Error: ErrImageNeverPull"),
            ],
        ),
        (
            "demo",
            "IfNotPresent",
            [("Failed", 'Error: configmap "settings" not found')],
        ),
    ],
    ids=["never-pull", "config"],
)
async def test_failures_have_kubernetes_events(
    image: str, policy: str, events: list[tuple[str, str]]
) -> None:
    world = World()
    pod = make_pod()
    (main,) = pod.spec.containers
    main.image, main.image_pull_policy = image, policy
    main.env_from.add().config_map_ref.local_object_reference.name = "settings"
    async with world.agent_runs():
        await world.assign(pod, complete=True)
        told = [event for event in world.events() if event[0] in ("Failed", "ErrImageNeverPull")]
        assert told == events
