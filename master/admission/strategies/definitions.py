"""What the server notes of definitions of custom resources."""

from __future__ import annotations

from pilothouse.objects import kinds
from protos.apiextensions_v1_pb2 import CustomResourceDefinition

_ESTABLISHED = "Established"
_NOT_SERVED = "NotServed"


def create_definition(definition: CustomResourceDefinition, now: int) -> None:
    """In which version objects would be stored; and that none are served, as of `now`."""
    definition.ClearField("status")
    note_stored(definition)
    condition = definition.status.conditions.add(
        type=_ESTABLISHED,
        status="False",
        reason=_NOT_SERVED,
        message=kinds.of(definition).caveat,
    )
    condition.last_transition_time.seconds = now


def update_definition(new: CustomResourceDefinition, old: CustomResourceDefinition) -> None:
    """The status is written on its own, but for a version that is stored from now on."""
    new.status.CopyFrom(old.status)
    note_stored(new)


def note_stored(definition: CustomResourceDefinition) -> None:
    """Adds the version that objects are stored in to those in which some may be stored."""
    stored = definition.status.stored_versions
    for version in definition.spec.versions:
        if version.storage and version.name not in stored:
            stored.append(version.name)
            return
