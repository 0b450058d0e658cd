"""How the pure lifecycle ends pods: grace, hooks, the order of containers, deadlines."""

from __future__ import annotations

from agent.lifecycle.view import (
    RemovePod,
    RunPreStop,
    StartContainer,
    StopContainer,
)
from tests.agent.lifecycle_pods import kinds, pod_of, status_of
from tests.agent.lifecycle_simulation import Simulation


def test_deletion_stops_containers_then_removes_the_pod() -> None:
    world = Simulation(pod_of("a", "b"))
    world.settle()
    world.log.clear()
    world.delete()
    taken = world.settle()
    assert kinds(world.log) == ["StopContainer:a", "StopContainer:b", "RemovePod"]
    assert taken.ended
    assert world.status.phase == "Succeeded"


def test_a_container_that_ignores_its_signal_is_killed_at_the_end_of_the_grace() -> None:
    world = Simulation(pod_of(), obeys=False)
    world.settle()
    world.delete(grace=20)
    world.tick(19)
    assert world.running() == ["main"]
    taken = world.tick(2)
    assert taken.ended
    assert status_of(world).state.terminated.exit_code == 137
    assert world.status.phase == "Failed"


def test_a_hook_runs_before_the_signal_and_shares_the_grace() -> None:
    pod = pod_of()
    pod.spec.containers[0].lifecycle.pre_stop.sleep.seconds = 5
    world = Simulation(pod, hooks=False, obeys=False)
    world.settle()
    world.log.clear()
    world.delete(grace=20)
    world.settle()
    assert [type(a) for a in world.log] == [RunPreStop]
    world.busy.clear()
    from agent.lifecycle.learning import learn
    from agent.lifecycle.view import Outcome

    world.now += 5
    world.memory = learn(world.memory, Outcome("hook:main-0"), world.now)
    world.settle()
    stop = world.log[-1]
    assert isinstance(stop, StopContainer)
    assert stop.grace == 15


def test_a_hook_that_takes_all_the_grace_leaves_two_seconds_for_the_signal() -> None:
    pod = pod_of()
    pod.spec.containers[0].lifecycle.pre_stop.sleep.seconds = 500
    world = Simulation(pod, hooks=False, obeys=False)
    world.settle()
    world.delete(grace=10)
    world.tick(11)
    assert world.running() == ["main"]
    assert world.tick(3).ended


def test_sidecars_end_after_the_containers_the_last_first() -> None:
    world = Simulation(pod_of(sidecars=("one", "two")))
    world.settle()
    world.log.clear()
    world.delete()
    world.settle()
    assert kinds(world.log) == [
        "StopContainer:main",
        "StopContainer:two",
        "StopContainer:one",
        "RemovePod",
    ]


def test_sidecars_of_a_finished_pod_are_stopped() -> None:
    world = Simulation(pod_of(sidecars=("proxy",), policy="Never"))
    world.settle()
    world.crash("main", 0)
    assert world.running() == []
    assert world.status.phase == "Succeeded"


def test_a_deletion_repeated_with_no_grace_kills_at_once() -> None:
    world = Simulation(pod_of(), obeys=False)
    world.settle()
    world.delete(grace=300)
    world.tick(1)
    assert world.running() == ["main"]
    world.delete(grace=0)
    taken = world.settle()
    assert taken.ended
    assert isinstance(world.log[-2], StopContainer)
    assert world.log[-2].grace == 0


def test_an_engine_that_hangs_in_a_stop_is_overtaken_by_a_kill() -> None:
    world = Simulation(pod_of(), obeys=False)
    world.settle()
    world.delete(grace=5)
    world.settle()
    action, _ = world.busy["stop:main-0"]
    world.busy["stop:main-0"] = (action, float("inf"))
    world.tick(10)
    assert world.running() == []
    assert world.log[-1] == RemovePod()


def test_a_pod_that_left_the_assignments_goes_without_grace() -> None:
    world = Simulation(pod_of(), obeys=False)
    world.settle()
    world.log.clear()
    world.evicted = True
    world.settle()
    assert kinds(world.log) == ["RemovePod"]


def test_a_pull_under_way_is_cut_off_when_its_pod_is_deleted() -> None:
    world = Simulation(pod_of())
    world.fail = lambda a: ("ErrImagePull", "x") if isinstance(a, StartContainer) else None
    world.settle()
    world.busy["start:main"] = (StartContainer("main", 0), float("inf"))
    world.delete()
    taken = world.settle()
    assert taken.ended


def test_a_pod_over_its_active_deadline_fails() -> None:
    pod = pod_of()
    pod.spec.active_deadline_seconds = 60
    world = Simulation(pod)
    world.tick(59)
    assert world.status.phase == "Running"
    world.tick(2)
    assert (world.status.phase, world.status.reason) == ("Failed", "DeadlineExceeded")
    assert world.running() == []
    world.tick(60)
    assert world.status.reason == "DeadlineExceeded"
    assert [n.reason for n in world.notices].count("DeadlineExceeded") == 1
