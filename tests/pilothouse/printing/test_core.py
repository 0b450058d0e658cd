"""The other kinds of the core group and leases, as kubectl shows them."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import Message

from protos.coordination_v1_pb2 import Lease
from protos.core_v1_pb2 import (
    ComponentStatus,
    ConfigMap,
    Endpoints,
    Event,
    LimitRange,
    Namespace,
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    PodTemplate,
    ReplicationController,
    ResourceQuota,
    Secret,
    Service,
    ServiceAccount,
)
from protos.discovery_v1_pb2 import EndpointSlice
from tests.pilothouse.printing.rows import ago, cells, row, wide

Document = dict[str, Any]

TITLES: dict[type[Message], list[str]] = {
    ConfigMap: ["Name", "Data", "Age"],
    ComponentStatus: ["Name", "Status", "Message", "Error"],
    Endpoints: ["Name", "Endpoints", "Age"],
    EndpointSlice: ["Name", "AddressType", "Ports", "Endpoints", "Age"],
    Event: [
        "Last Seen", "Type", "Reason", "Object", "+Subobject", "+Source", "Message", "+First Seen",
        "+Count", "+Name",
    ],
    Lease: ["Name", "Holder", "Age"],
    LimitRange: ["Name", "Created At"],
    Namespace: ["Name", "Status", "Age"],
    Node: [
        "Name", "Status", "Roles", "Age", "Version", "+Internal-IP", "+External-IP", "+OS-Image",
        "+Kernel-Version", "+Container-Runtime",
    ],
    PersistentVolume: [
        "Name", "Capacity", "Access Modes", "Reclaim Policy", "Status", "Claim", "StorageClass",
        "VolumeAttributesClass", "Reason", "Age", "+VolumeMode",
    ],
    PersistentVolumeClaim: [
        "Name", "Status", "Volume", "Capacity", "Access Modes", "StorageClass",
        "VolumeAttributesClass", "Age", "+VolumeMode",
    ],
    PodTemplate: ["Name", "Containers", "Images", "Pod Labels"],
    ReplicationController: [
        "Name", "Desired", "Current", "Ready", "Age", "+Containers", "+Images", "+Selector",
    ],
    ResourceQuota: ["Name", "Age", "Request", "Limit"],
    Secret: ["Name", "Type", "Data", "Age"],
    Service: ["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "+Selector"],
    ServiceAccount: ["Name", "Secrets", "Age"],
}  # fmt: skip


@pytest.mark.parametrize("kind", TITLES, ids=lambda kind: kind.DESCRIPTOR.name)
def test_titles(kind: type[Message]) -> None:
    assert wide(kind) == TITLES[kind]


@pytest.mark.parametrize("kind", TITLES, ids=lambda kind: kind.DESCRIPTOR.name)
def test_an_empty_object_has_a_row(kind: type[Message]) -> None:
    shown = row(kind, {})
    assert shown["Name"] == "it"
    assert shown.get("Age", "5m") == "5m"


@pytest.mark.parametrize(
    ("kind", "document", "expected"),
    [
        (Namespace, {"status": {"phase": "Active"}}, ["Active"]),
        (ConfigMap, {"data": {"a": "", "b": ""}, "binaryData": {"c": ""}}, [3]),
        (Secret, {"type": "Opaque", "data": {"a": "", "b": ""}}, ["Opaque", 2]),
        (ServiceAccount, {"secrets": [{"name": "a"}]}, [1]),
        (Lease, {"spec": {"holderIdentity": "n1"}}, ["n1"]),
        (Lease, {}, [""]),
        (LimitRange, {}, [ago(300)]),
        (
            ResourceQuota,
            {
                "status": {
                    "hard": {"requests.cpu": "2", "limits.cpu": "4", "pods": "10"},
                    "used": {"requests.cpu": "500m", "limits.cpu": "1"},
                }
            },
            ["pods: 0/10, requests.cpu: 500m/2", "limits.cpu: 1/4"],
        ),
        (ComponentStatus, {}, ["Unknown", "", ""]),
        (
            ComponentStatus,
            {"conditions": [{"type": "Healthy", "status": "False", "message": "m", "error": "e"}]},
            ["Unhealthy", "m", "e"],
        ),
        (
            PodTemplate,
            {
                "template": {
                    "metadata": {"labels": {"b": "2", "a": "1"}},
                    "spec": {"containers": [{"name": "x", "image": "i:1"}, {"name": "y"}]},
                }
            },
            ["x,y", "i:1,", "a=1,b=2"],
        ),
        (
            ReplicationController,
            {"spec": {"replicas": 3, "selector": {}}, "status": {"replicas": 2}},
            [3, 2, 0, "", "", "<none>"],
        ),
    ],
    ids=lambda value: value.DESCRIPTOR.name if isinstance(value, type) else "",
)
def test_small_kinds(kind: type[Message], document: Document, expected: list[object]) -> None:
    assert cells(kind, document) == expected


def service(type_: str, status: Document | None = None, **spec: Any) -> Document:
    return {"spec": {"type": type_} | spec, "status": status or {}}


def balanced(*ingress: Document) -> Document:
    return {"loadBalancer": {"ingress": list(ingress)}}


TWO = "1.1.1.1,9.9.9.9"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (service("ClusterIP"), "<none>"),
        (service("ClusterIP", externalIPs=["1.1.1.1", "1.1.1.2"]), "1.1.1.1,1.1.1.2"),
        (service("NodePort"), "<none>"),
        (service("LoadBalancer"), "<pending>"),
        (service("LoadBalancer", balanced({"ip": "3.3.3.3"}, {"hostname": "a.b"})), "3.3.3.3,a.b"),
        (service("LoadBalancer", balanced({"ip": "9.9.9.9"}, {"ip": "1.1.1.1"})), TWO),
        (
            service("LoadBalancer", balanced({"ip": "9.9.9.9"}), externalIPs=["1.1.1.1"]),
            "9.9.9.9,1.1.1.1",
        ),
        (service("LoadBalancer", externalIPs=["1.1.1.1"]), "1.1.1.1"),
        (service("ExternalName", externalName="db.example"), "db.example"),
        (service(""), "<unknown>"),
    ],
)  # fmt: skip
def test_the_outer_address_of_a_service(document: Document, expected: str) -> None:
    assert row(Service, document)["External-IP"] == expected


def test_a_service() -> None:
    ports = [{"port": 80, "protocol": "TCP"}, {"port": 53, "protocol": "UDP", "nodePort": 30053}]
    document = service(
        "NodePort", clusterIP="10.96.0.1", clusterIPs=["10.96.0.1", "fd00::1"], ports=ports,
        selector={"tier": "front", "app": "web"},
    )  # fmt: skip
    assert cells(Service, document) == [
        "NodePort", "10.96.0.1", "<none>", "80/TCP,53:30053/UDP", "app=web,tier=front"
    ]  # fmt: skip
    assert cells(Service, service("ClusterIP", clusterIP="None"))[1] == "None"
    assert cells(Service, service("ExternalName"))[1:] == ["<none>", "", "<none>", "<none>"]


def subset(*ips: str, ports: tuple[int, ...] = ()) -> Document:
    return {"addresses": [{"ip": ip} for ip in ips], "ports": [{"port": port} for port in ports]}


@pytest.mark.parametrize(
    ("subsets", "expected"),
    [
        ([], "<none>"),
        ([subset("10.0.0.1", "10.0.0.2", ports=(80,))], "10.0.0.1:80,10.0.0.2:80"),
        ([subset("a", "b", ports=(80, 443))], "a:80,b:80,a:443 + 1 more..."),
        ([subset("a", "b", "c", "d", "e")], "a,b,c + 2 more..."),
        ([subset("fd00::1", ports=(80,))], "[fd00::1]:80"),
        ([{"notReadyAddresses": [{"ip": "a"}], "ports": [{"port": 80}]}], ""),
    ],
    ids=["none", "two", "ports first", "no ports", "ipv6", "not ready"],
)
def test_endpoints(subsets: list[Document], expected: str) -> None:
    assert cells(Endpoints, {"subsets": subsets}) == [expected]


@pytest.mark.parametrize(
    ("ports", "addresses", "expected"),
    [
        ([], [], ["<unset>", "<unset>"]),
        ([{"port": 80}, {"name": "web"}, {}], [["a", "b"]], ["80,web,*", "a,b"]),
        ([{"port": n} for n in range(5)], [["a", "b"], ["c"], ["d"]],
         ["0,1,2 + 2 more...", "a,b,c + 1 more..."]),
    ],
)  # fmt: skip
def test_endpoint_slices(
    ports: list[Document], addresses: list[list[str]], expected: list[str]
) -> None:
    endpoints = [{"addresses": each} for each in addresses]
    document = {"addressType": "IPv4", "ports": ports, "endpoints": endpoints}
    assert cells(EndpointSlice, document) == ["IPv4", *expected]


ROLE = "node-role.kubernetes.io/"


@pytest.mark.parametrize(
    ("labels", "ready", "spec", "expected"),
    [
        ({}, "True", {}, ("Ready", "<none>")),
        ({}, "False", {}, ("NotReady", "<none>")),
        ({}, "Unknown", {}, ("NotReady", "<none>")),
        ({}, None, {}, ("Unknown", "<none>")),
        ({}, "True", {"unschedulable": True}, ("Ready,SchedulingDisabled", "<none>")),
        ({f"{ROLE}worker": "", f"{ROLE}control-plane": "", ROLE: ""}, "True", {},
         ("Ready", "control-plane,worker")),
        ({"kubernetes.io/role": "edge", f"{ROLE}edge": ""}, "True", {}, ("Ready", "edge")),
    ],
)  # fmt: skip
def test_the_state_and_the_roles_of_a_node(
    labels: dict[str, str], ready: str | None, spec: Document, expected: tuple[str, str]
) -> None:
    conditions = [{"type": "Ready", "status": ready}] if ready else []
    document = {"metadata": {"labels": labels}, "spec": spec, "status": {"conditions": conditions}}
    shown = row(Node, document)
    assert (shown["Status"], shown["Roles"]) == expected


def test_a_node_in_full() -> None:
    addresses = [
        {"type": "Hostname", "address": "n1"},
        {"type": "InternalIP", "address": "192.0.2.1"},
        {"type": "InternalIP", "address": "192.0.2.2"},
        {"type": "ExternalIP", "address": "203.0.113.1"},
    ]
    info = {
        "kubeletVersion": "v1", "osImage": "Debian", "kernelVersion": "6.1",
        "containerRuntimeVersion": "podman://4.3.1",
    }  # fmt: skip
    assert cells(Node, {"status": {"addresses": addresses, "nodeInfo": info}})[2:] == [
        "v1", "192.0.2.1", "203.0.113.1", "Debian", "6.1", "podman://4.3.1"
    ]  # fmt: skip
    assert cells(Node, {})[2:] == ["", "<none>", "<none>", *["<unknown>"] * 3]


MODES = ["ReadWriteOncePod", "ReadWriteMany", "ReadOnlyMany", "ReadWriteOnce"]
OLD_CLASS = {"annotations": {"volume.beta.kubernetes.io/storage-class": "old"}}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, ["0", "", "", "", "", "", "<unset>", "", "<unset>"]),
        (
            {
                "spec": {
                    "capacity": {"storage": "5Gi"},
                    "accessModes": MODES,
                    "persistentVolumeReclaimPolicy": "Retain",
                    "claimRef": {"namespace": "default", "name": "data"},
                    "storageClassName": "fast",
                    "volumeAttributesClassName": "gold",
                    "volumeMode": "Block",
                },
                "status": {"phase": "Failed", "reason": "Lost"},
            },
            ["5Gi", "RWO,ROX,RWX,RWOP", "Retain", "Failed", "default/data", "fast", "gold", "Lost",
             "Block"],
        ),
        (
            {"metadata": OLD_CLASS | {"deletionTimestamp": ago(1)}, "status": {"phase": "Bound"}},
            ["0", "", "", "Terminating", "", "old", "<unset>", "", "<unset>"],
        ),
    ],
    ids=["empty", "full", "deleted"],
)  # fmt: skip
def test_volumes(document: Document, expected: list[str]) -> None:
    assert cells(PersistentVolume, document) == expected


CAPACITY = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"status": {"phase": "Pending"}}, ["Pending", "", "", "", "", "<unset>", "<unset>"]),
        (
            {
                "spec": {"volumeName": "pv-1", "storageClassName": "fast", "volumeMode": "Block"},
                "status": {"phase": "Bound"} | CAPACITY,
            },
            ["Bound", "pv-1", "1Gi", "RWO", "fast", "<unset>", "Block"],
        ),
        (
            {"spec": {"volumeAttributesClassName": "gold"}, "status": {"phase": "Lost"} | CAPACITY},
            ["Lost", "", "", "", "", "gold", "<unset>"],
        ),
        (
            {"metadata": OLD_CLASS | {"deletionTimestamp": ago(1)}, "spec": {"volumeName": "pv-1"}},
            ["Terminating", "pv-1", "0", "", "old", "<unset>", "<unset>"],
        ),
    ],
    ids=["pending", "bound", "not bound any more", "deleted"],
)
def test_claims(document: Document, expected: list[str]) -> None:
    assert cells(PersistentVolumeClaim, document) == expected
