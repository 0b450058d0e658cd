"""pilot apply and create: manifests from everywhere, and what becomes of them."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.pilothouse.cli.terminal import Pilot
from tests.samples import sample

CONF = """
apiVersion: v1
kind: ConfigMap
metadata: {name: %s}
data: {key: "%s"}
"""


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """The folder over HTTP on loopback."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

    make = functools.partial(Quiet, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), make) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_apply_creates_leaves_and_changes(pilot: Pilot, tmp_path: Path) -> None:
    file = tmp_path / "conf.yaml"
    file.write_text(CONF % ("conf", "1"))
    assert pilot("apply", "-f", str(file)).out == "configmap/conf created\n"
    assert pilot("apply", "-f", str(file)).out == "configmap/conf unchanged\n"
    file.write_text(CONF % ("conf", "2"))
    assert pilot("apply", "-f", str(file)).out == "configmap/conf configured\n"
    assert pilot("get", "cm", "conf", "-o", "jsonpath={.data.key}").out == "2"


def test_apply_removes_what_the_manifest_no_longer_says_and_leaves_the_rest(pilot: Pilot) -> None:
    pilot("apply", "-f", "-", input=(CONF % ("conf", "1")).replace("{key", "{old: x, key"))
    pilot("label", "cm/conf", "mine=yes")
    pilot("apply", "-f", "-", input=CONF % ("conf", "1"))
    data = pilot("get", "cm", "conf", "-o", "jsonpath={.data} {.metadata.labels.mine}")
    assert data.out == '{"key":"1"} yes'


def test_apply_reads_files_folders_standard_input_and_addresses(
    pilot: Pilot, tmp_path: Path
) -> None:
    inner = tmp_path / "folder" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "folder" / "a.yaml").write_text(CONF % ("a", "1") + "---\n" + CONF % ("b", "1"))
    (tmp_path / "folder" / "c.json").write_text(
        '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}'
    )
    (tmp_path / "folder" / "README.md").write_text("not a manifest")
    (inner / "d.yml").write_text(CONF % ("d", "1"))
    folder = str(tmp_path / "folder")
    flat = pilot("apply", "-f", folder)
    assert flat.out == "configmap/a created\nconfigmap/b created\nconfigmap/c created\n"
    assert "configmap/d created" in pilot("apply", "-f", folder, "-R").out
    assert pilot("apply", "-f", "-", input=CONF % ("e", "1")).out == "configmap/e created\n"
    with served(inner) as address:
        assert pilot("apply", "-f", f"{address}/d.yml").out == "configmap/d unchanged\n"
        assert "404" in pilot.refused("apply", "-f", f"{address}/none.yml")
    assert "cannot fetch" in pilot.refused("apply", "-f", f"{address}/d.yml")


def test_a_slip_in_the_last_document_changes_nothing(pilot: Pilot) -> None:
    text = CONF % ("good", "1") + "---\n" + CONF % ("bad", "1") + "datas: {}\n"
    message = pilot.refused("apply", "-f", "-", input=text)
    assert "standard input" in message
    assert "datas" in message
    assert "line 12" in message
    assert "not found" in pilot.refused("get", "cm", "good")


def test_a_refused_object_leaves_the_others_to_be_applied(pilot: Pilot) -> None:
    text = CONF % ("Bad_Name", "1") + "---\n" + CONF % ("good", "1")
    answer = pilot("apply", "-f", "-", input=text, code=1)
    assert answer.out == "configmap/good created\n"
    assert answer.err.startswith("Error: standard input:2: ")
    assert "metadata.name" in answer.err
    assert "Bad_Name" in answer.err


def test_server_side_apply_names_conflicts_and_takes_over_when_told(pilot: Pilot) -> None:
    ours = ["apply", "--server-side", "-f", "-"]
    pilot(*ours, "--field-manager=one", input=CONF % ("conf", "1"))
    message = pilot("apply", "--server-side", "-f", "-", input=CONF % ("conf", "2"), code=1).err
    assert "one" in message
    assert ".data.key" in message
    forced = pilot(*ours, "--force-conflicts", input=CONF % ("conf", "2"))
    assert forced.out == "configmap/conf serverside-applied\n"
    assert pilot("get", "cm", "conf", "-o", "jsonpath={.data.key}").out == "2"
    client_side = ["apply", "--force-conflicts", "-f", "-"]
    assert "--server-side" in pilot.refused(*client_side, input=CONF % ("c", "1"), code=2)


def test_dry_run_changes_nothing(pilot: Pilot) -> None:
    applied = pilot("apply", "--dry-run", "-f", "-", input=CONF % ("conf", "1"))
    assert applied.out == "configmap/conf created (dry run)\n"
    assert "not found" in pilot.refused("get", "cm", "conf")
    shown = pilot("run", "web", "--image=app:1", "--dry-run", "-o", "jsonpath={.kind}")
    assert shown.out == "Deployment"
    assert "not found" in pilot.refused("get", "deploy", "web")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "standard input:"),
        ('{"kind": "x"}', "apiVersion: Required value"),
        ("apiVersion: v1\nkind: Nothing\n", "no kind 'Nothing' in version 'v1'"),
        ("", "no objects in what -f names"),
        (CONF.replace("%s", "{}"), "data[key]"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a-}\n", "metadata.name"),
        (CONF % ("c", "1") + "kind: ConfigMap\n", "kind"),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: other}\n",
            "namespace 'other' is not the --namespace",
        ),
    ],
    ids=["syntax", "version", "kind", "empty", "type", "name", "twice", "namespace"],
)
def test_broken_manifests_get_a_line(pilot: Pilot, text: str, message: str) -> None:
    text = text.replace('"{}"', "{}")
    arguments = ["apply", "-f", "-", "-n", pilot.namespace]
    answer = pilot(*arguments, input=text, code=2 if "other" in text else 1)
    assert message in answer.err
    assert "Traceback" not in answer.err
    assert answer.err.count("\n") <= 2


def test_create_from_a_manifest_refuses_what_exists(pilot: Pilot, tmp_path: Path) -> None:
    file = tmp_path / "conf.yaml"
    file.write_text(CONF % ("conf", "1"))
    assert pilot("create", "-f", str(file)).out == "configmap/conf created\n"
    assert '"conf" already exists' in pilot.refused("create", "-f", str(file))
    generated = CONF.replace("{name: %s}", "{generateName: made-}") % "1"
    made = pilot("create", "-f", "-", input=generated)
    assert made.out.startswith("configmap/made-")
    assert "see `pilot create --help`" in pilot.refused("create", code=2)


def test_create_makes_the_simple_kinds(pilot: Pilot, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello\n")
    (tmp_path / "blob").write_bytes(b"\xff\x00")
    pilot("create", "configmap", "c", "--from-literal=a=b=c", "--from-file=text")
    pilot("create", "secret", "s", "--from-file=key=blob", "--type=my/type")
    pilot("create", "configmap", "binary", "--from-file=blob")
    pilot("create", "serviceaccount", "robot")
    pilot("create", "deployment", "web", "--image=app:1", "--replicas=2", "--port=80")
    data = pilot("get", "cm", "c", "-o", "jsonpath={.data.a}|{.data.text}").out
    assert data == "b=c|hello\n"
    assert pilot("get", "cm", "binary", "-o", "jsonpath={.binaryData.blob}").out == "/wA="
    secret = pilot("get", "secret", "s", "-o", "jsonpath={.type} {.data.key}").out
    assert secret == "my/type /wA="
    assert pilot("get", "sa", "robot").column("NAME") == ["robot"]
    shown = "{.spec.replicas} {.spec.template.spec.containers[0].ports[0].containerPort}"
    assert pilot("get", "deploy", "web", "-o", f"jsonpath={shown}").out == "2 80"
    assert pilot("create", "namespace", f"{pilot.namespace}-x").out.endswith("created\n")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["configmap", "c", "--from-literal=a"], 2, "write KEY=VALUE"),
        (["configmap", "c", "--from-file=none"], 1, "cannot read none"),
        (["namespace", "No_Good"], 1, "No_Good"),
        (["deployment", "web", "--image="], 1, "image"),
        (["-n", "x", "configmap", "c"], 2, "stand behind it"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_create_explains(pilot: Pilot, arguments: list[str], code: int, message: str) -> None:
    assert message in pilot.refused("create", *arguments, code=code)


def test_new_objects_without_effect_are_warned_of_once_a_kind(pilot: Pilot) -> None:
    manifest = sample("NetworkPolicy")
    text = f"{manifest}---\n{manifest.replace('name: sample', 'name: other')}"
    answer = pilot("apply", "-f", "-", input=text)
    assert answer.out.count(" created") == 2
    assert answer.err.splitlines() == [
        "Warning: NetworkPolicy: stored, not acted on: no traffic is blocked by it"
    ]
    assert pilot("apply", "-f", "-", input=text).err == ""
    assert pilot("apply", "-f", "-", input=CONF % ("conf", "1")).err == ""


OLDER = """
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: older}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: %d
  targetCPUUtilizationPercentage: 70
"""


def test_a_manifest_may_be_of_another_version_than_the_stored_one(pilot: Pilot) -> None:
    for replicas, verb in ((3, "created"), (3, "unchanged"), (4, "configured")):
        out = pilot("apply", "-f", "-", input=OLDER % replicas).out
        assert out == f"horizontalpodautoscaler.autoscaling/older {verb}\n"
    shown = pilot("get", "hpa", "older", "-o", "jsonpath={.apiVersion} {.spec.maxReplicas}").out
    assert shown == "autoscaling/v2 4"
    pilot("delete", "-f", "-", input=OLDER % 4)
    refused = pilot.refused("apply", "-f", "-", input=(OLDER % 4).replace("maxR", "maxr"))
    assert "spec.maxreplicas" in refused
