"""How each kind is described: what all have, what is particular to it, or its fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Any

from google.protobuf.message import Message

from pilothouse.cli.ages import age
from pilothouse.cli.descriptions import generic
from pilothouse.cli.descriptions.lines import Description
from pilothouse.objects import codec, kinds
from pilothouse.objects.time import time_text

__all__ = ["Description", "describe_object"]

SYSTEM_ANNOTATIONS = ("kubectl.kubernetes.io/last-applied-configuration",)
_MODULES = ("access", "configuration", "pods", "policy", "services", "storage", "workloads")

Describe = Callable[[Any, Description, Sequence[Any]], None]


@cache
def _descriptions() -> dict[type[Message], Describe]:
    found: dict[type[Message], Describe] = {}
    for name in _MODULES:
        found |= import_module(f"{__name__}.{name}").DESCRIPTIONS
    return found


def describe_object(out: Description, obj: Any, related: Sequence[Any]) -> None:
    """Name, labels and annotations, then what is particular to the kind."""
    metadata = obj.metadata
    out.line("Name", metadata.name)
    if kinds.of(obj).namespaced:
        out.line("Namespace", metadata.namespace)
    out.mapping("Labels", metadata.labels)
    shown = {k: v for k, v in metadata.annotations.items() if k not in SYSTEM_ANNOTATIONS}
    out.mapping("Annotations", shown)
    out.line(
        "Created",
        f"{time_text(metadata.creation_timestamp)} ({age(metadata.creation_timestamp)} ago)",
    )
    if metadata.HasField("deletion_timestamp"):
        grace = metadata.deletion_grace_period_seconds
        out.line("Status", f"Terminating (grace period {grace} s)")
    for owner in metadata.owner_references:
        if owner.controller:
            out.line("Controlled By", f"{owner.kind}/{owner.name}")
    _descriptions().get(type(obj), _fields)(obj, out, related)


def _fields(obj: Any, out: Description, related: Sequence[Any]) -> None:
    document = codec.to_json(obj)
    for key in ("apiVersion", "kind", "metadata"):
        document.pop(key, None)
    for line in generic.lines(document):
        out.plain(line)
