"""Rules of the schemas of custom resources: structural ones, as Kubernetes asks for.

A schema is structural when every field that any part of it speaks of has a type outside of
allOf, anyOf, oneOf and not, and these speak of values alone. Not looked at: whether patterns and
expressions compile, which is Go's to say, and whether defaults satisfy their own schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from master.admission.faults import Key, Path, forbidden, invalid, render, required, unsupported
from master.admission.rules.schema_expressions import check_expressions
from master.admission.rules.schema_lists import check_list, check_map
from pilothouse.objects.errors import Cause
from protos.apiextensions_v1_pb2 import JSONSchemaProps

_TYPES: Final = frozenset({"array", "boolean", "integer", "number", "object", "string"})
_META: Final = {"apiVersion": "string", "kind": "string", "metadata": "object"}
_INT_OR_STRING: Final = (JSONSchemaProps(type="integer"), JSONSchemaProps(type="string"))
_UNTYPED: Final = {
    "root": "must not be empty at the root",
    "item": "must not be empty for specified array items",
    "field": "must not be empty for specified object fields",
}
_UNSUPPORTED: Final = {
    "id": "id",
    "additional_items": "additionalItems",
    "pattern_properties": "patternProperties",
    "definitions": "definitions",
    "dependencies": "dependencies",
    "ref": "$ref",
}
# What speaks of more than values, and so has no place under a junctor.
_STRUCTURAL: Final = {
    "type": "empty",
    "additional_properties": "undefined",
    "default": "undefined",
    "title": "empty",
    "description": "empty",
    "nullable": "false",
    "x_kubernetes_preserve_unknown_fields": "false",
    "x_kubernetes_embedded_resource": "false",
    "x_kubernetes_int_or_string": "false",
    "x_kubernetes_list_map_keys": "empty",
    "x_kubernetes_list_type": "undefined",
}
_EMBEDDED: Final = "must be object if x-kubernetes-embedded-resource is true"


@dataclass(frozen=True, slots=True)
class _Where:
    """How deep the schema lies: "root", "item" or "field"; in an object's metadata or not;
    where defaults are forbidden and why ("": they are not)."""

    level: str = "root"
    in_metadata: bool = False
    no_defaults: str = ""


def check_schema(schema: JSONSchemaProps, at: Path, found: list[Cause]) -> None:
    """The schema of a whole object."""
    if schema.nullable:
        found.append(forbidden((*at, "nullable"), "nullable cannot be true at the root"))
    _check(schema, _Where(), at, found)


def _check(schema: JSONSchemaProps, where: _Where, at: Path, found: list[Cause]) -> None:
    _check_plain(schema, where, at, found)
    _check_structure(schema, where, at, found)
    check_list(schema, at, found)
    check_map(schema, at, found)
    check_expressions(schema, at, found)
    for name, part in schema.properties.items():
        here = (*at, "properties", Key(name))
        _check(part, _inside(schema, where, name), here, found)
    if schema.items.HasField("schema"):
        inside = replace(where, level="item")
        _check(schema.items.schema, inside, (*at, "items"), found)
    if schema.additional_properties.HasField("schema"):
        inside = replace(where, level="field")
        if where.in_metadata:
            reason = "inside additionalProperties applying to object metadata"
            inside = replace(inside, no_defaults=reason)
        here = (*at, "additionalProperties")
        _check(schema.additional_properties.schema, inside, here, found)
    for junctor, part in _junctors(schema):
        if not _is_int_or_string(schema, junctor):
            _check_nested(part, schema, (*at, *junctor), at, found)


def _inside(schema: JSONSchemaProps, where: _Where, name: str) -> _Where:
    inside = replace(where, level="field")
    root = where.level == "root"
    if name in _META and (root or schema.x_kubernetes_embedded_resource):
        inside = replace(inside, in_metadata=True)
        if root:
            inside = replace(inside, no_defaults=f"in top-level {name}")
    return inside


def _junctors(schema: JSONSchemaProps) -> Iterator[tuple[Path, JSONSchemaProps]]:
    for name, parts in (
        ("allOf", schema.all_of),
        ("anyOf", schema.any_of),
        ("oneOf", schema.one_of),
    ):
        for index, part in enumerate(parts):
            yield (name, index), part
    if schema.HasField("not"):
        yield ("not",), getattr(schema, "not")


def _is_int_or_string(schema: JSONSchemaProps, junctor: Path) -> bool:
    """Types are let pass where they say that a value is a number or a string."""
    return junctor[0] == "anyOf" and tuple(schema.any_of) == _INT_OR_STRING


def _check_plain(schema: JSONSchemaProps, where: _Where, at: Path, found: list[Cause]) -> None:
    """What OpenAPI has and custom resources have not."""
    if schema.type == "null":
        why = "type cannot be set to null, use nullable as an alternative"
        found.append(forbidden((*at, "type"), why))
    elif schema.type and schema.type not in _TYPES:
        found.append(unsupported((*at, "type"), schema.type, _TYPES))
    if schema.HasField("default") and where.no_defaults:
        found.append(forbidden((*at, "default"), f"must not be set {where.no_defaults}"))
    said = {field.name for field, _ in schema.ListFields()}
    found.extend(
        forbidden((*at, name), f"{name} is not supported")
        for field, name in _UNSUPPORTED.items()
        if field in said
    )
    if schema.items.json_schemas:
        why = "items must be a schema object and not an array"
        found.append(forbidden((*at, "items"), why))
    if schema.unique_items:
        why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        found.append(forbidden((*at, "uniqueItems"), why))
    more = schema.additional_properties
    closed = schema.HasField("additional_properties") and (
        not more.allows or more.HasField("schema")
    )
    if schema.properties and closed:
        why = "additionalProperties and properties are mutual exclusive"
        found.append(forbidden((*at, "additionalProperties"), why))


def _check_structure(schema: JSONSchemaProps, where: _Where, at: Path, found: list[Cause]) -> None:
    embedded, root = schema.x_kubernetes_embedded_resource, where.level == "root"
    preserved = schema.x_kubernetes_preserve_unknown_fields
    if schema.type == "array" and not schema.HasField("items"):
        found.append(required((*at, "items"), "must be specified"))
    _check_type(schema, where, (*at, "type"), found)
    if schema.HasField("additional_properties") and (root or embedded):
        why = (
            "must not be used at the root"
            if root
            else "must not be used if x-kubernetes-embedded-resource is set"
        )
        found.append(forbidden((*at, "additionalProperties"), why))
    if embedded and not preserved and not schema.properties:
        why = (
            "must not be empty if x-kubernetes-embedded-resource is true without "
            "x-kubernetes-preserve-unknown-fields"
        )
        found.append(required((*at, "properties"), why))
    if embedded and where.in_metadata:
        here = (*at, "x-kubernetes-embedded-resource")
        found.append(forbidden(here, "must not be used inside of resource meta"))
    _check_extensions(schema, at, found)
    if root or embedded:
        _check_meta(schema, root, (*at, "properties"), found)


def _check_type(schema: JSONSchemaProps, where: _Where, at: Path, found: list[Cause]) -> None:
    kind = schema.type
    if schema.x_kubernetes_embedded_resource and kind != "object":
        found.append(invalid(at, kind, _EMBEDDED) if kind else required(at, _EMBEDDED))
    elif not kind:
        preserved = schema.x_kubernetes_preserve_unknown_fields
        if not preserved and not schema.x_kubernetes_int_or_string:
            found.append(required(at, _UNTYPED[where.level]))
    elif where.level == "root" and kind != "object":
        found.append(invalid(at, kind, "must be object at the root"))


def _check_extensions(schema: JSONSchemaProps, at: Path, found: list[Cause]) -> None:
    preserved = schema.x_kubernetes_preserve_unknown_fields
    here = (*at, "x-kubernetes-preserve-unknown-fields")
    if schema.HasField("x_kubernetes_preserve_unknown_fields") and not preserved:
        found.append(invalid(here, False, "must be true or undefined"))
    if not schema.x_kubernetes_int_or_string:
        return
    why = "must be false if x-kubernetes-int-or-string is true"
    if preserved:
        found.append(invalid(here, True, why))
    if schema.x_kubernetes_embedded_resource:
        found.append(invalid((*at, "x-kubernetes-embedded-resource"), True, why))


def _check_meta(schema: JSONSchemaProps, root: bool, at: Path, found: list[Cause]) -> None:
    """What every object has is as every object has it."""
    for name, kind in _META.items():
        if name in schema.properties and schema.properties[name].type != kind:
            here = (*at, Key(name), "type")
            found.append(invalid(here, schema.properties[name].type, f"must be {kind}"))
    if root and "metadata" in schema.properties:
        rest = JSONSchemaProps()
        rest.CopyFrom(schema.properties["metadata"])
        for field in ("type", "default"):
            rest.ClearField(field)
        if set(rest.properties) <= {"name", "generateName"}:
            rest.ClearField("properties")
        if rest != JSONSchemaProps():
            why = (
                "must not specify anything other than name and generateName, but metadata is "
                "implicitly specified"
            )
            found.append(forbidden((*at, Key("metadata")), why))


def _check_nested(
    part: JSONSchemaProps, main: JSONSchemaProps, at: Path, main_at: Path, found: list[Cause]
) -> None:
    """Under a junctor, of what `main` is the schema: values of fields that it has."""
    _check_plain(part, _Where("field"), at, found)
    fields = part.DESCRIPTOR.fields_by_name
    said = {field.name for field, _ in part.ListFields()}
    found.extend(
        forbidden((*at, fields[name].json_name), f"must be {how} to be structural")
        for name, how in _STRUCTURAL.items()
        if name in said
    )
    if "metadata" in part.properties:
        here = (*at, "properties", Key("metadata"))
        found.append(forbidden(here, "must not be specified in a nested context"))
    for name, below in part.properties.items():
        step = ("properties", Key(name))
        known = main.properties.get(name)
        _check_below(below, known, (*at, *step), (*main_at, *step), found)
    if part.items.HasField("schema"):
        known = main.items.schema if main.items.HasField("schema") else None
        step_at, step_main = (*at, "items"), (*main_at, "items")
        _check_below(part.items.schema, known, step_at, step_main, found)
    for junctor, below in _junctors(part):
        if not _is_int_or_string(part, junctor):
            _check_nested(below, main, (*at, *junctor), main_at, found)


def _check_below(
    part: JSONSchemaProps,
    main: JSONSchemaProps | None,
    at: Path,
    main_at: Path,
    found: list[Cause],
) -> None:
    if main is None:
        found.append(required(main_at, f"because it is defined in {render(at)}"))
    else:
        _check_nested(part, main, at, main_at, found)
