"""The same with Kubernetes' own add-ons and the manifests of its tests: make test-manifests.

Its name keeps it out of `make test`, since its sources are 34 MB.
"""

from __future__ import annotations

from tests.clients.foreign.manifests import applied, created
from tests.clients.foreign.sources import KUBERNETES
from tests.e2e.kubectl.kubectl import Kubectl
from tests.pilothouse.cluster import Cluster


def test_kubernetes_manifests_are_applied_without_loss(kubectl: Kubectl) -> None:
    applied(KUBERNETES, kubectl)


def test_kubernetes_manifests_are_applied_on_the_server_without_loss(kubectl: Kubectl) -> None:
    applied(KUBERNETES, kubectl, "--server-side")


def test_kubernetes_manifests_are_created_and_read_in_every_format(cluster: Cluster) -> None:
    created(KUBERNETES, cluster)
