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

NOW = Revision(0)
_DIGEST = 8
_REVISION = struct.Struct(">Q")
_UNREADABLE = "continue: not a continue token of this server"


@dataclass(frozen=True, slots=True)
class Position:
    """The pages so far showed `revision` up to and with the key `after`.

    NOW: the next page shows what is there when it is asked for, and so do those behind it.
    """

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
    raw = _bytes_of(token)
    try:
        rest = raw[_DIGEST + _REVISION.size :].decode()
    except UnicodeError as error:
        raise BadRequest(_UNREADABLE) from error
    (revision,) = _REVISION.unpack_from(raw, _DIGEST)
    if raw[:_DIGEST] != _digest(prefix, label_selector, field_selector):
        raise BadRequest("continue: the token belongs to another list: use the same selectors")
    return Position(Revision(revision), prefix + rest)


def brought_up(token: str) -> str:
    """The token of the same place in the same list, as it is now; BadRequest for what is none."""
    raw = _bytes_of(token)
    present = raw[:_DIGEST] + _REVISION.pack(NOW) + raw[_DIGEST + _REVISION.size :]
    return base64.urlsafe_b64encode(present).decode()


def _bytes_of(token: str) -> bytes:
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeError) as error:
        raise BadRequest(_UNREADABLE) from error
    if len(raw) < _DIGEST + _REVISION.size:
        raise BadRequest(_UNREADABLE)
    return raw


def _digest(*parts: str) -> bytes:
    joined = b"\0".join(part.encode() for part in parts)
    return hashlib.blake2b(joined, digest_size=_DIGEST).digest()
