"""Watch answers that carry others."""

from __future__ import annotations

from itertools import pairwise

from master.api.encoding import BATCH_BYTES, batched, framed, watched
from master.store.contract import Revision
from pilothouse.client.interface import EventType
from protos.core_v1_pb2 import Pod
from protos.resources_pb2 import WatchResponse


def event(revision: int, size: int = 0) -> bytes:
    pod = Pod()
    pod.metadata.name = f"p{revision}"
    pod.metadata.annotations["filler"] = "x" * size
    return watched(EventType.ADDED, Revision(revision), framed(pod))


def revisions(message: bytes) -> list[int]:
    first = WatchResponse.FromString(message)
    assert not any(later.more for later in first.more)
    return [first.revision, *(later.revision for later in first.more)]


def test_events_of_one_moment_are_one_message_in_their_order() -> None:
    [message] = batched([event(number) for number in range(1, 6)])
    assert revisions(message) == [1, 2, 3, 4, 5]
    parsed = WatchResponse.FromString(message)
    assert parsed.object.pod.metadata.name == "p1"
    assert parsed.more[3].object.pod.metadata.name == "p5"


def test_bookmark_may_be_first_and_last() -> None:
    bookmark = watched(EventType.BOOKMARK, Revision(7), None)
    [message] = batched([bookmark, event(8), bookmark])
    parsed = WatchResponse.FromString(message)
    assert not parsed.HasField("object")
    assert [later.type for later in parsed.more] == [WatchResponse.ADDED, WatchResponse.BOOKMARK]


def test_messages_stay_small_and_nothing_is_lost() -> None:
    events = [event(number, BATCH_BYTES // 3) for number in range(1, 12)]
    messages = list(batched(events))
    assert len(messages) > 3
    assert all(len(message) < BATCH_BYTES + 4096 for message in messages)
    seen = [revision for message in messages for revision in revisions(message)]
    assert all(later == earlier + 1 for earlier, later in pairwise(seen))
    assert len(seen) == len(events)


def test_event_larger_than_a_batch_goes_alone() -> None:
    assert len(list(batched([event(1, 2 * BATCH_BYTES), event(2)]))) == 2


def test_nothing_is_no_message() -> None:
    assert list(batched([])) == []
