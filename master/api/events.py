"""One object's change in one commit, and what a watcher is told of it.

With a selection, a change is seen as it crosses the selection's border: an object that begins
to match is ADDED, one that ceases to match is DELETED in its last matching state.

Several objects may change in one commit, and a watch that breaks in between is resumed by
revision. So every event but the last of its commit and kind carries the revision before it:
who resumes from there is told some changes again, and misses none.
"""

from __future__ import annotations

from typing import Any

from master.api.encoding import framed, watched
from master.api.records import Record, at_revision
from master.store.contract import Key, Revision
from pilothouse.client.interface import EventType, WatchEvent


class Event:
    """`old` and `new` are the states before and after; None: absent. `resume`: see the module.

    What is derived from it is made when first asked for and shared by all watchers.
    """

    __slots__ = ("_gone", "_local", "_rendered", "_wire", "key", "new", "old", "resume", "revision")

    def __init__(
        self, key: Key, old: Record | None, new: Record | None, revision: Revision, resume: Revision
    ) -> None:
        self.key = key
        self.old = old
        self.new = new
        self.revision = revision
        self.resume = resume
        self._gone: Any = None
        self._local: dict[EventType, WatchEvent[Any]] = {}
        self._wire: dict[EventType, bytes] = {}
        self._rendered: dict[tuple[EventType, int], bytes] = {}

    @property
    def size(self) -> int:
        """Bytes of the object it is about, as stored."""
        record = self.new or self.old
        return 0 if record is None else record.size

    def local(self, type_: EventType) -> WatchEvent[Any]:
        """The event as a watcher in this process gets it."""
        found = self._local.get(type_)
        if found is None:
            found = WatchEvent(type_, self.resume, self.object(type_))
            self._local[type_] = found
        return found

    def wire(self, type_: EventType) -> bytes:
        """The event as a serialized WatchResponse."""
        found = self._wire.get(type_)
        if found is None:
            obj = self.object(type_)
            found = watched(type_, self.resume, None if obj is None else framed(obj))
            self._wire[type_] = found
        return found

    def rendered(self, type_: EventType, form: int) -> bytes | None:
        """The event in some other form, if somebody has kept it; forms are the caller's."""
        return self._rendered.get((type_, form))

    def keep(self, type_: EventType, form: int, rendered: bytes) -> bytes:
        """Let others have what was rendered."""
        self._rendered[type_, form] = rendered
        return rendered

    def object(self, type_: EventType) -> Any:
        """The object that the event shows; None in a bookmark."""
        if type_ is EventType.DELETED:
            return self._last_state()
        return None if self.new is None else self.new.object

    def _last_state(self) -> Any:
        # A deletion is a change of its own: the last state carries its revision.
        if self._gone is None and self.old is not None:
            self._gone = at_revision(self.old.object, self.revision)
        return self._gone


Delivery = tuple[EventType, Event]


def bookmark(revision: Revision) -> Delivery:
    """Everything up to the revision has been told."""
    return EventType.BOOKMARK, Event(Key(""), None, None, revision, revision)


def initial(record: Record, revision: Revision) -> Delivery:
    """The object as it stands when a watch begins with the present objects."""
    return EventType.ADDED, Event(record.key, None, record, record.revision, revision)
