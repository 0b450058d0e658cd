"""A cluster for the clients' tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pilothouse.cluster import Cluster, running_cluster


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster"), ["n1"]) as cluster:
        yield cluster
