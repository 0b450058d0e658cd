"""Pods for which others were ended: each holds its place on a node until it is bound there.

A held place counts like a placed pod, so that nothing of equal or less priority moves into the
room that the victims leave. Who is more important looks past it (aside).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from master.scheduler.request import PodKey, Request
from master.scheduler.snapshot import Snapshot


class Nominations:
    """Over one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._held: dict[PodKey, tuple[Request, str]] = {}

    def __contains__(self, key: PodKey) -> bool:
        return key in self._held

    def node_of(self, key: PodKey) -> str | None:
        """Where the pod holds a place."""
        held = self._held.get(key)
        return None if held is None else held[1]

    def hold(self, request: Request, node: str) -> None:
        """The pod is to run there."""
        self.drop(request.key)
        self._held[request.key] = (request, node)
        self._snapshot.place(request, node)

    def drop(self, key: PodKey) -> None:
        """The pod is bound, or does not wait any more."""
        if self._held.pop(key, None) is not None:
            self._snapshot.displace(key)

    @contextmanager
    def aside(self, request: Request) -> Iterator[None]:
        """Without the pod's own place, and without those of lower priority."""
        lifted = [
            key
            for key, (held, _) in self._held.items()
            if key == request.key or held.priority < request.priority
        ]
        for key in lifted:
            self._snapshot.displace(key)
        try:
            yield
        finally:
            for key in lifted:
                if key in self._held:
                    self._snapshot.place(*self._held[key])
