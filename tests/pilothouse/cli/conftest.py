"""One cluster for all tests of the command; each test has a namespace of its own in it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pilothouse.cli.terminal import Pilot
from tests.pilothouse.cluster import Cluster, running_cluster

DEADLINE = 10.0
_numbers = itertools.count(1)


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def pilot(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pilot]:
    """pilot("get", "pods") in a namespace of the test's own."""
    namespace = f"test-{next(_numbers)}"
    text = cluster.config.read_text() + f'namespace = "{namespace}"\n'
    config = cluster.config.with_name(f"{namespace}.toml")
    config.write_text(text)
    monkeypatch.setenv("PILOTHOUSE_CONFIG", str(config))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    pilot = Pilot(namespace)
    pilot("create", "namespace", namespace)
    pilot("wait", f"namespace/{namespace}", "--for=jsonpath={.status.phase}=Active")
    deadline = time.monotonic() + DEADLINE
    while "kube-root-ca.crt" not in pilot("get", "cm").out:  # the last that is made by itself
        assert time.monotonic() < deadline
    yield pilot
    # Nothing of this test stays in the way of those that look at whole nodes.
    pilot("delete", "pods", "--all", "--force", "--ignore-not-found")
    pilot("delete", "namespace", namespace, "--no-wait")
