"""What the end of an action teaches."""

from __future__ import annotations

from dataclasses import replace

from agent.lifecycle import delays
from agent.lifecycle.stopping import AFTER_HOOK
from agent.lifecycle.view import Memory, Outcome
from agent.runtime.specs import ContainerID


def learn(memory: Memory, outcome: Outcome, now: float) -> Memory:
    """The memory after an action has ended."""
    kind, _, subject = outcome.key.partition(":")
    if kind == "hook":  # a hook that failed has been reported; stopping goes on all the same
        return _after_hook(memory, ContainerID(subject), now)
    failures = dict(memory.failures)
    if outcome.reason:
        failures[outcome.key] = delays.failed(
            failures.get(outcome.key),
            reason=outcome.reason,
            message=outcome.message,
            now=now,
            generation=outcome.generation,
        )
        return replace(memory, failures=failures)
    failures.pop(outcome.key, None)
    if kind in ("sandbox", "refresh"):
        return replace(memory, failures=failures, prepared=outcome.generation)
    return replace(memory, failures=failures, removed=memory.removed or kind == "remove")


def _after_hook(memory: Memory, container: ContainerID, now: float) -> Memory:
    stop = memory.stops.get(container)
    if stop is None:
        return memory
    done = replace(stop, hook_done=True, deadline=max(stop.deadline, now + AFTER_HOOK))
    return replace(memory, stops={**memory.stops, container: done})


def engine_is_back(memory: Memory) -> Memory:
    """Forget the waits that only the engine's absence caused."""
    kept = {
        key: failure
        for key, failure in memory.failures.items()
        if failure.reason != "RuntimeUnavailable"
    }
    return memory if len(kept) == len(memory.failures) else replace(memory, failures=kept)
