"""Continue tokens: where the next page of a list begins, and at which revision.

Opaque to clients, and good for the query that they came from only. A token is checked, not
trusted: it can never name a key outside its query, whoever made it up.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass

from master.store.contract import Revision
from pilothouse.objects.errors import BadRequest

_DIGEST = 8
_REVISION = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class Position:
    """The pages so far showed `revision` up to and with the key `after`."""

    revision: Revision
    after: str


def token_of(position: Position, prefix: str, label_selector: str, field_selector: str) -> str:
    """The token for the next page of a query."""
    raw = (
        _digest(prefix, label_selector, field_selector)
        + _REVISION.pack(position.revision)
        + position.after.removeprefix(prefix).encode()
    )
    return base64.urlsafe_b64encode(raw).decode()


def position_of(token: str, prefix: str, label_selector: str, field_selector: str) -> Position:
    """What a token says; BadRequest if it is no token, or that of another query."""
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        rest = raw[_DIGEST + _REVISION.size :].decode()
        (revision,) = _REVISION.unpack_from(raw, _DIGEST)
    except (binascii.Error, struct.error, UnicodeError) as error:
        raise BadRequest("continue: not a continue token of this server") from error
    if raw[:_DIGEST] != _digest(prefix, label_selector, field_selector):
        raise BadRequest("continue: the token belongs to another list: use the same selectors")
    return Position(Revision(revision), prefix + rest)


def _digest(*parts: str) -> bytes:
    joined = b"\0".join(part.encode() for part in parts)
    return hashlib.blake2b(joined, digest_size=_DIGEST).digest()
