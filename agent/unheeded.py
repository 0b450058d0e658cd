"""What a pod asks for and does not get on this node: pure; told by an event when it begins."""

from __future__ import annotations

from protos.core_v1_pb2 import Pod

REASON = "FieldNotSupported"


def unheeded(pod: Pod) -> list[str]:
    """One sentence for each field that has no effect."""
    spec, found = pod.spec, []
    if spec.HasField("host_users") and not spec.host_users:
        found.append("spec.hostUsers has no effect: users of the pod are those of the node")
    if spec.runtime_class_name:
        found.append("spec.runtimeClassName chooses no handler: this node has one runtime")
    if spec.resource_claims:
        found.append("spec.resourceClaims has no effect: no devices are allocated")
    if spec.security_context.supplemental_groups_policy == "Strict":
        found.append(
            "spec.securityContext.supplementalGroupsPolicy has no effect: groups of the image's "
            "users are added"
        )
    return found
