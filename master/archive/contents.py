"""Whether what a store holds is what the API wrote: pure.

In: the newest entries, and the ranges of the cluster. Out: faults. Every object decodes as its
kind and stands under its own name; every address, port and network that an object uses is held
for it, and nothing is held for anybody else.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.message import DecodeError

from master.api.allocator import PREFIX as ALLOCATIONS
from master.api.allocator import Allocator, Ranges
from master.api.keys import key_of, resource_of
from master.archive.fault import Fault
from master.identity.access_tokens import PREFIX as ACCESS_TOKENS
from master.identity.access_tokens import AccessToken
from master.identity.tokens import PREFIX as TOKENS
from master.identity.tokens import TokenRecord
from master.store.contract import Entry, Key
from pilothouse.objects import kinds
from pilothouse.objects.errors import NotFound

_INTERNAL: Final = "/-/"
_RANGES: Final = "have service_cidr, cluster_cidr and node_prefix changed since?"


class Contents:
    """The newest entries, looked at one by one; faults() when all have been seen."""

    def __init__(self, ranges: Ranges) -> None:
        # Its draw decides nothing here: it only says which keys an object's addresses have.
        self._allocator = Allocator(ranges, random.Random(0))  # noqa: S311
        self._held: dict[str, str] = {}
        self._used: dict[str, str] = {}
        self._faults: list[Fault] = []
        self.objects = 0

    def see(self, entry: Entry) -> None:
        """One entry."""
        if entry.key.startswith(ALLOCATIONS):
            self._held[entry.key] = entry.value.decode(errors="replace")
        elif entry.key.startswith(TOKENS):
            self._see_token(entry, TokenRecord)
        elif entry.key.startswith(ACCESS_TOKENS):
            self._see_token(entry, AccessToken)
        elif not entry.key.startswith(_INTERNAL):
            self._see_object(entry)

    def faults(self) -> Iterator[Fault]:
        """Of single entries, and between objects and what is held for them."""
        yield from self._faults
        yield from _between(self._used, self._held)

    def _see_token(self, entry: Entry, record: type[TokenRecord | AccessToken]) -> None:
        try:
            sound = record.decode(entry).key == entry.key
        except (ValueError, TypeError, KeyError):
            sound = False
        if not sound:
            self._faults.append(Fault(entry.key, "is no token", "revoke it"))

    def _see_object(self, entry: Entry) -> None:
        found = decoded(entry.key, entry.value)
        if isinstance(found, Fault):
            self._faults.append(found)
            return
        self.objects += 1
        for write in self._allocator.writes(self._allocator.release(found), entry.key):
            other = self._used.setdefault(write.key, entry.key)
            if other != entry.key:
                self._faults.append(Fault(write.key, f"is used by {other} and by {entry.key}"))


def decoded(key: Key, value: bytes) -> Any:
    """The object under the key, or the Fault that it has."""
    if key.count("/") not in (2, 3):
        return Fault(key, "is no key of an object")
    resource = resource_of(key)
    try:
        kind = kinds.by_resource(resource)
    except NotFound:
        return Fault(key, f"this program knows no {resource!r}", "was it written by a newer one?")
    try:
        obj: Any = kind.message.FromString(value)
    except DecodeError:
        return Fault(key, f"does not decode as {kind.kind}")
    own = key_of(kind, obj.metadata.namespace, obj.metadata.name)
    return obj if own == key else Fault(key, f"holds the object of {own}")


def history_faults(key: Key, value: bytes) -> list[Fault]:
    """Of an earlier state of an object: it decodes."""
    found = None if key.startswith(_INTERNAL) else decoded(key, value)
    return [found] if isinstance(found, Fault) else []


def _between(used: dict[str, str], held: dict[str, str]) -> Iterator[Fault]:
    for key, owner in sorted(used.items()):
        if held.get(key) != owner:
            holder = held.get(key, "nobody")
            yield Fault(key, f"is used by {owner} and held for {holder}", _RANGES)
    for key, owner in sorted(held.items()):
        if key not in used:
            yield Fault(key, f"is held for {owner}, which does not use it", _RANGES)
