"""Schemas of what is no object with fields: single values, and definitions of the API itself.

A pair is what swagger says and what OpenAPI 3 says, which alone knows null and a choice of types.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from master.http.openapi import names
from pilothouse.objects.schema import Type

Schema = dict[str, Any]

PLAIN: Mapping[Type, Schema] = {
    Type.STRING: {"type": "string"},
    Type.BOOLEAN: {"type": "boolean"},
    Type.INT32: {"type": "integer", "format": "int32"},
    Type.INT64: {"type": "integer", "format": "int64"},
    Type.NUMBER: {"type": "number", "format": "double"},
    Type.BYTES: {"type": "string", "format": "byte"},
}
ZERO: Mapping[Type, Any] = {
    Type.STRING: "",
    Type.BOOLEAN: False,
    Type.INT32: 0,
    Type.INT64: 0,
    Type.NUMBER: 0,
}

_INT_OR_STRING = {"format": "int-or-string", "x-kubernetes-int-or-string": True}
# A time that JSON always shows is null where it is unset.
_TIME = {"type": "string", "format": "date-time"}
_SCALARS: Mapping[str, tuple[Schema, Schema]] = {
    "Quantity": ({"type": "string"}, {"oneOf": [{"type": "string"}, {"type": "number"}]}),
    "IntOrString": (
        {"type": "string", **_INT_OR_STRING},
        {"oneOf": [{"type": "integer"}, {"type": "string"}], **_INT_OR_STRING},
    ),
    "Time": (_TIME, {**_TIME, "nullable": True}),
    "MicroTime": (_TIME, {**_TIME, "nullable": True}),
    "Duration": ({"type": "string"}, {"type": "string"}),
    "RawExtension": ({"type": "object"}, {"type": "object"}),
    "FieldsV1": ({"type": "object"}, {"type": "object"}),
    "JSON": ({}, {}),
}


def scalar(name: str, version: int) -> Schema:
    """The schema of a message of scalars.proto."""
    return _SCALARS[name][version - 2]


_VERSION_INFO = {
    "buildDate": "When the server was built.",
    "compiler": "What built or runs it.",
    "gitCommit": "The commit it was built from.",
    "gitTreeState": "Whether the tree was clean then.",
    "gitVersion": "The version of the API, and of the server behind a plus sign.",
    "goVersion": "The version of the language it is written in.",
    "major": "The API's major version.",
    "minor": "The API's minor version.",
    "platform": "The operating system and architecture that it runs on.",
}


def special(name: str, raw: Schema) -> Schema:
    """The schema of a definition that is no message of ours; `raw` is that of any object."""
    if name == names.PATCH:
        return {"type": "object", "description": "A patch, in the form its content type names."}
    if name == names.VERSION_INFO:
        return {
            "type": "object",
            "description": "The version of the server.",
            "properties": {
                key: {"type": "string", "description": text} for key, text in _VERSION_INFO.items()
            },
            "required": sorted(_VERSION_INFO),
        }
    assert name == names.WATCH_EVENT, name
    return {
        "type": "object",
        "description": "One change in a watch: what happened, and the object after it.",
        "properties": {"type": {"type": "string"}, "object": raw},
        "required": ["object", "type"],
    }
