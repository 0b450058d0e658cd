"""The protobuf form of the swagger document says what the JSON form says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import yaml

from master.http.openapi import Documents
from protos.openapi_v2_pb2 import Document, NamedAny, Schema

DEPLOYMENT = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"


@pytest.fixture(scope="module")
def decoded(documents: Documents) -> Document:
    return Document.FromString(documents.swagger_protobuf().plain())


def extensions(found: Iterable[NamedAny]) -> dict[str, Any]:
    return {one.name: yaml.safe_load(one.value.yaml) for one in found}


def as_json(schema: Schema) -> dict[str, Any]:
    found: dict[str, Any] = {
        "$ref": schema.ref,
        "format": schema.format,
        "description": schema.description,
        "required": list(schema.required),
        "type": "".join(schema.type.value),
        "properties": {
            named.name: as_json(named.value) for named in schema.properties.additional_properties
        },
    }
    if schema.items.schema:
        found["items"] = as_json(schema.items.schema[0])
    if schema.HasField("additional_properties"):
        found["additionalProperties"] = as_json(schema.additional_properties.schema)
    return {key: v for key, v in found.items() if v} | extensions(schema.vendor_extension)


def test_definitions_are_the_same(decoded: Document, swagger: Any) -> None:
    found = {
        named.name: as_json(named.value) for named in decoded.definitions.additional_properties
    }
    assert found == swagger["definitions"]


def test_an_operation_has_what_kubectl_asks_of_it(decoded: Document) -> None:
    (item,) = (named.value for named in decoded.paths.path if named.name == DEPLOYMENT)
    queries = {
        p.parameter.non_body_parameter.query_parameter_sub_schema.name: p
        for p in item.patch.parameters
    }
    assert {"dryRun", "fieldManager", "fieldValidation", "force"} <= queries.keys()
    assert extensions(item.patch.vendor_extension) == {
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": {
            "group": "apps",
            "kind": "Deployment",
            "version": "v1",
        },
    }
    paths = [p.parameter.non_body_parameter.path_parameter_sub_schema for p in item.parameters]
    assert [p.name for p in paths if p.required] == ["name", "namespace"]


def test_bodies_and_answers_refer_to_the_kind(decoded: Document) -> None:
    (item,) = (named.value for named in decoded.paths.path if named.name == DEPLOYMENT)
    reference = "#/definitions/io.k8s.api.apps.v1.Deployment"
    body = item.put.parameters[0].parameter.body_parameter
    answers = {named.name: named.value.response for named in item.put.responses.response_code}
    assert (body.name, body.required, body.schema.ref) == ("body", True, reference)
    assert answers["200"].schema.schema.ref == reference
    assert answers["401"].description == "Unauthorized"
