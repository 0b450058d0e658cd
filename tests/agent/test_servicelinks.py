"""The variables by which containers find services."""

from __future__ import annotations

import pytest

from agent import environment
from agent.servicelinks import links, service_variables
from protos.core_v1_pb2 import Pod, Service
from tests.agent.test_environment import PLACE, Known, pod


def service(name: str, address: str, *ports: tuple[str, int, str], space: str = "shop") -> Service:
    made = Service()
    made.metadata.name, made.metadata.namespace = name, space
    made.spec.cluster_ip = address
    for port, number, protocol in ports:
        made.spec.ports.add(name=port, port=number, protocol=protocol)
    return made


MASTER = service("kubernetes", "10.96.0.1", ("https", 443, "TCP"), space="default")
DATABASE = service("web-db", "10.96.0.7", ("sql", 5432, "TCP"), ("dns-udp", 53, "UDP"))


def shop(*, enabled: bool | None = None) -> Pod:
    made = pod()
    if enabled is not None:
        made.spec.enable_service_links = enabled
    return made


def test_a_service_has_variables_for_itself_and_each_port() -> None:
    assert dict(links(DATABASE)) == {
        "WEB_DB_SERVICE_HOST": "10.96.0.7",
        "WEB_DB_SERVICE_PORT": "5432",
        "WEB_DB_PORT": "tcp://10.96.0.7:5432",
        "WEB_DB_SERVICE_PORT_SQL": "5432",
        "WEB_DB_PORT_5432_TCP": "tcp://10.96.0.7:5432",
        "WEB_DB_PORT_5432_TCP_PROTO": "tcp",
        "WEB_DB_PORT_5432_TCP_PORT": "5432",
        "WEB_DB_PORT_5432_TCP_ADDR": "10.96.0.7",
        "WEB_DB_SERVICE_PORT_DNS_UDP": "53",
        "WEB_DB_PORT_53_UDP": "udp://10.96.0.7:53",
        "WEB_DB_PORT_53_UDP_PROTO": "udp",
        "WEB_DB_PORT_53_UDP_PORT": "53",
        "WEB_DB_PORT_53_UDP_ADDR": "10.96.0.7",
    }


@pytest.mark.parametrize(
    ("enabled", "hosts"),
    [
        (None, {"KUBERNETES_SERVICE_HOST", "WEB_DB_SERVICE_HOST"}),
        (True, {"KUBERNETES_SERVICE_HOST", "WEB_DB_SERVICE_HOST"}),
        (False, {"KUBERNETES_SERVICE_HOST"}),
    ],
    ids=["unset", "enabled", "disabled"],
)
def test_the_master_is_always_there(enabled: bool | None, hosts: set[str]) -> None:
    other = service("other", "10.96.0.9", ("", 80, "TCP"), space="elsewhere")
    beside = service("beside", "10.96.0.10", ("", 80, "TCP"), space="default")
    known = Known(known_services=[MASTER, DATABASE, other, beside])
    found = service_variables(shop(enabled=enabled), known)
    assert {name for name in found if name.endswith("_HOST")} == hosts
    assert found["KUBERNETES_SERVICE_PORT"] == "443"


def test_a_service_of_the_masters_name_takes_its_place() -> None:
    own = service("kubernetes", "10.96.0.66", ("", 80, "TCP"))
    found = service_variables(shop(), Known(known_services=[own, MASTER]))
    assert found["KUBERNETES_SERVICE_HOST"] == "10.96.0.66"


def test_what_the_pod_says_comes_after_and_may_refer_to_it() -> None:
    made = shop()
    container = made.spec.containers[0]
    container.env.add(name="WEB_DB_SERVICE_PORT", value="1")
    container.env.add(name="URL", value="http://$(WEB_DB_SERVICE_HOST):$(WEB_DB_SERVICE_PORT)")
    known = Known(known_services=[DATABASE])
    found = dict(environment.variables(made, container, known, PLACE))
    assert found["URL"] == "http://10.96.0.7:1"
