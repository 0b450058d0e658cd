"""Completes new objects by the classes that exist, and keeps the classes as they must be.

In: drafts of pods and priority classes. Out: pods with the priority, the overhead and the place
that their classes give them; Forbidden where there is none of that name, and for a second
default or the end of one of the system's own. The rules are in master.admission.classes.

Not promised: that a class which goes, or becomes the default, in the very moment is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from master.admission.classes import (
    NO_CLASS,
    Priority,
    default_priority,
    priority_of,
    take_priority,
    take_runtime,
)
from master.admission.defaults.pod import SYSTEM_PRIORITIES
from master.api import refusals
from master.api.keys import key_of, prefix_of
from master.api.state import State
from master.store.contract import Revision
from pilothouse.objects import kinds
from pilothouse.objects.errors import Forbidden
from pilothouse.objects.kinds import Kind
from protos.core_v1_pb2 import Pod
from protos.node_v1_pb2 import RuntimeClass
from protos.scheduling_v1_pb2 import PriorityClass

_PODS: Final = kinds.of(Pod)
_PRIORITIES: Final = kinds.of(PriorityClass)
_RUNTIMES: Final = kinds.of(RuntimeClass)


class Classes:
    """See the module."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._default: tuple[Revision, Priority] = Revision(-1), NO_CLASS

    def admit_new(self, draft: Any) -> None:
        """Complete a pod, refuse a second default."""
        if isinstance(draft, Pod):
            self._complete(draft)
        elif isinstance(draft, PriorityClass):
            self._require_one_default(draft)

    def admit_change(self, draft: Any) -> None:
        """Refuse a second default."""
        if isinstance(draft, PriorityClass):
            self._require_one_default(draft)

    def admit_end(self, kind: Kind, name: str) -> None:
        """The system's own priority classes stay."""
        if kind is _PRIORITIES and name in SYSTEM_PRIORITIES:
            why = "this is a system priority class and cannot be deleted"
            raise refusals.forbidden(kind, name, why)

    def _complete(self, pod: Pod) -> None:
        why = take_priority(pod.spec, self._priority(pod))
        if why is None:
            why = take_runtime(pod.spec, self._runtime(pod))
        if why is not None:
            raise _refused(pod, why)

    def _priority(self, pod: Pod) -> Priority:
        name = pod.spec.priority_class_name
        if not name:
            return self._default_priority()
        record = self._state.get(_PRIORITIES, key_of(_PRIORITIES, "", name))
        if record is None:
            raise _refused(pod, f"no PriorityClass with name {name} was found")
        return priority_of(record.object)

    def _default_priority(self) -> Priority:
        """Every pod asks: it is looked for again only when a class has changed."""
        revision = self._state.of(_PRIORITIES).cache.revision
        if self._default[0] != revision:
            self._default = revision, default_priority(self._priorities())
        return self._default[1]

    def _runtime(self, pod: Pod) -> RuntimeClass | None:
        if not pod.spec.HasField("runtime_class_name"):
            return None
        name = pod.spec.runtime_class_name
        record = self._state.get(_RUNTIMES, key_of(_RUNTIMES, "", name))
        if record is None:
            raise _refused(pod, f'pod rejected: RuntimeClass "{name}" not found')
        found: RuntimeClass = record.object
        return found

    def _priorities(self) -> Iterator[PriorityClass]:
        for record in self._state.of(_PRIORITIES).cache.scan(prefix_of(_PRIORITIES)):
            yield record.object

    def _require_one_default(self, draft: PriorityClass) -> None:
        if not draft.global_default:
            return
        present = self._default_priority().name
        if present not in ("", draft.metadata.name):
            why = (
                f"PriorityClass {present} is already marked as default. Only one default can exist"
            )
            raise refusals.forbidden(_PRIORITIES, draft.metadata.name, why)


def _refused(pod: Pod, why: str) -> Forbidden:
    return refusals.forbidden(_PODS, pod.metadata.name or pod.metadata.generate_name, why)
