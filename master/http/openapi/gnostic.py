"""Swagger documents in the protobuf form that kubectl asks for.

`kubectl` up to 1.26 explains, validates and merges by it, and later ones for
`explain --output plaintext-openapiv2`. They refuse to take JSON instead. Comes in: the document
as a dict. Goes out: gnostic's message, of which protos/openapi_v2.proto is the part we use.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from protos import openapi_v2_pb2 as pb

_PLAIN_SCHEMA = ("format", "description", "required")


def encode(document: Mapping[str, Any]) -> bytes:
    """The document's protobuf form; the same bytes for equal documents."""
    message = pb.Document(
        swagger=document["swagger"],
        info=pb.Info(**document["info"]),
        paths=pb.Paths(path=[_path(name, item) for name, item in document["paths"].items()]),
        definitions=pb.Definitions(additional_properties=_named(document["definitions"])),
        security=[_requirement(one) for one in document["security"]],
        security_definitions=_security(document["securityDefinitions"]),
    )
    return message.SerializeToString(deterministic=True)


def _path(name: str, item: Mapping[str, Any]) -> pb.NamedPathItem:
    operations = {key: _operation(o) for key, o in item.items() if key != "parameters"}
    parameters = [_parameter(p) for p in item.get("parameters", ())]
    return pb.NamedPathItem(name=name, value=pb.PathItem(**operations, parameters=parameters))


def _operation(operation: Mapping[str, Any]) -> pb.Operation:
    return pb.Operation(
        tags=operation["tags"],
        description=operation["description"],
        operation_id=operation["operationId"],
        produces=operation["produces"],
        consumes=operation["consumes"],
        schemes=operation["schemes"],
        parameters=[_parameter(p) for p in operation.get("parameters", ())],
        responses=pb.Responses(
            response_code=[_response(code, r) for code, r in operation["responses"].items()]
        ),
        vendor_extension=_extensions(operation),
    )


def _parameter(parameter: Mapping[str, Any]) -> pb.ParametersItem:
    if parameter["in"] == "body":
        body = pb.BodyParameter(**{**parameter, "schema": _schema(parameter["schema"])})
        return pb.ParametersItem(parameter=pb.Parameter(body_parameter=body))
    values = {_SNAKE.get(key, key): value for key, value in parameter.items()}
    if parameter["in"] == "path":
        other = pb.NonBodyParameter(path_parameter_sub_schema=pb.PathParameter(**values))
    else:
        other = pb.NonBodyParameter(query_parameter_sub_schema=pb.QueryParameter(**values))
    return pb.ParametersItem(parameter=pb.Parameter(non_body_parameter=other))


_SNAKE = {"uniqueItems": "unique_items"}


def _response(code: str, response: Mapping[str, Any]) -> pb.NamedResponseValue:
    found = pb.Response(description=response["description"])
    if "schema" in response:
        found.schema.schema.CopyFrom(_schema(response["schema"]))
    return pb.NamedResponseValue(name=code, value=pb.ResponseValue(response=found))


def _named(schemas: Mapping[str, Any]) -> list[pb.NamedSchema]:
    return [pb.NamedSchema(name=name, value=_schema(s)) for name, s in schemas.items()]


def _schema(schema: Mapping[str, Any]) -> pb.Schema:
    found = pb.Schema(
        ref=schema.get("$ref", ""),
        vendor_extension=_extensions(schema),
        **{key: schema[key] for key in _PLAIN_SCHEMA if key in schema},
    )
    if "type" in schema:
        found.type.value.append(schema["type"])
    if "items" in schema:
        found.items.schema.append(_schema(schema["items"]))
    if "additionalProperties" in schema:
        found.additional_properties.schema.CopyFrom(_schema(schema["additionalProperties"]))
    if "properties" in schema:
        found.properties.additional_properties.extend(_named(schema["properties"]))
    return found


def _extensions(owner: Mapping[str, Any]) -> Iterable[pb.NamedAny]:
    return [
        pb.NamedAny(name=key, value=pb.Any(yaml=_yaml(value)))
        for key, value in owner.items()
        if key.startswith("x-")
    ]


def _yaml(value: Any) -> str:
    """JSON is YAML."""
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def _requirement(requirement: Mapping[str, list[str]]) -> pb.SecurityRequirement:
    return pb.SecurityRequirement(
        additional_properties=[
            pb.NamedStringArray(name=name, value=pb.StringArray(value=scopes))
            for name, scopes in requirement.items()
        ]
    )


def _security(definitions: Mapping[str, Mapping[str, str]]) -> pb.SecurityDefinitions:
    return pb.SecurityDefinitions(
        additional_properties=[
            pb.NamedSecurityDefinitionsItem(
                name=name,
                value=pb.SecurityDefinitionsItem(api_key_security=pb.ApiKeySecurity(**fields)),
            )
            for name, fields in definitions.items()
        ]
    )
