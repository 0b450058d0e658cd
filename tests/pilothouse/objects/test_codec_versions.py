"""What JSON objects begin with apiVersion and kind, and which."""

from __future__ import annotations

import pytest

from pilothouse.objects.codec import from_json, to_json
from pilothouse.objects.errors import BadRequest
from protos import apps_v1_pb2 as apps
from protos import core_v1_pb2 as core
from protos.autoscaling_v1_pb2 import Scale
from protos.meta_v1_pb2 import DeleteOptions, Status, Table

LISTS_AND_OPTIONS = {
    "a list": (core.PodList(), "v1", "PodList"),
    "a list of a group": (apps.DeploymentList(), "apps/v1", "DeploymentList"),
    "options": (DeleteOptions(), "v1", "DeleteOptions"),
    "a status": (Status(), "v1", "Status"),
    "a table": (Table(), "meta.k8s.io/v1", "Table"),
    "what a subresource speaks": (Scale(), "autoscaling/v1", "Scale"),
    "a template that is a kind": (core.PodTemplate(), "v1", "PodTemplate"),
}


@pytest.mark.parametrize("case", LISTS_AND_OPTIONS)
def test_whatever_has_a_version_says_so(case: str) -> None:
    message, version, kind = LISTS_AND_OPTIONS[case]
    value = to_json(message)
    assert list(value.items())[:2] == [("apiVersion", version), ("kind", kind)]
    assert from_json(type(message), value) == message


def test_parts_have_no_version() -> None:
    with pytest.raises(BadRequest, match="apiVersion"):
        from_json(core.PodTemplateSpec, {"apiVersion": "v1"})


def test_options_may_be_of_any_group() -> None:
    value = {"apiVersion": "policy/v1", "kind": "DeleteOptions", "propagationPolicy": "Orphan"}
    assert from_json(DeleteOptions, value).propagation_policy == "Orphan"
    with pytest.raises(BadRequest, match="apiVersion"):
        from_json(Scale, {"apiVersion": "apps/v1"})
