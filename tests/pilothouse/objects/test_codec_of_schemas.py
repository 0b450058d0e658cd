"""JSON schemas: values whose form in JSON is not that of their message."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from pilothouse.objects.checking import check
from pilothouse.objects.codec import from_json, to_json
from pilothouse.objects.errors import BadRequest
from protos.apiextensions_v1_pb2 import JSONSchemaProps
from protos.authentication_v1_pb2 import UserInfo

SCHEMAS: dict[str, dict[str, Any]] = {
    "a boolean for a schema": {"additionalProperties": False, "additionalItems": True},
    "a schema for a boolean": {"additionalProperties": {"type": "string"}},
    "a schema for a list": {"items": {"type": "string"}},
    "a list of schemas": {"items": [{"type": "string"}, {"format": "int32"}]},
    "schemas and names": {"dependencies": {"a": ["b", "c"], "d": {"required": ["e"]}}},
    "any value": {"default": {"a": [1, None]}, "example": "x", "enum": [1, "two", None, False]},
    "zero is a value": {"default": 0, "maximum": 0, "minLength": 0},
    "numbers": {"maximum": 1.5, "minimum": -2, "multipleOf": 1e300},
    "names with signs": {"$ref": "#/a", "$schema": "s", "x-kubernetes-int-or-string": True},
    "itself, deep": {"properties": {"a": {"items": {"not": {"properties": {"b": {}}}}}}},
}


@pytest.mark.parametrize("case", SCHEMAS)
def test_json_schemas_keep_their_form(case: str) -> None:
    value = SCHEMAS[case]
    message = from_json(JSONSchemaProps, value)
    assert json.dumps(to_json(message), sort_keys=True) == json.dumps(value, sort_keys=True)
    assert check(message) == []
    assert JSONSchemaProps.FromString(message.SerializeToString()) == message


def test_a_schema_where_a_boolean_may_stand_allows() -> None:
    message = from_json(JSONSchemaProps, {"additionalProperties": {}})
    assert message.additional_properties.allows


def test_values_where_protobuf_has_no_lists_are_lists() -> None:
    value = {"username": "jo", "extra": {"scopes": ["a", "b"], "none": None}}
    user = from_json(UserInfo, value)
    assert list(user.extra["scopes"].items) == ["a", "b"]
    assert to_json(user) == value


WRONG_SCHEMAS = {
    "additionalProperties": 1,
    "items": "x",
    "maximum": "1",
    "minimum": True,
    "multipleOf": 10**400,
    "dependencies": {"a": 1},
}


@pytest.mark.parametrize("field", WRONG_SCHEMAS)
def test_wrong_types_in_schemas_are_named(field: str) -> None:
    with pytest.raises(BadRequest, match=f"spec.*{field}|{field}"):
        from_json(JSONSchemaProps, {field: WRONG_SCHEMAS[field]})


def test_schemas_that_no_json_could_be_are_found() -> None:
    schema = JSONSchemaProps(
        maximum=math.nan,
        default={"raw": b"{"},
        enum=[{"raw": b"[Infinity]"}],
        additional_properties={"schema": {"example": {"raw": b"]"}}},
        items={"json_schemas": [{}, {"minimum": math.inf}]},
    )
    assert {cause.field for cause in check(schema)} == {
        "maximum",
        "default",
        "enum[0]",
        "additionalProperties.example",
        "items[1].minimum",
    }
