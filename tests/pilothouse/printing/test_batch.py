"""Jobs and cron jobs, as kubectl shows them."""

from __future__ import annotations

from typing import Any

import pytest

from protos.batch_v1_pb2 import CronJob, Job
from tests.pilothouse.printing.rows import ago, cells, row, wide

Document = dict[str, Any]

CONTAINERS = {"spec": {"containers": [{"name": "main", "image": "app:1"}]}}
SELECTOR = {"matchLabels": {"job": "it"}}


def test_titles() -> None:
    assert wide(Job) == [
        "Name", "Status", "Completions", "Duration", "Age", "+Containers", "+Images", "+Selector",
    ]  # fmt: skip
    assert wide(CronJob) == [
        "Name", "Schedule", "Timezone", "Suspend", "Active", "Last Schedule", "Age",
        "+Containers", "+Images", "+Selector",
    ]  # fmt: skip


def conditions(**states: str) -> Document:
    return {"conditions": [{"type": t, "status": s} for t, s in states.items()]}


DELETED = {"deletionTimestamp": ago(1)}


@pytest.mark.parametrize(
    ("metadata", "status", "expected"),
    [
        ({}, {}, "Running"),
        ({}, conditions(Complete="True"), "Complete"),
        ({}, conditions(Failed="True"), "Failed"),
        ({}, conditions(Complete="False"), "Running"),
        ({}, conditions(Suspended="True"), "Suspended"),
        ({}, conditions(FailureTarget="True"), "FailureTarget"),
        ({}, conditions(FailureTarget="True", Failed="True"), "Failed"),
        ({}, conditions(SuccessCriteriaMet="True"), "Running"),
        (DELETED, conditions(Suspended="True"), "Terminating"),
        (DELETED, conditions(Complete="True"), "Complete"),
    ],
)
def test_the_status_of_a_job(metadata: Document, status: Document, expected: str) -> None:
    assert row(Job, {"metadata": metadata, "status": status})["Status"] == expected


@pytest.mark.parametrize(
    ("spec", "succeeded", "expected"),
    [
        ({"completions": 3}, 1, "1/3"),
        ({"completions": 0}, 0, "0/0"),
        ({}, 1, "1/1"),
        ({"parallelism": 1}, 0, "0/1"),
        ({"parallelism": 4}, 1, "1/1 of 4"),
        ({"parallelism": 4, "completions": 4}, 1, "1/4"),
    ],
)
def test_the_completions_of_a_job(spec: Document, succeeded: int, expected: str) -> None:
    document = {"spec": spec, "status": {"succeeded": succeeded}}
    assert row(Job, document)["Completions"] == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, ""),
        ({"startTime": ago(90)}, "90s"),
        ({"startTime": ago(4000), "completionTime": ago(3750)}, "4m10s"),
    ],
    ids=["not started", "running", "complete"],
)
def test_the_duration_of_a_job(status: Document, expected: str) -> None:
    assert row(Job, {"status": status})["Duration"] == expected


def test_a_job() -> None:
    document = {"spec": {"completions": 1, "selector": SELECTOR, "template": CONTAINERS}}
    assert cells(Job, document) == ["Running", "0/1", "", "main", "app:1", "job=it"]


def test_a_cron_job() -> None:
    template = {"spec": {"selector": SELECTOR, "template": CONTAINERS}}
    document = {
        "spec": {"schedule": "*/5 * * * *", "timeZone": "Europe/Berlin", "suspend": False,
                 "jobTemplate": template},
        "status": {"active": [{"name": "it-1"}], "lastScheduleTime": ago(200)},
    }  # fmt: skip
    assert cells(CronJob, document) == [
        "*/5 * * * *", "Europe/Berlin", "False", 1, "3m20s", "main", "app:1", "job=it"
    ]  # fmt: skip
    assert cells(CronJob, {"spec": {"suspend": True}})[2] == "True"
    assert cells(CronJob, {}) == ["", "<none>", "<unset>", 0, "<none>", "", "", "<none>"]
