"""The documents as clients fetch them: valid, complete in themselves, equal for equal kinds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV30SpecValidator

from master.http.openapi import Documents
from pilothouse.objects import catalog


def test_the_swagger_document_is_valid_swagger(swagger: Any) -> None:
    assert [error.message for error in OpenAPIV2SpecValidator(swagger).iter_errors()] == []


def test_every_document_of_version_3_is_valid(version3: Any) -> None:
    errors = {
        path: [error.message for error in OpenAPIV30SpecValidator(document).iter_errors()]
        for path, document in version3.items()
    }
    assert {path: found for path, found in errors.items() if found} == {}


def test_every_reference_leads_to_a_definition(swagger: Any, version3: Any) -> None:
    for document in (swagger, *version3.values()):
        defined = document.get("definitions") or document["components"]["schemas"]
        names = {reference.rpartition("/")[2] for reference in _references(document)}
        assert names - defined.keys() == set()


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def test_no_two_operations_have_one_name(swagger: Any) -> None:
    names = [
        operation["operationId"]
        for item in swagger["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    ]
    assert len(names) == len(set(names))


def test_equal_kinds_make_equal_bytes(documents: Documents) -> None:
    backwards = Documents(reversed(list(catalog.builtin())), "v1.32.0")
    assert backwards.index() == documents.index()
    assert backwards.swagger() == documents.swagger()
    assert backwards.swagger_protobuf() == documents.swagger_protobuf()


def test_the_index_names_each_group_and_version_with_the_hash_of_its_document(
    documents: Documents,
) -> None:
    paths = json.loads(documents.index().plain())["paths"]
    assert {"api", "api/v1", "apis", "apis/apps", "apis/apps/v1", "version"} <= paths.keys()
    document = documents.version3("apis/apps/v1")
    assert document is not None
    url = f"/openapi/v3/apis/apps/v1?hash={document.hash}"
    assert paths["apis/apps/v1"] == {"serverRelativeURL": url}


def test_a_document_of_version_3_has_its_own_paths_only(version3: Any) -> None:
    assert all(path.startswith("/apis/apps/v1/") for path in version3["apis/apps/v1"]["paths"])
    assert "io.k8s.api.batch.v1.Job" not in version3["apis/apps/v1"]["components"]["schemas"]


@pytest.mark.parametrize(
    ("path", "accept", "media"),
    [
        pytest.param("v2", "application/json", "application/json", id="swagger"),
        pytest.param("v2", "*/*", "application/json", id="swagger to anyone"),
        pytest.param(
            "v2",
            "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
            "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
            id="swagger to kubectl",
        ),
        pytest.param("v3", "application/json, */*", "application/json", id="the index"),
        pytest.param("v3/api/v1", "application/json", "application/json", id="a version"),
    ],
)
def test_documents_are_found_by_path_and_accept_header(
    documents: Documents, path: str, accept: str, media: str
) -> None:
    document = documents.find(path, accept)
    assert document is not None
    assert document.media == media


@pytest.mark.parametrize("path", ["", "v1", "v3/", "v3/apis/nowhere/v1", "v2/apps"])
def test_other_paths_have_no_document(documents: Documents, path: str) -> None:
    assert documents.find(path, "*/*") is None


def test_a_kind_without_an_effect_yet_says_so(swagger: Any) -> None:
    caveats = {kind.kind: kind.caveat for kind in catalog.builtin() if kind.caveat}
    assert caveats
    for name, caveat in caveats.items():
        described = [
            schema.get("description", "")
            for path, schema in swagger["definitions"].items()
            if path.endswith(f".{name}")
        ]
        assert any(f"{caveat[0].upper()}{caveat[1:]}." in text for text in described), name
