from __future__ import annotations

import pytest

from master.scheduler.request import request_of
from pilothouse.objects.demands import pod_amounts, pod_host_ports, ports_clash
from protos.core_v1_pb2 import Pod
from tests.master.scheduler.world import pod


def _add(containers: object, cpu: str, *, sidecar: bool = False) -> None:
    made = containers.add(name=f"c{cpu}", restart_policy="Always" if sidecar else None)  # type: ignore[attr-defined]
    made.resources.requests["cpu"].string = cpu


@pytest.mark.parametrize(
    ("init", "main", "expected"),
    [
        pytest.param([], ["100m", "200m"], 300, id="containers-add-up"),
        pytest.param([("1", False)], ["100m"], 1000, id="a-large-init-container-counts-alone"),
        pytest.param([("100m", True)], ["200m"], 300, id="a-sidecar-runs-beside"),
        pytest.param(
            [("100m", True), ("500m", False)], ["200m"], 600, id="init-runs-beside-earlier-sidecar"
        ),
        pytest.param(
            [("500m", False), ("400m", True)], ["200m"], 600, id="init-before-sidecar-runs-alone"
        ),
    ],
)
def test_pod_takes_the_larger_of_starting_and_running(
    init: list[tuple[str, bool]], main: list[str], expected: int
) -> None:
    made = Pod()
    for cpu, sidecar in init:
        _add(made.spec.init_containers, cpu, sidecar=sidecar)
    for cpu in main:
        _add(made.spec.containers, cpu)
    assert pod_amounts(made) == {"cpu": expected, "pods": 1}


def test_overhead_is_added_to_what_the_containers_ask() -> None:
    made = pod("a", cpu="100m")
    made.spec.overhead["cpu"].string = "50m"
    assert pod_amounts(made)["cpu"] == 150


def test_pods_without_requests_weigh_something_in_scores() -> None:
    made = request_of(pod("a"))
    assert made.amounts == {"pods": 1}
    assert made.weighed == (100, 200 * 1024 * 1024)


def test_templates_are_equal_for_pods_that_differ_only_in_name() -> None:
    one, other = request_of(pod("a", cpu="1", owner="x")), request_of(pod("b", cpu="1", owner="x"))
    assert one.template == other.template
    assert request_of(pod("c", cpu="2", owner="x")).template != one.template
    assert request_of(pod("d", cpu="1", owner="y")).template != one.template


def test_host_ports_clash_on_the_same_address_or_on_all() -> None:
    (port,) = pod_host_ports(pod("a", host_ports=[80]))
    assert ports_clash(port, ("10.0.0.1", "TCP", 80))
    assert not ports_clash(port, ("10.0.0.1", "UDP", 80))
    assert not ports_clash(("10.0.0.2", "TCP", 80), ("10.0.0.1", "TCP", 80))
