"""What a list or a watch asks for: a kind, a namespace, a label and a field selector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from master.api.cache import KindCache, binds_to_nodes
from master.api.events import Event
from master.api.keys import key_of, prefix_of
from master.api.records import Record
from pilothouse.client.interface import EventType
from pilothouse.objects.errors import BadRequest
from pilothouse.objects.kinds import Kind
from pilothouse.objects.selectors import FieldSelector, LabelSelector

Bucket = tuple[str, str]
EVERYWHERE: Bucket = ("", "")


@dataclass(frozen=True, slots=True)
class Selection:
    """`name` and `node` are what the field selector demands of metadata.name and
    spec.nodeName ("": nothing): there are indexes for them."""

    kind: Kind
    namespace: str
    labels: LabelSelector | None
    fields: FieldSelector | None
    name: str
    node: str

    @property
    def bucket(self) -> Bucket:
        """The narrowest index under which watchers of this selection are kept."""
        if self.node:
            return ("node", self.node)
        if self.name:
            return ("name", self.name)
        if self.namespace:
            return ("namespace", self.namespace)
        return EVERYWHERE

    @property
    def selective(self) -> bool:
        """Whether objects are left out within the namespace."""
        return self.labels is not None or self.fields is not None

    def matches(self, obj: Any) -> bool:
        """Whether the object is asked for; its kind is."""
        metadata = obj.metadata
        if self.namespace and metadata.namespace != self.namespace:
            return False
        if self.labels is not None and not self.labels.matches(metadata.labels):
            return False
        return self.fields is None or self.fields.matches(obj)

    def sees(self, event: Event) -> EventType | None:
        """How the change looks from here; None: it does not concern this selection."""
        was = _chosen(self, event.old)
        now = _chosen(self, event.new)
        if now:
            return EventType.MODIFIED if was else EventType.ADDED
        return EventType.DELETED if was else None


def _chosen(selection: Selection, record: Record | None) -> bool:
    return record is not None and selection.matches(record.object)


@lru_cache(maxsize=1024)
def selection_of(kind: Kind, namespace: str, label_selector: str, field_selector: str) -> Selection:
    """The selection that a request states; BadRequest where a selector cannot be read. The same
    object for the same request, so that it can be told at a glance."""
    if namespace and not kind.namespaced:
        raise BadRequest(f'namespace: "{namespace}" given, but {kind.resource} live in none')
    labels = LabelSelector.parse(label_selector)
    fields = FieldSelector.parse(field_selector, kind.message)
    node = fields.required("spec.nodeName") if binds_to_nodes(kind) else None
    return Selection(
        kind,
        namespace or fields.required("metadata.namespace") or "",
        labels or None,
        fields or None,
        fields.required("metadata.name") or "",
        node or "",
    )


def select(cache: KindCache, selection: Selection, after: str = "") -> Iterator[Record]:
    """The records that match, in key order, behind the key `after`; by the best index."""
    found = _candidates(cache, selection, after)
    if not selection.selective:
        return found  # the keys say it all
    return (record for record in found if selection.matches(record.object))


def _candidates(cache: KindCache, selection: Selection, after: str) -> Iterator[Record]:
    kind = selection.kind
    if selection.name and (selection.namespace or not kind.namespaced):
        record = cache.get(key_of(kind, selection.namespace, selection.name))
        return iter(() if record is None or record.key <= after else (record,))
    if selection.node:
        return (record for record in cache.on_node(selection.node) if record.key > after)
    return cache.scan(prefix_of(kind, selection.namespace), after)
