"""pilot get: tables, forms, selections, the past, and what happens next."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import yaml

from pilothouse.cli.targets import listed
from pilothouse.client.aio import Client
from pilothouse.objects import kinds
from pilothouse.objects.kinds import Kind
from protos.core_v1_pb2 import ConfigMap
from tests.pilothouse.cli.terminal import Pilot, running
from tests.samples import sample


def test_pods_have_the_columns_that_people_know(pilot: Pilot) -> None:
    pilot.deployment("web", 2)
    short = pilot("get", "pods")
    assert short.rows[0] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert short.column("READY") == ["1/1", "1/1"]
    assert short.column("STATUS") == ["Running", "Running"]
    wide = pilot("get", "pods", "-o", "wide")
    assert wide.rows[0][:7] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]
    assert set(wide.column("NODE")) <= {"n1", "n2", "n3"}
    assert all(address.startswith("10.244.") for address in wide.column("IP"))


@pytest.mark.parametrize("kind", list(kinds.every()), ids=lambda kind: kind.resource)
def test_every_kind_has_every_form(pilot: Pilot, kind: Kind) -> None:
    manifest = sample(kind.kind)
    if manifest:
        pilot("apply", "-f", "-", input=manifest)
    for form in ("", "wide"):
        answer = pilot("get", kind.resource, "-A", *(["-o", form] if form else []))
        if manifest or answer.out:
            assert "NAME" in answer.rows[0] or kind.kind == "Event"
    items = json.loads(pilot("get", kind.resource, "-A", "-o", "json").out)["items"]
    assert yaml.safe_load(pilot("get", kind.resource, "-A", "-o", "yaml").out)["kind"] == "List"
    named = pilot("get", kind.resource, "-A", "-o", "name").out.split()
    assert {item["kind"] for item in items} <= {kind.kind}
    assert not manifest or any("/sample" in name or "other" in name for name in named)


def test_one_object_by_name_is_no_list(pilot: Pilot) -> None:
    pilot("create", "configmap", "conf", "--from-literal=a=1")
    assert json.loads(pilot("get", "cm", "conf", "-o", "json").out)["data"] == {"a": "1"}
    assert yaml.safe_load(pilot("get", "cm/conf", "-o", "yaml").out)["kind"] == "ConfigMap"
    assert pilot("get", "configmap", "conf", "-o", "name").out == "configmap/conf\n"
    assert pilot("get", "cm", "conf", "-o", "jsonpath={.data.a}").out == "1"
    assert "managedFields" not in pilot("get", "cm", "conf", "-o", "yaml").out


def test_several_kinds_are_several_tables_with_the_kind_before_the_name(pilot: Pilot) -> None:
    pilot.deployment("web", 1, "--port=80", "--expose")
    for arguments in (["deploy,svc"], ["all"], ["deploy/web", "svc/web"]):
        out = pilot("get", *arguments).out
        assert "deployment.apps/web" in out
        assert "service/web" in out
        assert out.count("NAME ") == out.count("\n\n") + 1


@pytest.mark.parametrize("word", ["events.events.k8s.io", "ev", "events.v1"])
def test_a_type_has_many_names(pilot: Pilot, word: str) -> None:
    pilot.deployment("web", 1)
    answer = pilot("get", word)
    assert answer.out.split("\n")[0].split("  ")[0] == "LAST SEEN"
    assert "ScalingReplicaSet" in answer.out


def test_selections(pilot: Pilot) -> None:
    pilot.pod("a", labels="app: x, tier: front")
    pilot.pod("b", labels="app: x, tier: back")
    assert pilot("get", "pods", "-l", "app=x,tier!=back").column("NAME") == ["a"]
    assert pilot("get", "pods", "-l", "tier in (front, back)").column("NAME") == ["a", "b"]
    named = pilot("get", "pods", "--field-selector", "metadata.name=b")
    assert named.column("NAME") == ["b"]
    labels = pilot("get", "pods", "-l", "tier=front", "--show-labels")
    assert labels.column("LABELS") == ["app=x,tier=front"]


def test_all_namespaces_have_a_column(pilot: Pilot) -> None:
    pilot("create", "configmap", "conf")
    answer = pilot("get", "cm", "-A")
    assert answer.rows[0][:2] == ["NAMESPACE", "NAME"]
    assert [pilot.namespace, "conf"] in [row[:2] for row in answer.rows]
    assert "NAMESPACE" not in pilot("get", "nodes", "-A").out


def test_the_past_can_be_read(pilot: Pilot) -> None:
    pilot("create", "configmap", "conf", "--from-literal=a=1")
    before = pilot("get", "cm", "conf", "-o", "jsonpath={.metadata.resourceVersion}").out
    pilot("delete", "cm", "conf")
    assert "not found" in pilot.refused("get", "cm", "conf")
    past = pilot("get", "cm", "conf", "--revision", before, "-o", "jsonpath={.data.a}")
    assert past.out == "1"
    listed = pilot("get", "cm", "--revision", before, "--field-selector", "metadata.name=conf")
    assert listed.column("NAME") == ["conf"]
    assert "newest" in pilot.refused("get", "cm", "--revision", "99999999")


def test_watch_shows_what_is_there_and_what_comes(pilot: Pilot) -> None:
    pilot("create", "configmap", "first")
    with running("get", "cm", "-w", "-l", "!no", "--show-labels") as watch:
        assert watch.line("NAME").split() == ["NAME", "DATA", "AGE", "LABELS"]
        watch.line("first")
        pilot("create", "configmap", "second", "--from-literal=a=1")
        assert watch.line("second").split()[:2] == ["second", "1"]
        assert watch.interrupt() == 130


def test_watch_of_one_object_shows_no_other(pilot: Pilot) -> None:
    pilot("create", "configmap", "one")
    pilot("create", "configmap", "other")
    with running("get", "cm", "one", "-w", "-o", "name") as watch:
        assert watch.line() == "configmap/one"
        pilot("label", "cm/other", "a=b")
        pilot("label", "cm/one", "a=b")
        assert watch.line() == "configmap/one"


def test_nothing_is_said_on_standard_error(pilot: Pilot) -> None:
    answer = pilot("get", "pods")
    assert answer.out == ""
    assert answer.err == f"No resources found in namespace {pilot.namespace}.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["pods", "absent"], 1, 'pods "absent" not found'),
        (["blah"], 1, "no resource type 'blah'; see `pilot api-resources`"),
        (["pods", "-o", "table"], 2, "-o 'table': use one of wide, yaml"),
        (["pods", "-o", "jsonpath={.a"], 2, "not closed"),
        (["pod", "x", "-A"], 2, "say which with -n"),
        (["pod", "x", "-l", "a=b"], 2, "name objects or select them"),
        (["pods", "-l", "a in"], 1, "label selector 'a in'"),
        (["pods", "--field-selector", "spec.nope=1"], 1, "spec.nope"),
        (["pods,svc", "-w"], 2, "one resource type"),
        (["pod", "absent", "-w"], 1, "not found"),
        (["pods", "-w", "--revision", "3"], 2, "--revision"),
        (["deploy/web", "pods"], 2, "TYPE/NAME"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_get_a_line(pilot: Pilot, arguments: list[str], code: int, message: str) -> None:
    assert message in pilot.refused("get", *arguments, code=code)


def test_pages_are_put_together(pilot: Pilot) -> None:
    for number in range(5):
        pilot("create", "configmap", f"c{number}")

    async def names() -> list[str]:
        async with Client.connect() as client:
            found = await listed(client, ConfigMap, pilot.namespace, page=2)
            return [obj.metadata.name for obj in found if obj.metadata.name.startswith("c")]

    assert asyncio.run(names()) == ["c0", "c1", "c2", "c3", "c4"]


def test_a_configuration_that_is_wrong_is_explained(pilot: Pilot, tmp_path: Path) -> None:
    config = tmp_path / "client.toml"
    assert "cannot read" in pilot.refused("get", "pods", "--config", str(config))
    config.write_text("server = 1\n")
    message = pilot.refused("get", "pods", "--config", str(config))
    assert f"{config}: server must be a non-empty string" in message
