"""Objects in another version of their kind, and back: nothing is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pilothouse.objects import kinds
from pilothouse.objects.codec import from_json, to_json
from pilothouse.objects.conversion import from_stored, to_stored
from pilothouse.objects.conversion.autoscalers import BEHAVIOR, CONDITIONS, CURRENT_METRICS, METRICS
from pilothouse.objects.errors import BadRequest
from protos import autoscaling_v1_pb2 as v1
from protos import autoscaling_v2_pb2 as v2
from protos import core_v1_pb2, events_v1_pb2
from tests.pilothouse.objects.messages import messages

CORE_EVENTS = messages(st.just(kinds.by_resource("events")))

QUANTITY = st.sampled_from(["0", "1", "250m", "4Gi"]).map(lambda text: {"string": text})
POSITIVE = QUANTITY.filter(lambda quantity: quantity["string"] != "0")
NAME = st.text("abc", min_size=1, max_size=3)
REFERENCE = st.fixed_dictionaries({"kind": NAME, "name": NAME}, optional={"api_version": NAME})
METRIC = st.fixed_dictionaries(
    {"name": NAME}, optional={"selector": st.just({"match_labels": {"a": "b"}}) | st.just({})}
)


def target(*types: str) -> st.SearchStrategy[dict[str, Any]]:
    """A target of one of these types, with the one value that it needs."""
    values = {
        "Utilization": st.fixed_dictionaries({"average_utilization": st.integers(0, 200)}),
        "AverageValue": st.fixed_dictionaries({"average_value": POSITIVE}),
        "Value": st.fixed_dictionaries({"value": POSITIVE}),
    }
    return st.sampled_from(types).flatmap(
        lambda type_: values[type_].map(lambda value: {"type": type_, **value})
    )


RESOURCE = {"name": st.sampled_from(["cpu", "memory"])}
CONTAINER = {**RESOURCE, "container": NAME}
PER_RESOURCE = target("Utilization", "AverageValue")
SPECS = st.one_of(
    st.builds(
        lambda source: {"type": "Object", "object": source},
        st.fixed_dictionaries(
            {
                "described_object": REFERENCE,
                "metric": METRIC,
                "target": target("Value", "AverageValue"),
            }
        ),
    ),
    st.builds(
        lambda source: {"type": "Pods", "pods": source},
        st.fixed_dictionaries({"metric": METRIC, "target": target("AverageValue")}),
    ),
    st.builds(
        lambda source: {"type": "External", "external": source},
        st.fixed_dictionaries({"metric": METRIC, "target": target("Value", "AverageValue")}),
    ),
    st.builds(
        lambda source: {"type": "Resource", "resource": source},
        st.fixed_dictionaries({**RESOURCE, "target": PER_RESOURCE}),
    ),
    st.builds(
        lambda source: {"type": "ContainerResource", "container_resource": source},
        st.fixed_dictionaries({**CONTAINER, "target": PER_RESOURCE}),
    ),
)
AVERAGE = st.fixed_dictionaries({"average_value": QUANTITY})
PER_RESOURCE_NOW = st.fixed_dictionaries(
    {"average_value": QUANTITY}, optional={"average_utilization": st.integers(0, 200)}
)
VALUE_NOW = st.fixed_dictionaries({"value": QUANTITY}) | AVERAGE
STATUSES = st.one_of(
    st.builds(
        lambda source: {"type": "Object", "object": source},
        st.fixed_dictionaries(
            {"described_object": REFERENCE, "metric": METRIC, "current": VALUE_NOW}
        ),
    ),
    st.builds(
        lambda source: {"type": "Pods", "pods": source},
        st.fixed_dictionaries({"metric": METRIC, "current": AVERAGE}),
    ),
    st.builds(
        lambda source: {"type": "External", "external": source},
        st.fixed_dictionaries({"metric": METRIC, "current": VALUE_NOW}),
    ),
    st.builds(
        lambda source: {"type": "Resource", "resource": source},
        st.fixed_dictionaries({**RESOURCE, "current": PER_RESOURCE_NOW}),
    ),
    st.builds(
        lambda source: {"type": "ContainerResource", "container_resource": source},
        st.fixed_dictionaries({**CONTAINER, "current": PER_RESOURCE_NOW}),
    ),
)
RULES = st.fixed_dictionaries(
    {},
    optional={
        "select_policy": st.sampled_from(["Max", "Min", "Disabled"]),
        "stabilization_window_seconds": st.integers(0, 3600),
        "policies": st.lists(
            st.fixed_dictionaries(
                {"type": st.just("Pods"), "value": st.just(4), "period_seconds": st.just(60)}
            ),
            max_size=2,
        ),
    },
)
BEHAVIORS = st.fixed_dictionaries({}, optional={"scale_up": RULES, "scale_down": RULES})
CONDITION = st.fixed_dictionaries(
    {"type": NAME, "status": NAME, "last_transition_time": st.just({"seconds": 1_700_000_000})},
    optional={"reason": NAME, "message": NAME},
)
AUTOSCALERS = st.builds(
    v2.HorizontalPodAutoscaler,
    metadata=st.fixed_dictionaries(
        {"name": NAME}, optional={"annotations": st.dictionaries(NAME, NAME, max_size=2)}
    ),
    spec=st.fixed_dictionaries(
        {"scale_target_ref": REFERENCE, "max_replicas": st.integers(1, 9)},
        optional={
            "min_replicas": st.integers(0, 9),
            "metrics": st.lists(SPECS, max_size=4),
            "behavior": st.fixed_dictionaries(
                {}, optional={"scale_up": RULES, "scale_down": RULES}
            ),
        },
    ),
    status=st.fixed_dictionaries(
        {"current_replicas": st.integers(1, 9)},
        optional={
            "observed_generation": st.integers(0, 9),
            "desired_replicas": st.integers(1, 9),
            "last_scale_time": st.just({"seconds": 1_700_000_000}),
            "current_metrics": st.lists(STATUSES, max_size=3),
            "conditions": st.lists(CONDITION, max_size=2),
        },
    ),
)


@given(CORE_EVENTS)
def test_an_event_comes_back_from_its_other_version(event: Any) -> None:
    assert to_stored(from_stored(event, events_v1_pb2.Event)) == event


@given(CORE_EVENTS)
def test_an_event_has_the_same_content_in_both_versions(event: Any) -> None:
    other = from_stored(event, events_v1_pb2.Event)
    assert (other.note, other.deprecated_count) == (event.message, event.count)
    assert to_json(other.regarding) == to_json(event.involved_object)
    assert other.metadata == event.metadata


def is_cpu_target(metric: Any) -> bool:
    """Whether v1 has a field for the metric."""
    resource = metric.resource
    return bool(resource.name == "cpu" and resource.target.type == "Utilization")


def cpu_last(metrics: Any) -> list[Any]:
    """The order in which metrics come back: the one that v1 has a field for is the last."""
    found = list(metrics)
    for index, metric in enumerate(found):
        if is_cpu_target(metric):
            return [*found[:index], *found[index + 1 :], metric]
    return found


@given(AUTOSCALERS)
def test_an_autoscaler_comes_back_from_its_older_version(stored: Any) -> None:
    back = to_stored(from_stored(stored, v1.HorizontalPodAutoscaler))
    expected = v2.HorizontalPodAutoscaler()
    expected.CopyFrom(stored)
    del expected.spec.metrics[:]
    expected.spec.metrics.extend(cpu_last(stored.spec.metrics))
    assert back == expected


@given(AUTOSCALERS)
def test_the_older_version_survives_its_json(stored: Any) -> None:
    older = from_stored(stored, v1.HorizontalPodAutoscaler)
    again = from_json(v1.HorizontalPodAutoscaler, to_json(older))
    assert to_json(to_stored(again)) == to_json(to_stored(older))


@given(AUTOSCALERS)
def test_what_goes_back_and_forth_stays_as_it_is(stored: Any) -> None:
    # Of two targets for the processor v1 has a field for one, and each way puts the other first.
    assume(sum(map(is_cpu_target, stored.spec.metrics)) < 2)
    older = from_stored(stored, v1.HorizontalPodAutoscaler)
    assert from_stored(to_stored(older), v1.HorizontalPodAutoscaler) == older


def test_an_older_autoscaler_says_what_it_can_and_notes_the_rest() -> None:
    stored = from_json(
        v2.HorizontalPodAutoscaler,
        {
            "metadata": {"name": "web", "annotations": {"kept": "yes"}},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                "maxReplicas": 3,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {
                            "name": "cpu",
                            "target": {"type": "Utilization", "averageUtilization": 80},
                        },
                    },
                    {
                        "type": "Pods",
                        "pods": {
                            "metric": {"name": "requests"},
                            "target": {"type": "AverageValue", "averageValue": "100"},
                        },
                    },
                ],
                "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}},
            },
            "status": {
                "desiredReplicas": 2,
                "currentMetrics": [
                    {
                        "type": "Resource",
                        "resource": {
                            "name": "cpu",
                            "current": {"averageValue": "400m", "averageUtilization": 40},
                        },
                    }
                ],
                "conditions": [{"type": "AbleToScale", "status": "True"}],
            },
        },
    )
    older = from_stored(stored, v1.HorizontalPodAutoscaler)
    assert older.spec.target_cpu_utilization_percentage == 80
    assert older.status.current_cpu_utilization_percentage == 40
    notes = dict(older.metadata.annotations)
    assert notes.pop("kept") == "yes"
    assert {key: json.loads(text) for key, text in notes.items()} == {
        METRICS: [
            {"type": "Pods", "pods": {"metricName": "requests", "targetAverageValue": "100"}}
        ],
        BEHAVIOR: {"ScaleDown": {"StabilizationWindowSeconds": 60}},
        CURRENT_METRICS: [
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "currentAverageUtilization": 40,
                    "currentAverageValue": "400m",
                },
            }
        ],
        CONDITIONS: [{"type": "AbleToScale", "status": "True", "lastTransitionTime": None}],
    }


def test_notes_of_the_older_version_never_stand_on_what_is_stored() -> None:
    stored = v2.HorizontalPodAutoscaler(metadata={"annotations": {METRICS: "[", "a": "b"}})
    older = from_stored(stored, v1.HorizontalPodAutoscaler)
    assert dict(older.metadata.annotations) == {"a": "b"}
    older.metadata.annotations[METRICS] = "[]"
    back: Any = to_stored(older)
    assert dict(back.metadata.annotations) == {"a": "b"}


BROKEN = {
    "no json": (METRICS, "["),
    "no list": (METRICS, "{}"),
    "no metric": (METRICS, "[1]"),
    "no quantity": (METRICS, '[{"type":"Pods","pods":{"targetAverageValue":"much"}}]'),
    "no status": (CURRENT_METRICS, '["x"]'),
    "no condition": (CONDITIONS, "[[]]"),
    "no behavior": (BEHAVIOR, "[]"),
    "deep": (BEHAVIOR, "[" * 400 + "]" * 400),
    "bottomless": (METRICS, "[" * 100_000),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_note_is_named(case: str) -> None:
    key, text = BROKEN[case]
    older = v1.HorizontalPodAutoscaler(metadata={"annotations": {key: text}})
    with pytest.raises(BadRequest, match="metadata.annotations.*" + key.rpartition("/")[2]):
        to_stored(older)


def test_core_events_keep_their_type() -> None:
    assert type(to_stored(events_v1_pb2.Event())) is core_v1_pb2.Event
