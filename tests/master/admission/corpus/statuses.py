"""Statuses that may not be reported."""

from typing import Any

from tests.master.admission.corpus.case import (
    DUPLICATE,
    FORBIDDEN,
    INVALID,
    UNSUPPORTED,
    BrokenUpdate,
)
from tests.master.admission.manifests import amount

INGRESS = "status.loadBalancer.ingress[0]"
ONCE = {"spec.restart_policy": "Never"}
RETRY = {"spec.restart_policy": "OnFailure"}


def reported(
    name: str,
    kind: str,
    status: dict[str, Any],
    field: str,
    reason: str,
    says: str = "",
    before: dict[str, Any] | None = None,
) -> BrokenUpdate:
    return BrokenUpdate(
        name, kind, before or {}, {"status": status}, field, reason, says, subresource="status"
    )


def ended(code: int) -> dict[str, Any]:
    return {"name": "main", "state": {"terminated": {"exit_code": code}}}


RUNNING = {"name": "main", "state": {"running": {}}}
CASES = [
    reported("phase", "Pod", {"phase": "Done"}, "status.phase", UNSUPPORTED, '"Succeeded"'),
    reported("nominated node", "Pod", {"nominated_node_name": "A"}, "status.nominatedNodeName",
             INVALID),
    reported("condition", "Pod", {"conditions": [{"type": "a b", "status": "True"}]},
             "status.conditions[0].type", INVALID),
    reported("condition status", "Pod", {"conditions": [{"type": "Ready", "status": "Yes"}]},
             "status.conditions[0].status", UNSUPPORTED, '"False", "True", "Unknown"'),
    reported("address", "Pod", {"pod_ips": [{"ip": "10.0.0"}]}, "status.podIPs[0]", INVALID),
    reported("address twice", "Pod", {"pod_ips": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.1"}]},
             "status.podIPs[1]", DUPLICATE),
    reported("two of a family", "Pod", {"pod_ips": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]},
             "status.podIPs", INVALID, "no more than one IP for each IP family"),
    reported("host address", "Pod", {"host_ip": "10.0.0.1", "host_ips": [{"ip": "10.0.0.2"}]},
             "status.hostIPs[0].ip", INVALID, "must be equal to `hostIP`"),
    reported("restarted though Never", "Pod", {"container_statuses": [RUNNING]},
             "status.containerStatuses[0].state", FORBIDDEN,
             "may not be transitioned to non-terminated state",
             {**ONCE, "status": {"container_statuses": [ended(1)]}}),
    reported("restarted after success", "Pod", {"container_statuses": [RUNNING]},
             "status.containerStatuses[0].state", FORBIDDEN, "",
             {**RETRY, "status": {"container_statuses": [ended(0)]}}),
    reported("init container restarted", "Pod", {"init_container_statuses": [RUNNING]},
             "status.initContainerStatuses[0].state", FORBIDDEN, "",
             {**ONCE, "status": {"init_container_statuses": [ended(1)]}}),
    reported("generation", "Deployment", {"observed_generation": -1}, "status.observedGeneration",
             INVALID),
    reported("replicas", "Deployment", {"replicas": -1}, "status.replicas", INVALID),
    reported("unavailable", "Deployment", {"unavailable_replicas": -1},
             "status.unavailableReplicas", INVALID),
    reported("updated", "Deployment", {"updated_replicas": -1}, "status.updatedReplicas", INVALID),
    reported("more ready than there are", "Deployment", {"ready_replicas": 1},
             "status.readyReplicas", INVALID, "cannot be greater than status.replicas"),
    reported("more available than ready", "Deployment", {"replicas": 1, "available_replicas": 1},
             "status.availableReplicas", INVALID, "cannot be greater than readyReplicas"),
    reported("collisions", "Deployment", {"collision_count": 1}, "status.collisionCount", INVALID,
             "cannot be decremented", {"status": {"collision_count": 2}}),
    reported("generation", "ReplicaSet", {"observed_generation": -1}, "status.observedGeneration",
             INVALID),
    reported("replicas", "ReplicaSet", {"replicas": -1}, "status.replicas", INVALID),
    reported("ready", "ReplicaSet", {"ready_replicas": -1}, "status.readyReplicas", INVALID),
    reported("more labelled than there are", "ReplicaSet", {"fully_labeled_replicas": 1},
             "status.fullyLabeledReplicas", INVALID, "cannot be greater than status.replicas"),
    reported("more available than ready", "ReplicaSet", {"replicas": 1, "available_replicas": 1},
             "status.availableReplicas", INVALID, "cannot be greater than readyReplicas"),
    reported("capacity", "Node", {"capacity": {"cpu": amount("-1")}}, "status.capacity[cpu]",
             INVALID),
    reported("balancer address", "Service", {"load_balancer": {"ingress": [{"ip": "x"}]}},
             f"{INGRESS}.ip", INVALID),
    reported("balancer name", "Service", {"load_balancer": {"ingress": [{"hostname": "A"}]}},
             f"{INGRESS}.hostname", INVALID),
    reported("balancer name is an address", "Service",
             {"load_balancer": {"ingress": [{"hostname": "1.2.3.4"}]}}, f"{INGRESS}.hostname",
             INVALID, "must be a DNS name, not an IP address"),
    reported("phase", "Namespace", {"phase": "Gone"}, "status.phase", UNSUPPORTED,
             '"Active", "Terminating"'),
    reported("ends though nobody deleted it", "Namespace", {"phase": "Terminating"},
             "status.phase", INVALID, "may only be 'Active' if `deletionTimestamp` is empty"),
]  # fmt: skip
CASES.append(
    BrokenUpdate(
        "finalizer",
        "Namespace",
        {},
        {"spec.finalizers": ["mine"]},
        "spec.finalizers[0]",
        INVALID,
        subresource="finalize",
    )
)
