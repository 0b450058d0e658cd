from __future__ import annotations

from master.dispatch.heartbeats import BATCH, Beat, Heartbeats, lease_of
from tests.master.dispatch.objects import node


def test_first_beat_is_due_at_once_and_then_one_in_five_seconds() -> None:
    heartbeats = Heartbeats(renew_seconds=5.0)
    owner = node("n1")
    written = []
    for second in range(21):
        if second % 4 == 0:
            heartbeats.beat(Beat(owner, float(second)))
        written += [(second, beat.at) for beat in heartbeats.due(float(second + 1000))]
    assert written == [(0, 0.0), (5, 4.0), (10, 8.0), (15, 12.0), (20, 20.0)]


def test_silent_node_is_not_written_again() -> None:
    heartbeats = Heartbeats()
    heartbeats.beat(Beat(node("n1"), 1.0))
    assert len(heartbeats.due(1000.0)) == 1
    assert heartbeats.due(2000.0) == []


def test_node_that_comes_back_is_written_at_once() -> None:
    heartbeats = Heartbeats(renew_seconds=5.0)
    owner = node("n1")
    heartbeats.beat(Beat(owner, 0.0))
    heartbeats.due(1000.0)
    heartbeats.forget("n1")
    heartbeats.beat(Beat(owner, 1.0))
    assert len(heartbeats.due(1001.0)) == 1


def test_failed_write_is_due_again_with_the_newest_beat() -> None:
    heartbeats = Heartbeats(renew_seconds=5.0)
    owner = node("n1")
    heartbeats.beat(Beat(owner, 1.0))
    failed = heartbeats.due(1000.0)
    heartbeats.beat(Beat(owner, 2.0))
    heartbeats.failed(failed)
    assert [beat.at for beat in heartbeats.due(1001.0)] == [2.0]


def test_batch_is_bounded_and_the_rest_follows() -> None:
    heartbeats = Heartbeats()
    for number in range(BATCH + 5):
        heartbeats.beat(Beat(node(f"n{number}"), 1.0))
    assert len(heartbeats.due(1000.0)) == BATCH
    assert len(heartbeats.due(1000.0)) == 5


def test_lease_is_the_nodes_own_and_keeps_its_uid() -> None:
    owner = node("n1")
    first, second = (lease_of(Beat(owner, at), 15.0) for at in (1.25, 2.5))
    assert first.metadata.owner_references[0].uid == owner.metadata.uid
    assert first.metadata.uid == second.metadata.uid != owner.metadata.uid
    assert first.spec.holder_identity == "n1"
    assert first.spec.lease_duration_seconds == 15
    assert (first.spec.renew_time.seconds, first.spec.renew_time.nanos) == (1, 250_000_000)
