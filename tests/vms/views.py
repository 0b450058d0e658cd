"""What can be seen of the cluster, from its master and its machines."""

from __future__ import annotations

from tests.vms.claims import true
from tests.vms.cluster import MASTER, NODES, on
from tests.vms.machines import Machine


def service_url() -> str:
    """The application's address in the cluster."""
    address = on(MASTER, "pilot get service web -o jsonpath='{.spec.clusterIP}'")
    return f"http://{address}/"


def service_answers(nodes: tuple[Machine, ...]) -> None:
    """The service's address from each node and from a pod, and the node port of each node."""
    url = service_url()
    port = on(MASTER, "pilot get service web -o jsonpath='{.spec.ports[0].nodePort}'")
    for node in nodes:
        true(on(node, f"curl -sS -m 5 {url}").startswith("web-"), f"{url} from {node.name}")
        outside = on(MASTER, f"curl -sS -m 5 http://{node.address}:{port}/")
        true(outside.startswith("web-"), f"port {port} of {node.name}")
    inside = on(MASTER, "pilot exec deployment/web -- wget -q -O - http://web/")
    true(inside.startswith("web-"), "the service's name from a pod")


def nodes_of_pods() -> list[str]:
    """The node of each pod."""
    said = on(MASTER, "pilot get pods -o jsonpath='{.items[*].spec.nodeName}'")
    return said.split()


def running() -> list[str]:
    """The pods that run."""
    chosen = "--field-selector=status.phase=Running"
    return on(MASTER, f"pilot get pods {chosen} -o jsonpath='{{.items[*].metadata.name}}'").split()


def containers_of(node: Machine) -> list[str]:
    """Which run there, and since when."""
    label = "label=runtime.pilothouse.io/kind=container"
    said = on(node, f"podman ps --filter {label} --format '{{{{.ID}}}} {{{{.StartedAt}}}}'")
    return sorted(said.splitlines())


def containers() -> dict[str, list[str]]:
    """Which run where, and since when: the same as long as nothing was restarted."""
    return {node.name: containers_of(node) for node in NODES}


def versions() -> dict[str, str]:
    """The version that each node says it has."""
    return _of_nodes(".status.nodeInfo.kubeletVersion")


def ready(node: Machine) -> bool:
    """Whether the master takes the node for ready."""
    said = _of_nodes('.status.conditions[?(@.type=="Ready")].status')
    return said.get(node.name) == "True"


def cordoned() -> list[str]:
    """The nodes that take no new pods."""
    path = "{.items[?(@.spec.unschedulable)].metadata.name}"
    return on(MASTER, f"pilot get nodes -o jsonpath='{path}'").split()


def _of_nodes(path: str) -> dict[str, str]:
    said = on(
        MASTER,
        f"pilot get nodes -o jsonpath='{{range .items[*]}}{{.metadata.name}} {{{path}}}"
        '{"\\n"}{end}\'',
    )
    return dict(line.split() for line in said.splitlines())
