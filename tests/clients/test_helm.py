"""Helm as it is: a chart of its own making is installed, upgraded, rolled back and removed.

Helm keeps its releases in secrets, reads OpenAPI and discovery, patches with three-way merges and
waits until what it made is ready, which it decides itself.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kubectls import program as kubectl

HELM = Path(__file__).parent.parent.parent / ".tools" / "helm"
WAIT = ("--wait", "--timeout", "30s")


class Helm:
    """Helm in a namespace, with one chart, "web"."""

    def __init__(self, kubeconfig: Path, home: Path, namespace: str) -> None:
        self._environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig),
            **{f"HELM_{part}_HOME": str(home / part) for part in ("CACHE", "CONFIG", "DATA")},
        }
        self._namespace = namespace
        self.chart = home / "web"

    def run(self, *words: str, fails: bool = False) -> str:
        """What it prints; with `fails`, what it says went wrong."""
        command = [str(HELM), *words, "--namespace", self._namespace]
        done = self._done(command)
        assert bool(done.returncode) == fails, done.stderr
        return done.stderr if fails else done.stdout

    def get(self, *words: str) -> Any:
        """What kubectl shows as JSON."""
        command = [str(kubectl("newest")), "get", "-o", "json", "-n", self._namespace, *words]
        done = self._done(command)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def _done(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=self._environment, capture_output=True, text=True)


@pytest.fixture
def helm(kubeconfig: Path, tmp_path: Path) -> Iterator[Helm]:
    assert HELM.exists(), f"{HELM} does not exist: run make .stamp/helm"
    helm = Helm(kubeconfig, tmp_path, "shop")
    helm.run("create", str(helm.chart))
    yield helm
    helm.run("uninstall", "web", "--ignore-not-found", *WAIT)


def test_release_is_installed_upgraded_rolled_back_and_removed(helm: Helm) -> None:
    chart = str(helm.chart)
    helm.run("install", "web", chart, "--create-namespace", *WAIT)
    assert helm.get("deployment", "web")["status"]["readyReplicas"] == 1
    address = helm.get("service", "web")["spec"]["clusterIP"]

    helm.run("upgrade", "web", chart, "--set", "replicaCount=3,image.tag=2", *WAIT)
    upgraded = helm.get("deployment", "web")
    assert upgraded["status"]["readyReplicas"] == 3
    [container] = upgraded["spec"]["template"]["spec"]["containers"]
    assert container["image"].endswith(":2")

    helm.run("rollback", "web", "1", *WAIT)
    assert helm.get("deployment", "web")["status"]["replicas"] == 1
    assert helm.get("service", "web")["spec"]["clusterIP"] == address
    history = json.loads(helm.run("history", "web", "-o", "json"))
    assert [entry["status"] for entry in history] == ["superseded", "superseded", "deployed"]

    helm.run("uninstall", "web", *WAIT)
    assert (
        helm.get("deployments,services,serviceaccounts", "-l", "app.kubernetes.io/name=web")[
            "items"
        ]
        == []
    )


def test_upgrade_that_is_refused_changes_nothing(helm: Helm) -> None:
    chart = str(helm.chart)
    helm.run("install", "web", chart, "--create-namespace", *WAIT)
    before = helm.get("service", "web")
    refused = helm.run("upgrade", "web", chart, "--set", "service.port=99999", fails=True)
    assert "spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535" in refused
    assert helm.get("service", "web") == before


def test_chart_is_checked_by_the_server_and_installed_nowhere(helm: Helm) -> None:
    chart = str(helm.chart)
    shown = helm.run("template", "web", chart, "--validate", "--set", "ingress.enabled=true")
    assert "kind: Ingress" in shown
    kept = helm.run("install", "web", chart, "--create-namespace", "--dry-run=server")
    assert "STATUS: pending-install" in kept
    assert json.loads(helm.run("list", "--all", "-o", "json")) == []
