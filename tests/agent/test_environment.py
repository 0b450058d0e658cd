"""What a container finds around it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from agent import environment
from agent.environment import Node, Place
from agent.runtime.errors import CreateContainerConfigError
from protos.core_v1_pb2 import ConfigMap, Pod, Secret, Service

NODE = Node(
    name="n1",
    host_ips=("192.0.2.1",),
    cluster_domain="cluster.local",
    dns_address="10.96.0.10",
    nameservers=("192.0.2.53",),
    searches=("example.com",),
    allocatable={"cpu": 3900, "memory": 8 * 1024**3},
)
PLACE = Place(NODE, "10.244.1.7")


@dataclass
class Known:
    """Config maps, secrets and services of a test."""

    maps: dict[str, ConfigMap] = field(default_factory=dict)
    secrets: dict[str, Secret] = field(default_factory=dict)
    known_services: list[Service] = field(default_factory=list)

    def config_map(self, namespace: str, name: str) -> ConfigMap | None:
        return self.maps.get(name)

    def secret(self, namespace: str, name: str) -> Secret | None:
        return self.secrets.get(name)

    def services(self, namespace: str) -> list[Service]:
        return [s for s in self.known_services if s.metadata.namespace == namespace]


def pod() -> Pod:
    made = Pod()
    made.metadata.name, made.metadata.namespace, made.metadata.uid = "web-1", "shop", "u-1"
    made.metadata.labels["app"] = 'we"b'
    made.metadata.annotations["a/b"] = "note"
    made.spec.service_account_name = "default"
    made.spec.containers.add(name="main")
    return made


KNOWN = Known(
    {"settings": ConfigMap(data={"COLOUR": "blue", "1.a": "x", "SIZE": "1"})},
    {"login": Secret(data={"USER": b"me", "PASSWORD": b"s3cret"})},
)


def of(made: Pod, known: Known = KNOWN) -> dict[str, str]:
    return dict(environment.variables(made, made.spec.containers[0], known, PLACE))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$(A)", "1"),
        ("$(A)$(A)", "11"),
        ("$(MISSING)", "$(MISSING)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$", "$"),
        ("a$", "a$"),
        ("$(A", "$(A"),
        ("$()", "$()"),
        ("$A", "$A"),
        ("$$", "$"),
    ],
)
def test_expansion(text: str, expected: str) -> None:
    assert environment.expand(text, {"A": "1"}) == expected


def test_variables_see_those_before_them_and_override_imported_ones() -> None:
    made = pod()
    container = made.spec.containers[0]
    container.env_from.add().config_map_ref.local_object_reference.name = "settings"
    container.env_from.add(prefix="DB_").secret_ref.local_object_reference.name = "login"
    container.env.add(name="SIZE", value="2")
    container.env.add(name="BOTH", value="$(SIZE)-$(DB_USER)-$(LATER)")
    container.env.add(name="LATER", value="x")
    assert of(made) == {
        "1.a": "x",
        "COLOUR": "blue",
        "SIZE": "2",
        "DB_USER": "me",
        "DB_PASSWORD": "s3cret",
        "BOTH": "2-me-$(LATER)",
        "LATER": "x",
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.name", "web-1"),
        ("metadata.namespace", "shop"),
        ("metadata.uid", "u-1"),
        ("metadata.labels['app']", 'we"b'),
        ("metadata.annotations['a/b']", "note"),
        ("metadata.labels['none']", ""),
        ("metadata.labels", 'app="we\\"b"'),
        ("spec.nodeName", "n1"),
        ("spec.serviceAccountName", "default"),
        ("status.hostIP", "192.0.2.1"),
        ("status.podIP", "10.244.1.7"),
        ("status.podIPs", "10.244.1.7"),
    ],
)
def test_field_references(path: str, expected: str) -> None:
    assert environment.field_value(pod(), path, PLACE) == expected


@pytest.mark.parametrize(
    ("resource", "divisor", "expected"),
    [
        ("limits.cpu", "", "4"),
        ("limits.cpu", "1m", "3900"),
        ("requests.cpu", "1m", "250"),
        ("requests.cpu", "", "1"),
        ("limits.memory", "1Mi", "64"),
        ("requests.memory", "", "0"),
    ],
)
def test_resource_references(resource: str, divisor: str, expected: str) -> None:
    made = pod()
    container = made.spec.containers[0]
    container.resources.requests["cpu"].string = "250m"
    container.resources.limits["memory"].string = "64Mi"
    reference = container.env.add(name="V").value_from.resource_field_ref
    reference.resource = resource
    reference.divisor.string = divisor
    assert of(made)["V"] == expected


def test_what_is_missing_is_named_unless_it_is_optional() -> None:
    made = pod()
    container = made.spec.containers[0]
    key = container.env.add(name="V").value_from.config_map_key_ref
    key.local_object_reference.name, key.key = "settings", "NONE"
    with pytest.raises(CreateContainerConfigError, match="couldn't find key NONE in ConfigMap"):
        of(made)
    key.optional = True
    assert of(made) == {}
    secret = container.env.add(name="W").value_from.secret_key_ref
    secret.local_object_reference.name, secret.key = "none", "x"
    with pytest.raises(CreateContainerConfigError, match='secret "none" not found'):
        of(made)


def test_cluster_first_pods_ask_the_cluster_and_search_their_namespace() -> None:
    found = environment.dns(pod(), NODE)
    assert found.nameservers == ("10.96.0.10",)
    assert found.searches == (
        "shop.svc.cluster.local",
        "svc.cluster.local",
        "cluster.local",
        "example.com",
    )
    assert found.options == ("ndots:5",)


@pytest.mark.parametrize(
    ("policy", "host_network", "servers"),
    [
        ("ClusterFirst", False, ("10.96.0.10",)),
        ("ClusterFirst", True, ("192.0.2.53",)),
        ("ClusterFirstWithHostNet", True, ("10.96.0.10",)),
        ("Default", False, ("192.0.2.53",)),
        ("None", False, ("192.0.2.99",)),
    ],
)
def test_dns_policies(policy: str, host_network: bool, servers: tuple[str, ...]) -> None:
    made = pod()
    made.spec.dns_policy, made.spec.host_network = policy, host_network
    if policy == "None":
        made.spec.dns_config.nameservers.append("192.0.2.99")
    assert environment.dns(made, NODE).nameservers == servers


def test_a_subdomain_gives_a_full_name() -> None:
    made = pod()
    assert environment.fqdn(made, "cluster.local") == ""
    made.spec.hostname, made.spec.subdomain = "db-0", "db"
    assert environment.fqdn(made, "cluster.local") == "db-0.db.shop.svc.cluster.local"
