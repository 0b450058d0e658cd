"""The cluster as the scheduler sees it: a column per node, changed in place, never copied.

In: nodes and placed pods, as they come and go. Out: NumPy arrays, one element a node, and two
logs of which columns changed, so that whoever has worked something out per node needs to look
again only at those. A pod that was just decided is placed here before its binding is written,
so the next decision sees it.

The invariant: `requested` and `weighed` are the sums over the pods placed on a column.

Worked example, two nodes, one pod of 500m on b:
    slots      {"a": 0, "b": 1}
    present    [True, True]
    allocatable[cpu] [2000, 4000]
    requested[cpu]   [0, 500]
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from master.scheduler.request import PodKey, Request
from pilothouse.objects.demands import CPU, MEMORY, PODS, HostPort, amount
from protos.core_v1_pb2 import Node, Taint

Amounts = NDArray[np.int64]
K = TypeVar("K")

LOG_LIMIT = 50_000

UNSCHEDULABLE_TAINT = "node.kubernetes.io/unschedulable"


@dataclass(slots=True)
class Column:
    """One node: what filters ask of it beyond the arrays."""

    name: str
    node: Node
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    pods: dict[PodKey, Request] = field(default_factory=dict)
    host_ports: dict[HostPort, int] = field(default_factory=dict)


class ChangeLog:
    """Which columns changed, in order. A reader keeps its position; a reader that fell behind a
    truncation starts over."""

    __slots__ = ("_base", "_slots")

    def __init__(self) -> None:
        self._base = 0
        self._slots: list[int] = []

    @property
    def position(self) -> int:
        """Where a reader that has seen everything stands."""
        return self._base + len(self._slots)

    def append(self, slot: int) -> None:
        """The column changed."""
        if len(self._slots) >= LOG_LIMIT:
            self._base += len(self._slots)
            self._slots.clear()
        self._slots.append(slot)

    def since(self, position: int) -> list[int] | None:
        """The columns that changed after a position; None when that is no longer known."""
        if position < self._base:
            return None
        return self._slots[position - self._base :]


class Snapshot:
    """See the module."""

    def __init__(self) -> None:
        self.slots: dict[str, int] = {}
        self.columns: list[Column | None] = []
        self.rows: dict[str, int] = {}
        self.present = np.zeros(0, dtype=bool)
        self.lots: NDArray[np.uint32] = np.zeros(0, dtype=np.uint32)  # a number from the name
        self.allocatable: Amounts = np.zeros((0, 0), dtype=np.int64)
        self.requested: Amounts = np.zeros((0, 0), dtype=np.int64)
        self.weighed: Amounts = np.zeros((2, 0), dtype=np.int64)
        self.node_changes = ChangeLog()
        self.usage_changes = ChangeLog()
        self.groups: dict[str, dict[int, int]] = {}  # owner UID → column → pods
        self.namespaces: dict[str, dict[PodKey, Request]] = {}  # the placed pods of each
        self.repelling: dict[PodKey, Request] = {}  # placed pods with required anti-affinity
        self.namespace_labels: dict[str, Mapping[str, str]] = {}
        self.priorities: dict[int, int] = {}  # priority → placed pods
        self._placed: dict[PodKey, int] = {}
        self._waiting: dict[str, dict[PodKey, Request]] = {}  # placed on a node not seen yet
        self._free: list[int] = []
        for name in (CPU, MEMORY, PODS):
            self.row(name)

    def __len__(self) -> int:
        return len(self.slots)

    def row(self, resource: str) -> int:
        """The resource's row in allocatable and requested, made if it is new."""
        found = self.rows.get(resource)
        if found is None:
            found = self.rows[resource] = len(self.rows)
            empty = np.zeros((1, len(self.columns)), dtype=np.int64)
            self.allocatable = np.vstack([self.allocatable, empty])
            self.requested = np.vstack([self.requested, empty])
        return found

    def set_node(self, node: Node) -> None:
        """The node is new, or its labels, taints or resources changed."""
        name = node.metadata.name
        slot = self.slots.get(name)
        taints = _taints_of(node)
        if slot is None:
            slot = self._take_slot()
            self.slots[name] = slot
            self.columns[slot] = Column(name, node, dict(node.metadata.labels), taints)
            self.present[slot] = True
            self.lots[slot] = zlib.crc32(name.encode())
        else:
            column = self.column(slot)
            column.node, column.labels = node, dict(node.metadata.labels)
            column.taints = taints
        amounts = {n: amount(n, q) for n, q in node.status.allocatable.items()}
        for resource in amounts:
            self.row(resource)
        for resource, row in self.rows.items():
            self.allocatable[row, slot] = amounts.get(resource, 0)
        self.node_changes.append(slot)
        for request in self._waiting.pop(name, {}).values():
            self.place(request, name)

    def remove_node(self, name: str) -> None:
        """The node is gone; its pods wait for one of the same name or their own removal."""
        slot = self.slots.pop(name, None)
        if slot is None:
            return
        pods = dict(self.column(slot).pods)
        for key in pods:
            self.displace(key)
        if pods:
            self._waiting[name] = pods
        self.columns[slot] = None
        self.present[slot] = False
        self.allocatable[:, slot] = 0
        self.node_changes.append(slot)
        self._free.append(slot)

    def place(self, request: Request, node: str) -> None:
        """The pod takes its share of the node; placing it again where it is changes nothing."""
        slot = self.slots.get(node)
        if slot is None:
            self.displace(request.key)
            self._waiting.setdefault(node, {})[request.key] = request
            return
        known = self._placed.get(request.key)
        if known is not None:
            if known == slot and self.column(slot).pods[request.key].uid == request.uid:
                return
            self.displace(request.key)
        self._enter(request, slot)

    def displace(self, key: PodKey) -> None:
        """The pod no longer takes anything anywhere."""
        slot = self._placed.get(key)
        if slot is not None:
            self._leave(key, slot)
            return
        for name, waiting in self._waiting.items():
            if waiting.pop(key, None) is not None:
                if not waiting:
                    del self._waiting[name]
                return

    def node_of(self, key: PodKey) -> str | None:
        """Where the pod is placed."""
        slot = self._placed.get(key)
        return None if slot is None else self.column(slot).name

    def holds(self, key: PodKey, uid: str, node: str) -> bool:
        """This very pod is placed on this node."""
        slot = self.slots.get(node)
        if slot is None or self._placed.get(key) != slot:
            return False
        return self.column(slot).pods[key].uid == uid

    def column(self, slot: int) -> Column:
        """The column in use at this slot."""
        column = self.columns[slot]
        if column is None:
            raise LookupError(f"no node in column {slot} of {len(self.columns)}")
        return column

    def slot_of(self, key: PodKey) -> int:
        """The column a placed pod is in."""
        return self._placed[key]

    def _enter(self, request: Request, slot: int) -> None:
        self._placed[request.key] = slot
        self.column(slot).pods[request.key] = request
        self.namespaces.setdefault(request.key[0], {})[request.key] = request
        rules = request.pod.spec.affinity.pod_anti_affinity
        if rules.required_during_scheduling_ignored_during_execution:
            self.repelling[request.key] = request
        self._account(request, slot, 1)

    def _leave(self, key: PodKey, slot: int) -> None:
        request = self.column(slot).pods.pop(key)
        del self._placed[key]
        neighbours = self.namespaces[key[0]]
        del neighbours[key]
        if not neighbours:
            del self.namespaces[key[0]]
        self.repelling.pop(key, None)
        self._account(request, slot, -1)

    def _account(self, request: Request, slot: int, sign: int) -> None:
        for name, value in request.amounts.items():
            self.requested[self.row(name), slot] += sign * value
        self.weighed[0, slot] += sign * request.weighed[0]
        self.weighed[1, slot] += sign * request.weighed[1]
        _count(self.priorities, request.priority, sign)
        ports = self.column(slot).host_ports
        for port in request.host_ports:
            _count(ports, port, sign)
        if request.group:
            members = self.groups.setdefault(request.group, {})
            _count(members, slot, sign)
            if not members:
                del self.groups[request.group]
        self.usage_changes.append(slot)

    def _take_slot(self) -> int:
        if not self._free:
            self._grow()
        return self._free.pop()

    def _grow(self) -> None:
        old = len(self.columns)
        more = max(64, old)
        self.columns.extend([None] * more)
        self._free.extend(range(old + more - 1, old - 1, -1))
        self.present = np.concatenate([self.present, np.zeros(more, dtype=bool)])
        self.lots = np.concatenate([self.lots, np.zeros(more, dtype=np.uint32)])
        self.allocatable = _widen(self.allocatable, more)
        self.requested = _widen(self.requested, more)
        self.weighed = _widen(self.weighed, more)


def _widen(array: Amounts, more: int) -> Amounts:
    return np.hstack([array, np.zeros((array.shape[0], more), dtype=np.int64)])


def _taints_of(node: Node) -> tuple[Taint, ...]:
    taints = tuple(node.spec.taints)
    if node.spec.unschedulable and all(t.key != UNSCHEDULABLE_TAINT for t in taints):
        # spec.unschedulable acts as this taint, so a pod may tolerate it (daemons do).
        return (*taints, Taint(key=UNSCHEDULABLE_TAINT, effect="NoSchedule"))
    return taints


def _count(counts: dict[K, int], key: K, change: int) -> None:
    total = counts.get(key, 0) + change
    if total:
        counts[key] = total
    else:
        counts.pop(key, None)
