"""A cluster of its own for each test, in another process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pilothouse.cli.main import pilot
from tests.e2e.kubectl.kubectl import Kubectl
from tests.pilothouse.cluster import Cluster, running_cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with running_cluster(tmp_path / "cluster", ("n1",)) as cluster:
        yield cluster


@pytest.fixture
def kubectl(cluster: Cluster, tmp_path: Path) -> Kubectl:
    file = tmp_path / "kubeconfig"
    server = f"https://127.0.0.1:{cluster.https_port}"
    command = ["kubeconfig", "--config", str(cluster.config), "-o", str(file), "--server", server]
    written = CliRunner().invoke(pilot, command)
    assert written.exit_code == 0, written.output
    return Kubectl("newest", file, tmp_path, "")
