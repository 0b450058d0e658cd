"""Ways in: tokens, kubeconfig files, and the service by which pods find the master."""

from __future__ import annotations

import json
import os
import subprocess
from functools import partial
from pathlib import Path

import pytest

from pilothouse.client.blocking import BlockingClient
from pilothouse.lab import hosts
from pilothouse.lab.plan import Host
from pilothouse.objects.errors import Unauthorized
from protos.core_v1_pb2 import Node
from tests import kubectls
from tests.e2e import manifests
from tests.e2e.cluster import Lab, until

SERVICE = "kubernetes.default.svc.cluster.local"
ADDRESS = "10.96.0.1"


def kubectl(kubeconfig: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(kubectls.program("newest")), "--kubeconfig", str(kubeconfig), *arguments],
        env=os.environ | {"HOME": str(kubeconfig.parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_labs_kubeconfig_works_as_it_is(lab: Lab) -> None:
    answer = kubectl(lab.plan.kubeconfig, "get", "nodes", "-o", "name")
    assert answer.returncode == 0, answer.stderr
    assert set(answer.stdout.split()) == {f"node/{host.name}" for host in lab.plan.nodes}


def test_a_token_is_good_with_kubectl_and_pilot_until_it_is_revoked(
    lab: Lab, tmp_path: Path
) -> None:
    made = lab.client.create_access_token("anna", ttl_seconds=600)
    config = tmp_path / "client.toml"
    config.write_text(
        f'server = "127.0.0.1:{lab.plan.ports.join}"\ntoken = "{made.token}"\n'
        f'ca = "{lab.plan.client_config.parent}/ca.crt"\n'
        f'https_server = "https://127.0.0.1:{lab.plan.ports.https}"\n'
    )
    file = tmp_path / "kubeconfig"
    lab.pilot("kubeconfig", "--config", str(config), "-o", str(file))
    with BlockingClient.connect(config, patience=0) as anna:
        assert len(anna.list(Node).items) == 3
        assert kubectl(file, "get", "pods").returncode == 0
        assert "Forbidden" in kubectl(file, "get", "pods", "-n", "kube-system").stderr
        lab.client.revoke_access_token(made.id)
        with pytest.raises(Unauthorized):
            anna.list(Node)
    assert "Unauthorized" in kubectl(file, "get", "pods").stderr


def test_hosts_and_pods_reach_the_master_by_its_service(lab: Lab, namespace: str) -> None:
    for host in lab.plan.nodes:
        version = until(partial(_version, lab, host), within=20, what=f"the API from {host.name}")
        assert version["major"] == "1"
    lab.pilot("apply", "-f", "-", stdin=manifests.web(namespace, 1, drain=0))
    [pod] = lab.ready_pods(namespace, 1)
    inside = (pod.metadata.name, "-n", namespace, "--", "sh", "-c")
    assert ADDRESS in lab.pilot("exec", *inside, f"nslookup {SERVICE}")
    assert "reached" in lab.pilot(
        "exec", *inside, f"nc -w 3 {ADDRESS} 443 </dev/null && echo reached"
    )


def _version(lab: Lab, host: Host) -> dict[str, str]:
    """By the service's name and address, with the certificate checked for that name."""
    ca = str(lab.plan.client_config.parent / "ca.crt")
    known = f"{SERVICE}:443:{ADDRESS}"
    url = f"https://{SERVICE}/version"
    curl = ["curl", "-sS", "--max-time", "3", "--cacert", ca, "--resolve", known, url]
    answer = hosts.run(host, curl)
    if answer.returncode != 0:
        raise OSError(answer.stderr)
    found: dict[str, str] = json.loads(answer.stdout)
    return found
