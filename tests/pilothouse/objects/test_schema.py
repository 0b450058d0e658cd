"""What the schema knows of fields beyond their types: required ones, and how apply merges."""

from __future__ import annotations

import pytest
from google.protobuf.descriptor import Descriptor

from pilothouse.objects.schema import is_atomic, members
from protos import apps_v1_pb2, core_v1_pb2, discovery_v1_pb2, meta_v1_pb2


@pytest.mark.parametrize(
    ("descriptor", "required"),
    [
        pytest.param(core_v1_pb2.Pod.DESCRIPTOR, set(), id="empty objects of a kind"),
        pytest.param(core_v1_pb2.PodSpec.DESCRIPTOR, {"containers"}, id="a list always shown"),
        pytest.param(
            apps_v1_pb2.DeploymentSpec.DESCRIPTOR, {"selector", "template"}, id="an object marked"
        ),
        pytest.param(
            core_v1_pb2.Event.DESCRIPTOR, {"metadata", "involvedObject"}, id="texts marked optional"
        ),
        pytest.param(core_v1_pb2.HTTPGetAction.DESCRIPTOR, {"port"}, id="a number or a string"),
        pytest.param(core_v1_pb2.Volume.DESCRIPTOR, {"name"}, id="beside inlined fields"),
    ],
)
def test_required_fields_are_those_of_kubernetes(
    descriptor: Descriptor, required: set[str]
) -> None:
    assert {m.json for m in members(descriptor).values() if m.required} == required


@pytest.mark.parametrize(
    ("descriptor", "field", "type_", "keys"),
    [
        pytest.param(core_v1_pb2.PodSpec.DESCRIPTOR, "containers", "map", ("name",), id="by name"),
        pytest.param(
            core_v1_pb2.Container.DESCRIPTOR,
            "ports",
            "map",
            ("containerPort", "protocol"),
            id="by two keys",
        ),
        pytest.param(core_v1_pb2.Container.DESCRIPTOR, "command", "atomic", (), id="as one value"),
        pytest.param(meta_v1_pb2.ObjectMeta.DESCRIPTOR, "finalizers", "set", (), id="a set"),
        pytest.param(
            discovery_v1_pb2.Endpoint.DESCRIPTOR, "addresses", "set", (), id="a set by option"
        ),
        pytest.param(core_v1_pb2.ServiceSpec.DESCRIPTOR, "selector", "atomic", (), id="a map"),
        pytest.param(core_v1_pb2.PodSpec.DESCRIPTOR, "hostname", "", (), id="no list or map"),
    ],
)
def test_apply_merges_lists_and_maps_as_kubernetes_does(
    descriptor: Descriptor, field: str, type_: str, keys: tuple[str, ...]
) -> None:
    member = members(descriptor)[field]
    assert (member.apply_type, member.apply_keys) == (type_, keys)


def test_selectors_are_applied_as_one_value() -> None:
    assert is_atomic(meta_v1_pb2.LabelSelector.DESCRIPTOR)
    assert not is_atomic(core_v1_pb2.PodSpec.DESCRIPTOR)
