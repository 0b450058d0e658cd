"""What a master answers is what its own documents of version 3 say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator

from tests.master.http.conftest import Api
from tests.master.running import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

LABELS = {"app": "web"}
POD = {
    "metadata": {"labels": LABELS},
    "spec": {
        "containers": [
            {
                "name": "web",
                "image": "web:1",
                "resources": {"requests": {"cpu": 1, "memory": "64Mi"}},
                "readinessProbe": {"httpGet": {"port": "http"}},
                "ports": [{"name": "http", "containerPort": 80}],
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}],
    },
}
OBJECTS: dict[str, Any] = {
    "/api/v1/namespaces/default/configmaps": {"data": {"a": "b"}, "binaryData": {"c": "ZA=="}},
    "/api/v1/namespaces/default/secrets": {"stringData": {"a": "b"}},
    "/api/v1/namespaces/default/services": {
        "spec": {"selector": LABELS, "ports": [{"port": 80, "targetPort": "http"}]}
    },
    "/api/v1/nodes": {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}},
    "/apis/apps/v1/namespaces/default/deployments": {
        "spec": {"selector": {"matchLabels": LABELS}, "template": POD}
    },
    "/apis/coordination.k8s.io/v1/namespaces/default/leases": {
        "spec": {"holderIdentity": "a", "renewTime": "2026-01-31T12:00:00.000000Z"}
    },
}


def lists(document: Any) -> Iterator[tuple[str, Any]]:
    """The paths without a name that answer with JSON, and the schemas of the answers."""
    for path, item in document["paths"].items():
        content = item.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        if "application/json" in content and "{" not in path.replace("{namespace}", ""):
            yield path.replace("{namespace}", "default"), content["application/json"]["schema"]


async def test_lists_and_discovery_are_as_documented(api: Api) -> None:
    for path, rest in OBJECTS.items():
        await api.make(path, {"metadata": {"name": "web"}, **rest})

    async def has_pods() -> bool:
        return bool((await api.get("/api/v1/pods")).json["items"])

    await eventually(has_pods)
    index = (await api.get("/openapi/v3")).json["paths"]
    faults, seen = [], set()
    for entry in index.values():
        document = (await api.get(entry["serverRelativeURL"])).json
        for path, schema in lists(document):
            answer = await api.get(path)
            assert answer.status == 200, path
            validator = OAS30Validator({**schema, "components": document["components"]})
            faults += [f"{path}: {error.message}" for error in validator.iter_errors(answer.json)]
            seen.add(path)
    assert faults == []
    assert OBJECTS.keys() <= seen
