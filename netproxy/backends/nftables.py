"""The nftables backend: keeps its own table, writes only what changed.

In: the desired table and which services changed. Out: one nft transaction. The invariant: what
it remembers as written is what the kernel has, unless `run` failed or somebody meddled; then
nothing counts as known and the next transaction replaces the table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator

from netproxy.backends import nftscript
from netproxy.table import Backends, Frontend, Frontends, ServiceName, Table

Run = Callable[[str], object]


class NftablesBackend:
    """`run` takes nft commands and runs them in one transaction (LibNftables.run)."""

    def __init__(self, run: Run, *, cluster_cidr: str, pod_cidr: str, service_cidr: str) -> None:
        self._run = run
        self._base = nftscript.base(cluster_cidr, pod_cidr, service_cidr)
        self._known = False
        self._services: dict[ServiceName, Frontends] = {}
        self._groups: set[str] = set()
        self._hairpins: Counter[str] = Counter()

    def apply(self, table: Table, changed: Collection[ServiceName] | None) -> None:
        """See Backend."""
        whole = changed is None or not self._known
        if whole:
            self._forget()
        names = table.services.keys() if whole or changed is None else changed
        self._known = False
        script = nftscript.Script(self._groups)
        for frontend, old, new in self._changes(table, names):
            script.change(frontend, old, new)
        hairpins = self._changed_hairpins(table, names)
        script.change_members("hairpins", *_gone_and_new(self._hairpins, hairpins))
        text = script.text()
        if whole:
            text = nftscript.removal() + self._base + text
        self._run(text or nftscript.probe())
        self._remember(table, names, script.groups, hairpins)

    def remove(self) -> None:
        """See Backend."""
        self._run(nftscript.removal())
        self._forget()

    def _changes(
        self, table: Table, names: Collection[ServiceName]
    ) -> Iterator[tuple[Frontend, Backends | None, Backends | None]]:
        for name in names:
            old = self._services.get(name, {})
            new = table.services.get(name, {})
            for frontend in {**old, **new}:
                yield frontend, old.get(frontend), new.get(frontend)

    def _changed_hairpins(self, table: Table, names: Collection[ServiceName]) -> dict[str, int]:
        """By how many services the elements that change are used from now on."""
        change: Counter[str] = Counter()
        for name in names:
            change.update(nftscript.hairpins(table.services.get(name, {})))
            change.subtract(nftscript.hairpins(self._services.get(name, {})))
        return {element: self._hairpins[element] + more for element, more in change.items() if more}

    def _remember(
        self,
        table: Table,
        names: Collection[ServiceName],
        groups: set[str],
        hairpins: dict[str, int],
    ) -> None:
        for name in names:
            frontends = table.services.get(name)
            if frontends:
                self._services[name] = frontends
            else:
                self._services.pop(name, None)
        for element, count in hairpins.items():
            if count:
                self._hairpins[element] = count
            else:
                del self._hairpins[element]
        self._groups = groups
        self._known = True

    def _forget(self) -> None:
        self._known = False
        self._services.clear()
        self._groups = set()
        self._hairpins.clear()


def _gone_and_new(before: Counter[str], after: dict[str, int]) -> tuple[list[str], list[str]]:
    gone = [element for element, count in after.items() if not count]
    new = [element for element, count in after.items() if count and not before[element]]
    return gone, new
