"""The scripts in docs/ do what they say, run as a reader runs them."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pilothouse.client.blocking import BlockingClient
from protos.apps_v1_pb2 import Deployment
from tests.pilothouse.cluster import Cluster

SCRIPTS = Path(__file__).parents[3] / "docs" / "scripts"
DEADLINE = 20.0


@pytest.fixture
def environment(cluster: Cluster) -> dict[str, str]:
    return {**os.environ, "PILOTHOUSE_CONFIG": str(cluster.config)}


@pytest.fixture
def client(cluster: Cluster) -> Iterator[BlockingClient]:
    with BlockingClient.connect(cluster.config) as client:
        yield client


def stubs_only(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPTS / "stubs_only.py"), *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=DEADLINE
    )


def test_stubs_only_creates_and_follows(
    environment: dict[str, str], client: BlockingClient
) -> None:
    done = stubs_only(environment, "by-stubs", "app:1", "3")
    assert done.returncode == 0, done.stderr
    first, *_, last = done.stdout.splitlines()
    assert first.startswith("created by-stubs, uid ")
    assert last.endswith(": 3 available")
    assert client.get(Deployment, "by-stubs", "default").status.available_replicas == 3
    again = stubs_only(environment, "by-stubs", "app:1")
    assert again.returncode == 1
    assert 'ALREADY_EXISTS: deployments.apps "by-stubs" already exists' in again.stderr


def test_stubs_only_imports_nothing_of_ours_but_the_stubs() -> None:
    tree = ast.parse((SCRIPTS / "stubs_only.py").read_text())
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    tops = {str(module).partition(".")[0] for module in modules}
    assert tops - set(sys.stdlib_module_names) == {"grpc", "protos"}


def test_watch_pods_shows_what_is_there_and_what_comes(
    environment: dict[str, str], client: BlockingClient
) -> None:
    command = [sys.executable, str(SCRIPTS / "watch_pods.py"), "default", "app=watched"]
    assert stubs_only(environment, "watched", "app:1", "1").returncode == 0
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as watching:
        try:
            assert watching.stdout is not None
            line = watching.stdout.readline()
            assert line.startswith("watched-")
            assert line.endswith(": Running and ready on n1\n")
            client.delete(Deployment, "watched", "default")
            lines = [watching.stdout.readline()]
            while not lines[-1].endswith(": gone\n"):
                assert lines[-1], lines
                lines.append(watching.stdout.readline())
            assert any("ending on n1" in line for line in lines)
        finally:
            watching.kill()
