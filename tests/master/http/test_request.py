from __future__ import annotations

import pytest

from master.http.request import Target, target_of


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/api/v1", Target("", "v1")),
        ("/api/v1/", Target("", "v1")),
        ("/api/v1/nodes", Target("", "v1", "nodes")),
        ("/api/v1/nodes/n1", Target("", "v1", "nodes", "", "n1")),
        ("/api/v1/namespaces", Target("", "v1", "namespaces")),
        ("/api/v1/namespaces/a", Target("", "v1", "namespaces", "a", "a")),
        ("/api/v1/namespaces/a/status", Target("", "v1", "namespaces", "a", "a", "status")),
        ("/api/v1/namespaces/a/finalize", Target("", "v1", "namespaces", "a", "a", "finalize")),
        ("/api/v1/namespaces/a/pods", Target("", "v1", "pods", "a")),
        ("/api/v1/namespaces/a/pods/", Target("", "v1", "pods", "a")),
        ("/api/v1/namespaces/a/pods/p", Target("", "v1", "pods", "a", "p")),
        ("/api/v1/namespaces/a/pods/p/log", Target("", "v1", "pods", "a", "p", "log")),
        (
            "/api/v1/namespaces/a/services/s:http/proxy/x/y",
            Target("", "v1", "services", "a", "s:http", "proxy", "/x/y"),
        ),
        (
            "/api/v1/namespaces/a/services/s/proxy/",
            Target("", "v1", "services", "a", "s", "proxy", "/"),
        ),
        ("/apis/apps/v1", Target("apps", "v1")),
        ("/apis/apps/v1/deployments", Target("apps", "v1", "deployments")),
        (
            "/apis/apps/v1/namespaces/a/deployments/d/scale",
            Target("apps", "v1", "deployments", "a", "d", "scale"),
        ),
        ("/api/v1/watch/pods", Target("", "v1", "pods", watched=True)),
        (
            "/api/v1/watch/namespaces/a/pods/p",
            Target("", "v1", "pods", "a", "p", watched=True),
        ),
        ("/api/v1/watch/namespaces", Target("", "v1", "namespaces", watched=True)),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode",
            Target("rbac.authorization.k8s.io", "v1", "clusterroles", "", "system:node"),
        ),
    ],
)
def test_path_names_a_target(path: str, target: Target) -> None:
    assert target_of(path) == target


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/", "/apis", "/apis/apps", "/apis/apps/", "/version", "/openapi/v3"]
)
def test_path_outside_of_groups_and_versions_names_nothing(path: str) -> None:
    assert target_of(path) is None
