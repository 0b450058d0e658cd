from __future__ import annotations

from master.scheduler.backlog import BACKOFF_MAXIMUM, FLUSH, Backlog
from master.scheduler.filters import Watches
from master.scheduler.verdict import Decision
from tests.master.scheduler.world import request


def _refused(*filters: str) -> Decision:
    return Decision(None, 0, 1, dict.fromkeys(filters, 1), "no")


def _pop(backlog: Backlog) -> str | None:
    waiting = backlog.pop()
    return waiting.request.key[1] if waiting is not None else None


def test_higher_priority_comes_first_then_the_earlier() -> None:
    backlog = Backlog()
    for name, priority in (("a", 0), ("b", 10), ("c", 0)):
        backlog.put(request(name, priority=priority), 0.0)
    assert [_pop(backlog), _pop(backlog), _pop(backlog), _pop(backlog)] == ["b", "a", "c", None]


def test_a_refused_pod_waits_for_a_change_that_could_help() -> None:
    backlog = Backlog()
    backlog.put(request("a"), 0.0)
    backlog.pop()
    backlog.refuse(("default", "a"), _refused("NodeAffinity"), 0.0)
    backlog.wake(Watches.USAGE, 5.0)
    assert backlog.ready == 0
    backlog.wake(Watches.NODE, 5.0)
    assert _pop(backlog) == "a"


def test_a_refused_pod_waits_for_its_back_off_after_the_change() -> None:
    backlog = Backlog()
    backlog.put(request("a"), 0.0)
    backlog.pop()
    backlog.refuse(("default", "a"), _refused("NodeResourcesFit"), 0.0)
    backlog.wake(Watches.USAGE, 0.1)
    assert backlog.ready == 0
    assert backlog.advance(0.2) == 1.0
    backlog.advance(1.0)
    assert _pop(backlog) == "a"


def test_back_off_grows_to_its_maximum() -> None:
    backlog = Backlog()
    backlog.put(request("a"), 0.0)
    now = 0.0
    for _ in range(8):
        backlog.advance(now)
        assert _pop(backlog) == "a"
        backlog.retry(("default", "a"), now)
        due = backlog.advance(now)
        assert due is not None
        wait, now = due - now, due
    assert wait == BACKOFF_MAXIMUM


def test_a_refused_pod_is_looked_at_again_in_any_case() -> None:
    backlog = Backlog()
    backlog.put(request("a"), 0.0)
    backlog.pop()
    backlog.refuse(("default", "a"), _refused("NodeAffinity"), 0.0)
    backlog.advance(FLUSH)
    assert _pop(backlog) == "a"


def test_a_removed_pod_never_comes_back() -> None:
    backlog = Backlog()
    backlog.put(request("a"), 0.0)
    backlog.put(request("b"), 0.0)
    backlog.remove(("default", "a"))
    assert [_pop(backlog), _pop(backlog)] == ["b", None]


def test_the_same_pod_again_does_not_skip_its_back_off_but_a_changed_one_does() -> None:
    backlog = Backlog()
    backlog.put(request("a", cpu="8"), 0.0)
    backlog.pop()
    backlog.refuse(("default", "a"), _refused("NodeResourcesFit"), 0.0)
    backlog.put(request("a", cpu="8"), 0.0)
    assert backlog.ready == 0
    backlog.put(request("a", cpu="1"), 0.0)
    assert _pop(backlog) == "a"


def test_a_later_pod_of_the_same_name_is_another_pod() -> None:
    backlog = Backlog()
    backlog.put(request("a"), 0.0)
    backlog.pop()
    backlog.refuse(("default", "a"), _refused("NodeAffinity"), 0.0)
    backlog.put(request("a", uid="second"), 0.0)
    waiting = backlog.pop()
    assert waiting is not None
    assert waiting.request.uid == "second"
