"""kubectl create in all its forms, run and expose: what they make is there, as asked."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from pilothouse.objects import kinds
from tests.e2e.kubectl.conftest import IMAGE
from tests.e2e.kubectl.kubectl import Kubectl

# The arguments, the object that they make, a path in it, and what stands there.
MADE = [
    (
        f"deployment made-d --image={IMAGE}",
        "deployment",
        ".spec.template.spec.containers[0].name",
        "httpd",
    ),
    (
        f"job made-j --image={IMAGE} -- true",
        "job",
        ".spec.template.spec.containers[0].command[0]",
        "true",
    ),
    (
        f"cronjob made-c --image={IMAGE} --schedule=*/5_*_*_*_*",
        "cronjob",
        ".spec.schedule",
        "*/5 * * * *",
    ),
    ("configmap made-m --from-literal=a=1", "configmap", ".data.a", "1"),
    ("secret generic made-s --from-literal=a=1", "secret", ".data.a", "MQ=="),
    (
        "secret docker-registry made-r --docker-username=u --docker-password=p"
        " --docker-server=registry.example",
        "secret",
        ".type",
        "kubernetes.io/dockerconfigjson",
    ),
    ("service clusterip made-ci --tcp=80:8080", "service", ".spec.ports[0].targetPort", "8080"),
    ("service nodeport made-np --tcp=80:8080", "service", ".spec.type", "NodePort"),
    ("service loadbalancer made-lb --tcp=80:8080", "service", ".spec.type", "LoadBalancer"),
    (
        "service externalname made-en --external-name=example.com",
        "service",
        ".spec.externalName",
        "example.com",
    ),
    (
        "ingress made-i --rule=example.com/*=web:80",
        "ingress",
        ".spec.rules[0].http.paths[0].pathType",
        "Prefix",
    ),
    ("role made-ro --verb=get,list --resource=pods", "role", ".rules[0].verbs[1]", "list"),
    ("rolebinding made-rb --role=made-ro --user=anna", "rolebinding", ".subjects[0].name", "anna"),
    ("quota made-q --hard=pods=9", "resourcequota", ".spec.hard.pods", "9"),
    (
        "poddisruptionbudget made-p --selector=app=none --min-available=1",
        "pdb",
        ".spec.minAvailable",
        "1",
    ),
    ("serviceaccount made-sa", "serviceaccount", ".metadata.name", "made-sa"),
]
# kubectl 1.20 makes them in beta versions, which Kubernetes itself has removed with 1.25.
REMOVED = {"cronjob", "pdb"}
# Where nobody acts on a kind yet, the server says so.
CAVEATS = {kind.singular: kind.caveat for kind in kinds.every()}


@pytest.mark.parametrize(
    ("arguments", "kind", "path", "value"),
    MADE,
    ids=[arguments.partition(" made-")[0] for arguments, *_ in MADE],
)
def test_create(kubectl: Kubectl, arguments: str, kind: str, path: str, value: str) -> None:
    words = [word.replace("_", " ") if "schedule" in word else word for word in arguments.split()]
    if not kubectl.is_newest and kind in REMOVED:
        said = kubectl.refused("create", *words)
        assert "v1beta1" in said or "could not find the requested resource" in said
        return
    said = kubectl("create", *words, warns=CAVEATS.get(kind, ""))
    name = next(word for word in words if word.startswith("made-"))
    assert said.endswith(f"/{name} created\n")
    assert kubectl.field(f"{kind}/{name}", path) == value
    kubectl("delete", f"{kind}/{name}", "--wait=false")


def test_create_a_certificate_as_a_secret(kubectl: Kubectl, tmp_path: Path) -> None:
    key, certificate = tmp_path / "tls.key", tmp_path / "tls.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        + ["-nodes", "-subj", "/CN=example.com", "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    kubectl("create", "secret", "tls", "cert", f"--cert={certificate}", f"--key={key}")
    stored = kubectl.field("secret/cert", r".data.tls\.crt")
    assert base64.b64decode(stored) == certificate.read_bytes()


def test_create_of_cluster_wide_objects(kubectl: Kubectl) -> None:
    name = f"made-{kubectl.version}"
    for arguments in (
        ("namespace", name),
        ("priorityclass", name, "--value=7"),
        ("clusterrole", name, "--verb=get", "--resource=nodes"),
        ("clusterrolebinding", name, f"--clusterrole={name}", "--user=anna"),
    ):
        said = kubectl("create", *arguments, warns=CAVEATS[arguments[0]])
        assert said.endswith(f"/{name} created\n")
        kubectl.within("")("delete", arguments[0], name)


def test_create_a_token_is_refused_in_words(newest: Kubectl) -> None:
    said = newest.refused("create", "token", "default")
    assert "this server issues no tokens for service accounts" in said


def test_create_of_what_is_there_or_wrong(kubectl: Kubectl) -> None:
    said = kubectl.refused("create", "deployment", "web", f"--image={IMAGE}")
    assert said == 'error: failed to create deployment: deployments.apps "web" already exists\n'
    said = kubectl.refused("create", "configmap", "Not_a_Name")
    assert 'ConfigMap "Not_a_Name" is invalid: metadata.name: Invalid value: "Not_a_Name"' in said


@pytest.mark.parametrize("how", ["client", "server"])
def test_dry_run_makes_nothing(kubectl: Kubectl, how: str) -> None:
    made = ("create", "configmap", "dry", "--from-literal=a=1", f"--dry-run={how}")
    mode = "server dry run" if how == "server" else "dry run"
    assert kubectl(*made) == f"configmap/dry created ({mode})\n"
    document = kubectl(*made, "-o", "yaml")
    assert ("uid:" in document) == (how == "server")
    assert kubectl("get", "configmap", "dry", "--ignore-not-found") == ""


def test_strict_validation_names_the_field(newest: Kubectl) -> None:
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: strict}\ncolour: red\n"
    said = newest.refused("create", "-f", "-", stdin=manifest)
    assert 'unknown field "colour"' in said
    warned = 'Warning: unknown field "colour"'
    newest("create", "--validate=warn", "-f", "-", stdin=manifest, warns=warned)


def test_run_makes_a_pod_and_a_service(kubectl: Kubectl) -> None:
    kubectl("run", "ran", f"--image={IMAGE}", "--port=8080", "--expose", "--labels=app=ran")
    assert kubectl.field("pod/ran", ".spec.containers[0].ports[0].containerPort") == "8080"
    assert kubectl.field("service/ran", ".spec.selector.app") == "ran"
    kubectl("delete", "pod/ran", "service/ran", "--now")


def test_expose(kubectl: Kubectl) -> None:
    said = kubectl("expose", "deployment", "web", "--name=shown", "--port=81", "--target-port=8080")
    assert said == "service/shown exposed\n"
    addresses = ".subsets[0].addresses[*].ip"
    kubectl.eventually(
        lambda: len(kubectl.field("endpoints/shown", addresses).split()) == 2, "two endpoints"
    )
    kubectl("expose", "pod", "shell", "--port=82", "--name=shell-svc", "--type=NodePort")
    assert int(kubectl.field("service/shell-svc", ".spec.ports[0].nodePort")) >= 30000
    kubectl("delete", "service", "shown", "shell-svc")
