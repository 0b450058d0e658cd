"""The newest state of every object of one kind, in key order, with indexes.

Worked example, for pods: after apply(key="/pods/default/web", record) with spec.node_name
"n1", scan("/pods/default/") yields the record, and so does on_node("n1").
"""

from __future__ import annotations

from collections.abc import Iterator

from sortedcontainers import SortedDict

from master.api.keys import end_of
from master.api.records import Record
from master.store.contract import Key, Revision
from pilothouse.objects.kinds import Kind

_Index = dict[str, dict[Key, Record]]


class KindCache:
    """Records by key. `revision` is that of the newest change of any object of the kind."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.revision = Revision(0)
        self._records: SortedDict[Key, Record] = SortedDict()
        self._bound = binds_to_nodes(kind)
        self._by_node: _Index = {}
        self._by_owner: _Index = {}

    def __len__(self) -> int:
        return len(self._records)

    def get(self, key: Key) -> Record | None:
        """The record under a key."""
        found: Record | None = self._records.get(key)
        return found

    def scan(self, prefix: str, after: str = "") -> Iterator[Record]:
        """Records whose key begins with the prefix (it ends in "/"), behind the key `after`."""
        start = after or prefix
        records = self._records
        for key in records.irange(start, end_of(prefix), inclusive=(not after, False)):
            yield records[key]

    def count(self, prefix: str, after: str = "") -> int:
        """How many scan(prefix, after) would yield."""
        start = self._records.bisect_right(after) if after else self._records.bisect_left(prefix)
        end: int = self._records.bisect_left(end_of(prefix))
        return end - int(start)

    def on_node(self, node: str) -> list[Record]:
        """The records with this spec.nodeName, in key order."""
        return _in_order(self._by_node, node)

    def owned_by(self, uid: str) -> list[Record]:
        """The records with an owner reference to this uid, in key order."""
        return _in_order(self._by_owner, uid)

    def apply(self, key: Key, new: Record | None, revision: Revision) -> Record | None:
        """Set or (None) remove what stands under the key; what stood there before."""
        old: Record | None = self._records.get(key)
        if new is not None:
            self._records[key] = new
        elif old is not None:
            del self._records[key]
        self._reindex(key, old, new)
        self.revision = revision
        return old

    def _reindex(self, key: Key, old: Record | None, new: Record | None) -> None:
        if old is not None:
            for uid in _owners(old):
                _drop(self._by_owner, uid, key)
            if self._bound:
                _drop(self._by_node, old.object.spec.node_name, key)
        if new is not None:
            for uid in _owners(new):
                self._by_owner.setdefault(uid, {})[key] = new
            if self._bound and new.object.spec.node_name:
                self._by_node.setdefault(new.object.spec.node_name, {})[key] = new


def binds_to_nodes(kind: Kind) -> bool:
    """Whether objects of the kind have a spec.nodeName."""
    spec = kind.message.DESCRIPTOR.fields_by_name.get("spec")
    return bool(spec and spec.message_type and "node_name" in spec.message_type.fields_by_name)


def _owners(record: Record) -> list[str]:
    return [owner.uid for owner in record.object.metadata.owner_references]


def _drop(index: _Index, value: str, key: Key) -> None:
    bucket = index.get(value)
    if bucket is not None:
        bucket.pop(key, None)
        if not bucket:
            del index[value]


def _in_order(index: _Index, value: str) -> list[Record]:
    return [record for _, record in sorted(index.get(value, {}).items())]
