"""What a decision says: of one node, and of all together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a node was refused: `summary` is equal for nodes refused alike, `detail` is this
    node's."""

    summary: str
    detail: str

    def __str__(self) -> str:
        return f"{self.summary}: {self.detail}" if self.detail else self.summary


@dataclass(frozen=True, slots=True)
class Verdict:
    """One node's: refused by `filter` for `reason`, or feasible with weighted scores by name."""

    node: str
    filter: str = ""
    reason: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def feasible(self) -> bool:
        """No filter refused it."""
        return not self.filter

    @property
    def total(self) -> float:
        """The sum of the weighted scores."""
        return sum(self.scores.values())


@dataclass(frozen=True, slots=True)
class Decision:
    """Where the pod goes; node is None when it fits nowhere. `refusals` counts nodes by filter;
    `message` is for people, "" when the pod was placed."""

    node: str | None
    feasible: int
    nodes: int
    refusals: Mapping[str, int]
    message: str = ""
