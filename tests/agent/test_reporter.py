"""Statuses on their way: coalesced, acknowledged, sent again, bounded."""

from __future__ import annotations

from agent.reporter import ENTRIES, WINDOW, Reporter
from protos.dispatch_pb2 import PodStatuses


class Line:
    """A reporter, with its wakes counted."""

    def __init__(self) -> None:
        self.wakes = 0
        self.later = 0
        self.reporter = Reporter(self._wake, self._wake_later)

    def _wake(self) -> None:
        self.wakes += 1

    def _wake_later(self) -> None:
        self.later += 1

    def report(self, uid: str, phase: str) -> None:
        entry = PodStatuses.Entry(uid=uid)
        entry.status.phase = phase
        self.reporter.report(entry)

    def taken(self) -> list[tuple[int, dict[str, str]]]:
        """All messages that may be sent now."""
        found = []
        while (message := self.reporter.next()) is not None:
            found.append((message.sequence, {e.uid: e.status.phase for e in message.entries}))
        return found


def test_the_newest_state_of_each_pod_goes_in_one_message() -> None:
    line = Line()
    line.report("a", "Pending")
    line.report("b", "Pending")
    line.report("a", "Running")
    assert (line.wakes, line.later) == (1, 2)  # a pod that is being started has time
    assert line.taken() == [(1, {"a": "Running", "b": "Pending"})]
    assert line.taken() == []


def test_what_was_not_acknowledged_is_sent_again_unless_newer_came() -> None:
    line = Line()
    line.report("a", "Pending")
    line.report("b", "Pending")
    line.taken()
    line.report("a", "Running")
    line.reporter.reconnected()
    assert line.taken() == [(2, {"a": "Running", "b": "Pending"})]


def test_an_acknowledgement_covers_all_up_to_it() -> None:
    line = Line()
    for phase in ("Pending", "Running", "Failed"):
        line.report("a", phase)
        line.taken()
    line.reporter.acknowledged(2)
    assert line.reporter.waiting == 1
    line.reporter.reconnected()
    assert line.taken() == [(4, {"a": "Failed"})]


def test_of_several_unacknowledged_states_the_newest_is_sent_again() -> None:
    line = Line()
    for phase in ("Pending", "Running"):
        line.report("a", phase)
        line.taken()
    line.reporter.reconnected()
    assert line.taken() == [(3, {"a": "Running"})]


def test_no_more_than_a_window_is_under_way() -> None:
    line = Line()
    for number in range(WINDOW + 5):
        line.report(f"p{number}", "Running")
        line.taken()
    assert line.taken() == []
    wakes = line.wakes
    line.reporter.acknowledged(1)
    assert line.wakes == wakes + 1
    (message,) = line.taken()
    assert len(message[1]) == 5


def test_a_message_is_bounded() -> None:
    line = Line()
    for number in range(ENTRIES + 1):
        line.report(f"p{number}", "Running")
    assert [len(entries) for _, entries in line.taken()] == [ENTRIES, 1]
