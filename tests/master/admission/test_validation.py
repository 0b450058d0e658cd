"""What is refused, and with which words; what is not refused."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest

from master.admission.defaulting import apply_defaults
from master.admission.faults import invalid_object
from master.admission.strategy import prepare_create, prepare_update
from master.admission.validation import validate_create, validate_update
from tests.master.admission.corpus import (
    bounds,
    classes,
    containers,
    corners,
    definitions,
    flows,
    hooks,
    jobs,
    metadata,
    networking,
    others,
    pods,
    requests,
    roles,
    statuses,
    storage,
    updates,
    valid,
    workloads,
)
from tests.master.admission.corpus.case import Broken, BrokenUpdate
from tests.master.admission.manifests import BASES, build

USUAL = {
    **(valid.VALID | classes.VALID | roles.VALID | requests.VALID),
    **(hooks.VALID | definitions.VALID | flows.VALID),
}
USUAL_UPDATES = {
    **valid.VALID_UPDATES,
    **classes.VALID_UPDATES,
    **roles.VALID_UPDATES,
    **requests.VALID_UPDATES,
    **definitions.VALID_UPDATES,
}
CREATES = [
    *chain(metadata.CASES, containers.CASES, pods.CASES, corners.CASES, others.CASES),
    *chain(workloads.CASES, jobs.CASES, storage.CASES, bounds.CASES, networking.CASES),
    *chain(classes.CASES, roles.CASES, requests.CASES, flows.CASES),
    *chain(hooks.CASES, definitions.CASES),
]


def created(kind: str, changes: dict[str, Any]) -> Any:
    """The object as it goes into validation."""
    obj = build(kind, changes)
    apply_defaults(obj)
    prepare_create(obj, "uid", 1)
    return obj


def stored(kind: str, changes: dict[str, Any]) -> Any:
    """The object as the store has it, the fields that only the server sets included."""
    obj = created(kind, changes)
    given = build(kind, changes).metadata
    obj.metadata.uid = given.uid or "uid"
    if given.HasField("deletion_timestamp"):
        obj.metadata.deletion_timestamp.CopyFrom(given.deletion_timestamp)
    if "status" in changes:
        obj.status.MergeFrom(build(kind, changes).status)
    return obj


def replacement(kind: str, changes: dict[str, Any], old: Any, subresource: str = "") -> Any:
    """The object of an update as it goes into validation."""
    new = build(kind, changes)
    apply_defaults(new)
    prepare_update(new, old, subresource)
    return new


@pytest.mark.parametrize("case", CREATES, ids=lambda case: f"{case.kind}: {case.id}")
def test_broken_object_is_refused_with_field_and_rule(case: Broken) -> None:
    causes = validate_create(created(case.kind, case.changes))
    assert [(cause.field, cause.reason) for cause in causes] == [(case.field, case.reason)]
    assert case.says in causes[0].message


UPDATES = [
    *chain(updates.CASES, statuses.CASES, workloads.UPDATES, jobs.UPDATES),
    *chain(storage.UPDATES, bounds.UPDATES, networking.UPDATES),
    *chain(classes.UPDATES, roles.UPDATES, requests.UPDATES),
    *chain(hooks.UPDATES, definitions.UPDATES),
]


@pytest.mark.parametrize("case", UPDATES, ids=lambda case: f"{case.kind}: {case.id}")
def test_broken_update_is_refused_with_field_and_rule(case: BrokenUpdate) -> None:
    old = stored(case.kind, case.before)
    new = replacement(case.kind, case.after, old, case.subresource)
    causes = validate_update(new, old, case.subresource)
    assert (case.field, case.reason) in [(cause.field, cause.reason) for cause in causes]
    assert any(case.says in cause.message for cause in causes if cause.field == case.field)


@pytest.mark.parametrize("kind", BASES)
def test_plain_object_of_each_kind_is_valid(kind: str) -> None:
    assert validate_create(created(kind, {})) == []


@pytest.mark.parametrize(("kind", "changes"), USUAL.values(), ids=USUAL)
def test_unusual_object_is_valid(kind: str, changes: dict[str, Any]) -> None:
    assert validate_create(created(kind, changes)) == []


@pytest.mark.parametrize(("kind", "before", "after"), USUAL_UPDATES.values(), ids=USUAL_UPDATES)
def test_permitted_update_is_valid(
    kind: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    old = stored(kind, before)
    assert validate_update(replacement(kind, after, old), old) == []


@pytest.mark.parametrize("kind", BASES)
def test_update_that_changes_nothing_is_valid(kind: str) -> None:
    old = stored(kind, {})
    assert validate_update(replacement(kind, {}, old), old) == []


def test_error_of_one_fault_names_kind_name_field_value_and_rule() -> None:
    pod = created("Pod", {"spec.restart_policy": "Foo"})
    error = invalid_object(pod, validate_create(pod))
    assert error.message == (
        'Pod "web" is invalid: spec.restartPolicy: Unsupported value: "Foo": '
        'supported values: "Always", "Never", "OnFailure"'
    )
    assert (error.resource, error.name, len(error.causes)) == ("pods", "web", 1)


def test_error_of_several_faults_lists_them_in_brackets() -> None:
    changes = {"spec.replicas": -1, "spec.strategy.type": ""}
    deployment = created("Deployment", {**changes, "spec.template.spec.containers": []})
    error = invalid_object(deployment, validate_create(deployment))
    assert error.message == (
        'Deployment.apps "web" is invalid: [spec.replicas: Invalid value: -1: must be greater '
        "than or equal to 0, spec.template.spec.containers: Required value]"
    )


def test_error_shows_a_bounded_part_of_a_long_value_and_of_many_faults() -> None:
    ports = [{"name": "x" * 100_000, "container_port": 1}] * 1000
    pod = created("Pod", {"spec.containers[0].ports": ports})
    error = invalid_object(pod, validate_create(pod))
    assert len(error.message) < 200_000
    assert "and 872 more" in error.message


def test_secret_is_never_shown() -> None:
    changes = {"type": "kubernetes.io/dockercfg", "data": {".dockercfg": b"hunter2"}}
    secret = created("Secret", changes)
    assert "hunter2" not in invalid_object(secret, validate_create(secret)).message


def faults(obj: Any) -> set[tuple[str, str]]:
    return {(cause.field, cause.reason) for cause in validate_create(obj)}


def test_object_that_was_not_completed_is_refused_for_what_it_lacks() -> None:
    probe = {"probe_handler": {"http_get": {"port": {"int_val": 80}}}}
    reference = {"name": "A", "value_from": {"field_ref": {"field_path": "metadata.name"}}}
    changes = {
        "spec.containers[0].liveness_probe": probe,
        "spec.containers[0].env": [reference],
        "spec.volumes[1]": {"name": "empty"},
    }
    main = "spec.containers[0]"
    assert {
        ("spec.restartPolicy", "FieldValueRequired"),
        ("spec.dnsPolicy", "FieldValueRequired"),
        ("spec.volumes[1]", "FieldValueRequired"),
        (f"{main}.imagePullPolicy", "FieldValueRequired"),
        (f"{main}.ports[0].protocol", "FieldValueRequired"),
        (f"{main}.livenessProbe.httpGet.path", "FieldValueRequired"),
        (f"{main}.env[0].valueFrom.fieldRef.apiVersion", "FieldValueRequired"),
    } <= faults(build("Pod", changes))
    balanced = {"spec.type": "LoadBalancer", "spec.session_affinity": "ClientIP"}
    assert faults(build("Service", balanced)) == {
        ("spec.ports[0].protocol", "FieldValueRequired"),
        ("spec.ports[0].targetPort", "FieldValueInvalid"),
        ("spec.sessionAffinityConfig.clientIP.timeoutSeconds", "FieldValueRequired"),
        ("spec.allocateLoadBalancerNodePorts", "FieldValueRequired"),
        ("spec.externalTrafficPolicy", "FieldValueRequired"),
        ("spec.internalTrafficPolicy", "FieldValueRequired"),
    }
    rolling = {"spec.strategy.type": "RollingUpdate"}
    assert ("spec.strategy.rollingUpdate", "FieldValueRequired") in faults(
        build("Deployment", rolling)
    )


def test_affinity_options_without_affinity_are_refused() -> None:
    service = created("Service", {})
    service.spec.session_affinity_config.client_ip.timeout_seconds = 5
    assert faults(service) == {("spec.sessionAffinityConfig", "FieldValueForbidden")}


def test_negative_deadline_breaks_two_rules() -> None:
    deployment = created("Deployment", {"spec.progress_deadline_seconds": -1})
    messages = [cause.message for cause in validate_create(deployment)]
    assert messages == [
        "Invalid value: -1: must be greater than or equal to 0",
        "Invalid value: -1: must be greater than minReadySeconds",
    ]


def test_basic_authentication_needs_a_name_or_a_password() -> None:
    secret = created("Secret", {"type": "kubernetes.io/basic-auth"})
    assert faults(secret) == {
        ("data[username]", "FieldValueRequired"),
        ("data[password]", "FieldValueRequired"),
    }
    named = {"type": "kubernetes.io/basic-auth", "data": {"username": b"u"}}
    assert faults(created("Secret", named)) == set()


def test_generation_is_neither_negative_nor_turned_back() -> None:
    old = stored("Deployment", {})
    new = replacement("Deployment", {}, old)
    new.metadata.generation = -1
    assert [(cause.field, cause.message) for cause in validate_update(new, old)] == [
        ("metadata.generation", "Invalid value: -1: must be greater than or equal to 0"),
        ("metadata.generation", "Invalid value: -1: must not be decremented"),
    ]


def test_ephemeral_container_serves_nothing_and_looks_at_a_container() -> None:
    common = {"name": "main", "image": "", "ports": [{"container_port": 1}]}
    ephemeral = {"ephemeral_container_common": common, "target_container_name": "nobody"}
    at = "spec.ephemeralContainers[0]"
    assert faults(created("Pod", {"spec.ephemeral_containers": [ephemeral]})) == {
        ("spec.ephemeralContainers", "FieldValueForbidden"),
        (f"{at}.name", "FieldValueDuplicate"),
        (f"{at}.image", "FieldValueRequired"),
        (f"{at}.ports", "FieldValueForbidden"),
        (f"{at}.targetContainerName", "FieldValueNotFound"),
    }


def test_ephemeral_container_may_be_added_and_nothing_else_with_it() -> None:
    common = {"name": "debugger", "image": "busybox", "stdin": True}
    added = {"ephemeral_container_common": common, "target_container_name": "main"}
    old = stored("Pod", {})
    changes = {"spec.ephemeral_containers": [added], "spec.hostname": "other"}
    new = replacement("Pod", changes, old, "ephemeralcontainers")
    assert validate_update(new, old, "ephemeralcontainers") == []
    assert new.spec.ephemeral_containers[0].target_container_name == "main"
    assert new.spec.hostname == old.spec.hostname


@pytest.mark.parametrize(
    ("policy", "code"), [("Always", 0), ("Always", 1), ("OnFailure", 1)], ids=str
)
def test_container_may_run_again_as_its_policy_says(policy: str, code: int) -> None:
    ended = {"name": "main", "state": {"terminated": {"exit_code": code}}}
    changes = {"spec.restart_policy": policy, "status": {"container_statuses": [ended]}}
    old = stored("Pod", changes)
    running = {"container_statuses": [{"name": "main", "state": {"running": {}}}]}
    new = replacement("Pod", {"spec.restart_policy": policy, "status": running}, old, "status")
    assert validate_update(new, old) == []


@pytest.mark.parametrize(
    ("reference", "below", "reason"),
    [
        ({"api_group": "a.b", "name": "x"}, ".kind", "FieldValueRequired"),
        ({"kind": "Pod", "name": "x"}, "", "FieldValueInvalid"),
        ({"api_group": "A", "kind": "Pod", "name": "x"}, ".apiGroup", "FieldValueInvalid"),
        ({"api_group": "a.b", "kind": "Pod"}, ".name", "FieldValueRequired"),
    ],
    ids=["no kind", "core group", "group", "no name"],
)
def test_both_names_of_a_broken_source_are_refused(
    reference: dict[str, str], below: str, reason: str
) -> None:
    claim = created("PersistentVolumeClaim", {"spec.data_source_ref": reference})
    assert faults(claim) == {(f"spec.{name}{below}", reason) for name in SOURCES}


SOURCES = ("dataSource", "dataSourceRef")


def test_volume_without_capacity_breaks_two_rules() -> None:
    volume = created("PersistentVolume", {"spec.capacity": {}})
    assert faults(volume) == {
        ("spec.capacity", "FieldValueRequired"),
        ("spec.capacity", "FieldValueNotSupported"),
    }


def test_autoscaler_to_no_replicas_breaks_two_rules() -> None:
    autoscaler = created("HorizontalPodAutoscaler", {"spec.max_replicas": 0})
    assert [cause.message for cause in validate_create(autoscaler)] == [
        "Invalid value: 0: must be greater than 0",
        "Invalid value: 0: must be greater than or equal to `minReplicas`",
    ]


def test_unknown_resource_of_a_quota_breaks_two_rules() -> None:
    quota = created("ResourceQuota", {"spec.hard": {"widgets": {"string": "1"}}})
    assert [cause.message for cause in validate_create(quota)] == [
        'Invalid value: "widgets": must be a standard resource type or fully qualified',
        'Invalid value: "widgets": must be a standard resource for quota',
    ]


OWN = {"spec.manual_selector": None, "spec.selector": None}


def test_selector_of_a_job_is_generated_from_its_uid() -> None:
    job = created("Job", OWN)
    assert validate_create(job) == []
    assert dict(job.spec.selector.match_labels) == {"batch.kubernetes.io/controller-uid": "uid"}
    assert dict(job.spec.template.metadata.labels) == {
        "app": "web",
        "batch.kubernetes.io/controller-uid": "uid",
        "batch.kubernetes.io/job-name": "web",
        "controller-uid": "uid",
        "job-name": "web",
    }
    assert dict(job.metadata.labels) == {"app": "web"}


def test_job_without_labels_gets_those_of_its_pods() -> None:
    job = created("Job", {**OWN, "spec.template.metadata": {}})
    assert job.metadata.labels == job.spec.template.metadata.labels
    assert job.metadata.labels["job-name"] == "web"


def test_selector_that_is_not_the_generated_one_is_refused() -> None:
    job = created("Job", {"spec.manual_selector": False})
    causes = validate_create(job)
    assert [(cause.field, cause.reason) for cause in causes] == [
        ("spec.selector", "FieldValueInvalid")
    ]
    assert "`selector` not auto-generated" in causes[0].message


def test_job_without_uid_cannot_be_told_from_others() -> None:
    job = build("Job", OWN)
    apply_defaults(job)
    prepare_create(job)
    assert ("metadata.uid", "FieldValueRequired") in faults(job)


def test_daemon_set_that_was_not_completed_is_refused_for_what_it_lacks() -> None:
    daemon_set = build("DaemonSet", {"spec.update_strategy.type": "RollingUpdate"})
    assert ("spec.updateStrategy.rollingUpdate", "FieldValueRequired") in faults(daemon_set)
    stateful_set = build("StatefulSet", {})
    assert {
        ("spec.podManagementPolicy", "FieldValueRequired"),
        ("spec.updateStrategy", "FieldValueRequired"),
    } <= faults(stateful_set)
    cron_job = build("CronJob", {})
    assert ("spec.concurrencyPolicy", "FieldValueRequired") in faults(cron_job)
    ingress_class = build("IngressClass", {"spec.parameters": {"kind": "A", "name": "b"}})
    assert faults(ingress_class) == {("spec.parameters.scope", "FieldValueRequired")}
    endpoints = build("Endpoints", {})
    assert faults(endpoints) == {("subsets[0].ports[0].protocol", "FieldValueRequired")}


def test_selector_of_a_job_without_its_labels_is_refused() -> None:
    job = created("Job", OWN)
    job.spec.template.metadata.ClearField("labels")
    at = "spec.template.metadata.labels"
    assert faults(job) == {
        (at, "FieldValueInvalid"),
        *((f"{at}[{key}]", "FieldValueRequired") for key in GENERATED),
    }


GENERATED = (
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "controller-uid",
    "job-name",
)


def test_source_in_another_namespace_is_checked_where_it_is_in_use() -> None:
    source = {"api_group": "a.b", "kind": "Image", "name": "i"}
    old = stored("PersistentVolumeClaim", {})
    old.spec.data_source_ref.namespace = "other"
    reference = {**source, "namespace": "A"}
    new = replacement("PersistentVolumeClaim", {"spec.data_source_ref": reference}, old)
    new.spec.data_source.name = "i"
    assert {
        ("spec.dataSourceRef.namespace", "FieldValueInvalid"),
        ("spec", "FieldValueInvalid"),
    } <= {(cause.field, cause.reason) for cause in validate_update(new, old)}


def test_very_many_failed_indexes_break_two_rules() -> None:
    changes = {
        "spec.completion_mode": "Indexed",
        "spec.completions": 200_000,
        "spec.max_failed_indexes": 100_001,
        "spec.backoff_limit_per_index": 0,
    }
    assert [cause.message for cause in validate_create(created("Job", changes))] == [
        "Invalid value: 100001: must be less than or equal to 100000",
        "Invalid value: 100001: must be less than or equal to 10000 when completions are above "
        "100000 and used with backoff limit per index",
    ]


def test_class_of_volume_attributes_in_use_is_checked() -> None:
    old = stored("PersistentVolumeClaim", {})
    old.spec.volume_attributes_class_name = "slow"
    changes = {"spec.volume_attributes_class_name": "a b"}
    new = replacement("PersistentVolumeClaim", changes, old)
    assert [(cause.field, cause.reason) for cause in validate_update(new, old)] == [
        ("spec.volumeAttributesClassName", "FieldValueInvalid")
    ]


def test_restart_policy_of_no_pod_is_none_of_a_job_either() -> None:
    job = created("Job", {"spec.template.spec.restart_policy": "Sometimes"})
    wrong = 'Unsupported value: "Sometimes": supported values: '
    assert [cause.message for cause in validate_create(job)] == [
        f'{wrong}"Always", "Never", "OnFailure"',
        f'{wrong}"Never", "OnFailure"',
    ]
