"""What a controller has done that its informer does not show yet.

A reconciler that counted pods before its last creations arrived would create them twice. So
it notes every pod it created or deleted, and waits until the informer has caught up. An
expectation that nothing fulfils (the object was gone at once) is dropped after TIMEOUT.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

TIMEOUT = 60.0  # seconds


class Expectations:
    """Per owner: UIDs of objects that must appear, or disappear. `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._appear: dict[Hashable, dict[str, float]] = {}
        self._vanish: dict[Hashable, dict[str, float]] = {}

    def created(self, owner: Hashable, uid: str, now: float) -> None:
        """Expect to see it."""
        self._appear.setdefault(owner, {})[uid] = now

    def deleted(self, owner: Hashable, uid: str, now: float) -> None:
        """Expect it to be gone, or marked for deletion."""
        self._vanish.setdefault(owner, {})[uid] = now

    def settled(
        self,
        owner: Hashable,
        now: float,
        *,
        visible: Callable[[str], bool],
        ending: Callable[[str], bool],
    ) -> bool:
        """Whether everything has been seen. visible(uid): the informer has it; ending(uid): the
        informer does not have it, or has it marked for deletion."""
        appear = _unmet(self._appear.get(owner), now, visible)
        vanish = _unmet(self._vanish.get(owner), now, ending)
        _store(self._appear, owner, appear)
        _store(self._vanish, owner, vanish)
        return not appear and not vanish

    def forget(self, owner: Hashable) -> None:
        """The owner is gone."""
        self._appear.pop(owner, None)
        self._vanish.pop(owner, None)


def _unmet(
    expected: dict[str, float] | None, now: float, met: Callable[[str], bool]
) -> dict[str, float]:
    if not expected:
        return {}
    return {uid: at for uid, at in expected.items() if at + TIMEOUT > now and not met(uid)}


def _store(
    table: dict[Hashable, dict[str, float]], owner: Hashable, left: dict[str, float]
) -> None:
    if left:
        table[owner] = left
    else:
        table.pop(owner, None)
