"""Nothing is given twice, what is asked for is given if free, choices are spread."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from master.admission.allocation import (
    NODE_PORTS,
    AddressPool,
    SubnetPool,
    Taken,
    address_at,
    choose,
    port_at,
    port_slot,
    subnet_at,
)
from master.admission.defaulting import apply_defaults
from master.admission.service_allocation import ServicePlan, plan_service, release_service
from master.admission.strategy import prepare_update
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import Service
from tests.master.admission.manifests import build

AT = ("spec", "x")


def service(changes: dict[str, Any] | None = None) -> Service:
    obj: Service = build("Service", changes)
    apply_defaults(obj)
    return obj


class Cluster:
    """Both pools, with plans applied as a commit would."""

    def __init__(self, cidr: str = "10.96.0.0/16") -> None:
        self.pool = AddressPool.of(cidr)
        self.addresses = Taken(self.pool.size)
        self.ports = Taken(len(NODE_PORTS))

    def plan(self, new: Service, old: Service | None = None, draw: int = 7) -> ServicePlan:
        return plan_service(new, old, self.pool, self.addresses, self.ports, draw)

    def apply(self, plan: ServicePlan) -> ServicePlan:
        for slot in plan.claimed_addresses:
            assert slot not in self.addresses
            self.addresses.add(slot)
        for slot in plan.claimed_ports:
            assert slot not in self.ports
            self.ports.add(slot)
        for slot in plan.released_addresses:
            self.addresses.discard(slot)
        for slot in plan.released_ports:
            self.ports.discard(slot)
        return plan

    def create(self, changes: dict[str, Any] | None = None, draw: int = 7) -> Service:
        new = service(changes)
        plan = self.apply(self.plan(new, draw=draw))
        assert plan.causes == ()
        return new

    def update(self, old: Service, changes: dict[str, Any]) -> Service:
        new = service(changes)
        prepare_update(new, old)
        assert self.apply(self.plan(new, old)).causes == ()
        return new


# Pools.


@pytest.mark.parametrize(
    ("cidr", "first", "last", "size"),
    [
        ("10.96.0.0/24", "10.96.0.1", "10.96.0.254", 254),
        ("10.96.0.0/12", "10.96.0.1", "10.111.255.254", 2**20 - 2),
        ("10.0.0.0/8", "10.0.0.1", "10.16.0.0", 2**20),
        ("10.96.0.0/31", "10.96.0.0", "10.96.0.1", 2),
        ("fd00::/120", "fd00::1", "fd00::ff", 255),
        ("fd00::/64", "fd00::1", "fd00::10:0", 2**20),
    ],
)
def test_pool_has_the_usable_addresses(cidr: str, first: str, last: str, size: int) -> None:
    pool = AddressPool.of(cidr)
    assert (pool.address(0), pool.address(pool.size - 1), pool.size) == (first, last, size)
    assert pool.slot(last) == size - 1


@pytest.mark.parametrize("address", ["10.97.0.1", "10.96.0.0", "fd00::1", "x", ""])
def test_address_outside_has_no_slot(address: str) -> None:
    assert AddressPool.of("10.96.0.0/16").slot(address) == -1


@given(st.integers(1, 300), st.data())
@settings(max_examples=100, deadline=None)
def test_choosing_until_full_gives_every_slot_once(size: int, data: st.DataObject) -> None:
    band = data.draw(st.integers(0, size))
    taken, given_out = Taken(size), []
    while (slot := choose(taken, band, data.draw(st.integers(0, 2**32)))) >= 0:
        assert slot not in taken
        taken.add(slot)
        given_out.append(slot)
    assert sorted(given_out) == list(range(size))
    assert all(slot >= band for slot in given_out[: size - band])


def test_different_draws_give_different_choices() -> None:
    taken = Taken(1000)
    assert len({choose(taken, 16, draw) for draw in range(0, 984, 50)}) == 20


def test_taken_counts_what_it_holds() -> None:
    taken = Taken(4)
    for slot in (1, 1, 2):
        taken.add(slot)
    taken.discard(1)
    taken.discard(3)
    assert (taken.count, 1 in taken, 2 in taken) == (1, False, True)


# Single requests.


def test_wanted_address_is_given_once() -> None:
    pool = AddressPool.of("10.96.0.0/16")
    taken = Taken(pool.size)
    slot = address_at(pool, taken, "10.96.0.10", 0, AT)
    assert slot == 9
    taken.add(9)
    refused = address_at(pool, taken, "10.96.0.10", 0, AT)
    assert isinstance(refused, Cause)
    assert refused.message == (
        'Invalid value: "10.96.0.10": failed to allocate IP 10.96.0.10: provided IP is already '
        "allocated"
    )


def test_address_of_elsewhere_is_refused() -> None:
    pool = AddressPool.of("10.96.0.0/16")
    refused = address_at(pool, Taken(pool.size), "10.1.0.1", 0, AT)
    assert isinstance(refused, Cause)
    assert "is not in the valid range 10.96.0.0/16" in refused.message


def test_full_pool_is_told() -> None:
    pool = AddressPool.of("10.96.0.0/30")
    taken = Taken(pool.size)
    for slot in range(pool.size):
        taken.add(slot)
    refused = address_at(pool, taken, "", 0, AT)
    assert isinstance(refused, Cause)
    assert "range 10.96.0.0/30 is full" in refused.message


@pytest.mark.parametrize("port", [29_999, 32_768, 1])
def test_node_port_outside_of_the_range_is_refused(port: int) -> None:
    refused = port_at(Taken(len(NODE_PORTS)), port, 0, AT)
    assert isinstance(refused, Cause)
    assert "The range of valid ports is 30000-32767" in refused.message


def test_wanted_node_port_is_given_once() -> None:
    taken = Taken(len(NODE_PORTS))
    assert port_at(taken, 30_080, 0, AT) == port_slot(30_080) == 80
    taken.add(80)
    refused = port_at(taken, 30_080, 0, AT)
    assert isinstance(refused, Cause)
    assert refused.message == "Invalid value: 30080: provided port is already allocated"


# Pod networks.


def test_nodes_get_networks_one_after_another() -> None:
    pool = SubnetPool.of("10.244.0.0/16")
    taken, given_out = Taken(pool.size), []
    for draw in range(256):
        slots = subnet_at(pool, taken, "", draw, AT)
        assert isinstance(slots, range)
        given_out.append(pool.subnet(slots[0]))
        taken.add(slots[0])
    assert given_out[:2] == ["10.244.0.0/24", "10.244.1.0/24"]
    assert len(set(given_out)) == 256
    refused = subnet_at(pool, taken, "", 0, AT)
    assert isinstance(refused, Cause)
    assert "no free /24 is left in 10.244.0.0/16" in refused.message


@pytest.mark.parametrize(
    ("cidr", "slots"),
    [
        ("10.244.3.0/24", range(3, 4)),
        ("10.244.4.0/23", range(4, 6)),
        ("10.244.5.128/25", range(5, 6)),
        ("10.245.0.0/24", range(0)),
        ("10.0.0.0/8", range(0)),
        ("fd00::/64", range(0)),
        ("10.244.3.1/24", range(0)),
        ("nonsense", range(0)),
    ],
)
def test_network_covers_slots(cidr: str, slots: range) -> None:
    assert SubnetPool.of("10.244.0.0/16").slots(cidr) == slots


def test_wanted_network_must_be_free_and_within() -> None:
    pool = SubnetPool.of("10.244.0.0/16")
    taken = Taken(pool.size)
    taken.add(5)
    for wanted, rule in (("10.244.4.0/23", "already allocated"), ("10.9.0.0/24", "within")):
        refused = subnet_at(pool, taken, wanted, 0, AT)
        assert isinstance(refused, Cause)
        assert rule in refused.message
    assert subnet_at(pool, taken, "10.244.6.0/24", 0, AT) == range(6, 7)


def test_networks_of_ipv6_work_the_same() -> None:
    pool = SubnetPool.of("fd00:10::/56", 64)
    assert (pool.size, pool.subnet(255)) == (256, "fd00:10:0:ff::/64")
    assert pool.slots("fd00:10:0:ff::/64") == range(255, 256)


def test_networks_that_do_not_fit_are_a_fault_of_the_configuration() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        SubnetPool.of("10.244.0.0/25")


# Services.


def test_service_gets_an_address_and_its_family() -> None:
    cluster = Cluster()
    spec = cluster.create().spec
    assert cluster.pool.slot(spec.cluster_ip) in cluster.addresses
    assert list(spec.cluster_ips) == [spec.cluster_ip]
    assert list(spec.ip_families) == ["IPv4"]
    assert spec.ip_family_policy == "SingleStack"


def test_service_in_an_ipv6_range() -> None:
    spec = Cluster("fd00::/112").create().spec
    assert spec.cluster_ip.startswith("fd00::")
    assert list(spec.ip_families) == ["IPv6"]


def test_chosen_address_is_kept_and_refused_when_taken() -> None:
    cluster = Cluster()
    assert cluster.create({"spec.cluster_ip": "10.96.0.10"}).spec.cluster_ip == "10.96.0.10"
    second = service({"spec.cluster_ip": "10.96.0.10"})
    plan = cluster.plan(second)
    assert [cause.field for cause in plan.causes] == ["spec.clusterIPs"]
    assert plan.claimed_addresses == ()


def test_headless_service_takes_nothing() -> None:
    cluster = Cluster()
    spec = cluster.create({"spec.cluster_ip": "None"}).spec
    assert (list(spec.cluster_ips), cluster.addresses.count) == (["None"], 0)
    assert spec.ip_family_policy == "SingleStack"


def test_headless_service_of_foreign_endpoints_has_both_families() -> None:
    spec = Cluster().create({"spec.cluster_ip": "None", "spec.selector": {}}).spec
    assert spec.ip_family_policy == "RequireDualStack"
    assert list(spec.ip_families) == ["IPv4", "IPv6"]


def test_external_name_takes_nothing() -> None:
    cluster = Cluster()
    spec = cluster.create({"spec": {"type": "ExternalName", "external_name": "a.b"}}).spec
    assert (spec.cluster_ip, cluster.addresses.count) == ("", 0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"spec.ip_family_policy": "RequireDualStack"}, "spec.ipFamilyPolicy"),
        ({"spec.ip_families": ["IPv6"]}, "spec.ipFamilies[0]"),
        (
            {"spec.cluster_ip": "10.96.0.9", "spec.cluster_ips": ["10.96.0.9", "fd00::9"]},
            "spec.clusterIPs[1]",
        ),
    ],
)
def test_family_that_the_cluster_has_not_is_refused(changes: dict[str, Any], field: str) -> None:
    assert [cause.field for cause in Cluster().plan(service(changes)).causes] == [field]


def test_preference_for_two_families_is_no_demand() -> None:
    spec = Cluster().create({"spec.ip_family_policy": "PreferDualStack"}).spec
    assert (spec.ip_family_policy, list(spec.ip_families)) == ("PreferDualStack", ["IPv4"])


def test_each_port_gets_a_node_port_and_chosen_ones_come_first() -> None:
    cluster = Cluster()
    wanted = Cluster().create({"spec.type": "NodePort"}).spec.ports[0].node_port
    ports = [{"name": "a", "port": 1}, {"name": "b", "port": 2, "node_port": wanted}]
    spec = cluster.create({"spec.type": "NodePort", "spec.ports": ports}).spec
    assert spec.ports[1].node_port == wanted
    assert spec.ports[0].node_port in NODE_PORTS
    assert spec.ports[0].node_port != wanted


def test_one_port_in_two_protocols_shares_its_node_port() -> None:
    cluster = Cluster()
    ports = [{"name": "a", "port": 53}, {"name": "b", "port": 53, "protocol": "UDP"}]
    spec = cluster.create({"spec.type": "NodePort", "spec.ports": ports}).spec
    assert spec.ports[0].node_port == spec.ports[1].node_port
    assert cluster.ports.count == 1


def test_taken_node_port_names_its_port() -> None:
    cluster = Cluster()
    changes = {"spec.type": "NodePort", "spec.ports[0].node_port": 30_001}
    cluster.create(changes)
    plan = cluster.plan(service(changes))
    assert [cause.field for cause in plan.causes] == ["spec.ports[0].nodePort"]
    assert plan.claimed_addresses == ()


def test_refused_plan_leaves_the_pools_alone() -> None:
    cluster = Cluster()
    cluster.plan(service({"spec.type": "NodePort", "spec.ports[0].node_port": 80}))
    assert (cluster.addresses.count, cluster.ports.count) == (0, 0)


def test_local_balancer_gets_a_health_check_port() -> None:
    cluster = Cluster()
    spec = cluster.create(
        {"spec.type": "LoadBalancer", "spec.external_traffic_policy": "Local"}
    ).spec
    assert spec.health_check_node_port in NODE_PORTS
    assert cluster.ports.count == 2


def test_balancer_without_node_ports() -> None:
    cluster = Cluster()
    changes = {"spec.type": "LoadBalancer", "spec.allocate_load_balancer_node_ports": False}
    assert cluster.create(changes).spec.ports[0].node_port == 0
    assert cluster.ports.count == 0


def test_applying_the_manifest_again_claims_nothing() -> None:
    cluster = Cluster()
    old = cluster.create({"spec.type": "NodePort"})
    new = cluster.update(old, {"spec.type": "NodePort"})
    assert new == old


def test_change_of_type_gives_back_what_is_not_needed() -> None:
    cluster = Cluster()
    old = cluster.create({"spec.type": "NodePort"})
    cluster.update(old, {})
    assert (cluster.addresses.count, cluster.ports.count) == (1, 0)
    cluster.update(old, {"spec.type": "ExternalName", "spec.external_name": "a.b"})
    assert (cluster.addresses.count, cluster.ports.count) == (0, 0)


def test_another_node_port_frees_the_former() -> None:
    cluster = Cluster()
    old = cluster.create({"spec.type": "NodePort", "spec.ports[0].node_port": 30_001})
    cluster.update(old, {"spec.type": "NodePort", "spec.ports[0].node_port": 30_002})
    assert port_slot(30_001) not in cluster.ports
    assert port_slot(30_002) in cluster.ports


def test_external_name_becomes_a_service_with_address() -> None:
    cluster = Cluster()
    old = cluster.create({"spec": {"type": "ExternalName", "external_name": "a.b"}})
    assert cluster.update(old, {}).spec.cluster_ip


def test_deletion_frees_everything() -> None:
    cluster = Cluster()
    old = cluster.create({"spec.type": "LoadBalancer", "spec.external_traffic_policy": "Local"})
    cluster.apply(release_service(old, cluster.pool))
    assert (cluster.addresses.count, cluster.ports.count) == (0, 0)


@given(st.lists(st.tuples(st.integers(0, 2**32), st.booleans(), st.integers(0, 3)), max_size=30))
@settings(max_examples=60, deadline=None)
def test_no_history_gives_anything_twice(history: list[tuple[int, bool, int]]) -> None:
    cluster = Cluster("10.96.0.0/28")
    services: list[Service] = []
    for draw, node_port, victim in history:
        if victim < len(services) and draw % 3 == 0:
            cluster.apply(release_service(services.pop(victim), cluster.pool))
            continue
        new = service({"spec.type": "NodePort"} if node_port else {})
        plan = cluster.apply(cluster.plan(new, draw=draw))
        if not plan.causes:
            services.append(new)
    addresses = [it.spec.cluster_ip for it in services]
    assert len(set(addresses)) == len(addresses) == cluster.addresses.count
    ports = [port.node_port for it in services for port in it.spec.ports if port.node_port]
    assert len(set(ports)) == len(ports) == cluster.ports.count
