"""The limit ranges of a namespace at work on the pods and claims that are written in it.

In: drafts. Out: pods with the defaults of their namespace; Forbidden for what its limit ranges
do not allow. The rules are in master.admission.bounds. A namespace without a limit range costs one
look at how many there are.

Not promised: that a limit range made or changed in the very moment is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from master.admission.bounds import claim_faults, pod_faults, take_defaults
from master.api import refusals
from master.api.keys import prefix_of
from master.api.state import State
from pilothouse.objects import kinds
from protos.core_v1_pb2 import LimitRange, PersistentVolumeClaim, Pod

_RANGES: Final = kinds.of(LimitRange)


class Bounds:
    """See the module."""

    def __init__(self, state: State) -> None:
        self._cache = state.of(_RANGES).cache

    def complete(self, draft: Any) -> None:
        """Give a new pod the defaults of its namespace."""
        if isinstance(draft, Pod) and len(self._cache):
            take_defaults(draft, self._ranges(draft))

    def require_new(self, draft: Any) -> None:
        """Forbidden for a pod or a claim that breaks the bounds; it is valid apart from them."""
        if len(self._cache) == 0:
            return
        if isinstance(draft, Pod):
            self._require(draft, pod_faults)
        else:
            self.require_changed(draft)

    def require_changed(self, draft: Any) -> None:
        """The same for a change; that of a pod changes nothing that is bounded."""
        if not isinstance(draft, PersistentVolumeClaim) or not len(self._cache):
            return
        if not draft.metadata.HasField("deletion_timestamp"):
            self._require(draft, claim_faults)

    def _require(
        self, draft: Any, faults: Callable[[Any, Sequence[LimitRange]], list[str]]
    ) -> None:
        found = faults(draft, self._ranges(draft))
        if found:
            why = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
            raise refusals.forbidden(kinds.of(draft), draft.metadata.name, why)

    def _ranges(self, draft: Any) -> list[LimitRange]:
        prefix = prefix_of(_RANGES, draft.metadata.namespace)
        return [record.object for record in self._cache.scan(prefix)]
