"""Rules of how lists and maps in custom resources merge."""

from __future__ import annotations

from typing import Final

from master.admission.faults import Key, Path, forbidden, invalid, required, unsupported
from pilothouse.objects.errors import Cause
from protos.apiextensions_v1_pb2 import JSONSchemaProps

_LISTS: Final = frozenset({"atomic", "map", "set"})
_MAPS: Final = frozenset({"atomic", "granular"})
_TYPE: Final = "x-kubernetes-list-type"
_KEYS: Final = "x-kubernetes-list-map-keys"
_OF_MAP: Final = f"must be a scalar type if parent array's {_TYPE} is map"
_OF_SET: Final = f"must be atomic as item of a list with {_TYPE}=set"


def check_map(schema: JSONSchemaProps, at: Path, found: list[Cause]) -> None:
    """An object whose fields merge each for itself, or one that is replaced as a whole."""
    if not schema.HasField("x_kubernetes_map_type"):
        return
    kind, name = schema.x_kubernetes_map_type, "x-kubernetes-map-type"
    if schema.type != "object":
        _must_be("object", name, schema.type, (*at, "type"), found)
    if kind not in _MAPS:
        found.append(unsupported((*at, name), kind, _MAPS))


def check_list(schema: JSONSchemaProps, at: Path, found: list[Cause]) -> None:
    """A list as a whole, a set of values, or a map by the keys of its items."""
    kind, here = schema.x_kubernetes_list_type, (*at, _TYPE)
    if schema.HasField("x_kubernetes_list_type"):
        if schema.type != "array":
            _must_be("array", _TYPE, schema.type, (*at, "type"), found)
        elif kind == "set":
            _check_set(schema.items.schema, (*at, "items"), found)
        if kind not in _LISTS:
            found.append(unsupported(here, kind, _LISTS))
    if schema.x_kubernetes_list_map_keys and kind != "map":
        why = f"must be map if {_KEYS} is non-empty"
        found.append(invalid(here, kind, why) if kind else required(here, why))
    if kind == "map":
        _check_keyed(schema, at, found)
    if kind in ("map", "set") and schema.items.schema.nullable:
        why = f"cannot be nullable when {_TYPE} is {kind}"
        found.append(forbidden((*at, "items", "nullable"), why))


def _must_be(kind: str, name: str, given: str, at: Path, found: list[Cause]) -> None:
    why = f"must be {kind} if {name} is specified"
    found.append(invalid(at, given, why) if given else required(at, why))


def _check_set(item: JSONSchemaProps, at: Path, found: list[Cause]) -> None:
    """Values that are compared as wholes."""
    lists = item.x_kubernetes_list_type
    if item.type == "array" and lists not in ("", "atomic"):
        found.append(invalid((*at, _TYPE), lists, _OF_SET))
    maps = item.x_kubernetes_map_type
    if item.type == "object" and maps != "atomic":
        found.append(invalid((*at, "x-kubernetes-map-type"), maps, _OF_SET))


def _check_keyed(schema: JSONSchemaProps, at: Path, found: list[Cause]) -> None:
    keys, here = list(schema.x_kubernetes_list_map_keys), (*at, _KEYS)
    if not keys:
        found.append(required(here, f"must not be empty if {_TYPE} is map"))
    items = (*at, "items")
    if not schema.HasField("items"):
        found.append(required(items, f"must have a schema if {_TYPE} is map"))
        return
    item = schema.items.schema
    if item.type != "object":
        why = f"must be object if parent array's {_TYPE} is map"
        found.append(invalid((*items, "type"), item.type, why))
        return
    for index, key in enumerate(keys):
        if key not in item.properties:
            found.append(invalid(here, keys, "entries must all be names of item properties"))
        else:
            _check_key(item, key, (*items, "properties", Key(key)), found)
        if key in keys[:index]:
            found.append(invalid(here, keys, "must not contain duplicate entries"))


def _check_key(item: JSONSchemaProps, key: str, at: Path, found: list[Cause]) -> None:
    """Every item has it, and it can be compared."""
    schema = item.properties[key]
    if schema.type in ("array", "object"):
        found.append(invalid((*at, "type"), schema.type, _OF_MAP))
    if key not in item.required and not schema.HasField("default"):
        why = f"this property is in {_KEYS}, so it must have a default or be a required property"
        found.append(required((*at, "default"), why))
    if schema.nullable:
        why = f"this property is in {_KEYS}, so it cannot be nullable"
        found.append(forbidden((*at, "nullable"), why))
