"""Answers about specs are reused for equal specs, and only so many are kept."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from master.admission.defaulting import apply_defaults
from master.admission.validation import validate_create
from pilothouse.objects import kinds
from pilothouse.objects.codec import dump_json, encode_body, from_json, to_json
from pilothouse.objects.errors import BadRequest
from pilothouse.objects.remembering import MAX_BYTES, MAX_SPECS, remembered
from protos.apps_v1_pb2 import Deployment
from protos.core_v1_pb2 import Pod, PodSpec
from tests.master.admission.manifests import build
from tests.pilothouse.objects.messages import messages


def test_equal_specs_are_asked_about_once() -> None:
    asked: list[str] = []

    @remembered
    def hostname(spec: PodSpec) -> str:
        asked.append(spec.hostname)
        return spec.hostname

    assert [hostname(PodSpec(hostname=name)) for name in ("a", "b", "a")] == ["a", "b", "a"]
    assert asked == ["a", "b"]


def test_large_specs_and_old_ones_are_forgotten() -> None:
    asked: list[int] = []

    @remembered
    def size(spec: PodSpec) -> int:
        asked.append(len(spec.hostname))
        return len(spec.hostname)

    for _ in range(2):
        assert size(PodSpec(hostname="x" * MAX_BYTES)) == MAX_BYTES
    assert len(asked) == 2
    for length in range(MAX_SPECS + 1):
        size(PodSpec(hostname="x" * length))
    size(PodSpec(hostname=""))
    assert asked.count(0) == 2


def test_pods_of_one_spec_do_not_share_what_they_are_given() -> None:
    first, second = build("Pod"), build("Pod")
    apply_defaults(first)
    first.spec.containers[0].image = "changed"
    first.spec.tolerations.add(key="own")
    apply_defaults(second)
    assert second.spec.containers[0].image == "example.com/web:1.0"
    assert len(second.spec.tolerations) == 2


def test_faults_of_equal_specs_are_told_to_every_pod() -> None:
    for _ in range(2):
        pod = build("Pod", {"spec.restart_policy": "No"})
        apply_defaults(pod)
        causes = validate_create(pod)
        assert [cause.field for cause in causes] == ["spec.restartPolicy"]
        causes.clear()


def test_specs_read_from_equal_json_are_apart() -> None:
    first, second = (from_json(Pod, to_json(build("Pod"))) for _ in range(2))
    first.spec.containers[0].image = "changed"
    assert second == build("Pod") == from_json(Pod, to_json(build("Pod")))


def test_faults_in_equal_json_are_told_to_every_pod() -> None:
    document = to_json(build("Pod"))
    document["spec"]["restartPolici"] = "Never"
    for _ in range(2):
        with pytest.raises(BadRequest, match=r"spec\.restartPolici: unknown field"):
            from_json(Pod, document)


def test_numbers_that_are_equal_in_python_alone_are_told_apart() -> None:
    document = to_json(build("Pod"))
    document["spec"]["terminationGracePeriodSeconds"] = 1
    assert from_json(Pod, document).spec.termination_grace_period_seconds == 1
    document["spec"]["terminationGracePeriodSeconds"] = True
    with pytest.raises(BadRequest, match="must be an integer"):
        from_json(Pod, document)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(messages(st.sampled_from([kinds.of(Pod), kinds.of(Deployment)])))
def test_the_text_of_an_object_is_that_of_its_value(message: Message) -> None:
    value = to_json(message)
    del value["apiVersion"], value["kind"]
    for _ in range(2):
        assert encode_body(message) == dump_json(value)
