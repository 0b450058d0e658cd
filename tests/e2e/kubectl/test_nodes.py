"""kubectl cordon, taint and drain; requests for certificates."""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.kubectl.conftest import IMAGE
from tests.e2e.kubectl.kubectl import Kubectl

NODE = "node-3"

GUARDED = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: guarded}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: guarded}}}}
  template:
    metadata: {{labels: {{app: guarded}}}}
    spec:
      terminationGracePeriodSeconds: 0
      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms:
            - matchExpressions: [{{key: kubernetes.io/hostname, operator: In, values: [{NODE}]}}]
      containers: [{{name: main, image: {IMAGE}, command: [sleep, '3600']}}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: guard}}
spec: {{minAvailable: 2, selector: {{matchLabels: {{app: guarded}}}}}}
"""


@pytest.fixture
def schedulable(kubectl: Kubectl) -> Iterator[None]:
    yield
    kubectl("uncordon", NODE)


def test_taint(kubectl: Kubectl) -> None:
    try:
        assert kubectl("taint", "node", NODE, "team=a:PreferNoSchedule") == f"node/{NODE} tainted\n"
        said = kubectl.refused("taint", "node", NODE, "team=b:PreferNoSchedule")
        assert "already has team taint(s)" in said
        assert "modified" in kubectl(
            "taint", "--overwrite", "node", NODE, "team=b:PreferNoSchedule"
        )
        assert "team" in kubectl.field(f"node/{NODE}", ".spec.taints[*].key")
    finally:
        assert "untainted" in kubectl("taint", "node", NODE, "team-")


@pytest.mark.usefixtures("schedulable")
def test_cordon_and_uncordon(kubectl: Kubectl) -> None:
    assert kubectl("cordon", NODE) == f"node/{NODE} cordoned\n"
    assert "Ready,SchedulingDisabled" in kubectl("get", "node", NODE)
    assert kubectl("cordon", NODE) == f"node/{NODE} already cordoned\n"
    assert kubectl("uncordon", NODE) == f"node/{NODE} uncordoned\n"


@pytest.mark.usefixtures("schedulable")
def test_drain_waits_for_the_disruption_budget(fresh: Kubectl) -> None:
    fresh("create", "-f", "-", stdin=GUARDED)
    fresh("rollout", "status", "deployment/guarded", "--timeout=30s")
    allowed = ".status.disruptionsAllowed"
    healthy = ".status.currentHealthy"
    fresh.eventually(lambda: fresh.field("pdb/guard", healthy) == "2", "a budget in use")
    assert fresh.field("pdb/guard", allowed) == "0"
    drain = ("drain", NODE, "--ignore-daemonsets", "--pod-selector=app=guarded")
    refused = fresh.attempt(*drain, "--timeout=3s")
    assert refused.returncode != 0
    assert b"Cannot evict pod as it would violate the pod's disruption budget" in refused.stderr
    assert fresh("get", "pods", "-l", "app=guarded", "-o", "name").count("pod/") == 2
    fresh("patch", "pdb", "guard", "--type=merge", "-p", '{"spec":{"minAvailable":0}}')
    fresh.eventually(lambda: fresh.field("pdb/guard", allowed) == "2", "evictions allowed")
    done = fresh.attempt(*drain, "--timeout=30s")
    assert done.returncode == 0, done.stderr
    assert len(re.findall(rb"^pod/guarded-\S+ evicted$", done.stdout, re.MULTILINE)) == 2


def test_certificate_requests_are_approved_and_denied(kubectl: Kubectl, tmp_path: Path) -> None:
    key, request = tmp_path / "key", tmp_path / "csr"
    subprocess.run(
        ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        + ["-nodes", "-subj", "/CN=anna", "-keyout", str(key), "-out", str(request)],
        check=True,
        capture_output=True,
    )
    encoded = base64.b64encode(request.read_bytes()).decode()
    for verb, condition in (("approve", "Approved"), ("deny", "Denied")):
        name = f"{verb}-{kubectl.version}"
        kubectl(
            "create",
            "-f",
            "-",
            stdin="apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\n"
            f"metadata: {{name: {name}}}\nspec: {{request: {encoded}, "
            "signerName: example.com/own, usages: [client auth]}\n",
            warns=None,
        )
        kubectl("certificate", verb, name, warns=None)
        assert condition in kubectl("get", "csr", name)
        kubectl.within("")("delete", "csr", name)
