"""What the Endpoints of a service say."""

from __future__ import annotations

import pytest

from master.controllers.subsets import MAX_ADDRESSES, OVER_CAPACITY, count, endpoints_of
from protos.core_v1_pb2 import Endpoints, Pod, Service
from tests.master.controllers.test_endpoints import pod, service


def shown(endpoints: Endpoints) -> list[tuple[list[str], list[str], list[int]]]:
    return [
        (
            [address.ip for address in subset.addresses],
            [address.ip for address in subset.not_ready_addresses],
            [port.port for port in subset.ports],
        )
        for subset in endpoints.subsets
    ]


def with_named_port(number: int, *ports: int) -> Pod:
    made = pod(number)
    for index, port in enumerate(ports):
        made.spec.containers.add().ports.add(name=f"p{index}", container_port=port)
    return made


def named(*names: str) -> Service:
    made = service()
    del made.spec.ports[:]
    for name in names:
        port = made.spec.ports.add(name=name, port=80, protocol="TCP")
        port.target_port.type, port.target_port.str_val = 1, name
    return made


def test_ready_and_unready_pods_stand_apart_in_order_of_address() -> None:
    made = endpoints_of(service(), [pod(10), pod(2), pod(1, ready=False)], None)
    assert shown(made) == [(["10.244.0.3", "10.244.0.11"], ["10.244.0.2"], [8080])]
    first = made.subsets[0].addresses[0]
    assert (first.target_ref.kind, first.target_ref.name) == ("Pod", "pod-2")
    assert (made.metadata.name, made.metadata.namespace) == ("web", "default")
    assert [owner.uid for owner in made.metadata.owner_references] == ["svc"]


def test_ending_pods_are_left_out_unless_unready_ones_are_wanted() -> None:
    assert shown(endpoints_of(service(), [pod(1, ending=True)], None)) == []
    published = service()
    published.spec.publish_not_ready_addresses = True
    unready = [pod(1, ending=True), pod(2, ready=False)]
    assert shown(endpoints_of(published, unready, None)) == [
        (["10.244.0.2", "10.244.0.3"], [], [8080])
    ]


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ([(1, 80, 443), (2, 80, 443)], [(["10.244.0.2", "10.244.0.3"], [], [80, 443])]),
        (
            [(1, 80), (2, 80, 443)],
            [(["10.244.0.2", "10.244.0.3"], [], [80]), (["10.244.0.3"], [], [443])],
        ),
        (
            [(1, 80), (2, 81)],
            [(["10.244.0.2"], [], [80]), (["10.244.0.3"], [], [81])],
        ),
        ([(1,)], []),
    ],
    ids=["alike", "one lacks a port", "other numbers", "no such port"],
)
def test_ports_with_the_same_pods_share_a_subset(
    pods: list[tuple[int, ...]], expected: list[tuple[list[str], list[str], list[int]]]
) -> None:
    made = endpoints_of(named("p0", "p1"), [with_named_port(*each) for each in pods], None)
    assert shown(made) == expected


def test_a_headless_service_may_have_no_ports() -> None:
    headless = service()
    headless.spec.cluster_ip = "None"
    del headless.spec.ports[:]
    made = endpoints_of(headless, [pod(1)], None)
    assert shown(made) == [(["10.244.0.2"], [], [])]
    assert "service.kubernetes.io/headless" in made.metadata.labels


def test_too_many_addresses_are_cut_unready_ones_first_and_it_is_said() -> None:
    pods = [pod(n, ready=n >= 10) for n in range(MAX_ADDRESSES + 5)]
    made = endpoints_of(service(), pods, None)
    assert count(made) == MAX_ADDRESSES
    assert len(made.subsets[0].not_ready_addresses) == 5
    assert made.metadata.annotations[OVER_CAPACITY] == "truncated"
    again = endpoints_of(service(), pods[:3], made)
    assert OVER_CAPACITY not in again.metadata.annotations


def test_nothing_changes_where_nothing_has_to() -> None:
    present = endpoints_of(service(), [pod(1)], None)
    present.metadata.annotations["mine"] = "yes"
    assert endpoints_of(service(), [pod(1)], present) == present
