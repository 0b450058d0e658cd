"""Creates, changes and removes objects: admission, then one compare-and-set commit.

In: an object or a way to change one. Out: the object as stored, after its commit is durable.
The invariant: what is written was decided on exactly the state that the commit replaces; the
namespace it was checked against is compared in the same commit. When somebody was
faster the whole decision is made again on the newer state, so that a write without a
resource version always comes through and one with a stale version is a Conflict.

Not promised: that a call which was cancelled did not happen.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from master.admission.defaulting import apply_defaults
from master.admission.faults import invalid_object
from master.admission.strategy import prepare_create, prepare_update
from master.admission.validation import validate_create, validate_update
from master.api import refusals
from master.api.allocator import Allocator, Claims
from master.api.apply.updating import created_by, tracked, unchanged, updater
from master.api.bounds import Bounds
from master.api.classes import Classes
from master.api.deletion import finished, removal
from master.api.keys import key_of
from master.api.quotas import Charge, Quotas
from master.api.records import Record, copy_of, encode
from master.api.state import State
from master.api.turns import Turns
from master.api.weight import require_light
from master.identity.user import User
from master.store.contract import (
    Compare,
    CompareFailed,
    Delete,
    Key,
    Put,
    Revision,
    Store,
    Write,
)
from pilothouse.objects import kinds
from pilothouse.objects.errors import BadRequest, Cause, TooManyRequests
from pilothouse.objects.kinds import Kind
from pilothouse.process.clock import Clock
from protos.coordination_v1_pb2 import Lease
from protos.core_v1_pb2 import Event, Namespace
from protos.meta_v1_pb2 import DeleteOptions

# Asked before a commit with the object's new and old state (None: absent); raises Forbidden.
Check = Callable[[Any, Any], None]

ATTEMPTS: Final = 64
PERMANENT_NAMESPACES: Final = ("default", "kube-system", "kube-public", "kube-node-lease")

_NAMESPACES: Final = kinds.of(Namespace)
# Written again and again with nothing that anyone would want to read later.
_TRANSIENT: Final = (Lease, Event)
_NAME_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"  # no vowels: no words by accident
_NAME_SUFFIX: Final = 5
_NAME_PREFIX: Final = 63 - _NAME_SUFFIX


@dataclass(frozen=True, slots=True)
class _Commit:
    """What is to be committed: `draft` under `key`, or (None) the key's removal."""

    kind: Kind
    key: Key
    draft: Any
    compares: list[Compare]
    claims: Claims
    charge: Charge | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one object. `make`: the present state to a new one, which is given away.

    `manager` owns what changes, if the object has owners; None: `make` sees to that. It wrote
    in the version that `seen` is, if that is not the stored one.
    `admitted`: the change is the server's own, and is neither completed nor validated.
    """

    kind: Kind
    namespace: str
    name: str
    make: Callable[[Any], Any]
    subresource: str = ""
    manager: str | None = None
    admitted: bool = False
    seen: Kind | None = None


class Writer:
    """See the module. Objects handed in are copied, never changed."""

    def __init__(
        self, state: State, store: Store, allocator: Allocator, clock: Clock, rng: random.Random
    ) -> None:
        self._state = state
        self._store = store
        self._allocator = allocator
        self._classes = Classes(state)
        self._bounds = Bounds(state)
        self.quotas = Quotas(state, clock)
        self._clock = clock
        self._rng = rng
        self._turns = Turns()

    async def create(
        self,
        obj: Any,
        *,
        owned: bool = False,
        manager: str = "",
        author: User | None = None,
        seen: Kind | None = None,
        dry_run: bool = False,
        check: Check | None = None,
    ) -> Any:
        """Store a new object. AlreadyExists, Invalid, Forbidden, NotFound for its namespace.

        `owned`: its managedFields are the server's own; otherwise it begins with those of
        `manager`, which owns all that is in it (in the version that `seen` is), or without any.
        `author`: who sends it.
        """
        kind = kinds.of(obj)
        _require_new(kind, obj)
        generated = not obj.metadata.name and bool(obj.metadata.generate_name)
        writer = (manager, seen or kind) if manager else None
        for _ in range(ATTEMPTS):
            commit = self._creation(kind, obj, generated, check, owned, writer, author)
            if dry_run and self._state.get(kind, commit.key) is not None:
                self._give_back(commit)
                raise refusals.exists(kind, commit.draft.metadata.name)
            try:
                return await self._commit(commit, dry_run=dry_run)
            except CompareFailed as error:
                if error.key == commit.key and not generated:
                    raise refusals.exists(kind, commit.draft.metadata.name) from error
        raise contended(kind, obj.metadata.name)

    async def modify(
        self, change: Change, *, dry_run: bool = False, check: Check | None = None
    ) -> Any:
        """Store what the change makes of the present state, and return it.

        A resource version or uid in it must be the present one. No commit is made when nothing
        changed. An ending object that nothing keeps any more is removed.
        """
        key = key_of(change.kind, change.namespace, change.name)
        await self._turns.take(key)
        try:
            for _ in range(ATTEMPTS):
                try:
                    return await self._modify_once(change, key, dry_run, check)
                except CompareFailed:
                    continue
        finally:
            self._turns.give(key)
        raise contended(change.kind, change.name)

    async def delete(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        options: DeleteOptions,
        *,
        check: Check | None = None,
    ) -> tuple[Any, bool]:
        """End an object: its last state, and whether it is gone already."""
        if kind is _NAMESPACES and name in PERMANENT_NAMESPACES:
            raise refusals.forbidden(kind, name, "this namespace may not be deleted")
        self._classes.admit_end(kind, name)
        dry_run = _is_dry_run(options)
        key = key_of(kind, namespace, name)
        await self._turns.take(key)
        try:
            for _ in range(ATTEMPTS):
                record = self._present(kind, key, name)
                if check is not None:
                    check(None, record.object)
                try:
                    return await self._delete_once(kind, record, options, dry_run)
                except CompareFailed:
                    continue
        finally:
            self._turns.give(key)
        raise contended(kind, name)

    async def _modify_once(
        self, change: Change, key: Key, dry_run: bool, check: Check | None
    ) -> Any:
        record = self._present(change.kind, key, change.name)
        draft = change.make(record.object)
        if not change.admitted:
            self._admit_update(change, draft, record.object)
        if check is not None:
            check(draft, record.object)
        if unchanged(draft, record.object):
            return record.object
        gone = finished(draft)
        claims = self._claims(draft, record.object, gone=gone)
        charge = None if gone else self._charge(draft, record.object, claims)
        compare = [Compare(key, record.revision)]
        commit = _Commit(change.kind, key, None if gone else draft, compare, claims, charge)
        stored = await self._commit(commit, dry_run=dry_run)
        return draft if gone else stored

    async def _delete_once(
        self, kind: Kind, record: Record, options: DeleteOptions, dry_run: bool
    ) -> tuple[Any, bool]:
        end = removal(record.object, options, int(self._clock.now()))
        if not end.now and end.obj == record.object:
            return record.object, False
        claims = self._allocator.release(record.object) if end.now else Claims()
        compare = [Compare(record.key, record.revision)]
        commit = _Commit(kind, record.key, None if end.now else end.obj, compare, claims)
        stored = await self._commit(commit, dry_run=dry_run)
        return (end.obj, True) if end.now else (stored, False)

    def _creation(
        self,
        kind: Kind,
        obj: Any,
        generated: bool,
        check: Check | None,
        owned: bool,
        writer: tuple[str, Kind] | None,
        author: User | None,
    ) -> _Commit:
        require_light(obj)
        draft = copy_of(obj)
        metadata = draft.metadata
        if not owned:
            metadata.ClearField("managed_fields")
        if generated:
            metadata.name = self._generated_name(metadata.generate_name)
        compares = self._namespace_compares(kind, draft)
        apply_defaults(draft)
        self._bounds.complete(draft)
        if writer is not None:
            manager, seen = writer
            created_by(draft, obj, updater(manager, "", seen, int(self._clock.now())), seen)
        self._classes.admit_new(draft)
        uid = str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
        prepare_create(draft, uid, int(self._clock.now()), author)
        claims = self._allocator.plan(draft, None)
        try:
            _require_valid(draft, [*claims.causes, *validate_create(draft)])
            if check is not None:
                check(draft, None)
            self._bounds.require_new(draft)
            charge = self.quotas.charge(draft)
        except BaseException:
            self._allocator.give_back(claims)
            raise
        key = key_of(kind, metadata.namespace, metadata.name)
        compares.append(Compare(key, Revision(0)))
        return _Commit(kind, key, draft, compares, claims, charge)

    def _generated_name(self, prefix: str) -> str:
        suffix = "".join(self._rng.choices(_NAME_ALPHABET, k=_NAME_SUFFIX))
        return prefix[:_NAME_PREFIX] + suffix

    def _namespace_compares(self, kind: Kind, draft: Any) -> list[Compare]:
        """That the namespace is still the one which was looked at."""
        if not kind.namespaced:
            return []
        namespace = draft.metadata.namespace
        record = self._present(_NAMESPACES, key_of(_NAMESPACES, "", namespace), namespace)
        if record.object.metadata.HasField("deletion_timestamp"):
            raise refusals.terminating(kind, draft.metadata.name, namespace)
        return [Compare(record.key, record.revision)]

    def _admit_update(self, change: Change, draft: Any, existing: Any) -> None:
        metadata, present = draft.metadata, existing.metadata
        if (metadata.name, metadata.namespace) != (present.name, present.namespace):
            raise BadRequest(
                f"metadata: {metadata.namespace}/{metadata.name} is not the object of the"
                f" request, {present.namespace}/{present.name}"
            )
        if metadata.resource_version not in ("", present.resource_version):
            raise refusals.modified(change.kind, present.name)
        if metadata.uid not in ("", present.uid):
            why = (
                f"Precondition failed: UID in precondition: {metadata.uid},"
                f" UID in object meta: {present.uid}"
            )
            raise refusals.conflict(change.kind, present.name, why)
        metadata.resource_version = present.resource_version
        require_light(draft)
        apply_defaults(draft)
        self._classes.admit_change(draft)
        prepare_update(draft, existing, change.subresource, int(self._clock.now()))
        if change.manager is not None:
            seen = change.seen or change.kind
            self._track(draft, existing, change.manager, seen, change.subresource)
        _require_valid(draft, validate_update(draft, existing, change.subresource))
        if not change.subresource:
            self._bounds.require_changed(draft)

    def _track(self, draft: Any, existing: Any, manager: str, seen: Kind, part: str) -> None:
        if not existing.metadata.managed_fields:
            draft.metadata.ClearField("managed_fields")  # whose owners nobody has ever asked for
            return
        tracked(draft, existing, updater(manager, part, seen, int(self._clock.now())), seen)

    def _claims(self, draft: Any, existing: Any, *, gone: bool) -> Claims:
        if gone:
            return self._allocator.release(existing)
        claims = self._allocator.plan(draft, existing)
        if claims.causes:
            self._allocator.give_back(claims)
            raise invalid_object(draft, claims.causes)
        return claims

    def _charge(self, draft: Any, existing: Any, claims: Claims) -> Charge | None:
        try:
            return self.quotas.charge(draft, existing)
        except BaseException:
            self._allocator.give_back(claims)
            raise

    async def _commit(self, commit: _Commit, *, dry_run: bool) -> Any:
        """The object as stored; gives the claims back unless it was committed."""
        if dry_run:
            self._give_back(commit)
            return commit.draft
        try:
            revision = await self._store.txn(*self._transaction(commit))
        except BaseException:
            self._give_back(commit)
            raise
        return self._stored(commit, revision)

    def _give_back(self, commit: _Commit) -> None:
        self._allocator.give_back(commit.claims)
        self.quotas.settle(commit.charge)

    def _transaction(self, commit: _Commit) -> tuple[list[Compare], list[Write]]:
        compares, claims = commit.compares, commit.claims
        write: Write = Delete(commit.key)
        if commit.draft is not None:
            transient = isinstance(commit.draft, _TRANSIENT)
            write = Put(commit.key, encode(commit.draft), transient)
        if not claims.taken and not claims.freed:
            return compares, [write]
        return (
            [*compares, *self._allocator.compares(claims)],
            [write, *self._allocator.writes(claims, commit.key)],
        )

    def _stored(self, commit: _Commit, revision: Revision) -> Any:
        # The cache's object is the same and shared already; only a newer write hides it.
        if commit.draft is None:
            return None
        record = self._state.get(commit.kind, commit.key)
        if record is not None and record.revision == revision:
            return record.object
        commit.draft.metadata.resource_version = str(revision)
        return commit.draft

    def _present(self, kind: Kind, key: Key, name: str) -> Record:
        """The state to decide on; NotFound without one."""
        record = self._state.get(kind, key)
        if record is None:
            raise refusals.not_found(kind, name)
        return record


def _require_new(kind: Kind, obj: Any) -> None:
    metadata = obj.metadata
    if metadata.resource_version:
        raise BadRequest("metadata.resourceVersion must not be set on an object to be created")
    if kind.namespaced and not metadata.namespace:
        raise BadRequest(f"metadata.namespace: {kind.resource} live in a namespace; name one")
    if not kind.namespaced and metadata.namespace:
        raise BadRequest(f"metadata.namespace: {kind.resource} live in no namespace")


def _require_valid(obj: Any, causes: list[Cause]) -> None:
    if causes:
        raise invalid_object(obj, causes)


def _is_dry_run(options: DeleteOptions) -> bool:
    for value in options.dry_run:
        if value != "All":
            raise BadRequest(f'dryRun: "{value}" is not supported; the only value is "All"')
    return bool(options.dry_run)


def contended(kind: Kind, name: str) -> TooManyRequests:
    """Others change the object faster than this call can."""
    return TooManyRequests(
        f'{kind.resource} "{name}": gave up after {ATTEMPTS} concurrent changes',
        resource=kind.resource,
        name=name,
        retry_after_seconds=1,
    )
