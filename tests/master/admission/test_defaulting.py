"""What is filled in, and what is left as its author wrote it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from master.admission.defaulting import apply_defaults
from master.admission.defaults.container import pull_policy
from protos.core_v1_pb2 import Pod, Secret, Service
from tests.master.admission.manifests import BASES, amount, build, number
from tests.master.admission.messages import objects


def defaulted(kind: str, changes: dict[str, Any] | None = None) -> Any:
    obj = build(kind, changes)
    apply_defaults(obj)
    return obj


def test_pod_gets_every_default() -> None:
    spec = defaulted("Pod").spec
    assert spec.restart_policy == "Always"
    assert spec.dns_policy == "ClusterFirst"
    assert spec.termination_grace_period_seconds == 30
    assert spec.HasField("security_context")
    assert spec.scheduler_name == "default-scheduler"
    assert spec.enable_service_links is True
    assert (spec.service_account_name, spec.service_account) == ("default", "default")


def test_container_gets_every_default() -> None:
    container = defaulted("Pod").spec.containers[0]
    assert container.image_pull_policy == "IfNotPresent"
    assert container.termination_message_path == "/dev/termination-log"
    assert container.termination_message_policy == "File"
    assert container.ports[0].protocol == "TCP"


def test_pod_is_evicted_from_a_lost_node_after_five_minutes() -> None:
    tolerations = defaulted("Pod").spec.tolerations
    assert [(it.key, it.operator, it.effect, it.toleration_seconds) for it in tolerations] == [
        ("node.kubernetes.io/not-ready", "Exists", "NoExecute", 300),
        ("node.kubernetes.io/unreachable", "Exists", "NoExecute", 300),
    ]


@pytest.mark.parametrize(
    ("toleration", "added"),
    [
        ({"operator": "Exists"}, []),
        ({"operator": "Exists", "effect": "NoExecute"}, []),
        ({"operator": "Exists", "effect": "NoSchedule"}, ["not-ready", "unreachable"]),
        ({"key": "node.kubernetes.io/not-ready", "toleration_seconds": 5}, ["unreachable"]),
        ({"key": "a"}, ["not-ready", "unreachable"]),
    ],
)
def test_toleration_of_ones_own_stands(toleration: dict[str, Any], added: list[str]) -> None:
    tolerations = defaulted("Pod", {"spec.tolerations": [toleration]}).spec.tolerations
    assert [it.key.partition("/")[2] for it in tolerations[1:]] == added


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.25", "IfNotPresent"),
        ("example.com:5000/a/b", "Always"),
        ("example.com:5000/a/b:v1", "IfNotPresent"),
        (f"nginx@sha256:{'a' * 64}", "IfNotPresent"),
        (f"nginx:latest@sha256:{'a' * 64}", "Always"),
        ("localhost/web:latest", "Always"),
        ("Upper/Case", "IfNotPresent"),
        ("", "IfNotPresent"),
    ],
)
def test_pull_policy_follows_the_tag(image: str, policy: str) -> None:
    assert pull_policy(image) == policy


def test_requests_follow_limits_in_pods_only() -> None:
    limits = {"limits": {"cpu": amount("1"), "memory": amount("1Gi")}}
    both = {**limits, "requests": {"cpu": amount("500m")}}
    requests = defaulted("Pod", {"spec.containers[0].resources": both}).spec.containers[0]
    assert requests.resources.requests["cpu"].string == "500m"
    assert requests.resources.requests["memory"].string == "1Gi"
    template = defaulted("Deployment", {"spec.template.spec.containers[0].resources": limits})
    assert not template.spec.template.spec.containers[0].resources.requests


def test_template_keeps_what_only_a_pod_gets() -> None:
    spec = defaulted("Deployment").spec.template.spec
    assert spec.restart_policy == "Always"
    assert not spec.HasField("enable_service_links")
    assert not spec.HasField("priority")
    assert not spec.tolerations
    assert not spec.service_account_name


def test_amounts_are_rounded_up_to_thousandths() -> None:
    amounts = {"limits": {"cpu": amount("0.0001"), "memory": amount("1Gi")}}
    limits = defaulted("Pod", {"spec.containers[0].resources": amounts}).spec.containers[0]
    assert limits.resources.limits["cpu"].string == "1m"
    assert limits.resources.limits["memory"].string == "1Gi"


def test_host_network_pod_takes_its_ports_from_the_host() -> None:
    pod = defaulted("Pod", {"spec.host_network": True})
    assert pod.spec.containers[0].ports[0].host_port == 80
    template = defaulted("Deployment", {"spec.template.spec.host_network": True})
    assert template.spec.template.spec.containers[0].ports[0].host_port == 0


@pytest.mark.parametrize("field", ["service_account_name", "service_account"])
def test_either_name_of_the_account_sets_the_other(field: str) -> None:
    spec = defaulted("Pod", {f"spec.{field}": "robot"}).spec
    assert (spec.service_account_name, spec.service_account) == ("robot", "robot")


@pytest.mark.parametrize("probe", ["liveness_probe", "readiness_probe", "startup_probe"])
def test_probe_gets_numbers_path_and_scheme(probe: str) -> None:
    http = {"probe_handler": {"http_get": {"port": number(80)}}}
    result = getattr(
        defaulted("Pod", {f"spec.containers[0].{probe}": http}).spec.containers[0], probe
    )
    action = result.probe_handler.http_get
    assert (action.path, action.scheme) == ("/", "HTTP")
    assert (result.timeout_seconds, result.period_seconds) == (1, 10)
    assert (result.success_threshold, result.failure_threshold) == (1, 3)


def test_hook_gets_path_and_scheme() -> None:
    hook = {"pre_stop": {"http_get": {"port": number(80)}}}
    container = defaulted("Pod", {"spec.containers[0].lifecycle": hook}).spec.containers[0]
    assert container.lifecycle.pre_stop.http_get.scheme == "HTTP"


@pytest.mark.parametrize(
    ("source", "field", "value"),
    [
        ({"secret": {"secret_name": "s"}}, "secret.default_mode", 0o644),
        ({"config_map": {}}, "config_map.default_mode", 0o644),
        ({"downward_api": {}}, "downward_api.default_mode", 0o644),
        ({"projected": {}}, "projected.default_mode", 0o644),
        ({"host_path": {"path": "/"}}, "host_path.type", ""),
        ({"iscsi": {}}, "iscsi.iscsi_interface", "default"),
        ({"rbd": {}}, "rbd.keyring", "/etc/ceph/keyring"),
        ({"azure_disk": {}}, "azure_disk.kind", "Shared"),
        ({"scale_io": {}}, "scale_io.storage_mode", "ThinProvisioned"),
        ({"image": {"reference": "a"}}, "image.pull_policy", "Always"),
    ],
)
def test_volume_source_gets_its_defaults(source: dict[str, Any], field: str, value: Any) -> None:
    pod = defaulted("Pod", {"spec.volumes[0].volume_source": source})
    name, option = field.split(".")
    result = getattr(pod.spec.volumes[0].volume_source, name)
    assert any(set_field.name == option for set_field, _ in result.ListFields())
    assert getattr(result, option) == value


def test_volume_without_source_is_an_empty_directory() -> None:
    pod = defaulted("Pod", {"spec.volumes[1]": {"name": "scratch"}})
    assert pod.spec.volumes[1].volume_source.HasField("empty_dir")


def test_field_references_name_the_version() -> None:
    reference = {"field_ref": {"field_path": "metadata.name"}}
    pod = defaulted(
        "Pod",
        {
            "spec.containers[0].env": [{"name": "A", "value_from": reference}],
            "spec.volumes[0].volume_source": {
                "projected": {"sources": [{"downward_api": {"items": [reference]}}]}
            },
        },
    )
    assert pod.spec.containers[0].env[0].value_from.field_ref.api_version == "v1"
    projection = pod.spec.volumes[0].volume_source.projected.sources[0].downward_api
    assert projection.items[0].field_ref.api_version == "v1"


def test_deployment_rolls_by_quarters() -> None:
    spec = defaulted("Deployment").spec
    assert (spec.replicas, spec.revision_history_limit) == (1, 10)
    assert spec.progress_deadline_seconds == 600
    assert spec.strategy.type == "RollingUpdate"
    rolling = spec.strategy.rolling_update
    assert (rolling.max_surge.type, rolling.max_surge.str_val) == (1, "25%")
    assert (rolling.max_unavailable.type, rolling.max_unavailable.str_val) == (1, "25%")


def test_recreating_deployment_does_not_roll() -> None:
    spec = defaulted("Deployment", {"spec.strategy.type": "Recreate"}).spec
    assert not spec.strategy.HasField("rolling_update")


def test_zero_replicas_are_kept() -> None:
    assert defaulted("Deployment", {"spec.replicas": 0}).spec.replicas == 0
    assert defaulted("ReplicaSet", {"spec.replicas": 0}).spec.replicas == 0
    assert defaulted("ReplicaSet").spec.replicas == 1


def test_service_gets_every_default() -> None:
    spec = defaulted("Service").spec
    assert (spec.type, spec.session_affinity) == ("ClusterIP", "None")
    assert spec.internal_traffic_policy == "Cluster"
    assert spec.external_traffic_policy == ""
    assert (spec.ports[0].protocol, spec.ports[0].target_port.int_val) == ("TCP", 80)


@pytest.mark.parametrize("changes", [{"spec.type": "NodePort"}, {"spec.external_ips": ["1.2.3.4"]}])
def test_reachable_service_has_an_external_policy(changes: dict[str, Any]) -> None:
    assert defaulted("Service", changes).spec.external_traffic_policy == "Cluster"


def test_balanced_service_gets_node_ports() -> None:
    spec = defaulted("Service", {"spec.type": "LoadBalancer"}).spec
    assert spec.allocate_load_balancer_node_ports is True


def test_sticky_service_forgets_after_three_hours() -> None:
    spec = defaulted("Service", {"spec.session_affinity": "ClientIP"}).spec
    assert spec.session_affinity_config.client_ip.timeout_seconds == 10_800


def test_external_name_has_no_policies() -> None:
    service = Service()
    service.spec.type = "ExternalName"
    apply_defaults(service)
    assert not service.spec.HasField("internal_traffic_policy")


def test_text_of_a_secret_joins_its_data_and_is_not_kept() -> None:
    secret = Secret(data={"a": b"old", "b": b"kept"}, string_data={"a": "né"})
    apply_defaults(secret)
    assert dict(secret.data) == {"a": "né".encode(), "b": b"kept"}
    assert not secret.string_data
    assert secret.type == "Opaque"


def test_namespace_carries_its_name_as_label() -> None:
    namespace = defaulted("Namespace", {"metadata.labels": {"a": "b"}})
    assert dict(namespace.metadata.labels) == {"a": "b", "kubernetes.io/metadata.name": "team"}


def test_node_without_reservations_allocates_its_capacity() -> None:
    node = defaulted("Node", {"status.capacity": {"cpu": amount("4")}})
    assert node.status.allocatable["cpu"].string == "4"


def test_endpoint_port_gets_name_and_protocol() -> None:
    port = defaulted("EndpointSlice").ports[0]
    assert port.HasField("name")
    assert (port.name, port.protocol) == ("", "TCP")


@pytest.mark.parametrize("kind", BASES)
def test_defaulting_twice_changes_nothing(kind: str) -> None:
    once = defaulted(kind)
    twice = type(once)()
    twice.CopyFrom(once)
    apply_defaults(twice)
    assert twice == once


@given(objects())
@settings(max_examples=300, deadline=None)
def test_defaulting_any_message_twice_changes_nothing(obj: Any) -> None:
    apply_defaults(obj)
    once = type(obj)()
    once.CopyFrom(obj)
    apply_defaults(obj)
    assert obj == once


def test_pod_of_nothing_can_be_completed() -> None:
    pod = Pod()
    apply_defaults(pod)
    assert pod.spec.restart_policy == "Always"
