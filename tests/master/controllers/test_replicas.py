from __future__ import annotations

import pytest

from master.controllers.ownership import reference_to
from master.controllers.replicas import (
    BURST,
    claim,
    deletion_order,
    next_available_in,
    plan_replicas,
    pod_from_template,
    replica_set_status,
)
from protos.apps_v1_pb2 import ReplicaSet
from protos.core_v1_pb2 import Pod


def replica_set(replicas: int = 2, *, min_ready: int = 0) -> ReplicaSet:
    made = ReplicaSet()
    made.metadata.name, made.metadata.namespace, made.metadata.uid = "web", "default", "rs"
    made.spec.replicas, made.spec.min_ready_seconds = replicas, min_ready
    made.spec.selector.match_labels["app"] = "web"
    made.spec.template.metadata.labels["app"] = "web"
    return made


def pod(
    name: str,
    *,
    node: str = "n1",
    phase: str = "Running",
    ready: int | None = 100,
    restarts: int = 0,
    born: int = 0,
    ending: bool = False,
    owner: ReplicaSet | None = None,
    app: str = "web",
) -> Pod:
    made = Pod()
    made.metadata.name = made.metadata.uid = name
    made.metadata.labels["app"] = app
    made.metadata.creation_timestamp.seconds = born
    made.spec.node_name = node
    made.status.phase = phase
    condition = made.status.conditions.add(type="Ready", status="False")
    if ready is not None:
        condition.status = "True"
        condition.last_transition_time.seconds = ready
    made.status.container_statuses.add(name="main", restart_count=restarts)
    if ending:
        made.metadata.deletion_timestamp.seconds = 1
    if owner is not None:
        made.metadata.owner_references.append(reference_to(owner))
    return made


def test_missing_pods_are_created() -> None:
    assert plan_replicas(replica_set(3), [pod("a")]).create == 2


def test_pods_that_ended_or_are_ending_do_not_count() -> None:
    owned = [pod("a", phase="Failed"), pod("b", phase="Succeeded"), pod("c", ending=True)]
    assert plan_replicas(replica_set(2), owned).create == 2


def test_a_burst_is_bounded() -> None:
    assert plan_replicas(replica_set(100_000), []).create == BURST


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(pod("a", node=""), pod("b", node="n1", ready=None), id="without-a-node"),
        pytest.param(
            pod("a", phase="Pending", ready=None), pod("b", ready=None), id="pending-before-running"
        ),
        pytest.param(pod("a", ready=None), pod("b"), id="not-ready-before-ready"),
        pytest.param(pod("a", ready=200), pod("b", ready=100), id="ready-for-a-shorter-time"),
        pytest.param(pod("a", restarts=3), pod("b"), id="restarted-more-often"),
        pytest.param(pod("a", born=200), pod("b", born=100), id="younger"),
    ],
)
def test_deletion_prefers(first: Pod, second: Pod) -> None:
    assert [p.metadata.name for p in deletion_order([second, first])] == ["a", "b"]


def test_deletion_prefers_nodes_that_hold_more_of_the_set() -> None:
    pods = [pod("a", node="n1"), pod("b", node="n2"), pod("c", node="n2")]
    plan = plan_replicas(replica_set(2), pods)
    assert plan.delete[0].spec.node_name == "n2"


def test_claim_adopts_orphans_and_releases_what_no_longer_matches() -> None:
    owner = replica_set()
    other = ReplicaSet()
    other.metadata.uid, other.metadata.name = "other", "other"
    pods = [
        pod("owned", owner=owner),
        pod("left", owner=owner, app="db"),
        pod("orphan"),
        pod("foreign", owner=other),
        pod("dead-orphan", phase="Failed"),
    ]
    found = claim(owner, pods)
    assert [p.metadata.name for p in found.owned] == ["owned"]
    assert [p.metadata.name for p in found.adopt] == ["orphan"]
    assert [p.metadata.name for p in found.release] == ["left"]


def test_a_replica_set_that_ends_adopts_nothing() -> None:
    owner = replica_set()
    owner.metadata.deletion_timestamp.seconds = 1
    assert not claim(owner, [pod("orphan")]).adopt


def test_status_counts_ready_and_available_apart() -> None:
    owner = replica_set(3, min_ready=10)
    owner.metadata.generation = 7
    pods = [pod("a", ready=100), pod("b", ready=95), pod("c", ready=None)]
    status = replica_set_status(owner, pods, now=106)
    assert (status.replicas, status.ready_replicas, status.available_replicas) == (3, 2, 1)
    assert status.observed_generation == 7
    assert next_available_in(owner, pods, now=106) == 4


def test_failure_is_told_until_it_is_over() -> None:
    owner = replica_set(2)
    failing = replica_set_status(owner, [], now=5, tried=True, failure="no room")
    (told,) = failing.conditions
    assert (told.type, told.status, told.reason) == ("ReplicaFailure", "True", "FailedCreate")
    assert (told.message, told.last_transition_time.seconds) == ("no room", 5)
    owner.status.CopyFrom(failing)
    assert replica_set_status(owner, [], now=9, tried=True, failure="still none") == failing
    assert replica_set_status(owner, [], now=9) == failing
    assert not replica_set_status(owner, [], now=9, tried=True).conditions


def test_pods_get_a_name_that_stays_a_host_name() -> None:
    owner = replica_set()
    owner.metadata.name = "x" * 200
    assert len(pod_from_template(owner).metadata.generate_name) + 5 <= 63
