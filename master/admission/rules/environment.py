"""Rules of environment variables and of references to fields and amounts of a pod."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from master.admission.amounts import nanos
from master.admission.faults import Path, invalid, required, unsupported
from master.admission.grammar import config_key, dns_subdomain, environment_name, qualified_name
from master.admission.rules.resources import QUANTITY_RULE
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import (
    ConfigMapKeySelector,
    EnvFromSource,
    EnvVar,
    EnvVarSource,
    ObjectFieldSelector,
    ResourceFieldSelector,
    SecretKeySelector,
)

_SOURCES: Final = ("field_ref", "resource_field_ref", "config_map_key_ref", "secret_key_ref")
ENV_FIELDS: Final = frozenset(
    {
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "spec.nodeName",
        "spec.serviceAccountName",
        "status.hostIP",
        "status.hostIPs",
        "status.podIP",
        "status.podIPs",
    }
)
FILE_FIELDS: Final = frozenset(
    {
        "metadata.name",
        "metadata.namespace",
        "metadata.labels",
        "metadata.annotations",
        "metadata.uid",
    }
)
_KNOWN_FIELDS: Final = ENV_FIELDS | FILE_FIELDS
_SUBSCRIPT: Final = re.compile(r"(?P<map>[^\[\]]+)\['(?P<key>.*)'\]")
_AMOUNTS: Final = frozenset(
    f"{side}.{name}"
    for side in ("limits", "requests")
    for name in ("cpu", "memory", "ephemeral-storage")
)
_BYTE_DIVISORS: Final = ("1", "1k", "1M", "1G", "1T", "1P", "1E") + (
    "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei",
)  # fmt: skip
_DIVISORS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "cpu": (("1m", "1"), "only divisor's values 1m and 1 are supported with the cpu resource"),
    "memory": (
        _BYTE_DIVISORS,
        f"only divisor's values {', '.join(_BYTE_DIVISORS)} are supported with the memory resource",
    ),
    "ephemeral-storage": (
        _BYTE_DIVISORS,
        f"only divisor's values {', '.join(_BYTE_DIVISORS)} are supported with the local ephemeral "
        "storage resource",
    ),
    "hugepages": (
        _BYTE_DIVISORS,
        f"only divisor's values {', '.join(_BYTE_DIVISORS)} are supported with the hugepages "
        "resource",
    ),
}


def check_environment(variables: Iterable[EnvVar], at: Path, found: list[Cause]) -> None:
    """A container's variables; a name may come twice, the last one counts."""
    for index, variable in enumerate(variables):
        name = variable.name
        if not name:
            found.append(required((*at, index, "name")))
        elif (why := environment_name(name)) is not None:
            found.append(invalid((*at, index, "name"), name, why))
        if variable.HasField("value_from"):
            _check_source(variable, (*at, index, "valueFrom"), found)


def _check_source(variable: EnvVar, at: Path, found: list[Cause]) -> None:
    source = variable.value_from
    named = [name for name in _SOURCES if source.HasField(name)]
    if not named:
        why = (
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or "
            "`secretKeyRef`"
        )
        found.append(invalid(at, "", why))
    elif variable.value:
        found.append(invalid(at, "", "may not be specified when `value` is not empty"))
    elif len(named) > 1:
        found.append(invalid(at, "", "may not have more than one field specified at a time"))
    _check_references(source, at, found)


def _check_references(source: EnvVarSource, at: Path, found: list[Cause]) -> None:
    if source.HasField("field_ref"):
        check_field_reference(source.field_ref, ENV_FIELDS, (*at, "fieldRef"), found)
    if source.HasField("resource_field_ref"):
        here = (*at, "resourceFieldRef")
        check_amount_reference(source.resource_field_ref, here, found, in_volume=False)
    if source.HasField("config_map_key_ref"):
        _check_key_reference(source.config_map_key_ref, (*at, "configMapKeyRef"), found)
    if source.HasField("secret_key_ref"):
        _check_key_reference(source.secret_key_ref, (*at, "secretKeyRef"), found)


def _check_key_reference(
    reference: ConfigMapKeySelector | SecretKeySelector, at: Path, found: list[Cause]
) -> None:
    _check_object_name(reference.local_object_reference.name, (*at, "name"), found)
    if not reference.key:
        found.append(required((*at, "key")))
    elif (why := config_key(reference.key)) is not None:
        found.append(invalid((*at, "key"), reference.key, why))


def _check_object_name(name: str, at: Path, found: list[Cause]) -> None:
    if not name:
        found.append(required(at))
    elif (why := dns_subdomain(name)) is not None:
        found.append(invalid(at, name, why))


def check_field_reference(
    reference: ObjectFieldSelector, fields: frozenset[str], at: Path, found: list[Cause]
) -> None:
    """A field of the pod that a variable or a file may show; `fields` are those without key."""
    here = (*at, "fieldPath")
    if not reference.api_version:
        found.append(required((*at, "apiVersion")))
    path = reference.field_path
    if not path:
        found.append(required(here))
    elif (subscript := _SUBSCRIPT.fullmatch(path)) is not None:
        _check_subscript(path, subscript["map"], subscript["key"], here, found)
    elif path not in _KNOWN_FIELDS:
        why = f"error converting fieldPath: field label not supported: {path}"
        found.append(invalid(here, path, why))
    elif path not in fields:
        found.append(unsupported(here, path, fields))


def _check_subscript(path: str, field: str, key: str, at: Path, found: list[Cause]) -> None:
    if field == "metadata.annotations":
        why = qualified_name(key.lower())
    elif field == "metadata.labels":
        why = qualified_name(key)
    else:
        why = "does not support subscript"
        key = path
    if why is not None:
        found.append(invalid(at, key, why))


def check_amount_reference(
    reference: ResourceFieldSelector, at: Path, found: list[Cause], *, in_volume: bool
) -> None:
    """An amount that a container requests or is limited to."""
    if in_volume and not reference.container_name:
        found.append(required((*at, "containerName")))
    resource = reference.resource
    if not resource:
        found.append(required((*at, "resource")))
        return
    name = resource.partition(".")[2]
    if resource not in _AMOUNTS and not name.startswith("hugepages-"):
        found.append(unsupported((*at, "resource"), resource, _AMOUNTS))
    _check_divisor(name, reference.divisor.string, (*at, "divisor"), found)


def _check_divisor(name: str, text: str, at: Path, found: list[Cause]) -> None:
    if not text:
        return
    amount = nanos(text)
    if amount is None:
        found.append(invalid(at, text, QUANTITY_RULE))
        return
    allowed = _DIVISORS.get("hugepages" if name.startswith("hugepages-") else name)
    if amount and allowed is not None and amount not in map(nanos, allowed[0]):
        found.append(invalid(at, text, allowed[1]))


def check_environment_sources(
    sources: Iterable[EnvFromSource], at: Path, found: list[Cause]
) -> None:
    """Whole config maps and secrets as variables, with an optional prefix."""
    for index, source in enumerate(sources):
        here = (*at, index)
        if source.prefix and (why := environment_name(source.prefix)) is not None:
            found.append(invalid((*here, "prefix"), source.prefix, why))
        both = source.HasField("config_map_ref"), source.HasField("secret_ref")
        if not any(both):
            found.append(invalid(here, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif all(both):
            why = "may not have more than one field specified at a time"
            found.append(invalid(here, "", why))
        if both[0]:
            name = source.config_map_ref.local_object_reference.name
            _check_object_name(name, (*here, "configMapRef", "name"), found)
        if both[1]:
            name = source.secret_ref.local_object_reference.name
            _check_object_name(name, (*here, "secretRef", "name"), found)
