"""Manifests that others wrote, from packages on PyPI: nothing of them is lost or altered.

Network plugins and drivers with their definitions of custom resources, applications, an operator,
and examples of kinds. More of them: make test-manifests.
"""

from __future__ import annotations

from tests.clients.foreign.manifests import applied, created
from tests.clients.foreign.sources import PACKAGES
from tests.e2e.kubectl.kubectl import Kubectl
from tests.pilothouse.cluster import Cluster


def test_what_others_wrote_is_applied_without_loss(kubectl: Kubectl) -> None:
    applied(PACKAGES, kubectl)


def test_what_others_wrote_is_applied_on_the_server_without_loss(kubectl: Kubectl) -> None:
    applied(PACKAGES, kubectl, "--server-side")


def test_what_others_wrote_is_created_and_read_in_every_format(cluster: Cluster) -> None:
    created(PACKAGES, cluster)
