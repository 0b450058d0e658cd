"""kubectl's ways to look at a cluster."""

from __future__ import annotations

import re

import pytest

from tests.e2e.kubectl.kubectl import Kubectl

NODES = {"node-1", "node-2", "node-3"}


def lines(text: str) -> list[list[str]]:
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("what", "columns"),
    [
        (
            "pods",
            "NAME READY STATUS RESTARTS AGE IP NODE NOMINATED_NODE READINESS_GATES",
        ),
        (
            "nodes",
            "NAME STATUS ROLES AGE VERSION INTERNAL-IP EXTERNAL-IP OS-IMAGE KERNEL-VERSION"
            " CONTAINER-RUNTIME",
        ),
        ("services", "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE SELECTOR"),
        (
            "deployments",
            "NAME READY UP-TO-DATE AVAILABLE AGE CONTAINERS IMAGES SELECTOR",
        ),
        ("replicasets", "NAME DESIRED CURRENT READY AGE CONTAINERS IMAGES SELECTOR"),
        ("endpoints", "NAME ENDPOINTS AGE"),
        ("endpointslices", "NAME ADDRESSTYPE PORTS ENDPOINTS AGE"),
    ],
    ids=lambda value: value if value.islower() and " " not in value else "",
)
def test_get_wide_has_kubernetes_columns(kubectl: Kubectl, what: str, columns: str) -> None:
    head, *rows = lines(kubectl("get", what, "-o", "wide"))
    assert [cell.replace(" ", "_") for cell in head] == columns.split()
    assert rows
    assert all(len(row) == len(head) for row in rows)


def test_get_prints_documents_names_and_chosen_fields(kubectl: Kubectl) -> None:
    assert kubectl.json("get", "deployment", "web")["kind"] == "Deployment"
    assert kubectl.json("get", "pods,services")["kind"] == "List"
    assert "kind: Service\n" in kubectl("get", "service", "web", "-o", "yaml")
    assert kubectl("get", "deployment,service", "web", "-o", "name").split() == [
        "deployment.apps/web",
        "service/web",
    ]
    image = "jsonpath={.spec.template.spec.containers[*].image}"
    assert kubectl("get", "deployment", "web", "-o", image) == "localhost/httpd:1"
    chosen = "custom-columns=WHO:.metadata.name,PORT:.spec.ports[0].port"
    assert kubectl("get", "service", "web", "-o", chosen).split() == ["WHO", "PORT", "web", "80"]
    template = "go-template={{.metadata.name}}"
    assert kubectl("get", "service", "web", "-o", template) == "web"


def test_get_selects_and_sorts(kubectl: Kubectl) -> None:
    assert len(kubectl("get", "pods", "-l", "app=web,tier in (front)", "-o", "name").split()) == 2
    assert kubectl("get", "pods", "-l", "app=shell", "-o", "name") == "pod/shell\n"
    by_field = ("get", "pods", "--field-selector", "metadata.name=shell", "-o", "name")
    assert kubectl(*by_field) == "pod/shell\n"
    assert (
        kubectl("get", "pods", "--field-selector=status.phase=Running", "-o", "name").count("pod/")
        >= 3
    )
    node = kubectl.field("pod/shell", ".spec.nodeName")
    here = kubectl("get", "pods", "-A", f"--field-selector=spec.nodeName={node}", "-o", "wide")
    assert {row[7] for row in lines(here)[1:]} == {node}
    names = kubectl("get", "nodes", "--sort-by=.metadata.name", "-o", "name").split()
    assert names == sorted(f"node/{name}" for name in NODES)
    assert kubectl("get", "pods", "--sort-by=.metadata.name").splitlines()[1].startswith("shell")
    everywhere = lines(kubectl("get", "pods", "-A", "--show-labels"))
    assert everywhere[0] == ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE", "LABELS"]
    assert [kubectl.namespace, "shell"] in [row[:2] for row in everywhere]
    labelled = lines(kubectl("get", "pods", "-L", "tier"))
    assert labelled[0][-1] == "TIER"


def test_get_of_what_is_not_there(kubectl: Kubectl) -> None:
    assert kubectl.refused("get", "pod", "nobody") == (
        'Error from server (NotFound): pods "nobody" not found\n'
    )
    assert kubectl("get", "pod", "nobody", "--ignore-not-found") == ""
    assert 'the server doesn\'t have a resource type "nothings"' in kubectl.refused(
        "get", "nothings"
    )
    nothing = f"No resources found in {kubectl.namespace} namespace."
    assert kubectl("get", "cronjobs", warns=nothing) == ""
    assert "field label not supported" in kubectl.refused(
        "get", "pods", "--field-selector=spec.colour=red"
    )


def test_get_watch_shows_changes_as_they_come(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "watched", "--from-literal=a=1")
    with kubectl.running("get", "configmap", "watched", "-w", "-o", "name") as watch:
        assert watch.stdout is not None
        assert watch.stdout.readline() == b"configmap/watched\n"
        kubectl("label", "configmap", "watched", "seen=yes")
        assert watch.stdout.readline() == b"configmap/watched\n"
    arguments = ("get", "configmap", "-w", "--output-watch-events", "-l", "seen=yes")
    with kubectl.running(*arguments) as watch:
        assert watch.stdout is not None
        assert watch.stdout.readline().split() == [b"EVENT", b"NAME", b"DATA", b"AGE"]
        assert watch.stdout.readline().split()[:3] == [b"ADDED", b"watched", b"1"]
        kubectl("delete", "configmap", "watched")
        assert watch.stdout.readline().split()[:2] == [b"DELETED", b"watched"]


@pytest.mark.parametrize(
    ("what", "shown"),
    [
        ("pod/shell", ["Node:", "Containers:", "Conditions:", "QoS Class:", "Events:"]),
        ("node/node-1", ["Capacity:", "Allocatable:", "Non-terminated Pods:", "PodCIDR:"]),
        ("service/web", ["Selector:", "app=web", "Endpoints:", ":8080"]),
        ("deployment/web", ["RollingUpdateStrategy:", "NewReplicaSet:", "2 available"]),
        ("replicaset", ["Controlled By:", "2 Running / 0 Waiting / 0 Succeeded / 0 Failed"]),
        ("endpoints/web", ["Subsets:", "8080"]),
        ("serviceaccount/default", ["Image pull secrets:"]),
        ("namespace/default", ["Status:", "Active"]),
    ],
    ids=lambda value: value.replace("/", "-") if isinstance(value, str) else "",
)
def test_describe(kubectl: Kubectl, what: str, shown: list[str]) -> None:
    text = kubectl("describe", what)
    assert [part for part in shown if part not in text] == []


def test_describe_tells_the_events_of_a_pod(kubectl: Kubectl) -> None:
    text = kubectl("describe", "pod", "shell")
    assert re.search(r"Normal +Scheduled .*Successfully assigned", text)
    assert re.search(r"Normal +Started ", text)


def test_explain(kubectl: Kubectl) -> None:
    assert "replicas" in kubectl("explain", "deployment.spec")
    tree = kubectl("explain", "pod.spec", "--recursive")
    assert "nodeSelectorTerms" in tree
    assert "averageUtilization" in kubectl(
        "explain", "hpa.spec", "--recursive", "--api-version=autoscaling/v2"
    )
    assert 'field "colour" does not exist' in kubectl.refused("explain", "pod.spec.colour")


def test_explain_from_the_old_document(newest: Kubectl) -> None:
    text = newest("explain", "deployment.spec.replicas", "--output=plaintext-openapiv2")
    assert "replicas" in text


def test_api_resources_and_versions(kubectl: Kubectl) -> None:
    head, *rows = lines(kubectl("api-resources", "-o", "wide"))
    assert head[:3] == ["NAME", "SHORTNAMES", "APIVERSION"]
    assert any(row[:2] == ["deployments", "deploy"] for row in rows)
    names = kubectl("api-resources", "--namespaced=false", "-o", "name").split()
    assert {"nodes", "namespaces", "clusterroles.rbac.authorization.k8s.io"} <= set(names)
    assert "pods" not in names
    deletable = kubectl("api-resources", "--verbs=list,delete", "-o", "name").split()
    assert "pods" in deletable
    assert "selfsubjectaccessreviews.authorization.k8s.io" not in deletable
    of_group = kubectl("api-resources", "--api-group=apps", "-o", "name").split()
    assert "deployments.apps" in of_group
    versions = kubectl("api-versions").split()
    assert {"v1", "apps/v1", "autoscaling/v2", "events.k8s.io/v1"} <= set(versions)


def test_version_and_raw_paths(kubectl: Kubectl) -> None:
    assert "v1.32" in kubectl("version", warns="version difference" if kubectl.is_newest else "")
    assert kubectl("get", "--raw", "/readyz") == "ok"
    assert '"major"' in kubectl("get", "--raw", "/version")
    assert "nobody" in kubectl.refused("get", "--raw", "/api/v1/namespaces/default/pods/nobody")


def test_cluster_info(kubectl: Kubectl) -> None:
    text = kubectl("cluster-info")
    assert "is running at" in text
    dump = kubectl("cluster-info", "dump", "--namespaces", kubectl.namespace)
    assert '"kind": "PodList"' in dump
    assert "==== START logs for container main" in dump


def test_events(newest: Kubectl) -> None:
    text = newest("events", "--for", "pod/shell")
    assert text.splitlines()[0].split() == ["LAST", "SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert "Scheduled" in text
    none = f"No events found in {newest.namespace} namespace."
    assert newest("events", "--for", "pod/nobody", warns=none) == ""


def test_events_as_objects(kubectl: Kubectl) -> None:
    selector = "involvedObject.name=shell,reason=Scheduled"
    rows = lines(kubectl("get", "events", f"--field-selector={selector}"))
    assert rows[0] == ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert [row[1:4] for row in rows[1:]] == [["Normal", "Scheduled", "pod/shell"]]
    scaled = "--field-selector=involvedObject.name=web,reason=ScalingReplicaSet"
    speaker = "jsonpath={.items[0].source.component}"
    assert kubectl("get", "events", scaled, "-o", speaker) == "deployment-controller"


def test_who_am_i(newest: Kubectl) -> None:
    rows = dict(row for row in lines(newest("auth", "whoami")) if len(row) == 2)
    assert rows["Username"] == "admin"
    assert "system:masters" in rows["Groups"]


def test_what_may_i_do(kubectl: Kubectl) -> None:
    assert kubectl("auth", "can-i", "delete", "pods") == "yes\n"
    nobody = ("--as=anna", "--as-group=system:authenticated")
    denied = kubectl.attempt("auth", "can-i", "delete", "nodes", *nobody)
    assert (denied.returncode, denied.stdout[:2]) == (1, b"no")
    head, *rows = lines(kubectl("auth", "can-i", "--list"))
    assert head == ["Resources", "Non-Resource URLs", "Resource Names", "Verbs"]
    assert any(row[0] == "*.*" for row in rows)


def test_top_says_that_there_are_no_figures(kubectl: Kubectl) -> None:
    for what in ("pods", "nodes"):
        assert "Metrics API not available" in kubectl.refused("top", what)


def test_completion_of_names(newest: Kubectl) -> None:
    text = newest(
        "__complete", "-n", newest.namespace, "get", "pods", "she", warns="Completion ended"
    )
    assert text.splitlines()[0] == "shell"


def test_completion_script(kubectl: Kubectl) -> None:
    assert "complete" in kubectl("completion", "bash")
