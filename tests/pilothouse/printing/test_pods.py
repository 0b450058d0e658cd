"""Pods in every state, as kubectl shows them."""

from __future__ import annotations

from typing import Any

import pytest

from protos.core_v1_pb2 import Pod
from tests.pilothouse.printing.rows import ago, row, table, wide

Document = dict[str, Any]

RUNNING: Document = {"running": {"startedAt": ago(60)}}
COMPLETED: Document = {"terminated": {"reason": "Completed", "exitCode": 0}}


def status(state: Document, **more: Any) -> Document:
    return {"name": "c", "state": state} | more


def pod(*statuses: Document, init: tuple[Document, ...] = (), **more: Any) -> Document:
    """A pod whose containers have these statuses; init containers are called i0, i1, …"""
    inits = [{"name": f"i{n}"} | s.pop("spec", {}) for n, s in enumerate(init)]
    spec = {"containers": [{"name": f"c{n}"} for n in range(max(1, len(statuses)))]}
    return {
        "metadata": more.pop("metadata", {}),
        "spec": spec | {"initContainers": inits} | more.pop("spec", {}),
        "status": {
            "phase": "Running" if statuses else "Pending",
            "containerStatuses": [s | {"name": f"c{n}"} for n, s in enumerate(statuses)],
            "initContainerStatuses": [s | {"name": f"i{n}"} for n, s in enumerate(init)],
        }
        | more,
    }


def waiting(reason: str) -> Document:
    return status({"waiting": {"reason": reason}})


def ended(code: int = 0, **more: Any) -> Document:
    return status({"terminated": {"exitCode": code} | more})


def ready(yes: bool = True) -> list[Document]:
    return [{"type": "Ready", "status": "True" if yes else "False"}]


UP = status(RUNNING, ready=True, started=True)
SIDECAR = {"spec": {"restartPolicy": "Always"}}
DELETED = {"deletionTimestamp": ago(1)}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (pod(), ("0/1", "Pending")),
        (pod(waiting("ContainerCreating")), ("0/1", "ContainerCreating")),
        (pod(UP, UP), ("2/2", "Running")),
        (pod(UP, status(RUNNING)), ("1/2", "Running")),
        (pod(UP, waiting("CrashLoopBackOff")), ("1/2", "CrashLoopBackOff")),
        (pod(waiting("ImagePullBackOff"), waiting("ErrImagePull")), ("0/2", "ImagePullBackOff")),
        (pod(status({"waiting": {}})), ("0/1", "Running")),
        (pod(ended(1, reason="Error"), phase="Failed"), ("0/1", "Error")),
        (pod(ended(137, reason="OOMKilled")), ("0/1", "OOMKilled")),
        (pod(ended(3)), ("0/1", "ExitCode:3")),
        (pod(ended(0, signal=9)), ("0/1", "Signal:9")),
        (pod(status(COMPLETED), phase="Succeeded"), ("0/1", "Completed")),
        (pod(status(COMPLETED), UP, conditions=ready()), ("1/2", "Running")),
        (pod(status(COMPLETED), UP, conditions=ready(False)), ("1/2", "NotReady")),
        (pod(phase="Failed", reason="Evicted"), ("0/1", "Evicted")),
        (
            pod(conditions=[{"type": "PodScheduled", "reason": "SchedulingGated"}]),
            ("0/1", "SchedulingGated"),
        ),
        (
            pod(conditions=[{"type": "PodScheduled", "reason": "Unschedulable"}]),
            ("0/1", "Pending"),
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_containers_say_what_the_pod_does(document: Document, expected: tuple[str, str]) -> None:
    shown = row(Pod, document)
    assert (shown["Ready"], shown["Status"]) == expected


@pytest.mark.parametrize(
    ("init", "main", "expected"),
    [
        ([waiting("PodInitializing"), waiting("PodInitializing")], [], ("0/1", "Init:0/2")),
        ([status(RUNNING), status({"waiting": {}})], [], ("0/1", "Init:0/2")),
        ([status(COMPLETED), status(RUNNING)], [], ("0/1", "Init:1/2")),
        ([status(COMPLETED), waiting("CrashLoopBackOff")], [], ("0/1", "Init:CrashLoopBackOff")),
        ([waiting("ErrImagePull")], [], ("0/1", "Init:ErrImagePull")),
        ([ended(1, reason="Error")], [], ("0/1", "Init:Error")),
        ([ended(2)], [], ("0/1", "Init:ExitCode:2")),
        ([ended(1, signal=11)], [], ("0/1", "Init:Signal:11")),
        ([status(COMPLETED)], [waiting("PodInitializing")], ("0/1", "PodInitializing")),
        ([status(COMPLETED)], [UP], ("1/1", "Running")),
        ([UP | SIDECAR, status(RUNNING)], [], ("1/2", "Init:1/2")),
        ([status(RUNNING, started=True) | SIDECAR], [UP], ("1/2", "Running")),
        ([UP | SIDECAR], [UP], ("2/2", "Running")),
        ([status(RUNNING) | SIDECAR], [], ("0/2", "Init:0/1")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_init_containers_come_first(
    init: list[Document], main: list[Document], expected: tuple[str, str]
) -> None:
    document = pod(*main, init=tuple(dict(each) for each in init))
    shown = row(Pod, document)
    assert (shown["Ready"], shown["Status"]) == expected


def test_a_sidecar_that_fails_later_does_not_hide_the_containers() -> None:
    initialized = [{"type": "Initialized", "status": "True"}]
    document = pod(UP, init=(waiting("CrashLoopBackOff") | SIDECAR,), conditions=initialized)
    shown = row(Pod, document)
    assert (shown["Ready"], shown["Status"]) == ("1/2", "Init:CrashLoopBackOff")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (pod(UP, metadata=DELETED), "Terminating"),
        (pod(status(COMPLETED), metadata=DELETED, phase="Succeeded"), "Completed"),
        (pod(ended(1, reason="Error"), metadata=DELETED, phase="Failed"), "Error"),
        (pod(UP, metadata=DELETED, reason="NodeLost"), "Unknown"),
        (pod(UP, reason="NodeLost"), "NodeLost"),
    ],
    ids=["running", "succeeded", "failed", "node lost", "node lost and not deleted"],
)
def test_a_deleted_pod_terminates_unless_it_has_ended(document: Document, expected: str) -> None:
    assert row(Pod, document)["Status"] == expected


def restarted(count: int, seconds: int | None = None) -> Document:
    last = {"terminated": {"exitCode": 1, "finishedAt": ago(seconds)}} if seconds else {}
    return UP | {"restartCount": count, "lastState": last}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (pod(UP), "0"),
        (pod(restarted(2)), "2"),
        (pod(restarted(0, 60)), "0"),
        (pod(restarted(2, 300), restarted(1, 3600)), "3 (5m ago)"),
        (pod(UP, init=(status(COMPLETED, restartCount=4),)), "0"),
        (pod(init=(status(RUNNING, restartCount=4),)), "4"),
        (pod(restarted(1, 900), init=(restarted(2, 45) | SIDECAR,)), "3 (45s ago)"),
    ],
    ids=["none", "no time", "time only", "newest", "init over", "init now", "sidecar"],
)
def test_restarts_are_those_of_what_runs(document: Document, expected: str) -> None:
    assert row(Pod, document)["Restarts"] == expected


def test_all_columns() -> None:
    assert wide(Pod) == [
        "Name", "Ready", "Status", "Restarts", "Age",
        "+IP", "+Node", "+Nominated Node", "+Readiness Gates",
    ]  # fmt: skip
    gates = [{"conditionType": "a/b"}, {"conditionType": "a/c"}, {"conditionType": "a/d"}]
    document = pod(
        UP,
        spec={"nodeName": "n1", "readinessGates": gates},
        podIP="10.0.0.1",
        podIPs=[{"ip": "10.0.0.1"}, {"ip": "fd00::1"}],
        nominatedNodeName="n2",
        conditions=[{"type": "a/b", "status": "True"}, {"type": "a/c", "status": "False"}],
    )
    assert list(row(Pod, document).values()) == [
        "it", "1/1", "Running", "0", "5m", "10.0.0.1", "n1", "n2", "1/3"
    ]  # fmt: skip
    assert list(row(Pod, pod()).values())[5:] == ["<none>"] * 4


@pytest.mark.parametrize(
    ("phase", "reasons"), [("Running", []), ("Succeeded", ["Succeeded"]), ("Failed", ["Failed"])]
)
def test_rows_of_pods_that_ended_say_so(phase: str, reasons: list[str]) -> None:
    conditions = table(Pod, pod(phase=phase)).rows[0].conditions
    assert [(c.type, c.status, c.reason) for c in conditions] == [
        ("Completed", "True", reason) for reason in reasons
    ]
