"""Tables of the pure lifecycle: what is done, and what the status says."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from agent.lifecycle.view import (
    Action,
    Health,
    MakeSandbox,
    StartContainer,
)
from agent.runtime.specs import ContainerID
from agent.runtime.states import ExitReason
from tests.agent.lifecycle_pods import kinds, pod_of, status_of, waiting
from tests.agent.lifecycle_simulation import START, Simulation

# Starting


def test_a_new_pod_gets_a_sandbox_then_its_containers() -> None:
    world = Simulation(pod_of("a", "b"))
    world.settle()
    assert kinds(world.log) == [
        "MakeSandbox",
        "StartContainer:a",
        "StartContainer:b",
    ]
    assert world.status.phase == "Running"
    assert world.status.pod_ip == "10.0.0.1"
    assert world.status.start_time.seconds == int(START)


def test_the_first_status_says_what_is_waited_for() -> None:
    world = Simulation(pod_of(init=("prepare",)), fail=lambda a: ("FailedCreatePodSandBox", "x"))
    world.settle()
    assert world.status.phase == "Pending"
    assert waiting(world, "prepare") == "PodInitializing"
    assert waiting(world) == "PodInitializing"
    held = {entry.type: entry.status for entry in world.status.conditions}
    assert held == {
        "PodReadyToStartContainers": "False",
        "Initialized": "False",
        "Ready": "False",
        "ContainersReady": "False",
        "PodScheduled": "True",
    }


def test_init_containers_run_one_after_the_other() -> None:
    world = Simulation(pod_of(init=("one", "two")))
    world.settle()
    assert world.running() == ["one"]
    assert world.condition("Initialized") == "False"
    world.crash("one", 0)
    assert world.running() == ["two"]
    world.crash("two", 0)
    assert world.running() == ["main"]
    assert world.condition("Initialized") == "True"
    assert status_of(world, "one").ready


def test_a_sidecar_starts_before_and_runs_beside_the_containers() -> None:
    pod = pod_of(sidecars=("proxy",))
    pod.spec.init_containers[0].startup_probe.period_seconds = 1
    world = Simulation(pod)
    world.settle()
    assert world.running() == ["proxy"]
    world.health[ContainerID("proxy-0")] = Health(started=True)
    world.settle()
    assert world.running() == ["proxy", "main"]
    world.crash("proxy")
    assert world.running() == ["proxy", "main"]


def test_an_init_container_waits_for_the_sidecar_before_it() -> None:
    pod = pod_of(sidecars=("proxy",))
    pod.spec.init_containers[0].startup_probe.period_seconds = 1
    pod.spec.init_containers.add(name="migrate", image="migrate:1")
    world = Simulation(pod)
    world.settle()
    assert world.running() == ["proxy"]
    world.health[ContainerID("proxy-0")] = Health(started=True)
    world.settle()
    assert world.running() == ["proxy", "migrate"]


def test_a_failed_init_container_of_a_pod_that_never_restarts_fails_the_pod() -> None:
    world = Simulation(pod_of(init=("one",), sidecars=("proxy",), policy="Never"))
    world.settle()
    world.crash("one", 3)
    assert world.status.phase == "Failed"
    assert world.running() == []


def test_a_run_that_was_created_but_not_started_is_started_under_the_same_number() -> None:
    from agent.runtime.states import ContainerPhase

    world = Simulation(pod_of())
    world.fail = lambda a: None if isinstance(a, MakeSandbox) else ("RuntimeUnavailable", "gone")
    world.settle()
    world.put("main", 0, ContainerPhase.CREATED)
    world.fail = lambda a: None
    world.tick(10)
    assert status_of(world).restart_count == 0
    assert world.running() == ["main"]


# Restarting


@dataclass(frozen=True)
class Policy:
    policy: str
    code: int
    restarted: bool
    phase: str


@pytest.mark.parametrize(
    "case",
    [
        Policy("Always", 0, True, "Running"),
        Policy("Always", 1, True, "Running"),
        Policy("OnFailure", 0, False, "Succeeded"),
        Policy("OnFailure", 1, True, "Running"),
        Policy("Never", 0, False, "Succeeded"),
        Policy("Never", 1, False, "Failed"),
    ],
    ids=lambda case: f"{case.policy}-exit-{case.code}",
)
def test_restart_policy(case: Policy) -> None:
    world = Simulation(pod_of(policy=case.policy))
    world.settle()
    world.crash("main", case.code)
    assert (status_of(world).restart_count == 1) is case.restarted
    assert world.status.phase == case.phase


def test_the_waits_between_crashes_double_to_five_minutes() -> None:
    world = Simulation(pod_of())
    world.settle()
    waits = []
    for attempt in range(1, 9):
        world.crash("main")
        crashed = world.now
        for _ in range(400):
            if world.running():
                break
            world.tick(1)
        assert status_of(world).restart_count == attempt
        waits.append(round(world.now - crashed))
    assert waits == [0, 10, 20, 40, 80, 160, 300, 300]


def test_ten_good_minutes_forget_the_crashes() -> None:
    world = Simulation(pod_of())
    world.settle()
    for _ in range(3):
        world.crash("main")
        world.tick(60)
    world.tick(601)
    world.crash("main")
    assert world.running() == ["main"]


def test_a_container_in_back_off_says_so_and_keeps_its_last_state() -> None:
    world = Simulation(pod_of())
    world.settle()
    world.crash("main", 4)
    world.crash("main", 5)
    status = status_of(world)
    assert status.state.waiting.reason == "CrashLoopBackOff"
    assert status.state.waiting.message == (
        "back-off 10s restarting failed container=main pod=p_default(u)"
    )
    assert status.last_state.terminated.exit_code == 5
    assert status.restart_count == 1
    assert world.status.phase == "Running"
    assert world.condition("Ready") == "False"
    assert [n.reason for n in world.notices] == ["BackOff"]
    world.tick(11)
    assert status_of(world).last_state.terminated.exit_code == 5
    assert status_of(world).state.HasField("running")


def test_a_restart_that_cannot_begin_yet_still_shows_the_back_off() -> None:
    world = Simulation(pod_of())
    world.settle()
    world.crash("main")
    world.crash("main")
    world.fail = lambda a: ("RuntimeUnavailable", "x") if isinstance(a, StartContainer) else None
    world.tick(30)
    assert waiting(world) == "CrashLoopBackOff"


def test_a_clock_that_is_set_back_holds_up_no_restart() -> None:
    world = Simulation(pod_of())
    world.settle()
    world.crash("main")
    world.crash("main")
    assert waiting(world) == "CrashLoopBackOff"
    world.now -= 3600
    world.tick(1)
    assert status_of(world).state.HasField("running")


def test_a_clock_that_is_set_back_holds_up_no_second_try() -> None:
    world = Simulation(pod_of())
    world.fail = lambda a: ("ErrImagePull", "x") if isinstance(a, StartContainer) else None
    world.settle()
    world.fail = lambda _: None
    world.now -= 3600
    world.tick(1)
    assert status_of(world).state.HasField("running")


def test_containers_start_one_after_the_other() -> None:
    world = Simulation(pod_of("a", "b"))
    world.settle()
    world = Simulation(pod_of("a", "b"), sandbox=world.sandbox)
    world.busy["start:a"] = (StartContainer("a", 0), float("inf"))
    world.settle()
    assert not any(isinstance(action, StartContainer) for action in world.log)
    world.busy.clear()
    world.settle()
    assert world.running() == ["a", "b"]


def test_a_newer_run_that_was_reported_and_is_gone_counts() -> None:
    world = Simulation(pod_of())
    world.settle()
    for _ in range(2):
        world.crash("main")
        world.tick(60)
    assert status_of(world).restart_count == 2
    newest = world.runs["main"][-1]
    world.put("main", 0, newest.phase)
    world.exit("main", 1)
    world.runs = {"main": world.runs["main"][-1:]}
    world.tick(30)
    assert status_of(world).restart_count == 3


def test_reasons_of_an_exit_are_kept() -> None:
    world = Simulation(pod_of(policy="Never"))
    world.settle()
    world.messages[ContainerID("main-0")] = "out of cheese"
    world.exit("main", 137, ExitReason.OOM_KILLED)
    world.settle()
    ended = status_of(world).state.terminated
    assert (ended.exit_code, ended.reason, ended.message) == (137, "OOMKilled", "out of cheese")
    assert ended.container_id == "podman://main-0"


def test_a_lost_sandbox_is_made_anew_and_everything_counts_as_restarted() -> None:
    world = Simulation(pod_of(init=("one",)))
    world.settle()
    world.crash("one", 0)
    assert world.running() == ["main"]
    world.sandbox, world.runs = None, {}  # the machine was restarted
    world.settle()
    assert world.running() == ["one"]
    assert status_of(world, "one").restart_count == 1
    world.crash("one", 0)
    assert status_of(world).restart_count == 1
    assert status_of(world).last_state.terminated.reason == "ContainerStatusUnknown"


def test_a_finished_pod_stays_finished_when_its_machine_restarts() -> None:
    world = Simulation(pod_of(policy="Never"))
    world.settle()
    world.crash("main", 0)
    world.sandbox, world.runs = None, {}
    world.log.clear()
    world.settle()
    assert world.status.phase == "Succeeded"
    assert world.log == []


# Failures to start


@dataclass(frozen=True)
class Trouble:
    reason: str
    shown: str
    later: str


@pytest.mark.parametrize(
    "case",
    [
        Trouble("ErrImagePull", "ErrImagePull", "ImagePullBackOff"),
        Trouble("RegistryUnavailable", "RegistryUnavailable", "ImagePullBackOff"),
        Trouble("ErrImageNeverPull", "ErrImageNeverPull", "ErrImageNeverPull"),
        Trouble("InvalidImageName", "InvalidImageName", "InvalidImageName"),
        Trouble(
            "CreateContainerConfigError", "CreateContainerConfigError", "CreateContainerConfigError"
        ),
        Trouble("CreateContainerError", "CreateContainerError", "CreateContainerError"),
        Trouble("RuntimeUnavailable", "ContainerCreating", "ContainerCreating"),
    ],
    ids=lambda case: case.reason,
)
def test_a_start_that_fails_is_shown_and_tried_again(case: Trouble) -> None:
    world = Simulation(pod_of())
    world.fail = lambda a: (case.reason, "no") if isinstance(a, StartContainer) else None
    world.settle()
    assert waiting(world) == case.shown
    assert world.status.phase == "Pending"
    world.tick(2)
    assert waiting(world) == case.later
    world.fail = lambda a: None
    world.tick(300)
    assert world.status.phase == "Running"


def test_pulls_are_tried_with_growing_waits() -> None:
    world = Simulation(pod_of())
    tries: list[float] = []

    def fail(action: Action) -> tuple[str, str] | None:
        if isinstance(action, StartContainer):
            tries.append(world.now)
            return "ErrImagePull", "no"
        return None

    world.fail = fail
    world.tick(1500)
    gaps = [round(b - a) for a, b in zip(tries, tries[1:], strict=False)]
    assert gaps[:7] == [10, 20, 40, 80, 160, 300, 300]


def test_a_config_error_is_tried_at_once_when_the_assignment_changes() -> None:
    world = Simulation(pod_of())
    world.fail = lambda a: (
        ("CreateContainerConfigError", "no") if isinstance(a, StartContainer) else None
    )
    world.settle()
    world.fail = lambda a: None
    world.settle()
    assert world.running() == []
    world.generation += 1
    world.settle()
    assert world.running() == ["main"]


# Probes


def test_readiness_makes_a_pod_ready_and_unready() -> None:
    pod = pod_of()
    pod.spec.containers[0].readiness_probe.period_seconds = 1
    world = Simulation(pod)
    taken = world.settle()
    assert dict(taken.probed) == {"main": "main-0"}
    assert world.condition("Ready") == "False"
    since = world.now
    world.now += 5
    world.health[ContainerID("main-0")] = Health(ready=True)
    world.settle()
    assert world.condition("Ready") == "True"
    ready = next(c for c in world.status.conditions if c.type == "Ready")
    assert ready.last_transition_time.seconds == int(since + 5)
    world.now += 5
    world.settle()
    ready = next(c for c in world.status.conditions if c.type == "Ready")
    assert ready.last_transition_time.seconds == int(since + 5)
    world.health[ContainerID("main-0")] = Health(ready=False)
    world.settle()
    assert world.condition("Ready") == "False"


def test_a_container_that_fails_its_liveness_probe_is_stopped_and_restarted() -> None:
    pod = pod_of()
    pod.spec.containers[0].liveness_probe.period_seconds = 1
    world = Simulation(pod)
    world.settle()
    world.health[ContainerID("main-0")] = Health(failed="Container main failed liveness probe")
    world.settle()
    assert [n.reason for n in world.notices] == ["Killing"]
    assert status_of(world).restart_count == 1
    assert world.running() == ["main"]


def test_a_restarted_agent_keeps_a_reported_readiness_until_it_knows_better() -> None:
    pod = pod_of()
    pod.spec.containers[0].readiness_probe.period_seconds = 1
    world = Simulation(pod)
    world.settle()
    world.health[ContainerID("main-0")] = Health(ready=True)
    world.settle()
    world.health.clear()
    world.memory = type(world.memory)()
    world.settle()
    assert world.condition("Ready") == "True"


def test_readiness_gates_are_waited_for() -> None:
    pod = pod_of()
    pod.spec.readiness_gates.add(condition_type="example.com/lb")
    world = Simulation(pod)
    world.settle()
    assert world.condition("ContainersReady") == "True"
    assert world.condition("Ready") == "False"
    pod.status.conditions.add(type="example.com/lb", status="True")
    world.settle()
    assert world.condition("Ready") == "True"
    assert world.condition("example.com/lb") == "True"


# Phases


@dataclass(frozen=True)
class Shape:
    name: str
    crashes: str
    phase: str


@pytest.mark.parametrize(
    "case",
    [
        Shape("untouched", "", "Running"),
        Shape("one-runs-one-in-back-off", "aa", "Running"),
        Shape("all-in-back-off", "aabb", "Running"),
    ],
    ids=lambda case: case.name,
)
def test_phase_of_a_pod_that_restarts(case: Shape) -> None:
    world = Simulation(pod_of("a", "b"))
    world.settle()
    for name in case.crashes:
        world.crash(name)
    assert world.status.phase == case.phase
