"""One namespace with an application for each version of kubectl, shared by all tests here."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from pilothouse.lab import demo_image
from tests import kubectls
from tests.e2e.cluster import Lab
from tests.e2e.kubectl.kubectl import Kubectl

IMAGE = demo_image.name(1)
NEXT_IMAGE = demo_image.name(2)

# A deployment with its service, and a pod for what needs a shell.
APPLICATION = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, labels: {{app: web}}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web, tier: front}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: httpd
        image: {IMAGE}
        ports: [{{name: http, containerPort: 8080}}]
        readinessProbe: {{httpGet: {{path: /, port: http}}, periodSeconds: 1}}
---
apiVersion: v1
kind: Service
metadata: {{name: web, labels: {{app: web}}}}
spec:
  selector: {{app: web}}
  ports: [{{name: http, port: 80, targetPort: http}}]
---
apiVersion: v1
kind: Pod
metadata: {{name: shell, labels: {{app: shell}}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: {IMAGE}
    command: [sh, -c, 'echo started; exec sleep 3600']
  - name: side
    image: {IMAGE}
    command: [sh, -c, 'echo beside; exec sleep 3600']
"""


@pytest.fixture(scope="session", params=kubectls.VERSIONS)
def application(
    running_lab: Lab, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kubectl]:
    version: str = request.param
    name = f"kubectl-{version}"
    home = tmp_path_factory.mktemp(name)
    kubectl = Kubectl(version, running_lab.plan.kubeconfig, home, name)
    with running_lab.namespace(name):
        kubectl("apply", "-f", "-", stdin=APPLICATION)
        kubectl("rollout", "status", "deployment/web", "--timeout=30s")
        kubectl("wait", "pod/shell", "--for=condition=Ready", "--timeout=30s")
        yield kubectl


@pytest.fixture
def kubectl(application: Kubectl) -> Kubectl:
    """Each version; a test makes objects of its own and changes nothing of the application."""
    return application


@pytest.fixture
def newest(application: Kubectl) -> Kubectl:
    """For commands that the oldest has not."""
    if not application.is_newest:
        pytest.skip("this command came after kubectl 1.20")
    return application


@pytest.fixture
def fresh(
    application: Kubectl, running_lab: Lab, request: pytest.FixtureRequest
) -> Iterator[Kubectl]:
    """In an empty namespace, for tests that act on all there is in one."""
    words = re.findall(r"[a-z0-9]+", request.node.name.removeprefix("test_"))
    name = "-".join(words)[:60].strip("-")
    with running_lab.namespace(name):
        yield application.within(name)
