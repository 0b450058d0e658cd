"""Rules of one version of a custom resource: its schema, its subresources, its columns."""

from __future__ import annotations

from typing import Final

from master.admission.faults import Path, invalid, required
from master.admission.grammar import dns_label_1035
from master.admission.rules.schemas import check_schema
from master.admission.rules.selectable_fields import check_selectable_fields
from pilothouse.objects.errors import Cause
from protos.apiextensions_v1_pb2 import (
    CustomResourceColumnDefinition,
    CustomResourceDefinitionVersion,
    CustomResourceSubresourceScale,
    JSONSchemaProps,
)

_COLUMN_TYPES: Final = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS: Final = (
    *("byte", "date", "date-time", "double", "float", "int32", "int64", "password"),
)
_WARNING_LIMIT: Final = 256  # characters
# With a subresource "status" the schema's root says nothing that could bear upon the status.
_AT_ROOT: Final = (
    "description",
    "type",
    "format",
    "title",
    "maximum",
    "exclusive_maximum",
    "minimum",
    "exclusive_minimum",
    "max_length",
    "min_length",
    "pattern",
    "max_items",
    "min_items",
    "unique_items",
    "multiple_of",
    "required",
    "items",
    "properties",
    "external_docs",
    "example",
    "x_kubernetes_preserve_unknown_fields",
    "x_kubernetes_validations",
)


def check_version(version: CustomResourceDefinitionVersion, at: Path, found: list[Cause]) -> None:
    """One of the versions of a definition."""
    if (why := dns_label_1035(version.name)) is not None:
        found.append(invalid((*at, "name"), version.name, why))
    schema, here = version.schema.open_api_v3_schema, (*at, "schema", "openAPIV3Schema")
    if version.schema.HasField("open_api_v3_schema"):
        if version.subresources.HasField("status"):
            _check_root(schema, here, found)
        check_schema(schema, here, found)
    else:
        found.append(required(here, "schemas are required"))
    if version.subresources.HasField("scale"):
        _check_scale(version.subresources.scale, (*at, "subresources", "scale"), found)
    for index, column in enumerate(version.additional_printer_columns):
        _check_column(column, (*at, "additionalPrinterColumns", index), found)
    check_selectable_fields(version, (*at, "selectableFields"), found)
    if version.HasField("deprecation_warning"):
        text, fault = version.deprecation_warning, _warning_fault(version)
        if fault is not None:
            found.append(invalid((*at, "deprecationWarning"), text, fault))


def _check_root(schema: JSONSchemaProps, at: Path, found: list[Cause]) -> None:
    said = [field.json_name for field, _ in schema.ListFields() if field.name not in _AT_ROOT]
    if said:
        fields = schema.DESCRIPTOR.fields_by_name
        names = " ".join(fields[name].json_name for name in _AT_ROOT)
        why = (
            f"only [{names}] fields are allowed at the root of the schema if the status "
            "subresource is enabled"
        )
        found.append(invalid(at, ", ".join(said), why))


def _check_scale(scale: CustomResourceSubresourceScale, at: Path, found: list[Cause]) -> None:
    _check_path(scale.spec_replicas_path, (".spec.",), (*at, "specReplicasPath"), found)
    _check_path(scale.status_replicas_path, (".status.",), (*at, "statusReplicasPath"), found)
    if scale.label_selector_path:
        either = (".spec.", ".status.")
        _check_path(scale.label_selector_path, either, (*at, "labelSelectorPath"), found)


def _check_path(path: str, below: tuple[str, ...], at: Path, found: list[Cause]) -> None:
    if not path:
        found.append(required(at))
    elif not path.startswith("."):
        found.append(invalid(at, path, "must be a simple json path starting with ."))
    elif not path.startswith(below):
        names = " or ".join(name.removesuffix(".") for name in below)
        either = "either " if len(below) > 1 else ""
        found.append(invalid(at, path, f"should be a json path under {either}{names}"))


def _check_column(column: CustomResourceColumnDefinition, at: Path, found: list[Cause]) -> None:
    if not column.name:
        found.append(required((*at, "name")))
    kinds = f"must be one of {','.join(_COLUMN_TYPES)}"
    if not column.type:
        found.append(required((*at, "type"), kinds))
    elif column.type not in _COLUMN_TYPES:
        found.append(invalid((*at, "type"), column.type, kinds))
    if column.format and column.format not in _COLUMN_FORMATS:
        why = f"must be one of {','.join(_COLUMN_FORMATS)}"
        found.append(invalid((*at, "format"), column.format, why))
    path, here = column.json_path, (*at, "JSONPath")
    if not path:
        found.append(required(here))
    elif not path.startswith("."):
        found.append(invalid(here, path, "must be a simple json path starting with ."))


def _warning_fault(version: CustomResourceDefinitionVersion) -> str | None:
    text = version.deprecation_warning
    if not version.deprecated:
        return "can only be set for deprecated versions"
    if len(text) > _WARNING_LIMIT:
        return f"must be <= {_WARNING_LIMIT} characters long"
    if not text:
        return "must not be an empty string"
    for index, char in enumerate(text):
        if not char.isprintable():
            return (
                "must only contain printable UTF-8 characters; non-printable character found at "
                f"index {index}"
            )
    return None
