"""How much an object may consist of: small elements cost more to check than their bytes say.

An object of a megabyte can hold one long text or half a million empty containers. Completing and
checking the latter would keep everybody else waiting for half a minute, so it is refused before.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from pilothouse.objects.errors import TooLarge

LIGHT_BYTES: Final = 16 * 1024  # an object up to this size is not weighed
MAX_ELEMENTS: Final = 10_000  # messages in an object, at any depth
MAX_VALUES: Final = 100_000  # texts and numbers in its lists and maps


def require_light(obj: Message) -> None:
    """TooLarge for an object of more elements than anyone means."""
    if obj.ByteSize() <= LIGHT_BYTES:
        return
    elements = values = 0
    pending: list[Message] = [obj]
    while pending:
        for field, value in pending.pop().ListFields():
            below, plain = _parts(field, value)
            pending += below
            elements += len(below)
            values += plain
        if elements > MAX_ELEMENTS or values > MAX_VALUES:
            raise TooLarge(
                f"the object has more than {MAX_ELEMENTS} elements or {MAX_VALUES} values"
            )


def _parts(field: FieldDescriptor, value: Any) -> tuple[list[Message], int]:
    """The messages in a field, and how many values of a list or map there are beside."""
    if field.message_type is None:
        return [], len(value) if field.is_repeated else 0
    if not field.message_type.GetOptions().map_entry:
        return (list(value) if field.is_repeated else [value]), 0
    if field.message_type.fields_by_name["value"].message_type is None:
        return [], len(value)
    return list(value.values()), len(value)
