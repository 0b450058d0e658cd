"""Whatever a message holds, admission answers with causes and nothing else."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from master.admission.allocation import (
    NODE_PORTS,
    AddressPool,
    SubnetPool,
    Taken,
    subnet_at,
)
from master.admission.defaulting import apply_defaults
from master.admission.faults import invalid_object
from master.admission.service_allocation import plan_service
from master.admission.strategy import prepare_create, prepare_update
from master.admission.validation import validate_create, validate_update
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import Node, Service
from tests.master.admission.messages import objects, pairs

REASONS = {
    f"FieldValue{name}"
    for name in (
        "Required",
        "Invalid",
        "NotSupported",
        "Duplicate",
        "Forbidden",
        "TooLong",
        "TooMany",
        "NotFound",
    )
}


def accept(causes: list[Cause]) -> None:
    for cause in causes:
        assert cause.reason in REASONS
        assert cause.field
        assert cause.message


@given(objects())
@settings(max_examples=600, deadline=None)
def test_any_message_can_be_created_or_refused(obj: Any) -> None:
    apply_defaults(obj)
    prepare_create(obj, "uid", 1)
    causes = validate_create(obj)
    accept(causes)
    if causes:
        assert invalid_object(obj, causes).message


@given(objects())
@settings(max_examples=300, deadline=None)
def test_validation_changes_nothing(obj: Any) -> None:
    before = type(obj)()
    before.CopyFrom(obj)
    validate_create(obj)
    assert obj == before


@given(pairs())
@settings(max_examples=600, deadline=None)
def test_any_message_can_replace_another_or_be_refused(pair: tuple[Any, Any]) -> None:
    new, old = pair
    apply_defaults(old)
    before = type(old)()
    before.CopyFrom(old)
    apply_defaults(new)
    prepare_update(new, old, now=2)
    accept(validate_update(new, old))
    assert old == before


@given(pairs(("Service", "Node")))
@settings(max_examples=300, deadline=None)
def test_any_service_and_node_gets_its_slots_or_a_refusal(pair: tuple[Any, Any]) -> None:
    new, old = pair
    pool, subnets = AddressPool.of("10.96.0.0/24"), SubnetPool.of("10.244.0.0/16")
    addresses, ports, networks = Taken(pool.size), Taken(len(NODE_PORTS)), Taken(subnets.size)
    if isinstance(new, Service):
        apply_defaults(new)
        for before in (None, old):
            plan = plan_service(new, before, pool, addresses, ports, 3)
            accept(list(plan.causes))
            assert not plan.causes or not plan.claimed_addresses
        assert (addresses.count, ports.count) == (0, 0)
    elif isinstance(new, Node):
        found = subnet_at(subnets, networks, new.spec.pod_cidr, 3, ("spec", "podCIDR"))
        assert isinstance(found, Cause) or found
