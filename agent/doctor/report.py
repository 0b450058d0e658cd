"""Verdicts as lines for people: pure.

ok    kernel            Linux 6.1.0-18-amd64
FAIL  podman            is not installed
→ apt-get install podman
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.doctor.verdicts import Level, Verdict


def lines(verdicts: Sequence[Verdict]) -> list[str]:
    """One line a verdict and one below it with what to do, and a summary."""
    width = max((len(verdict.check) for verdict in verdicts), default=0)
    found: list[str] = []
    for verdict in verdicts:
        found.append(f"{verdict.level.value:<4}  {verdict.check:<{width}}  {verdict.found}")
        if verdict.advice:
            found.append(f"{'':<4}  {'':<{width}}  → {verdict.advice}")
    return [*found, _summary(verdicts)]


def works(verdicts: Iterable[Verdict]) -> bool:
    """Nothing would keep a node from working."""
    return all(verdict.level is not Level.BAD for verdict in verdicts)


def _summary(verdicts: Sequence[Verdict]) -> str:
    bad = sum(verdict.level is Level.BAD for verdict in verdicts)
    warnings = sum(verdict.level is Level.WARNING for verdict in verdicts)
    if bad:
        return f"not fit to be a node: {bad} to mend, {warnings} to look at"
    return "fit to be a node" + (f", {warnings} to look at" if warnings else "")
