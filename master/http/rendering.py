"""Objects and lists as bytes, in every encoding and form.

In: records as they stand in the store, or messages. Out: JSON, YAML or protobuf. The JSON text of
a stored revision is made once, kept while there is room, and spliced into answers, lists and
watch events; `item` is that text without apiVersion and kind, as it stands in a list.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from google.protobuf.message import Message

from master.api.reader import Listing
from master.api.records import Record
from master.http import envelope
from master.http.negotiation import PARTIAL, PARTIAL_LIST, TABLE, Accepted, Media
from master.http.served import Served
from master.http.tables import OBJECT, table_text
from pilothouse.objects import yamltext
from pilothouse.objects.codec import dump_json, encode_body, encode_json, to_json
from protos.meta_v1_pb2 import ListMeta, PartialObjectMetadata

CACHE_BYTES: Final = 64 * 1024 * 1024


class _Texts:
    """JSON texts by key and version, of the newest revision asked for; the oldest go first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0
        self._texts: OrderedDict[tuple[str, str], tuple[int, bytes]] = OrderedDict()

    def get(self, key: tuple[str, str], revision: int) -> bytes | None:
        found = self._texts.get(key)
        return found[1] if found is not None and found[0] == revision else None

    def put(self, key: tuple[str, str], revision: int, text: bytes) -> None:
        before = self._texts.pop(key, None)
        if before is not None:
            self._bytes -= len(before[1])
        self._texts[key] = revision, text
        self._bytes += len(text)
        while self._bytes > self._limit:
            _, (_, oldest) = self._texts.popitem(last=False)
            self._bytes -= len(oldest)


class Rendering:
    """See the module."""

    def __init__(self, cache_bytes: int = CACHE_BYTES) -> None:
        self._texts = _Texts(cache_bytes)

    def item(self, served: Served, record: Record) -> bytes:
        """The JSON text of a stored object without its type."""
        key = (record.key, served.group_version)
        text = self._texts.get(key, record.revision)
        if text is None:
            text = item_of(served, record.object)
            self._texts.put(key, record.revision, text)
        return text

    def one(self, served: Served, record: Record, accepted: Accepted) -> bytes:
        """A stored object."""
        if accepted.media is Media.JSON and not accepted.form:
            return served.head + self.item(served, record)[1:]
        return self.message(served, record.object, accepted)

    def message(self, served: Served, obj: Any, accepted: Accepted) -> bytes:
        """An object that may not be stored as it is."""
        if accepted.form == PARTIAL:
            return _partial(obj, accepted)
        if accepted.form == TABLE:
            metadata = ListMeta(resource_version=obj.metadata.resource_version)
            return self._table(served, [obj], metadata, accepted)
        if accepted.media is Media.PROTOBUF:
            shown = served.outgoing(obj)
            return envelope.enveloped(
                served.group_version, served.kind.kind, shown.SerializeToString()
            )
        text = served.head + item_of(served, obj)[1:]
        return _written(text, accepted)

    def many(self, served: Served, page: Listing, accepted: Accepted) -> bytes:
        """A list."""
        metadata = _list_metadata(page)
        if accepted.form == PARTIAL_LIST:
            return _partial_list(page.records, metadata, accepted)
        if accepted.form == TABLE:
            objects = [record.object for record in page.records]
            return self._table(served, objects, metadata, accepted)
        kind = f"{served.kind.kind}List"
        if accepted.media is Media.PROTOBUF:
            items = (served.outgoing(record.object).SerializeToString() for record in page.records)
            raw = envelope.listed(metadata, items)
            return envelope.enveloped(served.group_version, kind, raw)
        items_json = [self.item(served, record) for record in page.records]
        return _written(list_text(served.group_version, kind, metadata, items_json), accepted)

    def made(
        self,
        served: Served,
        objects: Sequence[Any],
        accepted: Accepted,
        metadata: ListMeta | None = None,
    ) -> bytes:
        """A list of objects that are not stored, or not any more."""
        metadata, kind = metadata or ListMeta(), f"{served.kind.kind}List"
        if accepted.form == TABLE:
            return self._table(served, objects, metadata, accepted)
        if accepted.media is Media.PROTOBUF:
            shown = (served.outgoing(obj).SerializeToString() for obj in objects)
            raw = envelope.listed(metadata, shown)
            return envelope.enveloped(served.group_version, kind, raw)
        items = [item_of(served, obj) for obj in objects]
        return _written(list_text(served.group_version, kind, metadata, items), accepted)

    def _table(
        self, served: Served, objects: Sequence[Any], metadata: ListMeta, accepted: Accepted
    ) -> bytes:
        shown = [served.outgoing(obj) for obj in objects]

        def text(number: int) -> bytes:
            if accepted.include == OBJECT:
                return served.head + item_of(served, objects[number])[1:]
            return _partial(shown[number], replace(accepted, form=PARTIAL, media=Media.JSON))

        return _written(table_text(served.kind, shown, metadata, accepted, text), accepted)


def item_of(served: Served, obj: Any) -> bytes:
    """The JSON text of an object without its type."""
    return encode_body(served.outgoing(obj))


def plain(message: Message, api_version: str, kind: str, accepted: Accepted) -> bytes:
    """A message of no stored kind (Status, a review, …)."""
    if accepted.media is Media.PROTOBUF:
        return envelope.enveloped(api_version, kind, message.SerializeToString())
    value = {"kind": kind, "apiVersion": api_version, **to_json(message)}
    value.update(kind=kind, apiVersion=api_version)
    return _written(dump_json(value), accepted)


def list_text(api_version: str, kind: str, metadata: ListMeta, items: Sequence[bytes]) -> bytes:
    """A list's JSON around the texts of its items."""
    head = f'{{"kind":"{kind}","apiVersion":"{api_version}","metadata":'.encode()
    parts = [head + encode_json(metadata) + b',"items":[']
    for item in items:
        parts += (item, b",")
    # One join, so that a megabyte is copied once. The last comma gives way to the end.
    parts[-1 if items else len(parts) :] = [b"]}"]
    return b"".join(parts)


def _written(text: bytes, accepted: Accepted) -> bytes:
    if accepted.media is Media.YAML:
        return yamltext.dump(json.loads(text)).encode()
    return text


def _list_metadata(page: Listing) -> ListMeta:
    metadata = ListMeta(resource_version=str(page.revision))
    if page.continue_token:
        setattr(metadata, "continue", page.continue_token)
        if page.remaining:
            metadata.remaining_item_count = page.remaining
    return metadata


def partial_of(obj: Any) -> PartialObjectMetadata:
    """What is the same of every kind."""
    return PartialObjectMetadata(metadata=obj.metadata)


def _partial(obj: Any, accepted: Accepted) -> bytes:
    return plain(partial_of(obj), f"{accepted.group}/{accepted.version}", PARTIAL, accepted)


def _partial_list(records: Iterable[Record], metadata: ListMeta, accepted: Accepted) -> bytes:
    api_version = f"{accepted.group}/{accepted.version}"
    messages = [partial_of(record.object) for record in records]
    if accepted.media is Media.PROTOBUF:
        raw = envelope.listed(metadata, (m.SerializeToString() for m in messages))
        return envelope.enveloped(api_version, PARTIAL_LIST, raw)
    # Unlike those of other lists, these items say what they are.
    items = [plain(m, api_version, PARTIAL, Accepted(Media.JSON)) for m in messages]
    return _written(list_text(api_version, PARTIAL_LIST, metadata, items), accepted)
