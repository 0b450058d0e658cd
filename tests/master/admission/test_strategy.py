"""What a create and an update may touch."""

from __future__ import annotations

from typing import Any

import pytest

from master.admission.defaulting import apply_defaults
from master.admission.qos import qos_class
from master.admission.strategy import mark_deleted, prepare_create, prepare_update
from protos.core_v1_pb2 import Node, Pod
from tests.master.admission.manifests import BASES, amount, build


def created(kind: str, changes: dict[str, Any] | None = None) -> Any:
    obj = build(kind, changes)
    apply_defaults(obj)
    prepare_create(obj, "uid", 1)
    return obj


def updated(
    kind: str, old: Any, changes: dict[str, Any] | None = None, subresource: str = ""
) -> Any:
    new = build(kind, changes)
    apply_defaults(new)
    prepare_update(new, old, subresource)
    return new


def test_server_writes_its_part_of_the_metadata_alone() -> None:
    pod = created(
        "Pod",
        {
            "metadata.uid": "mine",
            "metadata.generation": 7,
            "metadata.resource_version": "5",
            "metadata.creation_timestamp.seconds": 1,
            "metadata.deletion_timestamp.seconds": 1,
            "metadata.deletion_grace_period_seconds": 1,
            "metadata.labels": {"a": "b"},
        },
    )
    assert sorted(field.name for field, _ in pod.metadata.ListFields()) == [
        "creation_timestamp",
        "labels",
        "name",
        "namespace",
        "uid",
    ]
    assert (pod.metadata.uid, pod.metadata.creation_timestamp.seconds) == ("uid", 1)


def test_a_gated_pod_says_why_no_node_is_looked_for() -> None:
    (told,) = created("Pod", {"spec.scheduling_gates": [{"name": "a.b/c"}]}).status.conditions
    assert (told.type, told.status, told.reason) == ("PodScheduled", "False", "SchedulingGated")
    assert told.last_transition_time.seconds == 1
    assert not created("Pod").status.conditions


def test_pod_starts_pending_with_its_class() -> None:
    changes = {"status": {"phase": "Running", "pod_ip": "10.0.0.1"}}
    status = created("Pod", changes).status
    assert (status.phase, status.qos_class, status.pod_ip) == ("Pending", "BestEffort", "")


@pytest.mark.parametrize(
    "kind",
    [
        "DaemonSet",
        "Deployment",
        "HorizontalPodAutoscaler",
        "Job",
        "PersistentVolumeClaim",
        "PodDisruptionBudget",
        "ReplicaSet",
        "ReplicationController",
        "Service",
        "StatefulSet",
    ],
)
def test_status_of_a_request_is_not_stored(kind: str) -> None:
    given = {"conditions": [{"type": "Available"}]}
    assert not created(kind, {"status": given}).status.conditions


def test_node_keeps_the_status_that_it_registers_with() -> None:
    node = created("Node", {"status.capacity": {"cpu": amount("4")}})
    assert node.status.capacity["cpu"].string == "4"


def test_namespace_starts_active_with_its_finalizer() -> None:
    namespace = created("Namespace")
    assert namespace.status.phase == "Active"
    assert list(namespace.spec.finalizers) == ["kubernetes"]


COUNTED = (
    "CSIDriver",
    "CronJob",
    "CustomResourceDefinition",
    "DaemonSet",
    "Deployment",
    "EndpointSlice",
    "FlowSchema",
    "Ingress",
    "IngressClass",
    "Job",
    "MutatingWebhookConfiguration",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "PodTemplate",
    "PriorityClass",
    "PriorityLevelConfiguration",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
)


@pytest.mark.parametrize("kind", BASES)
def test_generation_counts_only_where_controllers_observe_it(kind: str) -> None:
    counted = kind in COUNTED
    assert created(kind).metadata.generation == (1 if counted else 0)


@pytest.mark.parametrize(
    ("kind", "changes", "generation"),
    [
        ("Deployment", {}, 1),
        ("Deployment", {"spec.replicas": 3}, 2),
        ("Deployment", {"metadata.annotations": {"a": "b"}}, 2),
        ("Deployment", {"metadata.labels": {"a": "b"}}, 1),
        ("Deployment", {"status.replicas": 3}, 1),
        ("Deployment", {"metadata.generation": 9}, 1),
        ("ReplicaSet", {"spec.replicas": 3}, 2),
        ("ReplicaSet", {"metadata.annotations": {"a": "b"}}, 1),
        ("EndpointSlice", {"endpoints": []}, 2),
        ("EndpointSlice", {"metadata.labels": {"a": "b"}}, 2),
        ("EndpointSlice", {"metadata.annotations": {"a": "b"}}, 1),
        ("Pod", {"spec.containers[0].image": "b"}, 0),
        ("ReplicationController", {"spec.replicas": 3}, 2),
        ("PodTemplate", {"template.spec.hostname": "h"}, 2),
        ("PodTemplate", {"metadata.labels": {"a": "b"}}, 1),
        ("StatefulSet", {"spec.replicas": 3}, 2),
        ("StatefulSet", {"metadata.annotations": {"a": "b"}}, 1),
        ("DaemonSet", {"spec.min_ready_seconds": 3}, 2),
        ("DaemonSet", {"status.number_ready": 3}, 1),
        ("Job", {"spec.suspend": True}, 2),
        ("CronJob", {"spec.suspend": True}, 2),
        ("PodDisruptionBudget", {"spec.min_available": {"int_val": 2}}, 2),
        ("HorizontalPodAutoscaler", {"spec.max_replicas": 9}, 0),
        ("PersistentVolumeClaim", {"spec.volume_name": "disk"}, 0),
    ],
)
def test_generation_grows_with_what_is_desired(
    kind: str, changes: dict[str, Any], generation: int
) -> None:
    assert updated(kind, created(kind), changes).metadata.generation == generation


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("Pod", {"phase": "Failed"}),
        ("Deployment", {"replicas": 9}),
        ("ReplicaSet", {"replicas": 9}),
        ("Node", {"phase": "Running"}),
        ("Service", {"conditions": [{"type": "A"}]}),
        ("Namespace", {"phase": "Terminating"}),
        ("ReplicationController", {"replicas": 9}),
        ("StatefulSet", {"replicas": 9}),
        ("DaemonSet", {"number_ready": 9}),
        ("Job", {"active": 9}),
        ("CronJob", {"last_schedule_time": {"seconds": 9}}),
        ("HorizontalPodAutoscaler", {"current_replicas": 9}),
        ("PodDisruptionBudget", {"expected_pods": 9}),
        ("PersistentVolume", {"reason": "gone"}),
        ("PersistentVolumeClaim", {"phase": "Bound"}),
        ("ResourceQuota", {"used": {"pods": amount("9")}}),
        ("Ingress", {"load_balancer": {"ingress": [{"ip": "10.0.0.9"}]}}),
    ],
)
def test_update_keeps_the_status_and_a_status_update_the_rest(
    kind: str, status: dict[str, Any]
) -> None:
    old = created(kind)
    changes = {"status": status, "metadata.labels": {"new": "label"}}
    assert updated(kind, old, changes).status == old.status
    reported = updated(kind, old, changes, "status")
    assert reported.status != old.status
    assert reported.spec == old.spec
    assert ("new" in reported.metadata.labels) is (kind != "Deployment")


def test_status_update_keeps_the_preconditions_of_the_request() -> None:
    old = created("Pod")
    old.metadata.uid, old.metadata.resource_version = "1", "10"
    new = updated("Pod", old, {"metadata.uid": "2", "metadata.resource_version": "9"}, "status")
    assert (new.metadata.uid, new.metadata.resource_version) == ("2", "9")


def test_scale_changes_replicas_alone() -> None:
    old = created("Deployment")
    new = updated("Deployment", old, {"spec.replicas": 5, "spec.paused": True}, "scale")
    assert (new.spec.replicas, new.spec.paused) == (5, False)
    assert new.metadata.generation == 2


def test_only_finalize_changes_the_finalizers_of_a_namespace() -> None:
    old = created("Namespace")
    assert list(updated("Namespace", old).spec.finalizers) == ["kubernetes"]
    assert list(updated("Namespace", old, subresource="finalize").spec.finalizers) == []


def test_update_cannot_revive_or_redate() -> None:
    old = created("Pod")
    old.metadata.uid = "1"
    old.metadata.creation_timestamp.seconds = 100
    mark_deleted(old, 200, 30)
    new = updated("Pod", old, {"metadata.creation_timestamp.seconds": 5})
    assert new.metadata.uid == "1"
    assert new.metadata.creation_timestamp.seconds == 100
    assert new.metadata.deletion_timestamp.seconds == 230
    assert new.metadata.deletion_grace_period_seconds == 30


def test_deletion_counts_as_a_new_desire_once() -> None:
    deployment = created("Deployment")
    mark_deleted(deployment, 100, 30)
    mark_deleted(deployment, 110, 5)
    assert deployment.metadata.generation == 2


def test_grace_is_shortened_never_lengthened() -> None:
    pod = created("Pod")
    mark_deleted(pod, 100, 30)
    mark_deleted(pod, 105, 60)
    assert pod.metadata.deletion_timestamp.seconds == 130
    mark_deleted(pod, 110, 0)
    assert pod.metadata.deletion_timestamp.seconds == 110
    assert pod.metadata.deletion_grace_period_seconds == 0


def test_applied_manifest_keeps_what_was_allocated() -> None:
    old = created("Service", {"spec.type": "NodePort", "spec.ports[0].node_port": 30_001})
    old.spec.cluster_ip = "10.96.0.7"
    old.spec.cluster_ips.append("10.96.0.7")
    new = updated("Service", old, {"spec.type": "NodePort", "spec.ports[0].port": 81})
    assert (new.spec.cluster_ip, list(new.spec.cluster_ips)) == ("10.96.0.7", ["10.96.0.7"])
    assert new.spec.ports[0].node_port == 30_001


def test_node_port_follows_the_name_of_its_port_and_is_not_used_twice() -> None:
    ports = [{"name": "a", "port": 1, "node_port": 30_001}]
    old = created("Service", {"spec.type": "NodePort", "spec.ports": ports})
    moved = [{"name": "b", "port": 2, "node_port": 30_001}, {"name": "a", "port": 1}]
    new = updated("Service", old, {"spec.type": "NodePort", "spec.ports": moved})
    assert [port.node_port for port in new.spec.ports] == [30_001, 0]


def test_type_without_address_gives_it_back() -> None:
    old = created("Service", {"spec.cluster_ip": "10.96.0.7", "spec.ip_families": ["IPv4"]})
    old.spec.cluster_ips.append("10.96.0.7")
    new = updated("Service", old, {"spec.type": "ExternalName", "spec.external_name": "a.b"})
    assert (new.spec.cluster_ip, list(new.spec.cluster_ips)) == ("", [])
    assert not new.spec.ip_families
    assert not new.spec.HasField("internal_traffic_policy")


def test_service_that_is_balanced_no_more_gives_everything_back() -> None:
    balanced = {"spec.type": "LoadBalancer", "spec.external_traffic_policy": "Local"}
    port = {"spec.health_check_node_port": 30_007, "spec.ports[0].node_port": 30_001}
    old = created("Service", {**balanced, **port})
    old.status.load_balancer.ingress.add(ip="1.2.3.4")
    new = updated("Service", old, {**port, "spec.external_traffic_policy": "Local"})
    assert new.spec.health_check_node_port == 0
    assert new.spec.ports[0].node_port == 0
    assert new.spec.external_traffic_policy == ""
    assert not new.status.load_balancer.ingress


AMOUNTS = {"cpu": amount("1"), "memory": amount("1Gi")}
EQUAL = {"limits": AMOUNTS, "requests": {"cpu": amount("1000m"), "memory": amount("1024Mi")}}


@pytest.mark.parametrize(
    ("resources", "init", "expected"),
    [
        ({}, {}, "BestEffort"),
        ({"requests": {"cpu": amount("0")}}, {}, "BestEffort"),
        ({"requests": {"example.com/gpu": amount("1")}}, {}, "BestEffort"),
        ({"requests": {"cpu": amount("1")}}, {}, "Burstable"),
        (EQUAL, {}, "Burstable"),
        (EQUAL, EQUAL, "Guaranteed"),
        ({"limits": AMOUNTS, "requests": {"cpu": amount("1")}}, EQUAL, "Burstable"),
        ({**EQUAL, "requests": {"cpu": amount("1"), "memory": amount("1Mi")}}, EQUAL, "Burstable"),
    ],
)
def test_class_follows_requests_and_limits(
    resources: dict[str, Any], init: dict[str, Any], expected: str
) -> None:
    pod: Pod = build(
        "Pod",
        {
            "spec.containers[0].resources": resources,
            "spec.init_containers[0].resources": init,
        },
    )
    assert qos_class(pod.spec) == expected


def test_pods_may_have_all_of_an_extended_resource_that_a_node_declares() -> None:
    node = created("Node")
    node.status.allocatable["cpu"].string = "4"
    patched = Node()
    patched.CopyFrom(node)
    patched.status.capacity["example.com/dongle"].string = "4"
    patched.status.capacity["memory"].string = "1Gi"
    prepare_update(patched, node, "status")
    allocatable = {name: q.string for name, q in patched.status.allocatable.items()}
    assert allocatable == {"cpu": "4", "example.com/dongle": "4"}
    gone = Node()
    gone.CopyFrom(patched)
    del gone.status.capacity["example.com/dongle"]
    prepare_update(gone, patched, "status")
    assert set(gone.status.allocatable) == {"cpu"}


def test_label_keys_of_an_affinity_are_the_pods_own_labels() -> None:
    term = {
        "topology_key": "zone",
        "label_selector": {"match_labels": {"app": "web"}},
        "match_label_keys": ["hash", "absent"],
        "mismatch_label_keys": ["tenant"],
    }
    rules = {"required_during_scheduling_ignored_during_execution": [term]}
    pod = created(
        "Pod",
        {
            "metadata.labels": {"hash": "1", "tenant": "a"},
            "spec.affinity.pod_anti_affinity": rules,
        },
    )
    (made,) = (
        pod.spec.affinity.pod_anti_affinity.required_during_scheduling_ignored_during_execution
    )
    said = [(e.key, e.operator, list(e.values)) for e in made.label_selector.match_expressions]
    assert said == [("hash", "In", ["1"]), ("tenant", "NotIn", ["a"])]
