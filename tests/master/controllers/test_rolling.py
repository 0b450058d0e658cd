from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from master.controllers.revisions import size_annotations
from master.controllers.rolling import limits, max_size, new_size, old_sizes, scaled_sizes
from protos.apps_v1_pb2 import Deployment, ReplicaSet
from protos.scalars_pb2 import IntOrString


def value(text: str | int) -> IntOrString:
    if isinstance(text, int):
        return IntOrString(int_val=text)
    return IntOrString(type=1, str_val=text)


def deployment(
    replicas: int, surge: str | int = "25%", unavailable: str | int = "25%"
) -> Deployment:
    made = Deployment()
    made.metadata.name, made.metadata.uid = "web", "d"
    made.spec.replicas = replicas
    made.spec.strategy.type = "RollingUpdate"
    made.spec.strategy.rolling_update.max_surge.CopyFrom(value(surge))
    made.spec.strategy.rolling_update.max_unavailable.CopyFrom(value(unavailable))
    return made


def replica_set(
    name: str, replicas: int, available: int | None = None, *, born: int = 0, of: int = 0
) -> ReplicaSet:
    made = ReplicaSet()
    made.metadata.name = made.metadata.uid = name
    made.metadata.creation_timestamp.seconds = born
    made.spec.replicas = replicas
    made.status.replicas = replicas
    made.status.available_replicas = replicas if available is None else available
    if of:
        made.metadata.annotations.update(size_annotations(of, of + 2))
    return made


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        pytest.param(10, "25%", "25%", (3, 2), id="surge-up-unavailable-down"),
        pytest.param(1, "25%", "25%", (1, 0), id="one-replica-surges"),
        pytest.param(10, 0, 0, (0, 1), id="never-both-zero"),
        pytest.param(3, 5, 10, (5, 3), id="no-more-unavailable-than-there-are"),
    ],
)
def test_limits_resolve_percentages(
    replicas: int, surge: str | int, unavailable: str | int, expected: tuple[int, int]
) -> None:
    assert limits(deployment(replicas, surge, unavailable)) == expected


def test_first_rollout_starts_at_full_size() -> None:
    assert new_size(deployment(4), 0, []) == 4


def test_new_replica_set_grows_into_the_surge_only() -> None:
    wanted = deployment(4, 1, 1)
    old, new = replica_set("old", 4), replica_set("new", 0)
    assert new_size(wanted, 0, [old, new]) == 1


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        pytest.param((1, 0), (4, 4), {"old": 3}, id="one-may-be-unavailable"),
        pytest.param((1, 1), (4, 4), {"old": 2}, id="an-available-new-one-frees-another"),
        pytest.param((2, 0), (3, 3), {}, id="the-new-ones-must-come-first"),
        pytest.param((1, 0), (4, 2), {"old": 3}, id="broken-old-ones-go-first"),
        pytest.param((4, 4), (1, 1), {"old": 0}, id="the-last-one-goes"),
    ],
)
def test_old_replica_sets_shrink_as_availability_allows(
    new: tuple[int, int], old: tuple[int, int], expected: dict[str, int]
) -> None:
    wanted = deployment(4, 1, 1)
    assert old_sizes(wanted, replica_set("new", *new), [replica_set("old", *old)]) == expected


@settings(max_examples=200, deadline=None)
@given(
    replicas=st.integers(0, 12),
    surge=st.integers(0, 5),
    unavailable=st.integers(0, 5),
    old_size=st.integers(0, 12),
    data=st.data(),
)
def test_a_rollout_always_ends_and_never_breaks_its_limits(
    replicas: int, surge: int, unavailable: int, old_size: int, data: st.DataObject
) -> None:
    """Pods become available at random times; the sizes are followed to the end."""
    wanted = deployment(replicas, surge, unavailable)
    least = replicas - limits(wanted)[1]
    old, new = replica_set("old", min(old_size, max_size(wanted))), replica_set("new", 0)
    floor = min(least, old.spec.replicas)
    for _ in range(200):
        size = new_size(wanted, new.spec.replicas, [old, new])
        if size != new.spec.replicas:
            new.spec.replicas = size
        else:
            old.spec.replicas = old_sizes(wanted, new, [old]).get("old", old.spec.replicas)
        for rs in (old, new):
            # Gone pods are gone at once; new ones become available one after the other.
            rs.status.available_replicas = min(rs.status.available_replicas, rs.spec.replicas)
        available = old.status.available_replicas + new.status.available_replicas
        assert old.spec.replicas + new.spec.replicas <= max(max_size(wanted), old_size)
        assert available >= min(floor, available if available >= least else floor)
        floor = min(least, max(floor, available))
        waiting = new.spec.replicas - new.status.available_replicas
        if waiting and data.draw(st.booleans()):
            new.status.available_replicas += data.draw(st.integers(1, waiting))
        elif waiting:
            new.status.available_replicas += 1
        if (new.spec.replicas, old.spec.replicas, waiting) == (replicas, 0, 0):
            return
    pytest.fail(f"stuck at new {new.spec.replicas}, old {old.spec.replicas}")


def test_scaling_in_the_middle_of_a_rollout_is_shared_out_in_proportion() -> None:
    wanted = deployment(20, 2, 0)
    old = replica_set("old", 8, born=1, of=10)
    new = replica_set("new", 4, 0, born=2, of=10)
    sizes = scaled_sizes(wanted, new, [old])
    assert sum(sizes.values()) == max_size(wanted)
    assert sizes == {"old": 15, "new": 7}


def test_scaling_one_replica_set_needs_no_shares() -> None:
    assert scaled_sizes(deployment(5), replica_set("new", 2, of=2), []) == {"new": 5}


def test_scaling_to_nothing_empties_every_replica_set() -> None:
    sizes = scaled_sizes(
        deployment(0, 1, 0), replica_set("new", 2, 1, of=4), [replica_set("old", 3, of=4)]
    )
    assert sizes == {"new": 0, "old": 0}


def test_an_adopted_set_is_not_raised_while_all_must_shrink() -> None:
    adopted = replica_set("adopted", 2, born=1, of=1)  # its size was a share of another's
    new = replica_set("new", 6, 0, born=2, of=6)
    sizes = scaled_sizes(deployment(6, 1, 0), new, [adopted])
    assert sizes["adopted"] <= 2
    assert sizes["new"] <= 6
    assert sum(sizes.values()) == 7
