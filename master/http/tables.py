"""Objects as meta.k8s.io Tables, which is what `kubectl get` asks for.

Columns and cells are those of pilothouse.printing; here they are only written down.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from google.protobuf.message import Message

from master.http.negotiation import TABLE, Accepted
from pilothouse.objects.codec import dump_json, encode_json
from pilothouse.objects.kinds import Kind
from pilothouse.printing import Column, Row, columns_of, printer_for, table_of
from protos.meta_v1_pb2 import ListMeta

NONE: Final = "None"
METADATA: Final = "Metadata"
OBJECT: Final = "Object"

Text = Callable[[int], bytes]


def table_text(
    kind: Kind, objects: Sequence[Any], metadata: ListMeta, wanted: Accepted, text: Text
) -> bytes:
    """The table of these objects; `text` is the JSON that stands in the row of that number."""
    table = table_of(kind, objects, now=time.time())
    return _written(table.rows, columns_of(kind), metadata, wanted, text)


def table_of_part(part: Message, metadata: ListMeta, wanted: Accepted, text: Text) -> bytes:
    """The table of what is no stored object, such as a scale."""
    printer = printer_for(type(part))
    table = printer.table([part], time.time())
    return _written(table.rows, printer.columns, metadata, wanted, text)


def _written(
    found: Sequence[Row],
    columns: tuple[Column, ...],
    metadata: ListMeta,
    wanted: Accepted,
    text: Text,
) -> bytes:
    rows = [_row(row, number, wanted, text) for number, row in enumerate(found)]
    head = f'{{"kind":"{TABLE}","apiVersion":"{wanted.group}/{wanted.version}","metadata":'
    heads = _columns(columns) if wanted.headers else b"null"
    return b'%b%b,"columnDefinitions":%b,"rows":[%b]}' % (
        head.encode(),
        encode_json(metadata),
        heads,
        b",".join(rows),
    )


def _row(row: Row, number: int, wanted: Accepted, text: Text) -> bytes:
    obj = b"null" if wanted.include == NONE else text(number)
    conditions = b""
    if row.conditions:
        found = [
            {"type": c.type, "status": c.status, "reason": c.reason, "message": c.message}
            for c in row.conditions
        ]
        conditions = b'"conditions":%b,' % dump_json(found)
    return b'{"cells":%b,%b"object":%b}' % (dump_json(list(row.cells)), conditions, obj)


@lru_cache(maxsize=256)
def _columns(columns: tuple[Column, ...]) -> bytes:
    return dump_json(
        [
            {
                "name": column.name,
                "type": column.type,
                "format": column.format,
                "description": column.description,
                "priority": column.priority,
            }
            for column in columns
        ]
    )
