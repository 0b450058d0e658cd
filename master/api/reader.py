"""Gets and lists: the present from memory, the past from the store.

In: a selection, and where to read. Out: shared records in key order and the revision that they
show. The invariant: all pages of a list show the revision of its first page, whatever is
written in between; where that past is compacted the next page is Expired.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from master.api import refusals
from master.api.keys import key_of, prefix_of
from master.api.paging import NOW, Position, position_of, token_of
from master.api.records import Record, decode
from master.api.selection import Selection, select
from master.api.state import State
from master.store.contract import Revision, Store
from pilothouse.client.interface import Page
from pilothouse.objects.errors import BadRequest
from pilothouse.objects.kinds import Kind

PAST_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Query:
    """A list as it was asked for: the selectors as text, and which part of the answer."""

    selection: Selection
    label_selector: str = ""
    field_selector: str = ""
    limit: int = 0
    continue_token: str = ""
    revision: int = 0

    @property
    def prefix(self) -> str:
        """Of all keys that can be in the answer."""
        return prefix_of(self.selection.kind, self.selection.namespace)


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of records, as they were at `revision`."""

    records: tuple[Record, ...]
    revision: int
    continue_token: str = ""
    remaining: int = 0

    def page(self) -> Page[Any]:
        """The objects in them."""
        objects = tuple(record.object for record in self.records)
        return Page(objects, self.revision, self.continue_token, self.remaining)


class Reader:
    """See the module."""

    def __init__(self, state: State, store: Store) -> None:
        self._state = state
        self._store = store

    async def get(self, kind: Kind, namespace: str, name: str, revision: int = 0) -> Record:
        """The object now, or (revision) as it was then; NotFound, Expired, BadRequest."""
        key = key_of(kind, namespace, name)
        if revision == 0:
            record = self._state.get(kind, key)
        else:
            entry = await self._store.get(key, _past(revision, self._state))
            record = None if entry is None else decode(kind, entry)
        if record is None:
            raise refusals.not_found(kind, name)
        return record

    async def list(self, query: Query) -> Listing:
        """A page of what the selection asks for."""
        if query.limit < 0:
            raise BadRequest(f"limit: {query.limit} is negative")
        position = self._position(query)
        if self._is_present(query.selection.kind, position):
            return self._present(query, position)
        return await self._history(query, position)

    def _position(self, query: Query) -> Position:
        if not query.continue_token:
            revision = _past(query.revision, self._state) if query.revision else None
            return Position(revision or self._state.revision, "")
        position = position_of(
            query.continue_token, query.prefix, query.label_selector, query.field_selector
        )
        if query.revision not in (0, position.revision):
            raise BadRequest("revision: a continue token reads at the revision of its list")
        if position.revision == NOW:
            return replace(position, revision=self._state.revision)
        _past(position.revision, self._state)
        return position

    def _is_present(self, kind: Kind, position: Position) -> bool:
        """Whether nothing of the kind has changed since."""
        return position.revision >= self._state.of(kind).cache.revision

    def _present(self, query: Query, position: Position) -> Listing:
        kind_state = self._state.of(query.selection.kind)
        found = select(kind_state.cache, query.selection, position.after)
        if not query.limit:
            return Listing(tuple(found), position.revision)
        records = list(islice(found, query.limit + 1))
        page = records[: query.limit]
        if len(records) == len(page):
            return _page(query, position, page, more=False)
        remaining = 0
        if not query.selection.selective:
            remaining = kind_state.cache.count(query.prefix, page[-1].key)
        return _page(query, position, page, more=True, remaining=remaining)

    async def _history(self, query: Query, position: Position) -> Listing:
        """Reads on in the store until the page is full; selectors may skip much of it."""
        page: list[Record] = []
        while True:
            wanted = query.limit - len(page) if query.limit else PAST_PAGE
            listing = await self._store.list(
                query.prefix,
                revision=position.revision,
                start_after=position.after,
                limit=min(wanted, PAST_PAGE) if not query.selection.selective else PAST_PAGE,
            )
            for position_in_listing, entry in enumerate(listing.entries):
                record = decode(query.selection.kind, entry)
                if query.selection.matches(record.object):
                    page.append(record)
                if query.limit and len(page) == query.limit:
                    left = len(listing.entries) - position_in_listing - 1 + listing.remaining
                    known = 0 if query.selection.selective else left
                    at = replace(position, after=entry.key)
                    return _page(query, at, page, more=left > 0, remaining=known)
            if not listing.remaining:
                return _page(query, position, page, more=False)
            position = replace(position, after=listing.entries[-1].key)


def _page(
    query: Query, position: Position, page: list[Record], *, more: bool, remaining: int = 0
) -> Listing:
    token = ""
    if more:
        after = replace(position, after=page[-1].key)
        token = token_of(after, query.prefix, query.label_selector, query.field_selector)
    return Listing(tuple(page), position.revision, token, remaining)


def _past(revision: int, state: State) -> Revision:
    if not 0 < revision <= state.revision:
        raise BadRequest(f"revision: {revision} is not between 1 and the newest, {state.revision}")
    return Revision(revision)
