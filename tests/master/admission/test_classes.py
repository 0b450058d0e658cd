"""What pods have from the classes that they name."""

from __future__ import annotations

from typing import Any

import pytest

from master.admission.classes import (
    NO_CLASS,
    Priority,
    default_priority,
    priority_of,
    take_priority,
    take_runtime,
)
from protos.core_v1_pb2 import PodSpec
from tests.master.admission.manifests import amount, build

HIGH = Priority("high", 1000, "Never")
COMPUTED = "priority admission controller computed {} from the given PriorityClass name"


def ranked(name: str, value: int, *, default: bool = True) -> Any:
    return build(
        "PriorityClass", {"metadata.name": name, "value": value, "global_default": default}
    )


@pytest.mark.parametrize(
    "spec", [{}, {"priority": 1000, "preemption_policy": "Never"}], ids=["open", "repeated"]
)
def test_pod_has_the_priority_of_its_class(spec: dict[str, Any]) -> None:
    made = PodSpec(**spec)
    assert take_priority(made, HIGH) is None
    assert (made.priority_class_name, made.priority) == ("high", 1000)
    assert made.preemption_policy == "Never"


def test_pod_keeps_its_policy_where_the_class_has_none() -> None:
    spec = PodSpec(preemption_policy="Never")
    assert take_priority(spec, Priority("old", 1, "")) is None
    assert spec.preemption_policy == "Never"


def test_pod_without_class_has_priority_zero() -> None:
    spec = PodSpec()
    assert take_priority(spec, NO_CLASS) is None
    assert spec.HasField("priority")
    assert (spec.priority, spec.preemption_policy) == (0, "PreemptLowerPriority")


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (
            {"priority": 7},
            "the integer value of priority (7) must not be provided in pod spec; "
            + COMPUTED.format(1000),
        ),
        (
            {"preemption_policy": "PreemptLowerPriority"},
            "the string value of PreemptionPolicy (PreemptLowerPriority) must not be provided in "
            "pod spec; " + COMPUTED.format("Never"),
        ),
    ],
    ids=["priority", "policy"],
)
def test_pod_may_not_say_otherwise_than_its_class(spec: dict[str, Any], why: str) -> None:
    assert take_priority(PodSpec(**spec), HIGH) == why


def test_least_of_several_defaults_counts() -> None:
    classes = [ranked("b", 5), ranked("a", 2), ranked("c", 1, default=False)]
    assert default_priority(classes) == Priority("a", 2, "")
    assert default_priority(classes[2:]) == NO_CLASS
    assert priority_of(classes[0]).name == "b"


def runtime(**changes: Any) -> Any:
    return build("RuntimeClass", changes)


def test_pod_costs_and_goes_where_its_runtime_class_says() -> None:
    wanted = runtime(
        overhead={"pod_fixed": {"cpu": amount("10m")}},
        scheduling={"node_selector": {"a": "b"}, "tolerations": [{"key": "a"}, {"key": "c"}]},
    )
    spec = PodSpec(node_selector={"x": "y"}, tolerations=[{"key": "c"}])
    assert take_runtime(spec, wanted) is None
    assert spec.overhead["cpu"].string == "10m"
    assert dict(spec.node_selector) == {"x": "y", "a": "b"}
    assert [toleration.key for toleration in spec.tolerations] == ["c", "a"]
    again = PodSpec()
    again.CopyFrom(spec)
    assert take_runtime(again, wanted) is None
    assert again == spec


@pytest.mark.parametrize(
    ("spec", "changes", "why"),
    [
        (
            {"overhead": {"cpu": {"string": "1"}}},
            {"overhead": {"pod_fixed": {"cpu": amount("2")}}},
            "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
        ),
        (
            {"overhead": {"cpu": {"string": "1"}}},
            {},
            "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
        ),
        (
            {"node_selector": {"a": "c"}},
            {"scheduling": {"node_selector": {"a": "b"}}},
            "conflict: runtimeClass.scheduling.nodeSelector[a] = b; pod.spec.nodeSelector[a] = c",
        ),
        (
            {},
            {"handler": "kata"},
            'pod rejected: RuntimeClass "web" has the handler "kata", and nodes have only: crun',
        ),
    ],
    ids=["another overhead", "overhead of no class", "another node", "unknown handler"],
)
def test_pod_may_not_say_otherwise_than_its_runtime_class(
    spec: dict[str, Any], changes: dict[str, Any], why: str
) -> None:
    assert take_runtime(PodSpec(**spec), runtime(**changes)) == why


def test_pod_without_runtime_class_has_no_overhead() -> None:
    assert take_runtime(PodSpec(), None) is None
    why = take_runtime(PodSpec(overhead={"cpu": {"string": "1"}}), None)
    assert why is not None
    assert why.startswith("pod rejected: Pod Overhead set without")
