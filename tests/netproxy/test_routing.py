"""Which endpoints serve which address, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from netproxy.routing import frontends_of
from netproxy.table import Backends, Empty, Frontend
from protos.core_v1_pb2 import Service
from protos.discovery_v1_pb2 import EndpointSlice
from tests.netproxy.objects import endpoint, endpoint_slice, service

HERE, THERE = "n1", "n2"
VIP = Frontend("10.96.0.7", "tcp", 80)
NODE_PORT = Frontend("", "tcp", 30080)
OUTSIDE = Frontend("", "tcp", 30080, outside=True)

READY_HERE = endpoint("10.244.1.2", ready=True, node=HERE)
READY_THERE = endpoint("10.244.2.2", ready=True, node=THERE)
UNKNOWN = endpoint("10.244.2.3", node=THERE)
NOT_READY = endpoint("10.244.1.4", ready=False, serving=False, node=HERE)
ENDING_HERE = endpoint("10.244.1.5", ready=False, serving=True, terminating=True, node=HERE)
ENDING_THERE = endpoint("10.244.2.5", ready=False, serving=True, terminating=True, node=THERE)
ENDING_DEAF = endpoint("10.244.1.6", ready=False, serving=False, terminating=True, node=HERE)
ENDING_UNTOLD = endpoint("10.244.1.7", ready=False, terminating=True, node=HERE)
NOT_ENDING = endpoint("10.244.1.8", ready=False, serving=True, node=HERE)


def hosts(backends: Backends) -> list[str] | Empty:
    return [t.address.removeprefix("10.244.") for t in backends.targets] or backends.empty


def all_of(found: dict[Frontend, Backends]) -> list[object]:
    return [hosts(backends) for backends in found.values()]


def routed(made: Service, *endpoints: Any) -> dict[Frontend, Backends]:
    return frontends_of(made, [endpoint_slice("web", *endpoints)], HERE)


@pytest.mark.parametrize(
    ("endpoints", "cluster", "local"),
    [
        pytest.param([], Empty.REJECT, Empty.REJECT, id="none"),
        pytest.param([READY_HERE, READY_THERE], ["1.2", "2.2"], ["1.2"], id="ready"),
        pytest.param([READY_THERE], ["2.2"], Empty.DROP, id="ready elsewhere alone"),
        pytest.param([UNKNOWN], ["2.3"], Empty.DROP, id="unset counts as ready"),
        pytest.param([NOT_READY], Empty.REJECT, Empty.REJECT, id="not ready"),
        pytest.param(
            [NOT_ENDING], Empty.REJECT, Empty.REJECT, id="serving, neither ready nor ending"
        ),
        pytest.param([READY_HERE, ENDING_HERE], ["1.2"], ["1.2"], id="ready before ending"),
        pytest.param([ENDING_HERE, ENDING_THERE], ["1.5", "2.5"], ["1.5"], id="ending only"),
        pytest.param([READY_THERE, ENDING_HERE], ["2.2"], ["1.5"], id="local falls back by itself"),
        pytest.param([ENDING_THERE], ["2.5"], Empty.DROP, id="ending elsewhere alone"),
        pytest.param([ENDING_DEAF], Empty.REJECT, Empty.REJECT, id="ending, serves no more"),
        pytest.param([ENDING_UNTOLD], ["1.7"], ["1.7"], id="unset counts as serving"),
    ],
)
def test_endpoints_by_policy(endpoints: list[Any], cluster: object, local: object) -> None:
    anywhere = routed(service(node_port=30080), *endpoints)
    assert all_of(anywhere) == [cluster, cluster]
    assert OUTSIDE not in anywhere
    inside = routed(service(internal_traffic_policy="Local", node_port=30080), *endpoints)
    assert hosts(inside[VIP]) == local
    assert hosts(inside[NODE_PORT]) == cluster
    outside = routed(service(external_traffic_policy="Local", node_port=30080), *endpoints)
    assert hosts(outside[VIP]) == cluster
    assert hosts(outside[NODE_PORT]) == cluster, "the cluster's own pods are not outside"
    assert hosts(outside[OUTSIDE]) == local


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(service(address="None"), id="headless"),
        pytest.param(service(address=""), id="not allocated yet"),
        pytest.param(service(type="ExternalName", external_name="a.example"), id="external name"),
    ],
)
def test_nothing_to_route(made: Service) -> None:
    assert routed(made, READY_HERE) == {}


def test_another_proxys_service_is_left_alone() -> None:
    made = service()
    made.metadata.labels["service.kubernetes.io/service-proxy-name"] = "theirs"
    assert routed(made, READY_HERE) == {}


def test_external_addresses_and_load_balancers() -> None:
    made = service(external_ips=("198.51.100.1", "2001:db8::1", "not an address"))
    for ip, mode in (("198.51.100.2", None), ("198.51.100.3", "VIP"), ("198.51.100.4", "Proxy")):
        ingress = made.status.load_balancer.ingress.add(ip=ip)
        if mode is not None:
            ingress.ip_mode = mode
    made.status.load_balancer.ingress.add(hostname="lb.example")
    found = {frontend.address for frontend in routed(made, READY_HERE)}
    assert found == {"10.96.0.7", "198.51.100.1", "198.51.100.2", "198.51.100.3"}


def test_ipv6_addresses_are_not_served() -> None:
    made = service()
    made.spec.cluster_ips.append("fd00::7")
    assert list(routed(made, READY_HERE)) == [VIP]


def test_ports_are_found_by_name_and_protocol() -> None:
    made = service(ports=(("dns", "UDP", 53), ("dns-tcp", "TCP", 53), ("sctp", "SCTP", 9)))
    ports = (
        ("dns-tcp", "TCP", 5354),
        ("dns", "UDP", 5353),
        ("sctp", "TCP", 1),
        ("sctp", "SCTP", 2),
    )
    found = frontends_of(made, [endpoint_slice("web", READY_HERE, ports=ports)], HERE)
    assert {(f.protocol, f.port): [t.port for t in b.targets] for f, b in found.items()} == {
        ("udp", 53): [5353],
        ("tcp", 53): [5354],
        ("sctp", 9): [2],
    }


def test_endpoints_of_several_slices_are_one_set_and_local_if_any_says_so() -> None:
    slices = [
        endpoint_slice("web", endpoint("10.244.1.2", ready=True)),
        endpoint_slice("web", READY_HERE, READY_THERE),
        endpoint_slice("web", endpoint("10.244.1.2", ready=True, node=THERE)),
    ]
    (backends,) = frontends_of(service(), slices, HERE).values()
    assert [(t.address, t.local) for t in backends.targets] == [
        ("10.244.1.2", True),
        ("10.244.2.2", False),
    ]


def test_slices_that_hold_no_ipv4_addresses_are_passed_over() -> None:
    names = EndpointSlice()
    names.CopyFrom(endpoint_slice("web", endpoint("db.example", ready=True)))
    names.address_type = "FQDN"
    lying = endpoint_slice("web", endpoint("1.2.3.4 }\nflush ruleset", ready=True))
    (backends,) = frontends_of(service(), [names, lying], HERE).values()
    assert backends.targets == ()


def test_affinity_is_of_the_whole_service() -> None:
    made = service(session_affinity="ClientIP", node_port=30080, external_traffic_policy="Local")
    assert all(b.affinity for b in routed(made, READY_HERE).values())
