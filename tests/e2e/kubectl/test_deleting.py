"""kubectl delete with every cascade and grace, and wait."""

from __future__ import annotations

import pytest

from tests.e2e.kubectl.conftest import IMAGE
from tests.e2e.kubectl.kubectl import Kubectl

SLEEPER = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: NAME, labels: {{set: sleepers}}}}
spec:
  containers: [{{name: main, image: {IMAGE}, command: [sleep, '3600']}}]
"""


def sleeper(kubectl: Kubectl, name: str) -> None:
    kubectl("create", "-f", "-", stdin=SLEEPER.replace("NAME", name))


@pytest.mark.parametrize("cascade", ["background", "foreground", "orphan"])
def test_delete_of_an_owner(fresh: Kubectl, cascade: str) -> None:
    fresh("create", "deployment", "owner", f"--image={IMAGE}")
    fresh("wait", "deployment/owner", "--for=condition=Available", "--timeout=30s")
    if not fresh.is_newest and cascade == "foreground":
        pytest.skip("kubectl 1.20 has this cascade from its release 1.20.3 on")
    said = fresh("delete", "deployment", "owner", f"--cascade={cascade}")
    assert said.startswith('deployment.apps "owner" deleted')
    assert fresh("get", "deployments", "-o", "name", warns=None) == ""
    if cascade == "orphan":
        assert fresh("get", "replicasets,pods", "-o", "name").count("/owner-") == 2
        fresh("delete", "replicasets", "--all")
    left = "replicasets,pods"
    fresh.eventually(lambda: fresh("get", left, "-o", "name", warns=None) == "", "nothing left")


@pytest.mark.parametrize(
    ("options", "warns"),
    [
        (["--now"], ""),
        (["--grace-period=0", "--force"], "Immediate deletion does not wait"),
        (["--grace-period=1"], ""),
    ],
    ids=["now", "force", "grace period"],
)
def test_delete_of_a_pod(kubectl: Kubectl, options: list[str], warns: str) -> None:
    name = "ends-" + "-".join(option.strip("-").replace("=", "") for option in options)
    sleeper(kubectl, name)
    kubectl("wait", f"pod/{name}", "--for=condition=Ready", "--timeout=30s")
    said = kubectl("delete", "pod", name, *options, warns=warns)
    assert said.startswith(f'pod "{name}" {"force " if warns else ""}deleted')
    assert kubectl("get", "pod", name, "--ignore-not-found") == ""


def test_delete_by_label_and_all(fresh: Kubectl) -> None:
    for name in ("one", "two"):
        fresh("create", "configmap", name)
        fresh("label", "configmap", name, f"set={name}")
    assert fresh("delete", "configmap", "-l", "set=one").startswith('configmap "one" deleted')
    said = fresh("delete", "configmap", "--all", "--dry-run=server")
    assert '"two" deleted' in said
    assert "(server dry run)" in said
    assert 'configmap "two" deleted' in fresh("delete", "configmap,secret", "--all")
    assert (
        "No resources found"
        in fresh.attempt("delete", "configmap", "-l", "set=one").stdout.decode()
    )
    assert "NotFound" in fresh.refused("delete", "configmap", "two")
    assert fresh("delete", "configmap", "two", "--ignore-not-found") == ""


def test_delete_of_a_namespace_takes_everything(kubectl: Kubectl) -> None:
    name = f"whole-{kubectl.version}"
    kubectl("create", "namespace", name)
    kubectl.within(name)("create", "configmap", "inside")
    assert kubectl.within("")("delete", "namespace", name).startswith(f'namespace "{name}" deleted')
    assert "NotFound" in kubectl.refused("get", "namespace", name)


def test_wait_for_conditions_fields_and_deletion(kubectl: Kubectl) -> None:
    assert kubectl("wait", "pod/shell", "--for=condition=Ready") == "pod/shell condition met\n"
    assert kubectl("wait", "pod", "-l", "app=web", "--for=condition=Ready").count("met") == 2
    said = kubectl.refused("wait", "pod/shell", "--for=condition=Nothing", "--timeout=1s")
    assert "timed out waiting for the condition on pods/shell" in said
    kubectl("create", "configmap", "leaving")
    # With -v=6 it tells of each answer: what it never saw it would miss.
    arguments = ("wait", "configmap/leaving", "--for=delete", "--timeout=30s", "-v=6")
    with kubectl.running(*arguments) as waiting:
        assert waiting.stdout is not None
        assert any(b"/configmaps" in line and b"200 OK" in line for line in waiting.stdout)
        kubectl("delete", "configmap", "leaving")
        assert waiting.wait(30) == 0


def test_wait_for_a_field(newest: Kubectl) -> None:
    phase = "--for=jsonpath={.status.phase}=Running"
    assert newest("wait", "pod/shell", phase) == "pod/shell condition met\n"
    newest("create", "configmap", "field", "--from-literal=a=1")
    arguments = ("wait", "configmap/field", "--for=jsonpath={.data.b}", "--timeout=30s")
    with newest.running(*arguments) as waiting:
        newest("patch", "configmap", "field", "-p", '{"data":{"b":"2"}}')
        assert waiting.wait(30) == 0
    with newest.running("wait", "configmap/born", "--for=create", "--timeout=30s") as waiting:
        newest("create", "configmap", "born")
        assert waiting.wait(30) == 0
