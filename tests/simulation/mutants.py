"""The product, broken on purpose: what the simulation must notice.

Each mutant changes one rule of a component in this process and is never undone: it is for a
process that runs nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from agent.worker import Worker
from master.api.allocator import NONE, Allocator
from master.controllers import node as node_controller
from master.controllers.expecting import Expectations
from master.dispatch import statuses
from master.scheduler.snapshot import Snapshot
from tests.simulation.store import MemoryStore


def _impatient() -> None:
    """Replica sets do not wait to see the pods that they made."""
    Expectations.settled = lambda *_, **__: True  # type: ignore[method-assign]


def _forgetful() -> None:
    """The scheduler does not count a pod that it has just placed."""
    place = Snapshot.place

    def later(self: Snapshot, request: Any, node: str) -> None:
        if request.pod.spec.node_name:
            place(self, request, node)

    Snapshot.place = later  # type: ignore[method-assign]


def _leaking() -> None:
    """Addresses of deleted services stay taken."""
    Allocator.release = lambda *_: NONE  # type: ignore[method-assign]


def _undead() -> None:
    """Pods that have ended are reported, and never removed."""

    async def nothing(*_: Any) -> None:
        return

    statuses.StatusWriter._remove = nothing  # type: ignore[method-assign,assignment]


def _untidy() -> None:
    """An agent that starts leaves alone what nobody wants any more."""

    async def nothing(_: Any) -> None:
        return

    Worker._clean_up = nothing  # type: ignore[method-assign,assignment]


def _clinging() -> None:
    """Nodes that come back keep their taints."""
    wanted = node_controller.wanted_taints  # type: ignore[attr-defined]

    def kept(node: Any, **options: Any) -> Any:
        return list(node.spec.taints) or wanted(node, **options)

    node_controller.wanted_taints = kept  # type: ignore[attr-defined]


def _acknowledging() -> None:
    """The store answers before the commit is durable, so that a crash may lose it."""
    txn = MemoryStore.txn

    async def early(self: MemoryStore, compares: Any, writes: Any) -> Any:
        task = asyncio.ensure_future(txn(self, compares, writes))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.sleep(0)
        if task.done():
            return task.result()
        return self.revision + 1

    MemoryStore.txn = early  # type: ignore[method-assign]


MUTANTS: Final[dict[str, Callable[[], None]]] = {
    "impatient": _impatient,
    "forgetful": _forgetful,
    "leaking": _leaking,
    "undead": _undead,
    "untidy": _untidy,
    "clinging": _clinging,
    "acknowledging": _acknowledging,
}
