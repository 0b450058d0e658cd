"""Fills in what an object's author left open, as Kubernetes 1.32 does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from google.protobuf.message import Message

from master.admission.defaults.autoscaling import default_autoscaler
from master.admission.defaults.batch import default_cron_job, default_job
from master.admission.defaults.claim import default_claim
from master.admission.defaults.classes import (
    default_csi_driver,
    default_priority_class,
    default_runtime_class,
    default_storage_class,
    default_volume_attachment,
)
from master.admission.defaults.cluster import default_namespace, default_node, default_secret
from master.admission.defaults.flows import default_flow_schema, default_priority_level
from master.admission.defaults.networking import default_ingress_class, default_network_policy
from master.admission.defaults.pod import default_pod
from master.admission.defaults.quota import default_limit_range, default_quota
from master.admission.defaults.registration import (
    default_api_service,
    default_definition,
    default_mutating,
    default_policy,
    default_policy_binding,
    default_validating,
)
from master.admission.defaults.roles import default_role_binding
from master.admission.defaults.service import (
    default_endpoint_slice,
    default_endpoints,
    default_service,
)
from master.admission.defaults.storage import default_persistent_volume
from master.admission.defaults.workload import (
    default_controller,
    default_daemon_set,
    default_deployment,
    default_pod_template,
    default_replica_set,
    default_stateful_set,
)
from protos.admissionregistration_v1_pb2 import (
    MutatingWebhookConfiguration,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
    ValidatingWebhookConfiguration,
)
from protos.apiextensions_v1_pb2 import CustomResourceDefinition
from protos.apiregistration_v1_pb2 import APIService
from protos.apps_v1_pb2 import DaemonSet, Deployment, ReplicaSet, StatefulSet
from protos.autoscaling_v2_pb2 import HorizontalPodAutoscaler
from protos.batch_v1_pb2 import CronJob, Job
from protos.core_v1_pb2 import (
    Endpoints,
    LimitRange,
    Namespace,
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    PodTemplate,
    ReplicationController,
    ResourceQuota,
    Secret,
    Service,
)
from protos.discovery_v1_pb2 import EndpointSlice
from protos.flowcontrol_v1_pb2 import FlowSchema, PriorityLevelConfiguration
from protos.networking_v1_pb2 import IngressClass, NetworkPolicy
from protos.node_v1_pb2 import RuntimeClass
from protos.rbac_v1_pb2 import ClusterRoleBinding, RoleBinding
from protos.scheduling_v1_pb2 import PriorityClass
from protos.storage_v1_pb2 import CSIDriver, StorageClass, VolumeAttachment

_DEFAULTS: Final[dict[type[Message], Callable[[Any], None]]] = {
    Pod: default_pod,
    PodTemplate: default_pod_template,
    Deployment: default_deployment,
    ReplicaSet: default_replica_set,
    ReplicationController: default_controller,
    StatefulSet: default_stateful_set,
    DaemonSet: default_daemon_set,
    Job: default_job,
    CronJob: default_cron_job,
    HorizontalPodAutoscaler: default_autoscaler,
    Service: default_service,
    EndpointSlice: default_endpoint_slice,
    Endpoints: default_endpoints,
    NetworkPolicy: default_network_policy,
    IngressClass: default_ingress_class,
    PersistentVolume: default_persistent_volume,
    PersistentVolumeClaim: default_claim,
    ResourceQuota: default_quota,
    LimitRange: default_limit_range,
    Secret: default_secret,
    Namespace: default_namespace,
    Node: default_node,
    StorageClass: default_storage_class,
    VolumeAttachment: default_volume_attachment,
    CSIDriver: default_csi_driver,
    PriorityClass: default_priority_class,
    RuntimeClass: default_runtime_class,
    FlowSchema: default_flow_schema,
    PriorityLevelConfiguration: default_priority_level,
    RoleBinding: default_role_binding,
    ClusterRoleBinding: default_role_binding,
    APIService: default_api_service,
    CustomResourceDefinition: default_definition,
    MutatingWebhookConfiguration: default_mutating,
    ValidatingWebhookConfiguration: default_validating,
    ValidatingAdmissionPolicy: default_policy,
    ValidatingAdmissionPolicyBinding: default_policy_binding,
}


def apply_defaults(obj: Message) -> None:
    """Completes the caller's own copy of an object in place; doing it again changes nothing.

    Kinds without defaults of their own (config maps, service accounts, events, leases) stay as
    they are. It is called on creates and on updates, before the strategy.
    """
    default = _DEFAULTS.get(type(obj))
    if default is not None:
        default(obj)
