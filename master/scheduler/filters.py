"""Which nodes a pod may run on: one small rule each, in the order that Kubernetes applies them.

A filter answers for an array of columns at once. `watches` says what its answer depends on, so
that a remembered answer is asked again only where that changed: the node object, what the
node's pods use, or pods anywhere in the cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from master.scheduler.affinity import matches_required, selector_mismatch
from master.scheduler.request import Request
from master.scheduler.snapshot import UNSCHEDULABLE_TAINT, Column, Snapshot
from master.scheduler.topology import (
    affinity_passes,
    affinity_reason,
    is_constrained,
    spread_passes,
    spread_reason,
)
from master.scheduler.verdict import Reason
from pilothouse.objects.demands import CPU, PODS, ports_clash
from pilothouse.objects.tolerations import tolerates
from protos.core_v1_pb2 import Taint

Slots = NDArray[np.intp]
Passes = NDArray[np.bool_]


NODE_AFFINITY = "node(s) didn't match Pod's node affinity/selector"


class Watches(Enum):
    """What a filter's answer for a column depends on."""

    NODE = "node"
    USAGE = "usage"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class Filter:
    """`passes` per column; `reason` for one column that did not pass. `applies`: whether the
    filter can refuse this pod anywhere at all."""

    name: str
    watches: Watches
    applies: Callable[[Request, Snapshot], bool]
    passes: Callable[[Request, Snapshot, Slots], Passes]
    reason: Callable[[Request, Snapshot, int], Reason]


def untolerated(request: Request, column: Column, effects: frozenset[str]) -> Taint | None:
    """The first taint with one of the effects that the pod does not tolerate."""
    for taint in column.taints:
        if taint.effect in effects and not any(tolerates(t, taint) for t in request.tolerations):
            return taint
    return None


_REFUSING = frozenset({"NoSchedule", "NoExecute"})


def _per_column(
    test: Callable[[Request, Column], bool],
) -> Callable[[Request, Snapshot, Slots], Passes]:
    def passes(request: Request, snapshot: Snapshot, slots: Slots) -> Passes:
        columns = snapshot.columns
        answers = (
            (column := columns[slot]) is not None and test(request, column)
            for slot in slots.tolist()
        )
        return np.fromiter(answers, dtype=bool, count=len(slots))

    return passes


def _taint_reason(request: Request, snapshot: Snapshot, slot: int) -> Reason:
    taint = untolerated(request, snapshot.column(slot), _REFUSING)
    if taint is None:
        raise LookupError(f"no taint refuses {request.key} in column {slot}")
    if taint.key == UNSCHEDULABLE_TAINT:
        return Reason("node(s) were unschedulable", "cordoned")
    return Reason(f"node(s) had untolerated taint {{{taint.key}: {taint.value}}}", taint.effect)


def _affinity_reason(request: Request, snapshot: Snapshot, slot: int) -> Reason:
    column = snapshot.column(slot)
    missing = selector_mismatch(request.node_selector, column.labels)
    if missing:
        return Reason(NODE_AFFINITY, f"the node has no label {missing}")
    return Reason(NODE_AFFINITY, "no term of the required node affinity matches")


def _matches_node(request: Request, column: Column) -> bool:
    return not selector_mismatch(request.node_selector, column.labels) and matches_required(
        request.pod.spec.affinity, column.name, column.labels
    )


def _ports_free(request: Request, column: Column) -> bool:
    return not any(
        ports_clash(wanted, used) for wanted in request.host_ports for used in column.host_ports
    )


def _ports_reason(request: Request, snapshot: Snapshot, slot: int) -> Reason:
    used = snapshot.column(slot).host_ports
    clashes = [p for p in request.host_ports if any(ports_clash(p, other) for other in used)]
    ports = ", ".join(f"{port}/{protocol}" for _, protocol, port in clashes)
    return Reason("node(s) didn't have free ports for the requested pod ports", ports)


def _fits(request: Request, snapshot: Snapshot, slots: Slots) -> Passes:
    fits = np.ones(len(slots), dtype=bool)
    for name, need in request.amounts.items():
        if need > 0:
            row = snapshot.row(name)
            free = snapshot.allocatable[row, slots] - snapshot.requested[row, slots]
            fits &= free >= need
    return fits


def _fit_reason(request: Request, snapshot: Snapshot, slot: int) -> Reason:
    summaries, details = [], []
    for name, need in request.amounts.items():
        row = snapshot.row(name)
        have = int(snapshot.allocatable[row, slot])
        free = have - int(snapshot.requested[row, slot])
        if need > free:
            unit = "m" if name == CPU else ""
            summaries.append("Too many pods" if name == PODS else f"Insufficient {name}")
            details.append(f"{need}{unit} requested, {free}{unit} of {have}{unit} free")
    return Reason(", ".join(summaries), ", ".join(details))


FILTERS: tuple[Filter, ...] = (
    Filter(
        "TaintToleration",
        Watches.NODE,
        lambda request, snapshot: True,
        _per_column(lambda request, column: untolerated(request, column, _REFUSING) is None),
        _taint_reason,
    ),
    Filter(
        "NodeAffinity",
        Watches.NODE,
        lambda request, snapshot: (
            bool(request.node_selector) or request.pod.spec.HasField("affinity")
        ),
        _per_column(_matches_node),
        _affinity_reason,
    ),
    Filter(
        "NodePorts",
        Watches.USAGE,
        lambda request, snapshot: bool(request.host_ports),
        _per_column(_ports_free),
        _ports_reason,
    ),
    Filter("NodeResourcesFit", Watches.USAGE, lambda request, snapshot: True, _fits, _fit_reason),
    Filter(
        "PodTopologySpread",
        Watches.CLUSTER,
        lambda request, snapshot: bool(request.pod.spec.topology_spread_constraints),
        spread_passes,
        spread_reason,
    ),
    # Placed pods with anti-affinity may refuse any pod, so this one cannot be skipped by looking
    # at the pod alone; the snapshot knows whether there are such pods.
    Filter("InterPodAffinity", Watches.CLUSTER, is_constrained, affinity_passes, affinity_reason),
)
