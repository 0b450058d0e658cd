"""What of each resource quota is in use, and the place where writes are refused for it.

In: the changes of every kind, in the step that brings them into the cache, and what writers are
about to commit. Out: Forbidden for what a quota has no room for; the status of each quota, written
by run(). The invariant: used and charged together never exceed a limit by a write that was let
through here. What a writer is about to commit is charged before anybody else decides, and becomes
usage in the very step that applies its commit, so that it counts once at any moment. The rules are
in master.admission.usage. A namespace without quotas costs one look-up, and a cluster without any
does not even follow its objects.

Not promised: that a quota made or changed in the very moment of a write is kept to by that write.
What is in use already when a quota comes may be more than it allows, and stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from master.admission.totals import add, take
from master.admission.usage import (
    counted,
    exceeded,
    increase,
    is_overdue,
    unspecified,
    without_place,
)
from master.api import refusals
from master.api.keys import key_of, prefix_of
from master.api.records import Record, copy_of
from master.api.state import KindState, State
from pilothouse.objects import kinds
from pilothouse.objects.quantity import ZERO
from pilothouse.objects.quantity import Quantity as Amount
from pilothouse.process.clock import Clock
from protos.core_v1_pb2 import PersistentVolumeClaim, Pod, ResourceQuota, Service

_QUOTAS: Final = kinds.of(ResourceQuota)
_PODS: Final = kinds.of(Pod)
# What may take more by a change; all else takes the same for as long as it is there.
_GROWING: Final = (PersistentVolumeClaim, Service)

Usage = dict[str, Amount]
Report = Callable[[ResourceQuota], Awaitable[None]]  # writes the status of a quota


@dataclass(slots=True)
class _Account:
    """One quota with what is used of it, and what is about to be."""

    quota: ResourceQuota
    used: Usage = field(default_factory=dict)
    charged: Usage = field(default_factory=dict)

    def taken(self) -> Usage:
        total = dict(self.used)
        add(total, self.charged)
        return total


@dataclass(frozen=True, slots=True, eq=False)
class Charge:
    """What a write under way takes of some accounts."""

    key: str
    parts: tuple[tuple[_Account, Usage], ...]


class Quotas:
    """See the module. open() once the state is loaded."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self._accounts: dict[str, dict[str, _Account]] = {}  # by namespace and name
        self._charges: dict[str, list[Charge]] = {}  # by the key that is about to be written
        self._stale: set[tuple[str, str]] = set()
        self._moved = asyncio.Event()

    def open(self) -> None:
        """Count what there is, and follow from there."""
        quotas = self._state.of(_QUOTAS)
        for record in quotas.cache.scan(prefix_of(_QUOTAS)):
            self._account(record.object)
        quotas.follow = self._apply_quota

    def charge(self, draft: Any, old: Any = None) -> Charge | None:
        """Count what a new object, or a change, is about to take; Forbidden if it is not there.

        Until the write is applied, or settle() says that it is over.
        """
        accounts = self._accounts.get(draft.metadata.namespace)
        if not accounts or (old is not None and not isinstance(draft, _GROWING)):
            return None
        found = [(account, _risen(account, draft, old)) for account in accounts.values()]
        for account, usage in found:
            self._require(account, usage, draft)
        charge = Charge(_key(draft), tuple((a, usage) for a, usage in found if usage))
        for account, usage in charge.parts:
            add(account.charged, usage)
        self._charges.setdefault(charge.key, []).append(charge)
        return charge

    def settle(self, charge: Charge | None) -> None:
        """The write is over: what it was charged and did not take is free again."""
        if charge is None or charge not in self._charges.get(charge.key, ()):
            return
        self._charges[charge.key].remove(charge)
        if not self._charges[charge.key]:
            del self._charges[charge.key]
        _free(charge)

    def _require(self, account: _Account, usage: Usage, draft: Any) -> None:
        why = None
        if isinstance(draft, Pod):
            why = unspecified(account.quota, draft)
        if why is None and usage:
            why = self._exceeded(account, usage)
        if why is not None:
            raise refusals.forbidden(kinds.of(draft), draft.metadata.name, why)

    def _exceeded(self, account: _Account, usage: Usage) -> str | None:
        taken = account.taken()
        why = exceeded(account.quota, taken, usage)
        if why is None:
            return None
        now, prefix = self._clock.now(), prefix_of(_PODS, account.quota.metadata.namespace)
        for record in self._state.of(_PODS).cache.scan(prefix):
            if is_overdue(record.object, now):
                take(taken, without_place(counted(account.quota, record.object)))
        return exceeded(account.quota, taken, usage)

    def _apply_quota(self, key: str, old: Record | None, new: Record | None) -> None:
        self._apply(key, old, new)
        if new is None:
            if old is not None:
                self._close(old.object)
        elif old is None or old.object.spec != new.object.spec:
            self._account(new.object)

    def _apply(self, key: str, old: Record | None, new: Record | None) -> None:
        for charge in self._charges.pop(key, ()):
            _free(charge)
        record = new or old
        if record is None:
            return
        for account in self._accounts.get(record.object.metadata.namespace, {}).values():
            before = {} if old is None else counted(account.quota, old.object)
            after = {} if new is None else counted(account.quota, new.object)
            if before != after:
                take(account.used, before)
                add(account.used, after)
                self.tell(account.quota.metadata.namespace, account.quota.metadata.name)

    def _account(self, quota: ResourceQuota) -> None:
        """Open the quota's account, or count anew by what it says now."""
        metadata = quota.metadata
        accounts = self._accounts.setdefault(metadata.namespace, {})
        account = accounts.setdefault(metadata.name, _Account(quota))
        account.quota, account.used = quota, dict.fromkeys(quota.spec.hard, ZERO)
        for kind_state in self._followed():
            kind_state.follow = self._apply
            for record in kind_state.cache.scan(prefix_of(kind_state.kind, metadata.namespace)):
                add(account.used, counted(quota, record.object))
        for record in self._state.of(_QUOTAS).cache.scan(prefix_of(_QUOTAS, metadata.namespace)):
            add(account.used, counted(quota, record.object))
        self.tell(metadata.namespace, metadata.name)

    def _close(self, quota: ResourceQuota) -> None:
        accounts = self._accounts[quota.metadata.namespace]
        del accounts[quota.metadata.name]
        if not accounts:
            del self._accounts[quota.metadata.namespace]
        if not self._accounts:
            for kind_state in self._followed():
                kind_state.follow = None

    def _followed(self) -> Iterator[KindState]:
        """All that lives in namespaces, but the quotas themselves."""
        for kind_state in self._state.every():
            if kind_state.kind.namespaced and kind_state.kind is not _QUOTAS:
                yield kind_state

    def tell(self, namespace: str, name: str) -> None:
        """The status of this quota may be old."""
        self._stale.add((namespace, name))
        self._moved.set()

    async def moved(self) -> list[tuple[str, str]]:
        """Namespace and name of the quotas whose status may be old, once there are any."""
        await self._moved.wait()
        self._moved.clear()
        stale, self._stale = sorted(self._stale), set()
        return stale

    def reported(self, quota: ResourceQuota) -> ResourceQuota:
        """The quota with the status that it has now."""
        made: ResourceQuota = copy_of(quota)
        account = self._accounts.get(quota.metadata.namespace, {}).get(quota.metadata.name)
        if account is None or account.quota.spec != quota.spec:
            return made
        made.status.Clear()
        for name, amount in quota.spec.hard.items():
            made.status.hard[name].string = amount.string
            made.status.used[name].string = str(account.used.get(name, ZERO))
        return made


def _free(charge: Charge) -> None:
    for account, usage in charge.parts:
        take(account.charged, usage)


def _risen(account: _Account, draft: Any, old: Any) -> Usage:
    before = {} if old is None else counted(account.quota, old)
    return increase(counted(account.quota, draft), before)


def _key(draft: Any) -> str:
    kind, metadata = kinds.of(draft), draft.metadata
    return key_of(kind, metadata.namespace, metadata.name)
