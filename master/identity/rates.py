"""How often each of many callers may call: one token bucket a caller, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict


class RateLimit:
    """`burst` calls at once, then `per_second`. Knows the last `callers` callers: who has been
    silent for longest is forgotten first, which gives it at most a fresh burst."""

    def __init__(self, per_second: float, burst: int, callers: int = 10_000) -> None:
        self._per_second = per_second
        self._burst = burst
        self._callers = callers
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str, now: float) -> bool:
        """Whether the caller may call at `now` (monotonic seconds)."""
        left, at = self._buckets.pop(caller, (float(self._burst), now))
        left = min(float(self._burst), left + (now - at) * self._per_second)
        allowed = left >= 1.0
        self._buckets[caller] = (left - 1.0 if allowed else left, now)
        if len(self._buckets) > self._callers:
            self._buckets.popitem(last=False)
        return allowed
