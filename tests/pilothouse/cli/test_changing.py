"""pilot edit, label, annotate, delete and wait."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.pilothouse.cli.terminal import Pilot, running


def editor(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """An $EDITOR that changes `text` as the Python statement says."""
    script = folder / "editor.py"
    script.write_text(
        "import pathlib, sys\nfile = pathlib.Path(sys.argv[1])\ntext = file.read_text()\n"
        f"{body}\nfile.write_text(text)\n"
    )
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"{sys.executable} {script}")


def test_edit_sends_what_was_changed(
    pilot: Pilot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pilot("create", "configmap", "conf", "--from-literal=a=one", "--from-literal=b=two")
    editor(tmp_path, monkeypatch, "text = text.replace('one', 'ONE').replace('  b: two\\n', '')")
    assert pilot("edit", "cm", "conf").out == "configmap/conf edited\n"
    assert pilot("get", "cm", "conf", "-o", "jsonpath={.data}").out == '{"a":"ONE"}'


def test_edit_keeps_what_others_changed_meanwhile(
    pilot: Pilot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pilot("create", "configmap", "conf", "--from-literal=a=one")
    other = [sys.executable, "-m", "pilothouse.cli.main", "label", "cm/conf", "by=other"]
    editor(
        tmp_path,
        monkeypatch,
        f"import subprocess; subprocess.run({other!r}, check=True)\n"
        "text = text.replace('one', 'ONE')",
    )
    pilot("edit", "cm/conf")
    shown = pilot("get", "cm", "conf", "-o", "jsonpath={.data.a} {.metadata.labels.by}")
    assert shown.out == "ONE other"


def test_edit_without_a_change_does_nothing(
    pilot: Pilot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pilot("create", "configmap", "conf")
    editor(tmp_path, monkeypatch, "pass")
    assert "no changes made" in pilot("edit", "cm", "conf").out
    editor(tmp_path, monkeypatch, "text = ''")
    assert "no changes made" in pilot("edit", "cm", "conf").out


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("text = text.replace('name: conf', 'name: other')", "metadata.name: must stay 'conf'"),
        ("text += 'nonsense: 1\\n'", "nonsense"),
        ("text = 'a: ['", "edited"),
        ("text = text.replace('kind: ConfigMap', 'kind: Secret')", "kind: must stay"),
        ("text += '---\\n' + text", "one object at a time"),
        ("sys.exit(3)", "failed"),
    ],
    ids=["name", "unknown", "syntax", "kind", "two", "editor"],
)
def test_edit_explains(
    pilot: Pilot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, message: str
) -> None:
    pilot("create", "configmap", "conf", "--from-literal=a=b")
    editor(tmp_path, monkeypatch, body)
    assert message in pilot.refused("edit", "cm", "conf")


def test_edit_without_an_editor_says_what_to_set(
    pilot: Pilot, monkeypatch: pytest.MonkeyPatch
) -> None:
    pilot("create", "configmap", "conf")
    monkeypatch.setenv("VISUAL", "no-such-editor")
    assert "set $EDITOR" in pilot.refused("edit", "cm", "conf")


@pytest.mark.parametrize("verb", ["label", "annotate"])
def test_labels_and_annotations(pilot: Pilot, verb: str) -> None:
    field, done = ("labels", "labeled") if verb == "label" else ("annotations", "annotated")
    shown = ["get", "cm", "conf", "-o", f"jsonpath={{.metadata.{field}}}"]
    pilot("create", "configmap", "conf")
    assert pilot(verb, "cm", "conf", "a=1", "x.io/b=2").out == f"configmap/conf {done}\n"
    assert pilot(*shown).out == '{"a":"1","x.io/b":"2"}'
    assert pilot(verb, "cm", "conf", "a=1").out == f"configmap/conf not {done}\n"
    assert "--overwrite" in pilot.refused(verb, "cm", "conf", "a=2")
    pilot(verb, "cm/conf", "a=2", "--overwrite")
    pilot(verb, "cm/conf", "x.io/b-")
    assert pilot(*shown).out == '{"a":"2"}'
    pilot("create", "configmap", "other", "--from-literal=a=b")
    pilot(verb, "cm", "--all", "c=3")
    assert pilot("get", "cm", "-o", f"jsonpath={{.items[*].metadata.{field}.c}}").out == "3 3 3"
    assert "--all" in pilot.refused(verb, "cm", "c=3", code=2)
    assert "KEY=VALUE" in pilot.refused(verb, "cm", "conf", code=2)


def test_a_label_that_breaks_the_rules_names_them(pilot: Pilot) -> None:
    pilot("create", "configmap", "conf")
    assert "metadata.labels" in pilot.refused("label", "cm", "conf", "a=not ok")


def test_delete_waits_until_a_pod_is_gone(pilot: Pilot) -> None:
    pilot.pod("box")
    assert pilot("delete", "pod", "box").out == 'pod "box" deleted\n'
    assert "not found" in pilot.refused("get", "pod", "box")
    assert "not found" in pilot.refused("delete", "pod", "box")
    assert pilot("delete", "pod", "box", "--ignore-not-found").out == ""


def test_delete_by_selection_file_and_all(pilot: Pilot, tmp_path: Path) -> None:
    for name in "abc":
        pilot("create", "configmap", name)
    pilot("label", "cm", "a", "x=y")
    assert pilot("delete", "cm", "-l", "x=y").out == 'configmap "a" deleted\n'
    file = tmp_path / "b.yaml"
    file.write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n")
    assert pilot("delete", "-f", str(file)).out == 'configmap "b" deleted\n'
    certificate = 'configmap "kube-root-ca.crt" deleted\n'  # which comes back
    assert pilot("delete", "cm,secret", "--all").out == f'configmap "c" deleted\n{certificate}'
    assert pilot("delete", "secret", "--all").out == "No resources found\n"


def test_delete_goes_on_behind_a_failure(pilot: Pilot) -> None:
    text = "".join(
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n---\n" for name in "ab"
    )
    pilot("create", "configmap", "b")
    answer = pilot("delete", "-f", "-", input=text, code=1)
    assert '"a" not found' in answer.err
    assert answer.out == 'configmap "b" deleted\n'


def test_cascade_decides_over_the_dependents(pilot: Pilot) -> None:
    pilot.deployment("web", 2)
    pilot("delete", "deploy", "web", "--cascade=orphan")
    assert len(pilot("get", "rs").rows) == 2
    assert len(pilot("get", "pods", "-l", "app=web").rows) == 3
    pilot("delete", "rs", "--all", "--cascade=foreground")
    assert pilot("get", "pods").out == ""
    pilot.deployment("other", 1)
    pilot("delete", "deploy/other")
    pilot("wait", "pods", "--for=delete", "-l", "app=other")
    assert pilot("get", "rs,pods").out == ""


def test_delete_without_waiting_and_by_force(pilot: Pilot) -> None:
    pilot.pod("slow")  # it ignores SIGTERM, and is killed after its grace period of a second
    assert "not gone within" in pilot.refused("delete", "pod", "slow", "--timeout=100ms")
    assert pilot("delete", "pod", "slow", "--force").out == 'pod "slow" force deleted\n'
    assert "not found" in pilot.refused("get", "pod", "slow")
    pilot.pod("quick")
    pilot("delete", "pod", "quick", "--no-wait")
    pilot("wait", "pod/quick", "--for=delete")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pods"], "-l or --all"),
        (["pod", "x", "--grace-period=0"], "--force"),
        (["pod", "x", "--cascade=some"], "background, foreground, orphan"),
        (["pod", "x", "-f", "y"], "not both"),
        (["pod", "x", "--timeout=soon"], "write seconds"),
        ([], "resource type"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_delete_explains(pilot: Pilot, arguments: list[str], message: str) -> None:
    assert message in pilot.refused("delete", *arguments, code=2)


def test_wait_for_conditions_and_values(pilot: Pilot) -> None:
    pilot.pod("box")
    assert pilot("wait", "pod", "box").out == "pod/box condition met\n"
    pilot("wait", "pod/box", "--for=condition=ready=true")
    pilot("wait", "pod", "-l", "app=box", "--for=jsonpath={.status.phase}=Running")
    path = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}=True'
    pilot("wait", "pod/box", f"--for={path}")
    message = pilot.refused("wait", "pod/box", "--for=condition=Nope", "--timeout=50ms")
    assert "timed out after 0.05 s waiting for condition=Nope" in message
    pilot("wait", "pod/absent", "--for=delete")
    assert "not found" in pilot.refused("wait", "pod/absent")
    assert "no matching" in pilot.refused("wait", "pods", "-l", "a=b")
    for wrong in ("phase=Running", "jsonpath={.a}", "condition"):
        assert "write " in pilot.refused("wait", "pod/box", f"--for={wrong}", code=2)


def test_wait_sees_what_comes(pilot: Pilot) -> None:
    pilot("create", "configmap", "conf")
    with running("wait", "cm/conf", "--for=jsonpath={.data.a}=1") as waiting:
        manifest = "{apiVersion: v1, kind: ConfigMap, metadata: {name: conf}, data: {a: '1'}}"
        pilot("apply", "-f", "-", input=manifest)
        waiting.line("condition met")
        assert waiting.process.wait(10) == 0
