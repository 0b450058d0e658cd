"""Facts of Kubernetes 1.32's definitions that its clients act on."""

from __future__ import annotations

from typing import Any

import pytest

CORE, META = "io.k8s.api.core.v1.", "io.k8s.apimachinery.pkg.apis.meta.v1."
UTIL = "io.k8s.apimachinery.pkg.util.intstr."


def without_descriptions(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: without_descriptions(value)
            for key, value in schema.items()
            if key != "description" or not isinstance(value, str)
        }
    return [without_descriptions(s) for s in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        pytest.param(
            "io.k8s.apimachinery.pkg.api.resource.Quantity", {"type": "string"}, id="quantity"
        ),
        pytest.param(
            UTIL + "IntOrString",
            {"type": "string", "format": "int-or-string", "x-kubernetes-int-or-string": True},
            id="a number or a string",
        ),
        pytest.param(META + "Time", {"type": "string", "format": "date-time"}, id="time"),
        pytest.param(META + "FieldsV1", {"type": "object"}, id="any object"),
        pytest.param(META + "Patch", {"type": "object"}, id="patch"),
        pytest.param(
            CORE + "Pod",
            {
                "type": "object",
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "metadata": {"$ref": f"#/definitions/{META}ObjectMeta"},
                    "spec": {"$ref": f"#/definitions/{CORE}PodSpec"},
                    "status": {"$ref": f"#/definitions/{CORE}PodStatus"},
                },
                "x-kubernetes-group-version-kind": [{"group": "", "kind": "Pod", "version": "v1"}],
            },
            id="a kind",
        ),
        pytest.param(
            CORE + "PodList",
            {
                "type": "object",
                "properties": {
                    "apiVersion": {"type": "string"},
                    "items": {"type": "array", "items": {"$ref": f"#/definitions/{CORE}Pod"}},
                    "kind": {"type": "string"},
                    "metadata": {"$ref": f"#/definitions/{META}ListMeta"},
                },
                "required": ["items"],
                "x-kubernetes-group-version-kind": [
                    {"group": "", "kind": "PodList", "version": "v1"}
                ],
            },
            id="a list",
        ),
        pytest.param(
            META + "LabelSelector",
            {
                "type": "object",
                "properties": {
                    "matchExpressions": {
                        "type": "array",
                        "items": {"$ref": f"#/definitions/{META}LabelSelectorRequirement"},
                        "x-kubernetes-list-type": "atomic",
                    },
                    "matchLabels": {
                        "type": "object",
                        "additionalProperties": {"type": "string"},
                    },
                },
                "x-kubernetes-map-type": "atomic",
            },
            id="an object applied as one value",
        ),
    ],
)
def test_definitions_of_swagger(swagger: Any, name: str, schema: Any) -> None:
    assert without_descriptions(swagger["definitions"][name]) == schema


@pytest.mark.parametrize(
    ("owner", "field", "schema"),
    [
        pytest.param(
            CORE + "PodSpec",
            "volumes",
            {
                "type": "array",
                "items": {"$ref": f"#/definitions/{CORE}Volume"},
                "x-kubernetes-list-map-keys": ["name"],
                "x-kubernetes-list-type": "map",
                "x-kubernetes-patch-merge-key": "name",
                "x-kubernetes-patch-strategy": "merge,retainKeys",
            },
            id="a list merged by key",
        ),
        pytest.param(
            CORE + "ServiceSpec",
            "ports",
            {
                "type": "array",
                "items": {"$ref": f"#/definitions/{CORE}ServicePort"},
                "x-kubernetes-list-map-keys": ["port", "protocol"],
                "x-kubernetes-list-type": "map",
                "x-kubernetes-patch-merge-key": "port",
                "x-kubernetes-patch-strategy": "merge",
            },
            id="a list applied by two keys",
        ),
        pytest.param(
            "io.k8s.api.apps.v1.DeploymentSpec",
            "strategy",
            {
                "$ref": "#/definitions/io.k8s.api.apps.v1.DeploymentStrategy",
                "x-kubernetes-patch-strategy": "retainKeys",
            },
            id="an object with a strategy",
        ),
        pytest.param(
            CORE + "Secret",
            "data",
            {"type": "object", "additionalProperties": {"type": "string", "format": "byte"}},
            id="a map of bytes",
        ),
        pytest.param(
            "io.k8s.api.authentication.v1.UserInfo",
            "extra",
            {
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
            id="a map of lists",
        ),
        pytest.param(
            CORE + "Volume",
            "emptyDir",
            {"$ref": f"#/definitions/{CORE}EmptyDirVolumeSource"},
            id="an inlined field",
        ),
    ],
)
def test_fields_of_swagger(swagger: Any, owner: str, field: str, schema: Any) -> None:
    found = swagger["definitions"][owner]["properties"][field]
    assert without_descriptions(found) == schema


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        pytest.param(
            "io.k8s.apimachinery.pkg.api.resource.Quantity",
            {"oneOf": [{"type": "string"}, {"type": "number"}]},
            id="quantity",
        ),
        pytest.param(
            UTIL + "IntOrString",
            {
                "oneOf": [{"type": "integer"}, {"type": "string"}],
                "format": "int-or-string",
                "x-kubernetes-int-or-string": True,
            },
            id="a number or a string",
        ),
        pytest.param(
            META + "Time",
            {"type": "string", "format": "date-time", "nullable": True},
            id="a time, null where it is unset",
        ),
        pytest.param(
            "io.k8s.api.apps.v1.DeploymentCondition",
            {
                "type": "object",
                "properties": {
                    "lastTransitionTime": {
                        "$ref": f"#/components/schemas/{META}Time",
                    },
                    "lastUpdateTime": {"$ref": f"#/components/schemas/{META}Time"},
                    "message": {"type": "string"},
                    "reason": {"type": "string"},
                    "status": {"type": "string", "default": ""},
                    "type": {"type": "string", "default": ""},
                },
                "required": ["status", "type"],
            },
            id="defaults of what JSON always shows",
        ),
    ],
)
def test_definitions_of_version_3(version3: Any, name: str, schema: Any) -> None:
    found = without_descriptions(version3["apis/apps/v1"]["components"]["schemas"][name])
    assert _plain_references(found) == schema


def _plain_references(schema: Any) -> Any:
    """The schema with references that stand beside a description as those that stand alone."""
    if isinstance(schema, dict):
        if schema.keys() == {"allOf"}:
            return schema["allOf"][0]
        return {key: _plain_references(value) for key, value in schema.items()}
    return schema


def test_version_3_puts_references_with_company_into_all_of(version3: Any) -> None:
    schemas = version3["api/v1"]["components"]["schemas"]
    found = without_descriptions(schemas[CORE + "Pod"]["properties"]["status"])
    assert found["allOf"] == [{"$ref": f"#/components/schemas/{CORE}PodStatus"}]


def test_an_object_with_required_fields_has_no_empty_default(version3: Any) -> None:
    schemas = version3["api/v1"]["components"]["schemas"]
    assert "default" not in schemas[CORE + "Pod"]["properties"]["spec"]
    assert schemas[CORE + "Pod"]["properties"]["status"]["default"] == {}


def test_options_of_deletion_are_a_kind_of_every_group(swagger: Any) -> None:
    kinds = swagger["definitions"][META + "DeleteOptions"]["x-kubernetes-group-version-kind"]
    versions = {(kind["group"], kind["version"]) for kind in kinds}
    assert {("", "v1"), ("apps", "v1"), ("autoscaling", "v2")} <= versions
