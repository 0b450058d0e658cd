"""The figures that Pilothouse promises, and what was measured of them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Promise:
    """A figure and its bound; `at_most`: smaller is better."""

    name: str
    bound: float
    unit: str
    at_most: bool = False

    def kept_by(self, value: float) -> bool:
        """Whether the value is on the right side of the bound."""
        return value <= self.bound if self.at_most else value >= self.bound


CREATE: Final = Promise("create pods, durable, 16 in flight", 1_500, "/s")
GET: Final = Promise("get one pod, 16 in flight", 2_500, "/s")
BOUND_1000: Final = Promise("create → bound, 3,000 pods on 1,000 nodes", 1_000, "/s")
BOUND_5000: Final = Promise("create → bound, 5,000 pods on 5,000 nodes", 800, "/s")
DECISIONS: Final = Promise("scheduler decisions alone, 5,000 nodes", 5_000, "/s")
IDLE: Final = Promise("resident memory, idle control plane", 120, "MB", at_most=True)
FULL: Final = Promise("resident memory, 5,000 nodes and 8,000 pods", 400, "MB", at_most=True)
AGENT: Final = Promise("agent resident memory, 20 pods", 80, "MB", at_most=True)
NETPROXY: Final = Promise("netproxy resident memory, 20 pods", 60, "MB", at_most=True)
START_P50: Final = Promise("pod create → Running, p50", 0.3, "s", at_most=True)
START_P99: Final = Promise("pod create → Running, p99", 0.6, "s", at_most=True)
THIRTY: Final = Promise("30 pods of one deployment on one node", 4, "s", at_most=True)
RULE_P50: Final = Promise("endpoint change → kernel rule, p50", 20, "ms", at_most=True)
HTTPS_CREATE: Final = Promise("POST pods over HTTPS, 16 connections", 2_000, "/s")
HTTPS_CREATE_P99: Final = Promise("POST pods over HTTPS, p99", 30, "ms", at_most=True)
HTTPS_GET: Final = Promise("GET one pod over HTTPS, 16 connections", 8_000, "/s")
HTTPS_LIST: Final = Promise("LIST 500 of 10,000 pods over HTTPS", 300, "/s")
HTTPS_MEMORY: Final = Promise("resident memory, 10,000 pods, after it", 300, "MB", at_most=True)
HTTPS_WATCH: Final = Promise(
    "1,000 watchers, 100 changes/s: the last one, p99", 250, "ms", at_most=True
)
RULE_P99: Final = Promise("endpoint change → kernel rule, p99", 100, "ms", at_most=True)


@dataclass(slots=True)
class Report:
    """Prints tables as sections finish, and collects what the last one shows."""

    console: Console
    quick: bool = False
    measured: list[tuple[Promise, float]] = field(default_factory=list)

    def section(self, title: str) -> None:
        """A heading."""
        self.console.print(f"\n[bold]{title}[/bold]")

    def note(self, text: str) -> None:
        """A line under a heading."""
        self.console.print(f"  {text}", highlight=False)

    def rows(self, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A table; numbers are put to the right."""
        table = Table(*headings, box=None, pad_edge=True)
        for column in table.columns[1:]:
            column.justify = "right"
        for row in rows:
            table.add_row(*(number(cell) for cell in row))
        self.console.print(table)

    def keep(self, promise: Promise, value: float) -> None:
        """For the summary."""
        self.measured.append((promise, value))

    def summary(self) -> None:
        """The promises beside what was measured."""
        self.section("Summary")
        rows = []
        for promise, value in self.measured:
            bound = f"{'≤' if promise.at_most else '≥'} {number(promise.bound)} {promise.unit}"
            kept = "yes" if promise.kept_by(value) else "no"
            rows.append((promise.name, bound, f"{number(value)} {promise.unit}", kept))
        self.rows(("figure", "to reach", "measured", "reached"), rows)


def number(cell: object) -> str:
    """A number with the digits that mean something; text as it is."""
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:,.3g}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def quantile(values: Sequence[float], percent: int) -> float:
    """The value below which so many percent lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def median(values: Sequence[float]) -> float:
    """The middle one: what a noisy machine disturbs least."""
    return statistics.median(values)
