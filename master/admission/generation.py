"""Which kinds have a generation, and what counts as one more.

Generation counts the desired states of the kinds whose controllers report the one that they
observed: 1 on create, one more with every change of what is desired. Pods, nodes and the other
kinds have none, as in Kubernetes 1.32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from google.protobuf.message import Message

from protos.admissionregistration_v1_pb2 import (
    MutatingWebhookConfiguration,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
    ValidatingWebhookConfiguration,
)
from protos.apiextensions_v1_pb2 import CustomResourceDefinition
from protos.apps_v1_pb2 import DaemonSet, Deployment, ReplicaSet, StatefulSet
from protos.batch_v1_pb2 import CronJob, Job
from protos.core_v1_pb2 import (
    PodTemplate,
    ReplicationController,
)
from protos.discovery_v1_pb2 import EndpointSlice
from protos.flowcontrol_v1_pb2 import FlowSchema, PriorityLevelConfiguration
from protos.networking_v1_pb2 import Ingress, IngressClass, NetworkPolicy
from protos.policy_v1_pb2 import PodDisruptionBudget
from protos.scheduling_v1_pb2 import PriorityClass
from protos.storage_v1_pb2 import CSIDriver


def is_counted(obj: Message) -> bool:
    """Whether objects of this kind have a generation."""
    return type(obj) in _CHANGED


def is_another_desire(new: Message, old: Message) -> bool:
    """Whether the change is one of what is desired; False for kinds without a generation."""
    changed = _CHANGED.get(type(new))
    return changed is not None and changed(new, old)


def _spec_changed(new: Any, old: Any) -> bool:
    return bool(new.spec != old.spec)


def _webhooks_changed(new: Any, old: Any) -> bool:
    return bool(new.webhooks != old.webhooks)


def _template_changed(new: PodTemplate, old: PodTemplate) -> bool:
    return new.template != old.template


def _never(new: Any, old: Any) -> bool:
    return False


def _deployment_changed(new: Deployment, old: Deployment) -> bool:
    return new.spec != old.spec or new.metadata.annotations != old.metadata.annotations


def _endpoints_changed(new: EndpointSlice, old: EndpointSlice) -> bool:
    if new.metadata.labels != old.metadata.labels or new.address_type != old.address_type:
        return True
    return new.endpoints != old.endpoints or new.ports != old.ports


# The kinds with a generation: whether a change is one of what is desired.
_CHANGED: Final[dict[type[Message], Callable[[Any, Any], bool]]] = {
    Deployment: _deployment_changed,
    EndpointSlice: _endpoints_changed,
    PodTemplate: _template_changed,
    PriorityClass: _never,
    MutatingWebhookConfiguration: _webhooks_changed,
    ValidatingWebhookConfiguration: _webhooks_changed,
    **dict.fromkeys(
        (
            CronJob,
            CSIDriver,
            CustomResourceDefinition,
            DaemonSet,
            FlowSchema,
            Ingress,
            IngressClass,
            Job,
            NetworkPolicy,
            PodDisruptionBudget,
            PriorityLevelConfiguration,
            ReplicaSet,
            ReplicationController,
            StatefulSet,
            ValidatingAdmissionPolicy,
            ValidatingAdmissionPolicyBinding,
        ),
        _spec_changed,
    ),
}
