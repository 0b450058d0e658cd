"""Whatever happens to a pod: it comes up, backs off in order, and always ends."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.lifecycle.view import Action, StartContainer
from agent.runtime.states import ContainerPhase
from protos.core_v1_pb2 import Pod
from tests.agent.lifecycle_pods import pod_of, status_of
from tests.agent.lifecycle_simulation import Simulation

POLICIES = st.sampled_from(["Always", "OnFailure", "Never"])
REASONS = ["ErrImagePull", "CreateContainerError", "RuntimeUnavailable", "FailedMount"]
MISHAPS = st.lists(
    st.sampled_from(["crash", "finish", "wait", "reboot", "restart-agent", "fail", "heal", "new"]),
    max_size=15,
)


def pods() -> st.SearchStrategy[Pod]:
    """Small pods of every shape."""
    return st.builds(
        lambda mains, inits, sidecars, policy: pod_of(
            *(f"m{n}" for n in range(mains)),
            init=tuple(f"i{n}" for n in range(inits)),
            sidecars=tuple(f"s{n}" for n in range(sidecars)),
            policy=policy,
        ),
        st.integers(1, 3),
        st.integers(0, 2),
        st.integers(0, 2),
        POLICIES,
    )


def happen(world: Simulation, mishap: str, rng: random.Random) -> None:
    """One thing goes wrong, or right."""
    match mishap:
        case "crash" | "finish":
            running = world.running()
            if running:
                world.crash(rng.choice(running), 0 if mishap == "finish" else 1)
        case "wait":
            world.tick(rng.choice([0.5, 7, 100, 700]))
        case "reboot":
            world.sandbox, world.runs, world.memory = None, {}, type(world.memory)()
            world.busy.clear()
        case "restart-agent":
            world.memory, world.generation = type(world.memory)(), 1
            world.busy.clear()
            world.health.clear()
        case "fail":
            reason = rng.choice(REASONS)
            world.fail = lambda action: (reason, "no") if rng.random() < 0.7 else None
        case "heal":
            world.fail = lambda action: None
        case "new":
            world.generation += 1


@settings(max_examples=50, deadline=None)
@given(pod=pods(), mishaps=MISHAPS, seed=st.integers(0, 2**16))
def test_a_pod_that_should_run_is_eventually_running(
    pod: Pod, mishaps: list[str], seed: int
) -> None:
    world, rng = Simulation(pod), random.Random(seed)
    world.settle()
    for mishap in mishaps:
        happen(world, mishap, rng)
        world.settle()
    world.fail = lambda action: None
    # Init containers do their work, everything else runs on.
    for _ in range(8):
        world.tick(301)
        for init in pod.spec.init_containers:
            if not init.restart_policy and init.name in world.running():
                world.crash(init.name, 0)
    if world.status.phase in ("Succeeded", "Failed"):
        assert pod.spec.restart_policy != "Always"
        assert world.running() == []
        return
    assert world.status.phase == "Running"
    ended = {
        entry.name
        for entry in world.status.container_statuses
        if entry.state.HasField("terminated")
    }
    assert {c.name for c in pod.spec.containers} == ended | set(world.running()) - {
        c.name for c in pod.spec.init_containers
    }
    if not ended:
        assert world.condition("Ready") == "True"


@settings(max_examples=50, deadline=None)
@given(
    pod=pods(),
    mishaps=MISHAPS,
    seed=st.integers(0, 2**16),
    obeys=st.booleans(),
    grace=st.integers(0, 60),
    evicted=st.booleans(),
)
def test_deletion_always_ends(
    pod: Pod, mishaps: list[str], seed: int, obeys: bool, grace: int, evicted: bool
) -> None:
    world, rng = Simulation(pod, obeys=obeys), random.Random(seed)
    world.settle()
    for mishap in mishaps:
        happen(world, mishap, rng)
    world.fail = lambda action: None
    world.delete(grace)
    world.evicted = evicted
    taken = world.tick(grace + 70)  # the longest local back-off is a minute
    assert taken.ended
    assert world.running() == []
    assert world.sandbox is None
    assert world.status.phase in ("Succeeded", "Failed")


@settings(max_examples=30, deadline=None)
@given(runs=st.lists(st.floats(0, 500), min_size=2, max_size=12))
def test_back_off_never_shrinks_while_runs_are_short(runs: list[float]) -> None:
    world = Simulation(pod_of())
    world.settle()
    waits = []
    for lasted in runs:
        if lasted:
            world.tick(min(lasted, 290))
        world.crash("m" if "m" in world.runs else "main")
        crashed = world.now
        while not world.running():
            world.tick(1)
        waits.append(world.now - crashed)
    assert all(b >= a for a, b in zip(waits, waits[1:], strict=False))
    assert max(waits) <= 301


@settings(max_examples=50, deadline=None)
@given(pod=pods(), mishaps=MISHAPS, seed=st.integers(0, 2**16))
def test_restart_counts_never_go_back(pod: Pod, mishaps: list[str], seed: int) -> None:
    world, rng = Simulation(pod), random.Random(seed)
    counts: dict[str, int] = {}
    world.settle()
    for mishap in mishaps:
        happen(world, mishap, rng)
        world.settle()
        for entry in (*world.status.init_container_statuses, *world.status.container_statuses):
            assert entry.restart_count >= counts.get(entry.name, 0)
            counts[entry.name] = entry.restart_count


@settings(max_examples=30, deadline=None)
@given(pod=pods(), mishaps=MISHAPS, seed=st.integers(0, 2**16))
def test_no_action_is_issued_twice_while_it_is_under_way(
    pod: Pod, mishaps: list[str], seed: int
) -> None:
    world, rng = Simulation(pod), random.Random(seed)
    world.settle()
    for mishap in mishaps:
        happen(world, mishap, rng)
        taken = world.settle()
        keys = [action.key for action in taken.actions]
        assert len(keys) == len(set(keys))
        assert not set(keys) & set(world.busy) - taken.cancel


def test_a_mishap_can_be_seen_to_fail() -> None:
    """The simulation itself: a start that always fails never runs."""
    world = Simulation(pod_of())

    def fail(action: Action) -> tuple[str, str] | None:
        return ("CreateContainerError", "no") if isinstance(action, StartContainer) else None

    world.fail = fail
    world.tick(1000)
    assert world.running() == []
    assert status_of(world).state.waiting.reason == "CreateContainerError"
    assert ContainerPhase.RUNNING not in [r.phase for rs in world.runs.values() for r in rs]
