from google.protobuf import any_pb2 as _any_pb2
from protos import admissionregistration_v1_pb2 as _admissionregistration_v1_pb2
from protos import apiextensions_v1_pb2 as _apiextensions_v1_pb2
from protos import apiregistration_v1_pb2 as _apiregistration_v1_pb2
from protos import apps_v1_pb2 as _apps_v1_pb2
from protos import autoscaling_v2_pb2 as _autoscaling_v2_pb2
from protos import batch_v1_pb2 as _batch_v1_pb2
from protos import certificates_v1_pb2 as _certificates_v1_pb2
from protos import coordination_v1_pb2 as _coordination_v1_pb2
from protos import core_v1_pb2 as _core_v1_pb2
from protos import discovery_v1_pb2 as _discovery_v1_pb2
from protos import flowcontrol_v1_pb2 as _flowcontrol_v1_pb2
from protos import meta_v1_pb2 as _meta_v1_pb2
from protos import networking_v1_pb2 as _networking_v1_pb2
from protos import node_v1_pb2 as _node_v1_pb2
from protos import policy_v1_pb2 as _policy_v1_pb2
from protos import rbac_v1_pb2 as _rbac_v1_pb2
from protos import scheduling_v1_pb2 as _scheduling_v1_pb2
from protos import storage_v1_pb2 as _storage_v1_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Object(_message.Message):
    __slots__ = ("namespace", "node", "pod", "config_map", "secret", "service", "service_account", "event", "endpoint_slice", "lease", "replica_set", "deployment", "endpoints", "limit_range", "persistent_volume", "persistent_volume_claim", "pod_template", "replication_controller", "resource_quota", "stateful_set", "daemon_set", "controller_revision", "job", "cron_job", "horizontal_pod_autoscaler", "pod_disruption_budget", "role", "role_binding", "cluster_role", "cluster_role_binding", "ingress", "ingress_class", "network_policy", "storage_class", "volume_attachment", "csi_driver", "csi_node", "csi_storage_capacity", "priority_class", "runtime_class", "certificate_signing_request", "mutating_webhook_configuration", "validating_webhook_configuration", "validating_admission_policy", "validating_admission_policy_binding", "custom_resource_definition", "api_service", "flow_schema", "priority_level_configuration")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    POD_FIELD_NUMBER: _ClassVar[int]
    CONFIG_MAP_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_SLICE_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    REPLICA_SET_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_RANGE_FIELD_NUMBER: _ClassVar[int]
    PERSISTENT_VOLUME_FIELD_NUMBER: _ClassVar[int]
    PERSISTENT_VOLUME_CLAIM_FIELD_NUMBER: _ClassVar[int]
    POD_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    REPLICATION_CONTROLLER_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_QUOTA_FIELD_NUMBER: _ClassVar[int]
    STATEFUL_SET_FIELD_NUMBER: _ClassVar[int]
    DAEMON_SET_FIELD_NUMBER: _ClassVar[int]
    CONTROLLER_REVISION_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    CRON_JOB_FIELD_NUMBER: _ClassVar[int]
    HORIZONTAL_POD_AUTOSCALER_FIELD_NUMBER: _ClassVar[int]
    POD_DISRUPTION_BUDGET_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    ROLE_BINDING_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ROLE_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ROLE_BINDING_FIELD_NUMBER: _ClassVar[int]
    INGRESS_FIELD_NUMBER: _ClassVar[int]
    INGRESS_CLASS_FIELD_NUMBER: _ClassVar[int]
    NETWORK_POLICY_FIELD_NUMBER: _ClassVar[int]
    STORAGE_CLASS_FIELD_NUMBER: _ClassVar[int]
    VOLUME_ATTACHMENT_FIELD_NUMBER: _ClassVar[int]
    CSI_DRIVER_FIELD_NUMBER: _ClassVar[int]
    CSI_NODE_FIELD_NUMBER: _ClassVar[int]
    CSI_STORAGE_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_CLASS_FIELD_NUMBER: _ClassVar[int]
    RUNTIME_CLASS_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_SIGNING_REQUEST_FIELD_NUMBER: _ClassVar[int]
    MUTATING_WEBHOOK_CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    VALIDATING_WEBHOOK_CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    VALIDATING_ADMISSION_POLICY_FIELD_NUMBER: _ClassVar[int]
    VALIDATING_ADMISSION_POLICY_BINDING_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_RESOURCE_DEFINITION_FIELD_NUMBER: _ClassVar[int]
    API_SERVICE_FIELD_NUMBER: _ClassVar[int]
    FLOW_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_LEVEL_CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    namespace: _core_v1_pb2.Namespace
    node: _core_v1_pb2.Node
    pod: _core_v1_pb2.Pod
    config_map: _core_v1_pb2.ConfigMap
    secret: _core_v1_pb2.Secret
    service: _core_v1_pb2.Service
    service_account: _core_v1_pb2.ServiceAccount
    event: _core_v1_pb2.Event
    endpoint_slice: _discovery_v1_pb2.EndpointSlice
    lease: _coordination_v1_pb2.Lease
    replica_set: _apps_v1_pb2.ReplicaSet
    deployment: _apps_v1_pb2.Deployment
    endpoints: _core_v1_pb2.Endpoints
    limit_range: _core_v1_pb2.LimitRange
    persistent_volume: _core_v1_pb2.PersistentVolume
    persistent_volume_claim: _core_v1_pb2.PersistentVolumeClaim
    pod_template: _core_v1_pb2.PodTemplate
    replication_controller: _core_v1_pb2.ReplicationController
    resource_quota: _core_v1_pb2.ResourceQuota
    stateful_set: _apps_v1_pb2.StatefulSet
    daemon_set: _apps_v1_pb2.DaemonSet
    controller_revision: _apps_v1_pb2.ControllerRevision
    job: _batch_v1_pb2.Job
    cron_job: _batch_v1_pb2.CronJob
    horizontal_pod_autoscaler: _autoscaling_v2_pb2.HorizontalPodAutoscaler
    pod_disruption_budget: _policy_v1_pb2.PodDisruptionBudget
    role: _rbac_v1_pb2.Role
    role_binding: _rbac_v1_pb2.RoleBinding
    cluster_role: _rbac_v1_pb2.ClusterRole
    cluster_role_binding: _rbac_v1_pb2.ClusterRoleBinding
    ingress: _networking_v1_pb2.Ingress
    ingress_class: _networking_v1_pb2.IngressClass
    network_policy: _networking_v1_pb2.NetworkPolicy
    storage_class: _storage_v1_pb2.StorageClass
    volume_attachment: _storage_v1_pb2.VolumeAttachment
    csi_driver: _storage_v1_pb2.CSIDriver
    csi_node: _storage_v1_pb2.CSINode
    csi_storage_capacity: _storage_v1_pb2.CSIStorageCapacity
    priority_class: _scheduling_v1_pb2.PriorityClass
    runtime_class: _node_v1_pb2.RuntimeClass
    certificate_signing_request: _certificates_v1_pb2.CertificateSigningRequest
    mutating_webhook_configuration: _admissionregistration_v1_pb2.MutatingWebhookConfiguration
    validating_webhook_configuration: _admissionregistration_v1_pb2.ValidatingWebhookConfiguration
    validating_admission_policy: _admissionregistration_v1_pb2.ValidatingAdmissionPolicy
    validating_admission_policy_binding: _admissionregistration_v1_pb2.ValidatingAdmissionPolicyBinding
    custom_resource_definition: _apiextensions_v1_pb2.CustomResourceDefinition
    api_service: _apiregistration_v1_pb2.APIService
    flow_schema: _flowcontrol_v1_pb2.FlowSchema
    priority_level_configuration: _flowcontrol_v1_pb2.PriorityLevelConfiguration
    def __init__(self, namespace: _Optional[_Union[_core_v1_pb2.Namespace, _Mapping]] = ..., node: _Optional[_Union[_core_v1_pb2.Node, _Mapping]] = ..., pod: _Optional[_Union[_core_v1_pb2.Pod, _Mapping]] = ..., config_map: _Optional[_Union[_core_v1_pb2.ConfigMap, _Mapping]] = ..., secret: _Optional[_Union[_core_v1_pb2.Secret, _Mapping]] = ..., service: _Optional[_Union[_core_v1_pb2.Service, _Mapping]] = ..., service_account: _Optional[_Union[_core_v1_pb2.ServiceAccount, _Mapping]] = ..., event: _Optional[_Union[_core_v1_pb2.Event, _Mapping]] = ..., endpoint_slice: _Optional[_Union[_discovery_v1_pb2.EndpointSlice, _Mapping]] = ..., lease: _Optional[_Union[_coordination_v1_pb2.Lease, _Mapping]] = ..., replica_set: _Optional[_Union[_apps_v1_pb2.ReplicaSet, _Mapping]] = ..., deployment: _Optional[_Union[_apps_v1_pb2.Deployment, _Mapping]] = ..., endpoints: _Optional[_Union[_core_v1_pb2.Endpoints, _Mapping]] = ..., limit_range: _Optional[_Union[_core_v1_pb2.LimitRange, _Mapping]] = ..., persistent_volume: _Optional[_Union[_core_v1_pb2.PersistentVolume, _Mapping]] = ..., persistent_volume_claim: _Optional[_Union[_core_v1_pb2.PersistentVolumeClaim, _Mapping]] = ..., pod_template: _Optional[_Union[_core_v1_pb2.PodTemplate, _Mapping]] = ..., replication_controller: _Optional[_Union[_core_v1_pb2.ReplicationController, _Mapping]] = ..., resource_quota: _Optional[_Union[_core_v1_pb2.ResourceQuota, _Mapping]] = ..., stateful_set: _Optional[_Union[_apps_v1_pb2.StatefulSet, _Mapping]] = ..., daemon_set: _Optional[_Union[_apps_v1_pb2.DaemonSet, _Mapping]] = ..., controller_revision: _Optional[_Union[_apps_v1_pb2.ControllerRevision, _Mapping]] = ..., job: _Optional[_Union[_batch_v1_pb2.Job, _Mapping]] = ..., cron_job: _Optional[_Union[_batch_v1_pb2.CronJob, _Mapping]] = ..., horizontal_pod_autoscaler: _Optional[_Union[_autoscaling_v2_pb2.HorizontalPodAutoscaler, _Mapping]] = ..., pod_disruption_budget: _Optional[_Union[_policy_v1_pb2.PodDisruptionBudget, _Mapping]] = ..., role: _Optional[_Union[_rbac_v1_pb2.Role, _Mapping]] = ..., role_binding: _Optional[_Union[_rbac_v1_pb2.RoleBinding, _Mapping]] = ..., cluster_role: _Optional[_Union[_rbac_v1_pb2.ClusterRole, _Mapping]] = ..., cluster_role_binding: _Optional[_Union[_rbac_v1_pb2.ClusterRoleBinding, _Mapping]] = ..., ingress: _Optional[_Union[_networking_v1_pb2.Ingress, _Mapping]] = ..., ingress_class: _Optional[_Union[_networking_v1_pb2.IngressClass, _Mapping]] = ..., network_policy: _Optional[_Union[_networking_v1_pb2.NetworkPolicy, _Mapping]] = ..., storage_class: _Optional[_Union[_storage_v1_pb2.StorageClass, _Mapping]] = ..., volume_attachment: _Optional[_Union[_storage_v1_pb2.VolumeAttachment, _Mapping]] = ..., csi_driver: _Optional[_Union[_storage_v1_pb2.CSIDriver, _Mapping]] = ..., csi_node: _Optional[_Union[_storage_v1_pb2.CSINode, _Mapping]] = ..., csi_storage_capacity: _Optional[_Union[_storage_v1_pb2.CSIStorageCapacity, _Mapping]] = ..., priority_class: _Optional[_Union[_scheduling_v1_pb2.PriorityClass, _Mapping]] = ..., runtime_class: _Optional[_Union[_node_v1_pb2.RuntimeClass, _Mapping]] = ..., certificate_signing_request: _Optional[_Union[_certificates_v1_pb2.CertificateSigningRequest, _Mapping]] = ..., mutating_webhook_configuration: _Optional[_Union[_admissionregistration_v1_pb2.MutatingWebhookConfiguration, _Mapping]] = ..., validating_webhook_configuration: _Optional[_Union[_admissionregistration_v1_pb2.ValidatingWebhookConfiguration, _Mapping]] = ..., validating_admission_policy: _Optional[_Union[_admissionregistration_v1_pb2.ValidatingAdmissionPolicy, _Mapping]] = ..., validating_admission_policy_binding: _Optional[_Union[_admissionregistration_v1_pb2.ValidatingAdmissionPolicyBinding, _Mapping]] = ..., custom_resource_definition: _Optional[_Union[_apiextensions_v1_pb2.CustomResourceDefinition, _Mapping]] = ..., api_service: _Optional[_Union[_apiregistration_v1_pb2.APIService, _Mapping]] = ..., flow_schema: _Optional[_Union[_flowcontrol_v1_pb2.FlowSchema, _Mapping]] = ..., priority_level_configuration: _Optional[_Union[_flowcontrol_v1_pb2.PriorityLevelConfiguration, _Mapping]] = ...) -> None: ...

class Ref(_message.Message):
    __slots__ = ("resource", "namespace", "name", "subresource")
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SUBRESOURCE_FIELD_NUMBER: _ClassVar[int]
    resource: str
    namespace: str
    name: str
    subresource: str
    def __init__(self, resource: _Optional[str] = ..., namespace: _Optional[str] = ..., name: _Optional[str] = ..., subresource: _Optional[str] = ...) -> None: ...

class GetRequest(_message.Message):
    __slots__ = ("ref", "revision")
    REF_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    ref: Ref
    revision: int
    def __init__(self, ref: _Optional[_Union[Ref, _Mapping]] = ..., revision: _Optional[int] = ...) -> None: ...

class ListRequest(_message.Message):
    __slots__ = ("ref", "label_selector", "field_selector", "limit", "continue_token", "revision")
    REF_FIELD_NUMBER: _ClassVar[int]
    LABEL_SELECTOR_FIELD_NUMBER: _ClassVar[int]
    FIELD_SELECTOR_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CONTINUE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    ref: Ref
    label_selector: str
    field_selector: str
    limit: int
    continue_token: str
    revision: int
    def __init__(self, ref: _Optional[_Union[Ref, _Mapping]] = ..., label_selector: _Optional[str] = ..., field_selector: _Optional[str] = ..., limit: _Optional[int] = ..., continue_token: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class ListResponse(_message.Message):
    __slots__ = ("revision", "continue_token", "remaining", "items")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CONTINUE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REMAINING_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    revision: int
    continue_token: str
    remaining: int
    items: _containers.RepeatedCompositeFieldContainer[Object]
    def __init__(self, revision: _Optional[int] = ..., continue_token: _Optional[str] = ..., remaining: _Optional[int] = ..., items: _Optional[_Iterable[_Union[Object, _Mapping]]] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("ref", "label_selector", "field_selector", "revision", "bookmarks", "batches")
    REF_FIELD_NUMBER: _ClassVar[int]
    LABEL_SELECTOR_FIELD_NUMBER: _ClassVar[int]
    FIELD_SELECTOR_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    BOOKMARKS_FIELD_NUMBER: _ClassVar[int]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    ref: Ref
    label_selector: str
    field_selector: str
    revision: int
    bookmarks: bool
    batches: bool
    def __init__(self, ref: _Optional[_Union[Ref, _Mapping]] = ..., label_selector: _Optional[str] = ..., field_selector: _Optional[str] = ..., revision: _Optional[int] = ..., bookmarks: bool = ..., batches: bool = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ("type", "revision", "object", "more")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNKNOWN: _ClassVar[WatchResponse.Type]
        ADDED: _ClassVar[WatchResponse.Type]
        MODIFIED: _ClassVar[WatchResponse.Type]
        DELETED: _ClassVar[WatchResponse.Type]
        BOOKMARK: _ClassVar[WatchResponse.Type]
    UNKNOWN: WatchResponse.Type
    ADDED: WatchResponse.Type
    MODIFIED: WatchResponse.Type
    DELETED: WatchResponse.Type
    BOOKMARK: WatchResponse.Type
    TYPE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    OBJECT_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    type: WatchResponse.Type
    revision: int
    object: Object
    more: _containers.RepeatedCompositeFieldContainer[WatchResponse]
    def __init__(self, type: _Optional[_Union[WatchResponse.Type, str]] = ..., revision: _Optional[int] = ..., object: _Optional[_Union[Object, _Mapping]] = ..., more: _Optional[_Iterable[_Union[WatchResponse, _Mapping]]] = ...) -> None: ...

class WriteRequest(_message.Message):
    __slots__ = ("object", "dry_run", "field_manager", "subresource")
    OBJECT_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    FIELD_MANAGER_FIELD_NUMBER: _ClassVar[int]
    SUBRESOURCE_FIELD_NUMBER: _ClassVar[int]
    object: Object
    dry_run: bool
    field_manager: str
    subresource: str
    def __init__(self, object: _Optional[_Union[Object, _Mapping]] = ..., dry_run: bool = ..., field_manager: _Optional[str] = ..., subresource: _Optional[str] = ...) -> None: ...

class PatchRequest(_message.Message):
    __slots__ = ("ref", "type", "patch", "dry_run", "field_manager", "force")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNKNOWN: _ClassVar[PatchRequest.Type]
        JSON: _ClassVar[PatchRequest.Type]
        MERGE: _ClassVar[PatchRequest.Type]
        STRATEGIC: _ClassVar[PatchRequest.Type]
        APPLY: _ClassVar[PatchRequest.Type]
    UNKNOWN: PatchRequest.Type
    JSON: PatchRequest.Type
    MERGE: PatchRequest.Type
    STRATEGIC: PatchRequest.Type
    APPLY: PatchRequest.Type
    REF_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PATCH_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    FIELD_MANAGER_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    ref: Ref
    type: PatchRequest.Type
    patch: bytes
    dry_run: bool
    field_manager: str
    force: bool
    def __init__(self, ref: _Optional[_Union[Ref, _Mapping]] = ..., type: _Optional[_Union[PatchRequest.Type, str]] = ..., patch: _Optional[bytes] = ..., dry_run: bool = ..., field_manager: _Optional[str] = ..., force: bool = ...) -> None: ...

class DeleteRequest(_message.Message):
    __slots__ = ("ref", "options")
    REF_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    ref: Ref
    options: _meta_v1_pb2.DeleteOptions
    def __init__(self, ref: _Optional[_Union[Ref, _Mapping]] = ..., options: _Optional[_Union[_meta_v1_pb2.DeleteOptions, _Mapping]] = ...) -> None: ...

class DeleteResponse(_message.Message):
    __slots__ = ("object", "removed")
    OBJECT_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    object: Object
    removed: bool
    def __init__(self, object: _Optional[_Union[Object, _Mapping]] = ..., removed: bool = ...) -> None: ...

class DeleteCollectionRequest(_message.Message):
    __slots__ = ("ref", "label_selector", "field_selector", "options")
    REF_FIELD_NUMBER: _ClassVar[int]
    LABEL_SELECTOR_FIELD_NUMBER: _ClassVar[int]
    FIELD_SELECTOR_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    ref: Ref
    label_selector: str
    field_selector: str
    options: _meta_v1_pb2.DeleteOptions
    def __init__(self, ref: _Optional[_Union[Ref, _Mapping]] = ..., label_selector: _Optional[str] = ..., field_selector: _Optional[str] = ..., options: _Optional[_Union[_meta_v1_pb2.DeleteOptions, _Mapping]] = ...) -> None: ...

class ErrorInfo(_message.Message):
    __slots__ = ("reason", "message", "resource", "name", "causes", "retry_after_seconds")
    class Cause(_message.Message):
        __slots__ = ("field", "reason", "message")
        FIELD_FIELD_NUMBER: _ClassVar[int]
        REASON_FIELD_NUMBER: _ClassVar[int]
        MESSAGE_FIELD_NUMBER: _ClassVar[int]
        field: str
        reason: str
        message: str
        def __init__(self, field: _Optional[str] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CAUSES_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_SECONDS_FIELD_NUMBER: _ClassVar[int]
    reason: str
    message: str
    resource: str
    name: str
    causes: _containers.RepeatedCompositeFieldContainer[ErrorInfo.Cause]
    retry_after_seconds: int
    def __init__(self, reason: _Optional[str] = ..., message: _Optional[str] = ..., resource: _Optional[str] = ..., name: _Optional[str] = ..., causes: _Optional[_Iterable[_Union[ErrorInfo.Cause, _Mapping]]] = ..., retry_after_seconds: _Optional[int] = ...) -> None: ...

class RpcStatus(_message.Message):
    __slots__ = ("code", "message", "details")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    details: _containers.RepeatedCompositeFieldContainer[_any_pb2.Any]
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ..., details: _Optional[_Iterable[_Union[_any_pb2.Any, _Mapping]]] = ...) -> None: ...

class LogsRequest(_message.Message):
    __slots__ = ("namespace", "pod", "options")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    POD_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    pod: str
    options: _core_v1_pb2.PodLogOptions
    def __init__(self, namespace: _Optional[str] = ..., pod: _Optional[str] = ..., options: _Optional[_Union[_core_v1_pb2.PodLogOptions, _Mapping]] = ...) -> None: ...

class Chunk(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class StreamStart(_message.Message):
    __slots__ = ("namespace", "pod", "container", "command", "stdin", "stdout", "stderr", "tty", "port")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    POD_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    STDIN_FIELD_NUMBER: _ClassVar[int]
    STDOUT_FIELD_NUMBER: _ClassVar[int]
    STDERR_FIELD_NUMBER: _ClassVar[int]
    TTY_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    pod: str
    container: str
    command: _containers.RepeatedScalarFieldContainer[str]
    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool
    port: int
    def __init__(self, namespace: _Optional[str] = ..., pod: _Optional[str] = ..., container: _Optional[str] = ..., command: _Optional[_Iterable[str]] = ..., stdin: bool = ..., stdout: bool = ..., stderr: bool = ..., tty: bool = ..., port: _Optional[int] = ...) -> None: ...

class TerminalSize(_message.Message):
    __slots__ = ("width", "height")
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    width: int
    height: int
    def __init__(self, width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class StreamInput(_message.Message):
    __slots__ = ("start", "stdin", "resize", "close_input")
    START_FIELD_NUMBER: _ClassVar[int]
    STDIN_FIELD_NUMBER: _ClassVar[int]
    RESIZE_FIELD_NUMBER: _ClassVar[int]
    CLOSE_INPUT_FIELD_NUMBER: _ClassVar[int]
    start: StreamStart
    stdin: bytes
    resize: TerminalSize
    close_input: bool
    def __init__(self, start: _Optional[_Union[StreamStart, _Mapping]] = ..., stdin: _Optional[bytes] = ..., resize: _Optional[_Union[TerminalSize, _Mapping]] = ..., close_input: bool = ...) -> None: ...

class StreamOutput(_message.Message):
    __slots__ = ("stdout", "stderr", "exit_code", "error", "started")
    STDOUT_FIELD_NUMBER: _ClassVar[int]
    STDERR_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    stdout: bytes
    stderr: bytes
    exit_code: int
    error: str
    started: bool
    def __init__(self, stdout: _Optional[bytes] = ..., stderr: _Optional[bytes] = ..., exit_code: _Optional[int] = ..., error: _Optional[str] = ..., started: bool = ...) -> None: ...

class WhyRequest(_message.Message):
    __slots__ = ("ref",)
    REF_FIELD_NUMBER: _ClassVar[int]
    ref: Ref
    def __init__(self, ref: _Optional[_Union[Ref, _Mapping]] = ...) -> None: ...

class WhyResponse(_message.Message):
    __slots__ = ("outcome", "message", "revision", "decided", "nodes", "replayed")
    class NodeVerdict(_message.Message):
        __slots__ = ("node", "chosen", "feasible", "filter", "reason", "scores", "total")
        class ScoresEntry(_message.Message):
            __slots__ = ("key", "value")
            KEY_FIELD_NUMBER: _ClassVar[int]
            VALUE_FIELD_NUMBER: _ClassVar[int]
            key: str
            value: float
            def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
        NODE_FIELD_NUMBER: _ClassVar[int]
        CHOSEN_FIELD_NUMBER: _ClassVar[int]
        FEASIBLE_FIELD_NUMBER: _ClassVar[int]
        FILTER_FIELD_NUMBER: _ClassVar[int]
        REASON_FIELD_NUMBER: _ClassVar[int]
        SCORES_FIELD_NUMBER: _ClassVar[int]
        TOTAL_FIELD_NUMBER: _ClassVar[int]
        node: str
        chosen: bool
        feasible: bool
        filter: str
        reason: str
        scores: _containers.ScalarMap[str, float]
        total: float
        def __init__(self, node: _Optional[str] = ..., chosen: bool = ..., feasible: bool = ..., filter: _Optional[str] = ..., reason: _Optional[str] = ..., scores: _Optional[_Mapping[str, float]] = ..., total: _Optional[float] = ...) -> None: ...
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    DECIDED_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    outcome: str
    message: str
    revision: int
    decided: _meta_v1_pb2.Condition
    nodes: _containers.RepeatedCompositeFieldContainer[WhyResponse.NodeVerdict]
    replayed: bool
    def __init__(self, outcome: _Optional[str] = ..., message: _Optional[str] = ..., revision: _Optional[int] = ..., decided: _Optional[_Union[_meta_v1_pb2.Condition, _Mapping]] = ..., nodes: _Optional[_Iterable[_Union[WhyResponse.NodeVerdict, _Mapping]]] = ..., replayed: bool = ...) -> None: ...

class CreateTokenRequest(_message.Message):
    __slots__ = ("ttl_seconds", "description")
    TTL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ttl_seconds: int
    description: str
    def __init__(self, ttl_seconds: _Optional[int] = ..., description: _Optional[str] = ...) -> None: ...

class Token(_message.Message):
    __slots__ = ("id", "token", "expires_at", "description", "ca_hash", "join_command")
    ID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CA_HASH_FIELD_NUMBER: _ClassVar[int]
    JOIN_COMMAND_FIELD_NUMBER: _ClassVar[int]
    id: str
    token: str
    expires_at: int
    description: str
    ca_hash: str
    join_command: str
    def __init__(self, id: _Optional[str] = ..., token: _Optional[str] = ..., expires_at: _Optional[int] = ..., description: _Optional[str] = ..., ca_hash: _Optional[str] = ..., join_command: _Optional[str] = ...) -> None: ...

class ListTokensRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTokensResponse(_message.Message):
    __slots__ = ("tokens",)
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedCompositeFieldContainer[Token]
    def __init__(self, tokens: _Optional[_Iterable[_Union[Token, _Mapping]]] = ...) -> None: ...

class RevokeTokenRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class RevokeTokenResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CreateAccessTokenRequest(_message.Message):
    __slots__ = ("user", "groups", "administrator", "ttl_seconds", "description")
    USER_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    ADMINISTRATOR_FIELD_NUMBER: _ClassVar[int]
    TTL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    user: str
    groups: _containers.RepeatedScalarFieldContainer[str]
    administrator: bool
    ttl_seconds: int
    description: str
    def __init__(self, user: _Optional[str] = ..., groups: _Optional[_Iterable[str]] = ..., administrator: bool = ..., ttl_seconds: _Optional[int] = ..., description: _Optional[str] = ...) -> None: ...

class AccessToken(_message.Message):
    __slots__ = ("id", "token", "user", "groups", "expires_at", "created_at", "created_by", "description", "server")
    ID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    id: str
    token: str
    user: str
    groups: _containers.RepeatedScalarFieldContainer[str]
    expires_at: int
    created_at: int
    created_by: str
    description: str
    server: str
    def __init__(self, id: _Optional[str] = ..., token: _Optional[str] = ..., user: _Optional[str] = ..., groups: _Optional[_Iterable[str]] = ..., expires_at: _Optional[int] = ..., created_at: _Optional[int] = ..., created_by: _Optional[str] = ..., description: _Optional[str] = ..., server: _Optional[str] = ...) -> None: ...

class ListAccessTokensRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListAccessTokensResponse(_message.Message):
    __slots__ = ("tokens",)
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedCompositeFieldContainer[AccessToken]
    def __init__(self, tokens: _Optional[_Iterable[_Union[AccessToken, _Mapping]]] = ...) -> None: ...

class RevokeAccessTokenRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class RevokeAccessTokenResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
