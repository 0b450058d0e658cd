from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from master.controllers.endpoints import (
    SLICE_SIZE,
    endpoint_of,
    plan_slices,
    target_ports,
)
from protos.core_v1_pb2 import Node, Pod, Service
from protos.discovery_v1_pb2 import EndpointSlice


def service() -> Service:
    made = Service()
    made.metadata.name, made.metadata.namespace, made.metadata.uid = "web", "default", "svc"
    made.spec.cluster_ip = "10.96.0.7"
    made.spec.selector["app"] = "web"
    port = made.spec.ports.add(port=80, protocol="TCP")
    port.target_port.int_val = 8080
    return made


def pod(number: int, *, ready: bool = True, ending: bool = False) -> Pod:
    made = Pod()
    made.metadata.name = made.metadata.uid = f"pod-{number}"
    made.status.pod_ip = f"10.244.{number // 250}.{number % 250 + 1}"
    made.status.phase = "Running"
    made.status.conditions.add(type="Ready", status=str(ready))
    if ending:
        made.metadata.deletion_timestamp.seconds = 1
    return made


def plan(pods: Sequence[Pod], existing: Sequence[EndpointSlice]) -> list[EndpointSlice]:
    """The slices after the plan; also checks that a second plan changes nothing."""
    wanted = service()
    endpoints = [(target_ports(wanted, p), endpoint_of(wanted, p, None)) for p in pods]
    made = plan_slices(wanted, endpoints, existing)
    gone = {s.metadata.name for s in made.delete} | {s.metadata.name for s in made.update}
    after = [s for s in existing if s.metadata.name not in gone] + [*made.update, *made.create]
    again = plan_slices(wanted, endpoints, after)
    assert (again.create, again.update, again.delete) == ((), (), ())
    return after


def test_a_ready_pod_is_a_ready_endpoint_with_the_target_port() -> None:
    (made,) = plan([pod(1)], [])
    assert [(p.port, p.protocol) for p in made.ports] == [(8080, "TCP")]
    (endpoint,) = made.endpoints
    assert list(endpoint.addresses) == ["10.244.0.2"]
    assert endpoint.conditions.ready
    assert endpoint.conditions.serving
    assert made.metadata.labels["kubernetes.io/service-name"] == "web"


def test_an_ending_pod_still_serves_but_is_not_ready() -> None:
    conditions = endpoint_of(service(), pod(1, ending=True), None).conditions
    assert (conditions.ready, conditions.serving, conditions.terminating) == (False, True, True)


def test_unready_addresses_are_published_when_asked_for() -> None:
    published = service()
    published.spec.publish_not_ready_addresses = True
    assert endpoint_of(published, pod(1, ready=False), None).conditions.ready


def test_the_zone_comes_from_the_node() -> None:
    node = Node()
    node.metadata.labels["topology.kubernetes.io/zone"] = "a"
    assert endpoint_of(service(), pod(1), node).zone == "a"


def test_named_target_port_is_looked_up_in_each_pod() -> None:
    wanted = service()
    wanted.spec.ports[0].target_port.type = 1
    wanted.spec.ports[0].target_port.str_val = "http"
    with_port, without = pod(1), pod(2)
    with_port.spec.containers.add().ports.add(name="http", container_port=9000)
    without.spec.containers.add()
    assert target_ports(wanted, with_port) == (("", "TCP", 9000, ""),)
    assert target_ports(wanted, without) == ()


def test_large_services_have_several_slices() -> None:
    made = plan([pod(n) for n in range(250)], [])
    assert sorted(len(s.endpoints) for s in made) == [50, 100, 100]
    assert len({s.metadata.name for s in made}) == 3


def test_one_pod_more_changes_one_slice() -> None:
    existing = plan([pod(n) for n in range(150)], [])
    wanted = service()
    endpoints = [
        (target_ports(wanted, p), endpoint_of(wanted, p, None)) for p in map(pod, range(151))
    ]
    made = plan_slices(wanted, endpoints, existing)
    assert (len(made.create), len(made.update), len(made.delete)) == (0, 1, 0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sets(st.integers(0, 240), max_size=220), min_size=1, max_size=5))
def test_slices_show_exactly_the_pods_whatever_came_before(steps: list[set[int]]) -> None:
    slices: list[EndpointSlice] = []
    for step in steps:
        slices = plan([pod(n) for n in sorted(step)], slices)
        shown = [e.target_ref.uid for s in slices for e in s.endpoints]
        assert sorted(shown) == sorted(f"pod-{n}" for n in step)
        assert all(0 < len(s.endpoints) <= SLICE_SIZE for s in slices)
