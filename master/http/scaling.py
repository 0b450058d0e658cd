"""The scale of anything that has replicas, as autoscaling/v1 Scale."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

from master.api.records import copy_of
from master.http.negotiation import PARTIAL, Accepted, Media
from master.http.rendering import partial_of, plain
from master.http.tables import OBJECT, table_of_part
from pilothouse.objects.errors import BadRequest, Cause, Invalid
from pilothouse.objects.selectors import LabelSelector
from protos.autoscaling_v1_pb2 import Scale
from protos.meta_v1_pb2 import ListMeta

SCALE = ("autoscaling/v1", "Scale")
_IDENTITY = ("name", "namespace", "uid", "resourceVersion", "managedFields")


def scale_of(obj: Any) -> Scale:
    """The scale of an object with spec.replicas and status.replicas."""
    scale = Scale()
    for field in ("name", "namespace", "uid", "resource_version"):
        setattr(scale.metadata, field, getattr(obj.metadata, field))
    scale.metadata.creation_timestamp.CopyFrom(obj.metadata.creation_timestamp)
    scale.spec.replicas = obj.spec.replicas
    scale.status.replicas = obj.status.replicas
    scale.status.selector = _selector_text(obj.spec)
    return scale


def scale_table(scale: Scale, wanted: Accepted) -> bytes:
    """The scale as a table of one row."""
    shown = scale if wanted.include == OBJECT else partial_of(scale)
    kind = SCALE if wanted.include == OBJECT else (f"{wanted.group}/{wanted.version}", PARTIAL)
    metadata = ListMeta(resource_version=scale.metadata.resource_version)
    return table_of_part(
        scale, metadata, wanted, lambda _: plain(shown, *kind, Accepted(Media.JSON))
    )


def _selector_text(spec: Any) -> str:
    selector = spec.selector
    if isinstance(selector, Message):
        return str(LabelSelector.of(selector))  # type: ignore[arg-type] # it is one in every kind
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))


def scaled(existing: Any, scale: Scale) -> Any:
    """The object with that scale; its uid and resource version are preconditions.

    BadRequest for the scale of another object, Invalid for replicas below zero.
    """
    metadata = existing.metadata
    for field, found in (("name", metadata.name), ("namespace", metadata.namespace)):
        wanted = getattr(scale.metadata, field)
        if wanted not in ("", found):
            raise BadRequest(f"metadata.{field}: {wanted} is not that of the request, {found}")
    if scale.spec.replicas < 0:
        replicas = scale.spec.replicas
        message = f"Invalid value: {replicas}: must be greater than or equal to 0"
        cause = Cause("spec.replicas", "FieldValueInvalid", message)
        raise Invalid(
            f'Scale.autoscaling "{metadata.name}" is invalid: {cause}',
            resource="Scale.autoscaling",
            name=metadata.name,
            causes=[cause],
        )
    obj = copy_of(existing)
    obj.spec.replicas = scale.spec.replicas
    obj.metadata.uid = scale.metadata.uid
    obj.metadata.resource_version = scale.metadata.resource_version
    return obj


def scale_configuration(scale: dict[str, Any]) -> dict[str, Any]:
    """What an apply configuration of a scale says of the object that it is of."""
    parts = {key: scale[key] for key in ("metadata", "spec") if scale.get(key) is not None}
    for part, kept in (("metadata", _IDENTITY), ("spec", ("replicas",))):
        parts[part] = {key: value for key, value in parts.get(part, {}).items() if key in kept}
    return parts
