"""What is filled in of the groups beside core, apps, batch, autoscaling and policy."""

from __future__ import annotations

import pytest

from tests.master.admission.test_defaulting_kinds import defaulted


def test_volumes_are_made_when_claimed_and_go_with_their_claims() -> None:
    storage_class = defaulted("StorageClass")
    assert storage_class.reclaim_policy == "Delete"
    assert storage_class.volume_binding_mode == "Immediate"
    own = {"reclaim_policy": "Retain", "volume_binding_mode": "WaitForFirstConsumer"}
    storage_class = defaulted("StorageClass", own)
    assert storage_class.reclaim_policy == "Retain"
    assert storage_class.volume_binding_mode == "WaitForFirstConsumer"


def test_csi_driver_attaches_and_is_told_of_no_pods() -> None:
    spec = defaulted("CSIDriver", {"spec": {}}).spec
    assert spec.attach_required
    for name in ("pod_info_on_mount", "storage_capacity", "requires_republish", "se_linux_mount"):
        assert spec.HasField(name)
        assert not getattr(spec, name)
    assert spec.fs_group_policy == "ReadWriteOnceWithFSType"
    assert list(spec.volume_lifecycle_modes) == ["Persistent"]
    assert not defaulted("CSIDriver").spec.attach_required


def test_inline_volume_of_an_attachment_gets_the_defaults_of_its_source() -> None:
    source = {"persistent_volume_source": {"host_path": {"path": "/a"}}}
    inline = {"spec.source": {"inline_volume_spec": source}}
    spec = defaulted("VolumeAttachment", inline).spec.source.inline_volume_spec
    assert spec.persistent_volume_source.host_path.HasField("type")


def test_pods_of_a_priority_class_may_push_others_out() -> None:
    assert defaulted("PriorityClass").preemption_policy == "PreemptLowerPriority"
    never = defaulted("PriorityClass", {"preemption_policy": "Never"})
    assert never.preemption_policy == "Never"


def test_overhead_is_rounded_up_to_thousandths() -> None:
    runtime = defaulted("RuntimeClass", {"overhead.pod_fixed": {"cpu": {"string": "0.0001"}}})
    assert runtime.overhead.pod_fixed["cpu"].string == "1m"


def test_roles_users_and_groups_are_of_the_group_of_roles() -> None:
    account = {"kind": "ServiceAccount", "name": "default"}
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        binding = defaulted(kind, {"subjects[1]": account})
        assert binding.role_ref.api_group == "rbac.authorization.k8s.io"
        assert [s.api_group for s in binding.subjects] == ["rbac.authorization.k8s.io", ""]


@pytest.mark.parametrize(
    "kind", ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"], ids=str
)
def test_webhook_that_does_not_answer_forbids(kind: str) -> None:
    (webhook,) = defaulted(kind).webhooks
    assert (webhook.failure_policy, webhook.timeout_seconds) == ("Fail", 10)
    assert webhook.match_policy == "Equivalent"
    assert webhook.HasField("namespace_selector")
    assert webhook.HasField("object_selector")
    assert webhook.rules[0].rule.scope == "*"
    assert webhook.client_config.service.port == 443
    if kind.startswith("Mutating"):
        assert webhook.reinvocation_policy == "Never"


def test_policy_matches_everything_equivalent() -> None:
    spec = defaulted("ValidatingAdmissionPolicy").spec
    assert spec.failure_policy == "Fail"
    match = spec.match_constraints
    assert match.match_policy == "Equivalent"
    assert match.HasField("namespace_selector")
    assert match.resource_rules[0].rule_with_operations.rule.scope == "*"
    binding = defaulted("ValidatingAdmissionPolicyBinding").spec
    assert not binding.HasField("match_resources")
    own = {"spec.match_resources": {"match_policy": "Exact"}}
    assert defaulted("ValidatingAdmissionPolicyBinding", own).spec.match_resources.match_policy == (
        "Exact"
    )


def test_names_of_a_definition_follow_from_its_kind() -> None:
    spec = defaulted("CustomResourceDefinition").spec
    assert (spec.names.singular, spec.names.list_kind) == ("site", "SiteList")
    assert spec.conversion.strategy == "None"
    webhook = {"client_config": {"service": {"namespace": "a", "name": "b"}}}
    own = {"spec.conversion": {"strategy": "Webhook", "webhook": webhook}}
    service = defaulted("CustomResourceDefinition", own).spec.conversion.webhook.client_config
    assert service.service.port == 443


def test_service_of_an_api_is_reached_over_https() -> None:
    assert defaulted("APIService").spec.service.port == 443
    assert not defaulted("APIService", {"spec.service": None}).spec.HasField("service")
