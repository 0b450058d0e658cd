"""What nodes are told of services."""

from __future__ import annotations

from master.dispatch.links import told_of
from protos.core_v1_pb2 import Pod, Service
from tests.master.dispatch.objects import pod
from tests.master.dispatch.test_assignments import World


def service(name: str, namespace: str = "default", address: str = "10.96.0.7") -> Service:
    made = Service()
    made.metadata.name, made.metadata.namespace = name, namespace
    made.metadata.uid, made.metadata.resource_version = f"uid-{name}", "7"
    made.metadata.annotations["secret"] = "plan"
    made.spec.cluster_ip = address
    made.spec.selector["app"] = name
    made.spec.ports.add(name="http", port=80, protocol="TCP", node_port=30080)
    return made


class Links(World):
    def service(self, old: Service | None, new: Service | None) -> None:
        self._mark(self.index.service_changed(old, new), None)

    @property
    def told(self) -> set[str]:
        self.sync()
        return {n.name for n in self.agent.known if n.resource == "services"}


def linking(name: str, *, enabled: bool, namespace: str = "default") -> Pod:
    made = pod(name, "n1", namespace=namespace)
    made.spec.enable_service_links = enabled
    return made


def test_a_node_is_told_name_address_and_ports_and_no_more() -> None:
    told = told_of(service("web"))
    assert told is not None
    wanted = Service()
    wanted.metadata.name, wanted.metadata.namespace = "web", "default"
    wanted.metadata.uid, wanted.metadata.resource_version = "uid-web", "7"
    wanted.spec.cluster_ip = "10.96.0.7"
    wanted.spec.ports.add(name="http", port=80, protocol="TCP")
    assert told == wanted
    assert told_of(service("headless", address="None")) is None
    assert told_of(service("external", address="")) is None


def test_only_services_of_namespaces_with_pods_here_and_the_masters() -> None:
    world = Links()
    for name, namespace in (("kubernetes", "default"), ("web", "shop"), ("db", "other")):
        world.service(None, service(name, namespace))
    assert world.told == set()
    made = linking("p", enabled=True, namespace="shop")
    world.pod(None, made)
    assert world.told == {"kubernetes", "web"}
    world.pod(made, None)
    assert world.told == set()


def test_without_links_a_node_is_told_of_the_master_alone() -> None:
    world = Links()
    world.service(None, service("kubernetes"))
    world.service(None, service("web"))
    first = linking("p", enabled=False)
    world.pod(None, first)
    assert world.told == {"kubernetes"}
    second = linking("q", enabled=True)
    world.pod(None, second)
    assert world.told == {"kubernetes", "web"}
    world.pod(second, None)
    assert world.told == {"kubernetes"}


def test_later_services_come_and_go_and_a_node_hears_only_what_it_is_told_of() -> None:
    world = Links()
    world.pod(None, linking("p", enabled=True))
    first = service("web")
    world.service(None, first)
    assert world.told == {"web"}
    heard = len(world.agent.received)
    relabelled = service("web")
    relabelled.metadata.resource_version = "8"
    relabelled.metadata.labels["a"] = "b"
    world.service(first, relabelled)
    assert world.told == {"web"}
    assert len(world.agent.received) == heard
    moved = service("web", address="10.96.0.8")
    moved.metadata.resource_version = "9"
    world.service(relabelled, moved)
    assert world.told == {"web"}
    [shown] = [s for n, s in world.agent.known.items() if n.resource == "services"]
    assert shown.spec.cluster_ip == "10.96.0.8"
    headless = service("web", address="None")
    world.service(moved, headless)
    assert world.told == set()
    world.service(headless, None)
    assert world.told == set()
