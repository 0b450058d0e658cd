"""The facts of Kubernetes 1.32's wire format, pinned: names, numbers, types, presence, patches.

All fields of all messages were compared with a table of these facts. What is pinned is a digest a
group: a change that fails here changes what unmodified clients see, so it must come from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from importlib import import_module
from typing import Any

import pytest

from protos import options_pb2

DIGESTS = {
    "admission_v1": "19a04fd051e53de7",
    "admissionregistration_v1": "33999239b5f24182",
    "apidiscovery_v2": "b7d32e40546e7e57",
    "apiextensions_v1": "9f678ee7a01185aa",
    "apiregistration_v1": "569aac68ef738dc8",
    "apps_v1": "3f98ee5df23b53ee",
    "authentication_v1": "ab95ee070d61d943",
    "authorization_v1": "56bd44853198a6d9",
    "autoscaling_v1": "eb39c6fb85ce624a",
    "autoscaling_v2": "42b57ac92401f513",
    "batch_v1": "6a0f84e2aeadb4f1",
    "certificates_v1": "a05256f85f32dbb2",
    "coordination_v1": "a89b4df98f8e94a2",
    "core_v1": "748e26e84380506b",
    "discovery_v1": "108875267793fd6e",
    "events_v1": "0f1603d783cd6ea5",
    "flowcontrol_v1": "d4ffe1d9c14bed7e",
    "meta_v1": "8fb1cf7ad7de149e",
    "metrics_v1beta1": "d94e6d3586b59e5d",
    "networking_v1": "787ca19bf540556f",
    "node_v1": "c4ef09c47f8fe546",
    "policy_v1": "9189e58e8d92a99d",
    "rbac_v1": "71c2418d4e00bc60",
    "scheduling_v1": "a0e2a2fe4b1ad4fb",
    "storage_v1": "4c0b9de63bc4959e",
    "scalars": "382aa632f545a27e",
}


@pytest.mark.parametrize("group", DIGESTS)
def test_group_is_on_the_wire_as_in_kubernetes(group: str) -> None:
    module = import_module(f"protos.{group}_pb2")
    lines = sorted(line for d in messages(module.DESCRIPTOR) for line in facts(d))
    assert sha256("\n".join(lines).encode()).hexdigest()[:16] == DIGESTS[group]


def messages(file: Any) -> Iterator[Any]:
    yield from file.message_types_by_name.values()


def facts(descriptor: Any) -> Iterator[str]:
    """A line a field: message, JSON name, number, type, whether it is optional, shown, inlined,
    and how it is patched."""
    for field in descriptor.fields:
        options = field.GetOptions().Extensions
        marks = [field.is_repeated, field.has_presence]
        marks += [options[options_pb2.inline], options[options_pb2.always]]
        marks += [options[options_pb2.nullable]]
        patch = options[options_pb2.patch_strategy], options[options_pb2.merge_key]
        type_ = field.message_type.full_name if field.message_type else field.type
        yield f"{descriptor.name} {field.json_name} {field.number} {type_} {marks} {patch}"
        if field.message_type and field.message_type.GetOptions().map_entry:
            yield from facts(field.message_type)
