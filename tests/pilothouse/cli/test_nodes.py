"""pilot cordon, uncordon, drain, why, events and token."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pilothouse.cli.terminal import Pilot, pod_manifest, running


@pytest.fixture(autouse=True)
def _uncordoned(pilot: Pilot) -> Iterator[None]:
    yield
    pilot("uncordon", "n1", "n2", "n3")


def test_cordon_and_uncordon(pilot: Pilot) -> None:
    assert pilot("cordon", "n1", "n2").out == "node/n1 cordoned\nnode/n2 cordoned\n"
    assert pilot("cordon", "n1").out == "node/n1 already cordoned\n"
    assert pilot("get", "node", "n1").column("STATUS") == ["Ready,SchedulingDisabled"]
    assert pilot("uncordon", "n1").out == "node/n1 uncordoned\n"
    assert pilot("get", "node", "n1").column("STATUS") == ["Ready"]
    assert 'nodes "absent" not found' in pilot.refused("cordon", "absent")


def test_drain_moves_pods_elsewhere(pilot: Pilot) -> None:
    pilot.deployment("web", 3)
    assert set(pilot("get", "pods", "-o", "wide").column("NODE")) == {"n1", "n2", "n3"}
    answer = pilot("drain", "n3")
    assert answer.out.splitlines()[0] == "node/n3 cordoned"
    assert f"evicting pod {pilot.namespace}/web-" in answer.out
    assert answer.out.splitlines()[-1] == "node/n3 drained"
    pilot("rollout", "status", "web", "--timeout=30s")
    assert set(pilot("get", "pods", "-o", "wide").column("NODE")) == {"n1", "n2"}


def test_drain_refuses_what_would_be_lost(pilot: Pilot) -> None:
    pilot("cordon", "n1", "n2")
    pilot.pod("lonely")
    answer = pilot("drain", "n3", code=1)
    assert f"{pilot.namespace}/lonely (nobody would replace it: --force)" in answer.err
    assert "Running" in pilot("get", "pod", "lonely").out
    slow = pilot("drain", "n3", "--force", "--timeout=100ms", code=1)
    assert "not drained within 0.1 s" in slow.err
    pilot("drain", "n3", "--force")
    assert "not found" in pilot.refused("get", "pod", "lonely")


def test_drain_asks_before_it_loses_local_data(pilot: Pilot) -> None:
    pilot("cordon", "n1", "n2")
    manifest = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: data, namespace: {pilot.namespace}}}
spec:
  selector: {{matchLabels: {{app: data}}}}
  template:
    metadata: {{labels: {{app: data}}}}
    spec:
      volumes: [{{name: scratch, emptyDir: {{}}}}]
      containers: [{{name: main, image: "a:1"}}]
"""
    pilot("apply", "-f", "-", input=manifest)
    pilot("rollout", "status", "data", "--timeout=30s")
    assert "has local data: --delete-emptydir-data" in pilot("drain", "n3", code=1).err
    assert "n3 drained" in pilot("drain", "n3", "--delete-emptydir-data").out


def test_why_tells_for_each_node(pilot: Pilot) -> None:
    pilot("cordon", "n1")
    pilot.pod("box")
    answer = pilot("why", "pod", "box")
    assert answer.out.startswith("pod/box: scheduled, ")
    assert ["NODE", "VERDICT", "SCORE", "WHY"] in answer.rows
    verdicts = {row[0]: row for row in answer.rows if row[0] in ("n1", "n2", "n3")}
    assert verdicts["n1"][1:4] == ["refused", "-", "TaintToleration:"]
    assert {verdicts["n2"][1], verdicts["n3"][1]} == {"chosen", "fits"}
    (chosen,) = [row[0] for row in verdicts.values() if row[1] == "chosen"]
    assert pilot("get", "pod", "box", "-o", "wide").column("NODE") == [chosen]


def test_why_of_a_pod_that_fits_nowhere(pilot: Pilot) -> None:
    manifest = pod_manifest("big", "sleep 9", "app: big").replace(
        'image: "box:1"', 'image: "box:1", resources: {requests: {cpu: "99"}}'
    )
    pilot("apply", "-f", "-", input=manifest)
    answer = pilot.until("why", "big", out="unschedulable")
    assert answer.out.count("Insufficient cpu: 99") == 3
    pilot.until("events", "--for", "pod/big", "--types", "Warning", out="FailedScheduling")
    pilot("run", "huge", "--image=a:1", "--requests=cpu=99")
    pilot.until("get", "pods", "-l", "app=huge", out="Pending")
    assert "Insufficient cpu" in pilot.until("why", "deploy/huge", out="unschedulable").out
    assert "no pods of its own" in pilot.refused("why", "node/n1", code=2)
    assert "not found" in pilot.refused("why", "absent")


def test_events_of_an_object_and_as_they_come(pilot: Pilot) -> None:
    empty = pilot("events")
    assert empty.err == f"No events found in namespace {pilot.namespace}.\n"
    pilot.pod("a")
    answer = pilot.until("events", "--for", "pod/a", out="Started")
    assert answer.rows[0] == ["LAST", "SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert {row[3] for row in answer.rows[1:]} == {"pod/a"}
    assert "pod/a" in pilot("events", "-A").out
    with running("events", "-w", "--for", "b") as events:
        events.line("LAST SEEN")
        pilot.pod("b")
        events.line("pod/b", "Started container main")
        assert events.interrupt() == 130


def test_tokens(pilot: Pilot) -> None:
    command = pilot("token", "create", "--ttl=30m", "--description=rack 4").out
    assert command.startswith("pilot-agent join --master 127.0.0.1:")
    assert " --ca-hash sha256:" in command
    token = command.split("--token ")[1].split()[0]
    listed = pilot("token", "list")
    assert listed.rows[0] == ["ID", "EXPIRES", "IN", "DESCRIPTION"]
    (row,) = [row for row in listed.rows if row[0] == token.split(".")[0]]
    assert row[1:] in (["29m", "rack", "4"], ["30m", "rack", "4"])
    assert token.split(".")[1] not in listed.out
    assert "revoked" in pilot("token", "revoke", token).out
    assert token.split(".")[0] not in pilot("token", "list").out
    assert "not found" in pilot.refused("token", "revoke", "absent")
    assert "--ttl 'soon'" in pilot.refused("token", "create", "--ttl=soon", code=2)
    assert "2592000" in pilot.refused("token", "create", "--ttl=9999h")
