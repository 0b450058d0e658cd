"""One broken object and the one fault that must be found in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

INVALID = "FieldValueInvalid"
REQUIRED = "FieldValueRequired"
DUPLICATE = "FieldValueDuplicate"
FORBIDDEN = "FieldValueForbidden"
UNSUPPORTED = "FieldValueNotSupported"
NOT_FOUND = "FieldValueNotFound"
TOO_LONG = "FieldValueTooLong"
TOO_MANY = "FieldValueTooMany"


@dataclass(frozen=True)
class Broken:
    """`changes` to the valid object of the kind give exactly one cause: `field`, `reason`, and
    a message that contains `says`."""

    id: str
    kind: str
    changes: dict[str, Any]
    field: str
    reason: str
    says: str = ""


@dataclass(frozen=True)
class BrokenUpdate:
    """The valid object with `before` is stored; replacing it by one with `after` is refused."""

    id: str
    kind: str
    before: dict[str, Any]
    after: dict[str, Any]
    field: str
    reason: str
    says: str = ""
    subresource: str = ""
