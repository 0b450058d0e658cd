"""What is filled in of workloads beside deployments, of jobs, storage, bounds and autoscalers."""

from __future__ import annotations

from typing import Any

import pytest

from master.admission.defaulting import apply_defaults
from tests.master.admission.manifests import amount, build, number


def defaulted(kind: str, changes: dict[str, Any] | None = None) -> Any:
    obj = build(kind, changes)
    apply_defaults(obj)
    return obj


def texts(amounts: Any) -> dict[str, str]:
    return {name: quantity.string for name, quantity in amounts.items()}


TEMPLATES = {
    "CronJob": "spec.job_template.spec.template",
    "DaemonSet": "spec.template",
    "Job": "spec.template",
    "PodTemplate": "template",
    "ReplicationController": "spec.template",
    "StatefulSet": "spec.template",
}


@pytest.mark.parametrize(("kind", "path"), TEMPLATES.items(), ids=TEMPLATES)
def test_template_gets_what_every_pod_spec_gets(kind: str, path: str) -> None:
    template = defaulted(kind)
    for name in path.split("."):
        template = getattr(template, name)
    assert template.spec.dns_policy == "ClusterFirst"
    assert template.spec.containers[0].image_pull_policy == "IfNotPresent"
    assert not template.spec.HasField("priority")


def test_controller_takes_selector_and_labels_from_its_template() -> None:
    controller = defaulted("ReplicationController")
    assert controller.spec.replicas == 1
    assert dict(controller.spec.selector) == {"app": "web"}
    assert dict(controller.metadata.labels) == {"app": "web"}
    own = {"spec.selector": {"a": "b"}, "metadata.labels": {"c": "d"}}
    controller = defaulted("ReplicationController", own)
    assert dict(controller.spec.selector) == {"a": "b"}
    assert dict(controller.metadata.labels) == {"c": "d"}


def test_stateful_set_goes_one_pod_after_another_and_keeps_its_claims() -> None:
    spec = defaulted("StatefulSet").spec
    assert (spec.replicas, spec.revision_history_limit) == (1, 10)
    assert spec.pod_management_policy == "OrderedReady"
    assert spec.update_strategy.type == "RollingUpdate"
    assert spec.update_strategy.rolling_update.HasField("partition")
    retention = spec.persistent_volume_claim_retention_policy
    assert (retention.when_deleted, retention.when_scaled) == ("Retain", "Retain")
    claim = spec.volume_claim_templates[0]
    assert (claim.spec.volume_mode, claim.status.phase) == ("Filesystem", "Pending")


def test_stateful_set_on_delete_does_not_roll() -> None:
    strategy = defaulted("StatefulSet", {"spec.update_strategy.type": "OnDelete"}).spec
    assert not strategy.update_strategy.HasField("rolling_update")


def test_daemon_set_rolls_one_node_at_a_time() -> None:
    spec = defaulted("DaemonSet").spec
    rolling = spec.update_strategy.rolling_update
    assert (rolling.max_unavailable.int_val, rolling.max_surge.int_val) == (1, 0)
    assert rolling.HasField("max_surge")
    assert spec.revision_history_limit == 10
    on_delete = defaulted("DaemonSet", {"spec.update_strategy.type": "OnDelete"}).spec
    assert not on_delete.update_strategy.HasField("rolling_update")


def test_job_runs_one_pod_once() -> None:
    job = defaulted("Job", {"spec.manual_selector": None})
    spec = job.spec
    assert (spec.completions, spec.parallelism, spec.backoff_limit) == (1, 1, 6)
    assert (spec.completion_mode, spec.pod_replacement_policy) == (
        "NonIndexed",
        "TerminatingOrFailed",
    )
    assert spec.HasField("suspend")
    assert spec.HasField("manual_selector")
    assert dict(job.metadata.labels) == {"app": "web"}


@pytest.mark.parametrize(
    ("changes", "completions", "parallelism"),
    [
        ({"spec.completions": 5}, 5, 1),
        ({"spec.parallelism": 3}, None, 3),
        ({"spec.completions": 0}, 0, 1),
    ],
    ids=["completions", "parallelism", "none"],
)
def test_work_queue_has_no_completions(
    changes: dict[str, Any], completions: int | None, parallelism: int
) -> None:
    spec = defaulted("Job", changes).spec
    assert (spec.completions if spec.HasField("completions") else None) == completions
    assert spec.parallelism == parallelism


def test_index_that_is_limited_alone_frees_the_whole() -> None:
    assert defaulted("Job", {"spec.backoff_limit_per_index": 1}).spec.backoff_limit == 2**31 - 1


def test_job_with_a_failure_policy_replaces_what_has_failed() -> None:
    rules = [{"action": "Ignore", "on_pod_conditions": [{"type": "DisruptionTarget"}]}]
    spec = defaulted("Job", {"spec.pod_failure_policy.rules": rules}).spec
    assert spec.pod_replacement_policy == "Failed"
    assert spec.pod_failure_policy.rules[0].on_pod_conditions[0].status == "True"


def test_cron_job_keeps_a_few_jobs_and_leaves_theirs_open() -> None:
    spec = defaulted("CronJob").spec
    assert (spec.concurrency_policy, spec.HasField("suspend")) == ("Allow", True)
    assert (spec.successful_jobs_history_limit, spec.failed_jobs_history_limit) == (3, 1)
    assert not spec.job_template.spec.HasField("backoff_limit")


def test_autoscaler_follows_the_processor() -> None:
    spec = defaulted("HorizontalPodAutoscaler").spec
    assert spec.min_replicas == 1
    metric = spec.metrics[0]
    assert (metric.type, metric.resource.name) == ("Resource", "cpu")
    target = metric.resource.target
    assert (target.type, target.average_utilization) == ("Utilization", 80)
    assert not spec.HasField("behavior")


def test_behavior_of_one_direction_is_completed_in_both() -> None:
    changes = {"spec.behavior.scale_up": {"policies": [], "stabilization_window_seconds": 9}}
    behavior = defaulted("HorizontalPodAutoscaler", changes).spec.behavior
    up, down = behavior.scale_up, behavior.scale_down
    assert (up.select_policy, up.stabilization_window_seconds) == ("Max", 9)
    assert [(it.type, it.value, it.period_seconds) for it in up.policies] == [
        ("Pods", 4, 15),
        ("Percent", 100, 15),
    ]
    assert (down.select_policy, down.HasField("stabilization_window_seconds")) == ("Max", False)
    assert [(it.type, it.value, it.period_seconds) for it in down.policies] == [
        ("Percent", 100, 15)
    ]


def test_volume_is_kept_and_mounted_as_a_file_system() -> None:
    volume = defaulted("PersistentVolume", {"spec.capacity.storage": amount("0.1m")})
    assert volume.spec.persistent_volume_reclaim_policy == "Retain"
    assert (volume.spec.volume_mode, volume.status.phase) == ("Filesystem", "Pending")
    assert volume.spec.persistent_volume_source.host_path.HasField("type")
    assert texts(volume.spec.capacity) == {"storage": "1m"}


@pytest.mark.parametrize(
    ("source", "field", "value"),
    [
        ({"iscsi": {}}, "iscsi_interface", "default"),
        ({"rbd": {}}, "pool", "rbd"),
        ({"scale_io": {}}, "fs_type", "xfs"),
        ({"azure_disk": {}}, "caching_mode", "ReadWrite"),
    ],
    ids=["iscsi", "rbd", "scaleIO", "azureDisk"],
)
def test_source_of_a_volume_gets_its_defaults(
    source: dict[str, Any], field: str, value: str
) -> None:
    volume = defaulted("PersistentVolume", {"spec.persistent_volume_source": source})
    (_, given) = volume.spec.persistent_volume_source.ListFields()[0]
    assert getattr(given, field) == value


def test_claim_waits_for_a_file_system() -> None:
    claim = defaulted("PersistentVolumeClaim")
    assert (claim.spec.volume_mode, claim.status.phase) == ("Filesystem", "Pending")
    assert not claim.spec.HasField("storage_class_name")


def test_container_gets_what_its_bounds_allow() -> None:
    limit = {
        "type": "Container",
        "max": {"cpu": amount("2"), "memory": amount("1Gi")},
        "min": {"cpu": amount("100m"), "ephemeral-storage": amount("1Mi")},
        "default": {"cpu": amount("1")},
    }
    found = defaulted("LimitRange", {"spec.limits[0]": limit}).spec.limits[0]
    assert texts(found.default) == {"cpu": "1", "memory": "1Gi"}
    assert texts(found.default_request) == {
        "cpu": "1",
        "ephemeral-storage": "1Mi",
        "memory": "1Gi",
    }


def test_bounds_of_pods_and_claims_are_no_defaults() -> None:
    limit = {"type": "Pod", "max": {"cpu": amount("2")}}
    assert not defaulted("LimitRange", {"spec.limits[0]": limit}).spec.limits[0].default


def test_quota_counts_thousandths() -> None:
    quota = defaulted("ResourceQuota", {"spec.hard": {"cpu": amount("0.0001")}})
    assert texts(quota.spec.hard) == {"cpu": "1m"}


def test_port_of_endpoints_gets_a_protocol() -> None:
    assert defaulted("Endpoints").subsets[0].ports[0].protocol == "TCP"


def test_share_that_is_given_stands() -> None:
    rolling = {"max_unavailable": number(0), "max_surge": number(2)}
    strategy = defaulted("DaemonSet", {"spec.update_strategy.rolling_update": rolling}).spec
    assert strategy.update_strategy.rolling_update.max_unavailable.int_val == 0


@pytest.mark.parametrize(
    ("changes", "types"),
    [
        ({"spec.egress": []}, ["Ingress"]),
        ({}, ["Ingress", "Egress"]),
        ({"spec.policy_types": ["Egress"]}, ["Egress"]),
    ],
    ids=["in", "out", "given"],
)
def test_policy_restricts_what_it_has_rules_for(changes: dict[str, Any], types: list[str]) -> None:
    spec = defaulted("NetworkPolicy", changes).spec
    assert list(spec.policy_types) == types
    assert spec.ingress[0].ports[0].protocol == "TCP"


def test_parameters_of_a_class_belong_to_the_cluster() -> None:
    changes = {"spec.parameters": {"kind": "Config", "name": "c"}}
    assert defaulted("IngressClass", changes).spec.parameters.scope == "Cluster"
    assert not defaulted("IngressClass").spec.HasField("parameters")
