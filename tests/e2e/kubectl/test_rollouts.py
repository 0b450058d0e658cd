"""kubectl rollout over the life of a deployment."""

from __future__ import annotations

from tests.e2e.kubectl.conftest import IMAGE, NEXT_IMAGE
from tests.e2e.kubectl.kubectl import Kubectl

CONTAINER = ".spec.template.spec.containers[0]"


def test_a_deployment_is_rolled_out_and_back(fresh: Kubectl) -> None:
    fresh("create", "deployment", "app", f"--image={IMAGE}")
    done = 'deployment "app" successfully rolled out\n'
    assert fresh("rollout", "status", "deployment/app", "--timeout=30s").endswith(done)
    fresh("set", "image", "deployment/app", f"httpd={NEXT_IMAGE}")
    fresh("annotate", "deployment/app", "kubernetes.io/change-cause=second image")
    assert fresh("rollout", "status", "deployment/app", "--timeout=30s").endswith(done)
    history = fresh("rollout", "history", "deployment/app")
    assert history.splitlines()[0].startswith("deployment.apps/app")
    assert [line.split()[0] for line in history.splitlines()[2:] if line] == ["1", "2"]
    fresh.eventually(
        lambda: "second image" in fresh("rollout", "history", "deployment/app"), "the cause"
    )
    assert IMAGE in fresh("rollout", "history", "deployment/app", "--revision=1")
    assert "unable to find" in fresh.refused("rollout", "history", "deployment/app", "--revision=9")
    assert "rolled back" in fresh("rollout", "undo", "deployment/app")
    assert fresh.field("deployment/app", f"{CONTAINER}.image") == IMAGE
    assert "rolled back" in fresh("rollout", "undo", "deployment/app", "--to-revision=2")
    assert fresh.field("deployment/app", f"{CONTAINER}.image") == NEXT_IMAGE
    assert fresh("rollout", "status", "deployment/app", "--timeout=30s").endswith(done)


def test_a_paused_deployment_waits(fresh: Kubectl) -> None:
    fresh("create", "deployment", "app", f"--image={IMAGE}")
    fresh("rollout", "status", "deployment/app", "--timeout=30s")
    assert fresh("rollout", "pause", "deployment/app") == "deployment.apps/app paused\n"
    assert "is already paused" in fresh.refused("rollout", "pause", "deployment/app")
    fresh("set", "image", "deployment/app", f"httpd={NEXT_IMAGE}")
    said = fresh.refused("rollout", "restart", "deployment/app")
    assert "can't restart paused deployment" in said
    assert fresh("rollout", "resume", "deployment/app") == "deployment.apps/app resumed\n"
    fresh("rollout", "status", "deployment/app", "--timeout=30s")
    assert fresh("rollout", "restart", "deployment/app") == "deployment.apps/app restarted\n"
    fresh("rollout", "status", "deployment/app", "--timeout=30s")
    assert fresh("get", "replicasets", "-o", "name").count("/app-") == 3
