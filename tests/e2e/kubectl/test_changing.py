"""kubectl's ways to change what is there: apply, diff, edit, patch, replace, set, label, scale."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.kubectl.conftest import IMAGE, NEXT_IMAGE
from tests.e2e.kubectl.kubectl import Kubectl

CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, labels: {{set: {set}}}}}
data: {{{data}}}
"""


def config(name: str, data: str = "a: '1'", group: str = "one") -> str:
    return CONFIG.format(name=name, data=data, set=group)


@pytest.fixture
def app(fresh: Kubectl) -> Kubectl:
    """A deployment "app" of no pods, to change without waiting for any."""
    fresh("create", "deployment", "app", f"--image={IMAGE}", "--replicas=0")
    return fresh


def test_apply_on_the_client(kubectl: Kubectl) -> None:
    def apply(data: str) -> str:
        return kubectl("apply", "-f", "-", stdin=config("applied", data))

    assert apply("a: '1', b: '2'") == "configmap/applied created\n"
    assert apply("a: '1', b: '2'") == "configmap/applied unchanged\n"
    assert apply("a: '3'") == "configmap/applied configured\n"
    assert json.loads(kubectl.field("configmap/applied", ".data")) == {"a": "3"}
    last = kubectl("apply", "view-last-applied", "configmap/applied")
    assert 'a: "3"' in last
    for how in ("client", "server"):
        said = kubectl("apply", "-f", "-", f"--dry-run={how}", stdin=config("applied", "a: '4'"))
        assert (
            said
            == f"configmap/applied configured ({'server ' if how == 'server' else ''}dry run)\n"
        )
    assert json.loads(kubectl.field("configmap/applied", ".data")) == {"a": "3"}


def test_apply_on_the_server_with_owners_and_conflicts(kubectl: Kubectl) -> None:
    def apply(data: str, manager: str, *more: str) -> tuple[str, ...]:
        return ("apply", "--server-side", f"--field-manager={manager}", *more, "-f", "-")

    manifest = config("owned", "a: '1'")
    assert kubectl(*apply("", "anna"), stdin=manifest) == "configmap/owned serverside-applied\n"
    other = config("owned", "a: '2'")
    said = kubectl.refused(*apply("", "ben"), stdin=other)
    assert 'conflict with "anna"' in said
    assert ".data.a" in said
    kubectl(*apply("", "ben", "--force-conflicts"), stdin=other)
    assert kubectl.field("configmap/owned", ".data.a") == "2"
    show = ["--show-managed-fields"] if kubectl.is_newest else []
    owners = kubectl("get", "configmap", "owned", "-o", "json", *show)
    assert {m["manager"] for m in json.loads(owners)["metadata"]["managedFields"]} == {
        "anna",
        "ben",
    }


def test_apply_prunes_what_is_no_longer_there(fresh: Kubectl) -> None:
    both = config("kept") + "---\n" + config("dropped")
    fresh("apply", "-f", "-", stdin=both)
    options = ["--prune", "-l", "set=one"]
    allow = "--prune-allowlist" if fresh.is_newest else "--prune-whitelist"
    said = fresh("apply", *options, f"{allow}=core/v1/ConfigMap", "-f", "-", stdin=config("kept"))
    assert said.splitlines() == ["configmap/kept unchanged", "configmap/dropped pruned"]
    assert fresh("get", "configmap", "-l", "set=one", "-o", "name") == "configmap/kept\n"


def test_apply_prunes_by_an_apply_set(newest: Kubectl) -> None:
    both = config("set-kept") + "---\n" + config("set-dropped")
    arguments = ("apply", "--prune", "--applyset=mine", "-f", "-")
    alpha = {"KUBECTL_APPLYSET": "true"}
    newest(*arguments, stdin=both, **alpha)
    said = newest(*arguments, stdin=config("set-kept"), **alpha)
    assert "configmap/set-dropped pruned" in said
    assert newest("get", "configmap", "set-dropped", "--ignore-not-found") == ""


def test_apply_of_a_kustomization(kubectl: Kubectl, tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(config("built"))
    (tmp_path / "kustomization.yaml").write_text(
        "resources: [base.yaml]\nnamePrefix: pre-\nconfigMapGenerator:\n"
        "- {name: gen, literals: [a=1]}\n"
    )
    assert "name: pre-built" in kubectl("kustomize", str(tmp_path))
    assert "configmap/pre-built created" in kubectl("apply", "-k", str(tmp_path))
    assert kubectl.field("configmap/pre-built", ".data.a") == "1"
    kubectl("delete", "-k", str(tmp_path))


def test_diff(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=config("differs"))
    same = kubectl.attempt("diff", "-f", "-", stdin=config("differs"))
    assert (same.returncode, same.stdout, same.stderr) == (0, b"", b"")
    other = kubectl.attempt("diff", "-f", "-", stdin=config("differs", "a: '9'"))
    assert other.returncode == 1, other.stderr
    assert b'-  a: "1"\n+  a: "9"' in other.stdout
    server = kubectl.attempt(
        "diff", "--server-side", "--force-conflicts", "-f", "-", stdin=config("differs", "a: '9'")
    )
    assert server.returncode == 1, server.stderr
    assert b'+  a: "9"' in server.stdout
    assert kubectl.field("configmap/differs", ".data.a") == "1"


def test_edit(kubectl: Kubectl, tmp_path: Path) -> None:
    kubectl("create", "configmap", "edited", "--from-literal=a=1")
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i \'s/a: "1"/a: "2"/\' "$1"\n')
    editor.chmod(0o755)
    said = kubectl("edit", "configmap", "edited", EDITOR=str(editor))
    assert said == "configmap/edited edited\n"
    assert kubectl.field("configmap/edited", ".data.a") == "2"
    cancelled = "Edit cancelled, no changes made."
    assert kubectl("edit", "configmap", "edited", EDITOR="true", warns=cancelled) == ""


@pytest.mark.parametrize(
    ("type_", "patch"),
    [
        (
            "strategic",
            '{"spec":{"template":{"spec":{"containers":[{"name":"httpd","tty":true}]}}}}',
        ),
        ("merge", '{"metadata":{"labels":{"app":null,"seen":"yes"}}}'),
        ("json", '[{"op":"replace","path":"/spec/paused","value":true}]'),
    ],
    ids=["strategic", "merge", "json"],
)
def test_patch(app: Kubectl, type_: str, patch: str) -> None:
    if type_ == "json":
        app("patch", "deployment", "app", "--type=merge", "-p", '{"spec":{"paused":false}}')
        patch = patch.replace("replace", "add")
    said = app("patch", "deployment", "app", f"--type={type_}", "-p", patch)
    assert said == "deployment.apps/app patched\n"
    made = app.json("get", "deployment", "app")
    [container] = made["spec"]["template"]["spec"]["containers"]
    assert container["image"] == IMAGE
    assert (type_ == "strategic") == container.get("tty", False)
    assert (type_ == "merge") == (made["metadata"]["labels"] == {"seen": "yes"})
    assert (type_ == "json") == made["spec"].get("paused", False)


def test_patch_of_what_is_there_already(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "same", "--from-literal=a=1")
    said = kubectl("patch", "configmap", "same", "-p", '{"data":{"a":"1"}}')
    assert said == "configmap/same patched (no change)\n"


@pytest.mark.parametrize("subresource", ["status", "scale"])
def test_patch_of_a_subresource(newest: Kubectl, subresource: str) -> None:
    patches = {
        "status": ("pod/shell", '{"status":{"message":"seen"}}', ".status.message", "seen"),
        "scale": ("deployment/web", '{"spec":{"replicas":2}}', ".spec.replicas", "2"),
    }
    what, patch, path, value = patches[subresource]
    newest("patch", what, f"--subresource={subresource}", "--type=merge", "-p", patch)
    shown = newest("get", what, f"--subresource={subresource}", "-o", f"jsonpath={{{path}}}")
    if subresource == "scale":
        assert shown == value


def test_replace_and_replace_by_force(fresh: Kubectl) -> None:
    fresh("create", "-f", "-", stdin=config("whole", "a: '1', b: '2'"))
    before = fresh.field("configmap/whole", ".metadata.uid")
    said = fresh("replace", "-f", "-", stdin=config("whole", "c: '3'"))
    assert said == "configmap/whole replaced\n"
    assert json.loads(fresh.field("configmap/whole", ".data")) == {"c": "3"}
    assert fresh.field("configmap/whole", ".metadata.uid") == before
    said = fresh("replace", "--force", "-f", "-", stdin=config("whole", "d: '4'"))
    assert said.splitlines()[-1] == "configmap/whole replaced"
    assert fresh.field("configmap/whole", ".metadata.uid") != before


def test_labels_and_annotations(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "marked")
    for command, past, field in (
        ("label", "labeled", "labels"),
        ("annotate", "annotated", "annotations"),
    ):
        assert kubectl(command, "configmap", "marked", "a=1") == f"configmap/marked {past}\n"
        said = kubectl.refused(command, "configmap", "marked", "a=2")
        assert "already has a value" in said or "--overwrite is false" in said
        kubectl(command, "--overwrite", "configmap", "marked", "a=2")
        assert kubectl.field("configmap/marked", f".metadata.{field}.a") == "2"
        kubectl(command, "configmap", "marked", "a-")
        assert kubectl.field("configmap/marked", f".metadata.{field}.a") == ""


def test_set(app: Kubectl) -> None:
    template = ".spec.template.spec.containers[0]"
    app("set", "image", "deployment/app", f"httpd={NEXT_IMAGE}")
    assert app.field("deployment/app", f"{template}.image") == NEXT_IMAGE
    app("set", "env", "deployment/app", "COLOUR=red")
    assert "COLOUR=red" in app("set", "env", "deployment/app", "--list")
    app("set", "env", "deployment/app", "COLOUR-")
    assert "COLOUR" not in app("set", "env", "deployment/app", "--list")
    app("create", "configmap", "vars", "--from-literal=SIZE=9")
    app("set", "env", "deployment/app", "--from=configmap/vars")
    name = f"{template}.env[0].valueFrom.configMapKeyRef.name"
    assert app.field("deployment/app", name) == "vars"
    app("set", "resources", "deployment/app", "--limits=cpu=100m,memory=32Mi")
    assert app.field("deployment/app", f"{template}.resources.limits.memory") == "32Mi"
    app("create", "serviceaccount", "robot")
    app("set", "serviceaccount", "deployment/app", "robot")
    assert app.field("deployment/app", ".spec.template.spec.serviceAccountName") == "robot"
    app("create", "service", "clusterip", "app", "--tcp=80:80")
    app("set", "selector", "service", "app", "tier=back")
    assert app.field("service/app", ".spec.selector.tier") == "back"
    app("create", "rolebinding", "may", "--role=none", "--user=anna", warns=None)
    app("set", "subject", "rolebinding", "may", "--user=ben")
    assert app.field("rolebinding/may", ".subjects[1].name") == "ben"


def test_scale(app: Kubectl) -> None:
    said = app.refused("scale", "deployment/app", "--current-replicas=5", "--replicas=1")
    assert "Expected replicas to be 5, was 0" in said
    said = app("scale", "deployment/app", "--current-replicas=0", "--replicas=1")
    assert said == "deployment.apps/app scaled\n"
    app("wait", "deployment/app", "--for=condition=Available", "--timeout=30s")
    app("scale", "deployment", "--all", "--replicas=0")
    app.eventually(lambda: app("get", "pods", "-o", "name", warns=None) == "", "no pods")


def test_autoscale(app: Kubectl) -> None:
    said = app(
        "autoscale", "deployment", "app", "--max=5", "--min=2", "--cpu-percent=70", warns=None
    )
    assert "app autoscaled" in said
    hpa = app.json("get", "horizontalpodautoscalers.v2.autoscaling", "app")
    assert (hpa["spec"]["minReplicas"], hpa["spec"]["maxReplicas"]) == (2, 5)
    assert hpa["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 70
