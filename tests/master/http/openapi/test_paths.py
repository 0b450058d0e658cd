"""Paths and operations: the names, parameters and bodies by which clients call them."""

from __future__ import annotations

from typing import Any

import pytest

PODS = "/api/v1/namespaces/{namespace}/pods"
POD = PODS + "/{name}"
DEPLOYMENT = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
PATCH_TYPES = [
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
]


def parameters(swagger: Any, path: str, method: str) -> set[str]:
    item = swagger["paths"][path]
    return {p["name"] for p in (*item.get("parameters", ()), *item[method].get("parameters", ()))}


@pytest.mark.parametrize(
    ("path", "method", "id_", "action"),
    [
        pytest.param(PODS, "get", "listCoreV1NamespacedPod", "list", id="list"),
        pytest.param(PODS, "post", "createCoreV1NamespacedPod", "post", id="create"),
        pytest.param(
            PODS,
            "delete",
            "deleteCoreV1CollectionNamespacedPod",
            "deletecollection",
            id="delete a collection",
        ),
        pytest.param(
            "/api/v1/pods", "get", "listCoreV1PodForAllNamespaces", "list", id="list everywhere"
        ),
        pytest.param("/api/v1/nodes", "get", "listCoreV1Node", "list", id="list nodes"),
        pytest.param(DEPLOYMENT, "get", "readAppsV1NamespacedDeployment", "get", id="read"),
        pytest.param(DEPLOYMENT, "put", "replaceAppsV1NamespacedDeployment", "put", id="replace"),
        pytest.param(DEPLOYMENT, "patch", "patchAppsV1NamespacedDeployment", "patch", id="patch"),
        pytest.param(
            DEPLOYMENT, "delete", "deleteAppsV1NamespacedDeployment", "delete", id="delete"
        ),
        pytest.param(
            DEPLOYMENT + "/scale", "get", "readAppsV1NamespacedDeploymentScale", "get", id="scale"
        ),
        pytest.param(
            PODS + "/{name}/eviction",
            "post",
            "createCoreV1NamespacedPodEviction",
            "post",
            id="evict",
        ),
        pytest.param(
            POD + "/exec",
            "post",
            "connectCoreV1PostNamespacedPodExec",
            "connect",
            id="exec",
        ),
        pytest.param(POD + "/log", "get", "readCoreV1NamespacedPodLog", "get", id="log"),
        pytest.param(
            POD + "/proxy/{path}",
            "head",
            "connectCoreV1HeadNamespacedPodProxyWithPath",
            "connect",
            id="proxy",
        ),
        pytest.param(
            "/api/v1/namespaces/{name}/finalize",
            "put",
            "replaceCoreV1NamespaceFinalize",
            "put",
            id="finalize",
        ),
        pytest.param(
            "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            "post",
            "createRbacAuthorizationV1ClusterRole",
            "post",
            id="a group with dots",
        ),
    ],
)
def test_operations_have_the_names_that_generated_clients_call(
    swagger: Any, version3: Any, path: str, method: str, id_: str, action: str
) -> None:
    root = "/".join(path.split("/")[1 : 3 if path.startswith("/api/") else 4])
    for document in (swagger, version3[root]):
        operation = document["paths"][path][method]
        assert (operation["operationId"], operation["x-kubernetes-action"]) == (id_, action)


@pytest.mark.parametrize(
    ("path", "method", "names"),
    [
        pytest.param(
            PODS,
            "get",
            {
                "namespace",
                "pretty",
                "allowWatchBookmarks",
                "continue",
                "fieldSelector",
                "labelSelector",
                "limit",
                "resourceVersion",
                "resourceVersionMatch",
                "sendInitialEvents",
                "timeoutSeconds",
                "watch",
            },
            id="list",
        ),
        pytest.param(
            PODS,
            "post",
            {"namespace", "pretty", "body", "dryRun", "fieldManager", "fieldValidation"},
            id="create",
        ),
        pytest.param(
            DEPLOYMENT,
            "patch",
            {
                "name",
                "namespace",
                "pretty",
                "body",
                "dryRun",
                "fieldManager",
                "fieldValidation",
                "force",
            },
            id="patch",
        ),
        pytest.param(
            POD + "/exec",
            "get",
            {"name", "namespace", "command", "container", "stderr", "stdin", "stdout", "tty"},
            id="exec",
        ),
        pytest.param(DEPLOYMENT, "get", {"name", "namespace", "pretty"}, id="read"),
    ],
)
def test_operations_take_the_parameters_of_kubernetes(
    swagger: Any, path: str, method: str, names: set[str]
) -> None:
    assert parameters(swagger, path, method) == names


def test_a_patch_takes_its_four_content_types(swagger: Any, version3: Any) -> None:
    assert swagger["paths"][DEPLOYMENT]["patch"]["consumes"] == PATCH_TYPES
    body = version3["apis/apps/v1"]["paths"][DEPLOYMENT]["patch"]["requestBody"]
    assert sorted(body["content"]) == PATCH_TYPES
    assert body["required"]


def test_a_subresource_names_the_kind_it_speaks(swagger: Any) -> None:
    operation = swagger["paths"][DEPLOYMENT + "/scale"]["put"]
    kind = {"group": "autoscaling", "kind": "Scale", "version": "v1"}
    assert operation["x-kubernetes-group-version-kind"] == kind
    assert operation["responses"]["200"]["schema"] == {
        "$ref": "#/definitions/io.k8s.api.autoscaling.v1.Scale"
    }


def test_a_list_may_be_a_watch(version3: Any) -> None:
    content = version3["api/v1"]["paths"][PODS]["get"]["responses"]["200"]["content"]
    assert set(content) == {
        "application/json",
        "application/json;stream=watch",
        "application/vnd.kubernetes.protobuf",
        "application/vnd.kubernetes.protobuf;stream=watch",
        "application/yaml",
    }


def test_version_3_says_that_errors_are_statuses(version3: Any) -> None:
    answer = version3["api/v1"]["paths"][PODS]["get"]["responses"]["default"]
    reference = "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.Status"
    assert answer["content"]["application/json"]["schema"] == {"$ref": reference}


def test_a_kind_that_is_only_created_has_no_other_operation(swagger: Any) -> None:
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    assert swagger["paths"][path].keys() - {"parameters"} == {"post"}
    assert path + "/{name}" not in swagger["paths"]


def test_version_3_says_that_a_deletion_may_show_the_object(version3: Any) -> None:
    answer = version3["apis/apps/v1"]["paths"][DEPLOYMENT]["delete"]["responses"]["200"]
    schemas = "#/components/schemas/"
    assert answer["content"]["application/json"]["schema"] == {
        "anyOf": [
            {"$ref": f"{schemas}io.k8s.apimachinery.pkg.apis.meta.v1.Status"},
            {"$ref": f"{schemas}io.k8s.api.apps.v1.Deployment"},
        ]
    }
