"""Choosing a node: pure, and cheap because it remembers.

Pods made from one template ask the same of every node, so the verdicts of filters and scores
are kept per template, an element a node, and asked again only for the columns that the
snapshot says have changed. A decision among 5,000 nodes then costs one changed column and
one maximum.

Filters and scores that watch the whole cluster (spreading by topology, affinity between pods)
cannot be remembered; they are asked anew, of the nodes that passed everything else.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from master.scheduler.filters import FILTERS, Filter, Slots, Watches
from master.scheduler.request import Request
from master.scheduler.scores import SCORES
from master.scheduler.snapshot import Snapshot
from master.scheduler.verdict import Decision, Verdict

TEMPLATES = 256

_ALL_BITS = 0xFFFFFFFF
_SPREADING = np.uint32(2_654_435_761)  # 2^32 over the golden ratio: Knuth's multiplicative hash

ABSENT = -1  # no node in this column
PASSED = 0  # else: 1 + the index in FILTERS of the first filter that refused

_NODE_FILTERS = tuple(f for f in FILTERS if f.watches is Watches.NODE)
_USAGE_FILTERS = tuple(f for f in FILTERS if f.watches is Watches.USAGE)
_CLUSTER_FILTERS = tuple(f for f in FILTERS if f.watches is Watches.CLUSTER)
_NODE_SCORES = tuple(s for s in SCORES if s.watches is Watches.NODE)
_USAGE_SCORES = tuple(s for s in SCORES if s.watches is Watches.USAGE)
_CLUSTER_SCORES = tuple(s for s in SCORES if s.watches is Watches.CLUSTER)
_NUMBER = {f.name: i + 1 for i, f in enumerate(FILTERS)}
_FINAL = [_NUMBER[f.name] for f in _NODE_FILTERS]  # refusals that no pod's end changes


class _Remembered:
    """The verdicts for one template."""

    __slots__ = (
        "node_position",
        "node_refusal",
        "node_score",
        "refusal",
        "total",
        "usage_position",
    )

    def __init__(self, width: int) -> None:
        self.node_position = -1
        self.usage_position = -1
        self.node_refusal: NDArray[np.int8] = np.full(width, ABSENT, dtype=np.int8)
        self.node_score: NDArray[np.float64] = np.zeros(width)
        self.refusal: NDArray[np.int8] = np.full(width, ABSENT, dtype=np.int8)
        self.total: NDArray[np.float64] = np.full(width, -np.inf)


class Placement:
    """Decides over one snapshot. decide() changes nothing but what it remembers."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._templates: OrderedDict[bytes, _Remembered] = OrderedDict()

    def decide(self, request: Request, draw: int) -> Decision:
        """The best node; among equals the one that `draw` (any whole number) picks."""
        remembered = self._remembered(request)
        total = remembered.total
        refusal = remembered.refusal
        cluster = [f for f in _CLUSTER_FILTERS if f.applies(request, self.snapshot)]
        if cluster:
            total, refusal = self._narrowed(request, cluster, remembered)
        total = self._with_neighbours(request, total, refusal)
        best = float(total.max()) if len(total) else -np.inf
        if best == -np.inf:
            return self._nowhere(request, refusal)
        slot = self._drawn(np.flatnonzero(total == best), draw)
        return Decision(
            node=self.snapshot.column(slot).name,
            feasible=int(np.count_nonzero(refusal == PASSED)),
            nodes=len(self.snapshot),
            refusals={},
        )

    def _drawn(self, equals: Slots, draw: int) -> int:
        """One of them, by their names: columns are in the order in which nodes came, which a
        replay of the decision does not know."""
        lots = (self.snapshot.lots[equals] ^ np.uint32(draw & _ALL_BITS)) * _SPREADING
        return int(equals[int(lots.argmin())])

    def hopeful(self, request: Request) -> Slots:
        """The columns that refuse the pod for what runs there, not for what the node is."""
        refusal = self._remembered(request).refusal
        return np.flatnonzero((refusal != ABSENT) & ~np.isin(refusal, _FINAL))

    def verdicts(self, request: Request) -> list[Verdict]:
        """Every node's, in the order of their names."""
        found = [self._verdict(request, slot) for slot in self.snapshot.slots.values()]
        return sorted(found, key=lambda verdict: verdict.node)

    def _verdict(self, request: Request, slot: int) -> Verdict:
        snapshot = self.snapshot
        slots = np.array([slot])
        name = snapshot.column(slot).name
        for rule in FILTERS:
            if rule.applies(request, snapshot) and not rule.passes(request, snapshot, slots)[0]:
                return Verdict(name, rule.name, str(rule.reason(request, snapshot, slot)))
        scores = {
            s.name: s.weight * float(s.scores(request, snapshot, slots)[0])
            for s in SCORES
            if s.applies(request)
        }
        return Verdict(name, scores=scores)

    def _nowhere(self, request: Request, refusal: NDArray[np.int8]) -> Decision:
        refusals: dict[str, int] = {}
        summaries: dict[str, int] = {}
        for slot in self.snapshot.slots.values():
            rule = FILTERS[int(refusal[slot]) - 1]
            refusals[rule.name] = refusals.get(rule.name, 0) + 1
            summary = rule.reason(request, self.snapshot, slot).summary
            summaries[summary] = summaries.get(summary, 0) + 1
        nodes = len(self.snapshot)
        return Decision(None, 0, nodes, refusals, _nowhere_message(nodes, summaries))

    def _narrowed(
        self, request: Request, rules: Iterable[Filter], remembered: _Remembered
    ) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
        total, refusal = remembered.total.copy(), remembered.refusal.copy()
        for rule in rules:
            slots = np.flatnonzero(refusal == PASSED)
            refused = slots[~rule.passes(request, self.snapshot, slots)]
            refusal[refused] = _NUMBER[rule.name]
            total[refused] = -np.inf
        return total, refusal

    def _with_neighbours(
        self, request: Request, total: NDArray[np.float64], refusal: NDArray[np.int8]
    ) -> NDArray[np.float64]:
        for scoring in _CLUSTER_SCORES:
            if scoring.applies(request):
                slots = np.flatnonzero(refusal == PASSED)
                total = total.copy()
                total[slots] += scoring.weight * scoring.scores(request, self.snapshot, slots)
        return total

    def _remembered(self, request: Request) -> _Remembered:
        width = len(self.snapshot.columns)
        found = self._templates.get(request.template)
        if found is None or len(found.total) != width:
            found = self._templates[request.template] = _Remembered(width)
            if len(self._templates) > TEMPLATES:
                self._templates.popitem(last=False)
        self._templates.move_to_end(request.template)
        self._refresh(request, found)
        return found

    def _refresh(self, request: Request, remembered: _Remembered) -> None:
        snapshot = self.snapshot
        nodes = _changed(snapshot.node_changes.since(remembered.node_position), remembered)
        if remembered.node_position < 0:
            nodes = None
        usage = _changed(snapshot.usage_changes.since(remembered.usage_position), remembered)
        remembered.node_position = snapshot.node_changes.position
        remembered.usage_position = snapshot.usage_changes.position
        if nodes is None or usage is None:
            everything = np.arange(len(snapshot.columns))
            self._ask_nodes(request, remembered, everything)
            self._ask_usage(request, remembered, everything)
            return
        if len(nodes):
            self._ask_nodes(request, remembered, nodes)
            self._ask_usage(request, remembered, nodes)
        if len(usage):
            self._ask_usage(request, remembered, usage)

    def _ask_nodes(self, request: Request, remembered: _Remembered, slots: Slots) -> None:
        refusal = np.where(self.snapshot.present[slots], PASSED, ABSENT).astype(np.int8)
        for rule in _NODE_FILTERS:
            if rule.applies(request, self.snapshot):
                passes = rule.passes(request, self.snapshot, slots)
                refusal[(refusal == PASSED) & ~passes] = _NUMBER[rule.name]
        remembered.node_refusal[slots] = refusal
        score = np.zeros(len(slots))
        for scoring in _NODE_SCORES:
            if scoring.applies(request):
                score += scoring.weight * scoring.scores(request, self.snapshot, slots)
        remembered.node_score[slots] = score

    def _ask_usage(self, request: Request, remembered: _Remembered, slots: Slots) -> None:
        refusal = remembered.node_refusal[slots]
        for rule in _USAGE_FILTERS:
            if rule.applies(request, self.snapshot):
                passes = rule.passes(request, self.snapshot, slots)
                refusal[(refusal == PASSED) & ~passes] = _NUMBER[rule.name]
        total = remembered.node_score[slots]
        for scoring in _USAGE_SCORES:
            if scoring.applies(request):
                total += scoring.weight * scoring.scores(request, self.snapshot, slots)
        total[refusal != PASSED] = -np.inf
        remembered.refusal[slots] = refusal
        remembered.total[slots] = total


def _changed(slots: list[int] | None, remembered: _Remembered) -> Slots | None:
    """The distinct columns; None when everything must be asked again."""
    if slots is None or len(slots) > len(remembered.total):
        return None
    return np.array(slots if len(slots) < 2 else sorted(set(slots)), dtype=np.intp)


def _nowhere_message(nodes: int, summaries: dict[str, int]) -> str:
    if not nodes:
        return "no nodes are available: the cluster has none yet"
    parts = (f"{count} {summary}" for summary, count in sorted(summaries.items()))
    return f"0/{nodes} nodes are available: {', '.join(parts)}."
