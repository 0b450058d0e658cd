"""Paths and schemas as the documents of the two dialects: swagger 2.0 and OpenAPI 3.0.

Version 3 says more than Kubernetes does: that the body of every error is a Status, and that a
deletion may answer with the object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from master.http.openapi.comments import Comments
from master.http.openapi.names import message_type
from master.http.openapi.operations import JSON, TEXT, Body, Content, Operation, Parameter, PathItem
from master.http.openapi.paths import Paths
from master.http.openapi.scalars import Schema
from master.http.openapi.schemas import Schemas
from pilothouse.objects.kinds import Kind
from protos import meta_v1_pb2

Document = dict[str, Any]

_STATUS = message_type(meta_v1_pb2.Status)
_UNAUTHORIZED = {"description": "Unauthorized"}
_REASONS = {200: "OK", 201: "Created", 202: "Accepted"}
_TOKEN = {
    "type": "apiKey",
    "in": "header",
    "name": "authorization",
    "description": "A bearer token: the word Bearer, a space, the token.",
}
_SECURITY: list[dict[str, list[str]]] = [{"BearerToken": []}]


def swagger(paths: Paths, kinds: Iterable[Kind], comments: Comments, version: str) -> Document:
    """The document of swagger 2.0. `kinds` are all that are served, in whichever document."""
    schemas = Schemas(2, comments, tuple(kinds))

    def operation(of: Operation) -> Document:
        return _swagger_operation(of, schemas)

    return {
        "swagger": "2.0",
        "info": _info(version),
        "paths": _paths(paths, operation, _swagger_parameter),
        "definitions": schemas.definitions(),
        "securityDefinitions": {"BearerToken": _TOKEN},
        "security": _SECURITY,
    }


def openapi(paths: Paths, kinds: Iterable[Kind], comments: Comments, version: str) -> Document:
    """The document of OpenAPI 3.0. `kinds` are all that are served, in whichever document."""
    schemas = Schemas(3, comments, tuple(kinds))

    def operation(of: Operation) -> Document:
        return _openapi_operation(of, schemas)

    return {
        "openapi": "3.0.0",
        "info": _info(version),
        "paths": _paths(paths, operation, _openapi_parameter),
        "components": {
            "schemas": schemas.definitions(),
            "securitySchemes": {"BearerToken": _TOKEN},
        },
        "security": _SECURITY,
    }


def _info(version: str) -> Document:
    return {"title": "Kubernetes", "version": version}


def _paths(
    paths: Paths,
    operation: Callable[[Operation], Document],
    parameter: Callable[[Parameter], Document],
) -> Document:
    def rendered(item: PathItem) -> Document:
        found: Document = {of.method: operation(of) for of in item.operations}
        if item.parameters:
            found["parameters"] = [parameter(one) for one in item.parameters]
        return found

    return {path: rendered(paths[path]) for path in sorted(paths)}


def _operation(operation: Operation) -> Document:
    """What both dialects say of an operation."""
    found: Document = {
        "operationId": operation.id,
        "description": operation.description,
        "tags": [operation.tag],
    }
    if operation.action:
        found["x-kubernetes-action"] = operation.action
    if operation.spoken:
        found["x-kubernetes-group-version-kind"] = dict(operation.spoken)
    return found


def _parameter(parameter: Parameter) -> Document:
    """What both dialects say of a parameter."""
    found: Document = {"name": parameter.name, "in": parameter.place}
    if parameter.description:
        found["description"] = parameter.description
    if parameter.place == "path":
        found["required"] = True
    return found


def _content(content: Content, schemas: Schemas) -> Schema:
    return {"type": "string"} if content == TEXT else schemas.ref(content)


def _swagger_operation(operation: Operation, schemas: Schemas) -> Document:
    found = _operation(operation)
    found["schemes"] = ["https"]
    found["produces"] = list(operation.answer_types)
    found["consumes"] = list(operation.body.types if operation.body else ("*/*",))
    parameters = [_swagger_parameter(one) for one in operation.parameters]
    if operation.body is not None:
        parameters.insert(0, _swagger_body(operation.body, schemas))
    if parameters:
        found["parameters"] = parameters
    found["responses"] = {
        str(code): {"description": _REASONS[code], "schema": _content(contents[0], schemas)}
        for code, contents in operation.answers.items()
    } | {"401": _UNAUTHORIZED}
    return found


def _swagger_parameter(parameter: Parameter) -> Document:
    return {**_parameter(parameter), "type": parameter.type, "uniqueItems": True}


def _swagger_body(body: Body, schemas: Schemas) -> Document:
    found = {"name": "body", "in": "body", "schema": _content(body.content, schemas)}
    return {**found, "required": True} if body.required else found


def _openapi_operation(operation: Operation, schemas: Schemas) -> Document:
    found = _operation(operation)
    if operation.parameters:
        found["parameters"] = [_openapi_parameter(one) for one in operation.parameters]
    if operation.body is not None:
        content = _media((operation.body.content,), operation.body.types, schemas)
        required = {"required": True} if operation.body.required else {}
        found["requestBody"] = {"content": content, **required}
    answers = {
        str(code): {
            "description": _REASONS[code],
            "content": _media(contents, operation.answer_types, schemas),
        }
        for code, contents in operation.answers.items()
    }
    error = {"description": "An error", "content": _media((_STATUS,), (JSON,), schemas)}
    found["responses"] = {**answers, "401": _UNAUTHORIZED, "default": error}
    return found


def _openapi_parameter(parameter: Parameter) -> Document:
    schema = {"type": parameter.type, "uniqueItems": True}
    return {**_parameter(parameter), "schema": schema}


def _media(contents: Iterable[Content], types: Iterable[str], schemas: Schemas) -> Document:
    each = [_content(content, schemas) for content in contents]
    schema = each[0] if len(each) == 1 else {"anyOf": each}
    return {type_: {"schema": schema} for type_ in types}
