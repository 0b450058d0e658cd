"""Rules of the fields by which custom resources can be selected."""

from __future__ import annotations

import re
from typing import Final

from master.admission.faults import Path, duplicate, invalid, required, too_many
from pilothouse.objects.errors import Cause
from protos.apiextensions_v1_pb2 import CustomResourceDefinitionVersion, JSONSchemaProps

_LIMIT: Final = 8
_PATH: Final = re.compile(r"(\.[A-Za-z_][A-Za-z0-9_-]*)+", re.ASCII)
_TYPES: Final = frozenset({"boolean", "integer", "string"})


def check_selectable_fields(
    version: CustomResourceDefinitionVersion, at: Path, found: list[Cause]
) -> None:
    """Those of one version: single values of its schema, none twice."""
    met: set[str] = set()
    for index, field in enumerate(version.selectable_fields):
        here = (*at, index, "jsonPath")
        _check_path(field.json_path, version.schema.open_api_v3_schema, here, found)
        if field.json_path in met:
            found.append(duplicate(here, field.json_path))
        met.add(field.json_path)
    if len(met) > _LIMIT:
        found.append(too_many(at, len(met), _LIMIT))


def _check_path(path: str, schema: JSONSchemaProps, at: Path, found: list[Cause]) -> None:
    if not path:
        found.append(required(at))
        return
    target = _at(path, schema)
    if target is None:
        why = "is an invalid path: it does not refer to a field of the schema"
        found.append(invalid(at, path, why))
        return
    if path.split(".")[1] == "metadata":
        found.append(invalid(at, path, "must not point to fields in metadata"))
    if target.type not in _TYPES:
        why = (
            "must point to a field of type string, boolean or integer. Enum string fields and "
            "strings with formats are allowed."
        )
        found.append(invalid(at, path, why))


def _at(path: str, schema: JSONSchemaProps) -> JSONSchemaProps | None:
    """The schema of the field; None: there is none."""
    if _PATH.fullmatch(path) is None:
        return None
    for name in path.split(".")[1:]:
        if name not in schema.properties:
            return None
        schema = schema.properties[name]
    return schema
