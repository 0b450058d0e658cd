"""Answers about specs are reused for equal specs, and only so many are kept."""

from __future__ import annotations

from master.admission.defaulting import apply_defaults
from master.admission.remembering import MAX_BYTES, MAX_SPECS, remembered
from master.admission.validation import validate_create
from protos.core_v1_pb2 import PodSpec
from tests.master.admission.manifests import build


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
