from protos import meta_v1_pb2 as _meta_v1_pb2
from protos import options_pb2 as _options_pb2
from protos import scalars_pb2 as _scalars_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CrossVersionObjectReference(_message.Message):
    __slots__ = ("kind", "name", "api_version")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    API_VERSION_FIELD_NUMBER: _ClassVar[int]
    kind: str
    name: str
    api_version: str
    def __init__(self, kind: _Optional[str] = ..., name: _Optional[str] = ..., api_version: _Optional[str] = ...) -> None: ...

class HorizontalPodAutoscalerSpec(_message.Message):
    __slots__ = ("scale_target_ref", "min_replicas", "max_replicas", "target_cpu_utilization_percentage")
    SCALE_TARGET_REF_FIELD_NUMBER: _ClassVar[int]
    MIN_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    MAX_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    TARGET_CPU_UTILIZATION_PERCENTAGE_FIELD_NUMBER: _ClassVar[int]
    scale_target_ref: CrossVersionObjectReference
    min_replicas: int
    max_replicas: int
    target_cpu_utilization_percentage: int
    def __init__(self, scale_target_ref: _Optional[_Union[CrossVersionObjectReference, _Mapping]] = ..., min_replicas: _Optional[int] = ..., max_replicas: _Optional[int] = ..., target_cpu_utilization_percentage: _Optional[int] = ...) -> None: ...

class HorizontalPodAutoscalerStatus(_message.Message):
    __slots__ = ("observed_generation", "last_scale_time", "current_replicas", "desired_replicas", "current_cpu_utilization_percentage")
    OBSERVED_GENERATION_FIELD_NUMBER: _ClassVar[int]
    LAST_SCALE_TIME_FIELD_NUMBER: _ClassVar[int]
    CURRENT_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    DESIRED_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    CURRENT_CPU_UTILIZATION_PERCENTAGE_FIELD_NUMBER: _ClassVar[int]
    observed_generation: int
    last_scale_time: _scalars_pb2.Time
    current_replicas: int
    desired_replicas: int
    current_cpu_utilization_percentage: int
    def __init__(self, observed_generation: _Optional[int] = ..., last_scale_time: _Optional[_Union[_scalars_pb2.Time, _Mapping]] = ..., current_replicas: _Optional[int] = ..., desired_replicas: _Optional[int] = ..., current_cpu_utilization_percentage: _Optional[int] = ...) -> None: ...

class HorizontalPodAutoscaler(_message.Message):
    __slots__ = ("metadata", "spec", "status")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    metadata: _meta_v1_pb2.ObjectMeta
    spec: HorizontalPodAutoscalerSpec
    status: HorizontalPodAutoscalerStatus
    def __init__(self, metadata: _Optional[_Union[_meta_v1_pb2.ObjectMeta, _Mapping]] = ..., spec: _Optional[_Union[HorizontalPodAutoscalerSpec, _Mapping]] = ..., status: _Optional[_Union[HorizontalPodAutoscalerStatus, _Mapping]] = ...) -> None: ...

class HorizontalPodAutoscalerList(_message.Message):
    __slots__ = ("metadata", "items")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    metadata: _meta_v1_pb2.ListMeta
    items: _containers.RepeatedCompositeFieldContainer[HorizontalPodAutoscaler]
    def __init__(self, metadata: _Optional[_Union[_meta_v1_pb2.ListMeta, _Mapping]] = ..., items: _Optional[_Iterable[_Union[HorizontalPodAutoscaler, _Mapping]]] = ...) -> None: ...

class Scale(_message.Message):
    __slots__ = ("metadata", "spec", "status")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    metadata: _meta_v1_pb2.ObjectMeta
    spec: ScaleSpec
    status: ScaleStatus
    def __init__(self, metadata: _Optional[_Union[_meta_v1_pb2.ObjectMeta, _Mapping]] = ..., spec: _Optional[_Union[ScaleSpec, _Mapping]] = ..., status: _Optional[_Union[ScaleStatus, _Mapping]] = ...) -> None: ...

class ScaleSpec(_message.Message):
    __slots__ = ("replicas",)
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    replicas: int
    def __init__(self, replicas: _Optional[int] = ...) -> None: ...

class ScaleStatus(_message.Message):
    __slots__ = ("replicas", "selector")
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    replicas: int
    selector: str
    def __init__(self, replicas: _Optional[int] = ..., selector: _Optional[str] = ...) -> None: ...

class MetricSpec(_message.Message):
    __slots__ = ("type", "object", "pods", "resource", "external", "container_resource")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    OBJECT_FIELD_NUMBER: _ClassVar[int]
    PODS_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_RESOURCE_FIELD_NUMBER: _ClassVar[int]
    type: str
    object: ObjectMetricSource
    pods: PodsMetricSource
    resource: ResourceMetricSource
    external: ExternalMetricSource
    container_resource: ContainerResourceMetricSource
    def __init__(self, type: _Optional[str] = ..., object: _Optional[_Union[ObjectMetricSource, _Mapping]] = ..., pods: _Optional[_Union[PodsMetricSource, _Mapping]] = ..., resource: _Optional[_Union[ResourceMetricSource, _Mapping]] = ..., external: _Optional[_Union[ExternalMetricSource, _Mapping]] = ..., container_resource: _Optional[_Union[ContainerResourceMetricSource, _Mapping]] = ...) -> None: ...

class ObjectMetricSource(_message.Message):
    __slots__ = ("target", "metric_name", "target_value", "selector", "average_value")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    METRIC_NAME_FIELD_NUMBER: _ClassVar[int]
    TARGET_VALUE_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_VALUE_FIELD_NUMBER: _ClassVar[int]
    target: CrossVersionObjectReference
    metric_name: str
    target_value: _scalars_pb2.Quantity
    selector: _meta_v1_pb2.LabelSelector
    average_value: _scalars_pb2.Quantity
    def __init__(self, target: _Optional[_Union[CrossVersionObjectReference, _Mapping]] = ..., metric_name: _Optional[str] = ..., target_value: _Optional[_Union[_scalars_pb2.Quantity, _Mapping]] = ..., selector: _Optional[_Union[_meta_v1_pb2.LabelSelector, _Mapping]] = ..., average_value: _Optional[_Union[_scalars_pb2.Quantity, _Mapping]] = ...) -> None: ...

class PodsMetricSource(_message.Message):
    __slots__ = ("metric_name", "target_average_value", "selector")
    METRIC_NAME_FIELD_NUMBER: _ClassVar[int]
    TARGET_AVERAGE_VALUE_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    metric_name: str
    target_average_value: _scalars_pb2.Quantity
    selector: _meta_v1_pb2.LabelSelector
    def __init__(self, metric_name: _Optional[str] = ..., target_average_value: _Optional[_Union[_scalars_pb2.Quantity, _Mapping]] = ..., selector: _Optional[_Union[_meta_v1_pb2.LabelSelector, _Mapping]] = ...) -> None: ...

class ResourceMetricSource(_message.Message):
    __slots__ = ("name", "target_average_utilization", "target_average_value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TARGET_AVERAGE_UTILIZATION_FIELD_NUMBER: _ClassVar[int]
    TARGET_AVERAGE_VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    target_average_utilization: int
    target_average_value: _scalars_pb2.Quantity
    def __init__(self, name: _Optional[str] = ..., target_average_utilization: _Optional[int] = ..., target_average_value: _Optional[_Union[_scalars_pb2.Quantity, _Mapping]] = ...) -> None: ...

class ContainerResourceMetricSource(_message.Message):
    __slots__ = ("name", "target_average_utilization", "target_average_value", "container")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TARGET_AVERAGE_UTILIZATION_FIELD_NUMBER: _ClassVar[int]
    TARGET_AVERAGE_VALUE_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_FIELD_NUMBER: _ClassVar[int]
    name: str
    target_average_utilization: int
    target_average_value: _scalars_pb2.Quantity
    container: str
    def __init__(self, name: _Optional[str] = ..., target_average_utilization: _Optional[int] = ..., target_average_value: _Optional[_Union[_scalars_pb2.Quantity, _Mapping]] = ..., container: _Optional[str] = ...) -> None: ...

class ExternalMetricSource(_message.Message):
    __slots__ = ("metric_name", "metric_selector", "target_value", "target_average_value")
    METRIC_NAME_FIELD_NUMBER: _ClassVar[int]
    METRIC_SELECTOR_FIELD_NUMBER: _ClassVar[int]
    TARGET_VALUE_FIELD_NUMBER: _ClassVar[int]
    TARGET_AVERAGE_VALUE_FIELD_NUMBER: _ClassVar[int]
    metric_name: str
    metric_selector: _meta_v1_pb2.LabelSelector
    target_value: _scalars_pb2.Quantity
    target_average_value: _scalars_pb2.Quantity
    def __init__(self, metric_name: _Optional[str] = ..., metric_selector: _Optional[_Union[_meta_v1_pb2.LabelSelector, _Mapping]] = ..., target_value: _Optional[_Union[_scalars_pb2.Quantity, _Mapping]] = ..., target_average_value: _Optional[_Union[_scalars_pb2.Quantity, _Mapping]] = ...) -> None: ...

class MetricStatus(_message.Message):
    __slots__ = ("type", "object", "pods", "resource", "external", "container_resource")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    OBJECT_FIELD_NUMBER: _ClassVar[int]
    PODS_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_RESOURCE_FIELD_NUMBER: _ClassVar[int]
    type: str
    object: ObjectMetricStatus
    pods: PodsMetricStatus
    resource: ResourceMetricStatus
    external: ExternalMetricStatus
    container_resource: ContainerResourceMetricStatus
    def __init__(self, type: _Optional[str] = ..., object: _Optional[_Union[ObjectMetricStatus, _Mapping]] = ..., pods: _Optional[_Union[PodsMetricStatus, _Mapping]] = ..., resource: _Optional[_Union[ResourceMetricStatus, _Mapping]] = ..., external: _Optional[_Union[ExternalMetricStatus, _Mapping]] = ..., container_resource: _Optional[_Union[ContainerResourceMetricStatus, _Mapping]] = ...) -> None: ...

class HorizontalPodAutoscalerCondition(_message.Message):
    __slots__ = ("type", "status", "last_transition_time", "reason", "message")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LAST_TRANSITION_TIME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    type: str
    status: str
    last_transition_time: _scalars_pb2.Time
    reason: str
    message: str
    def __init__(self, type: _Optional[str] = ..., status: _Optional[str] = ..., last_transition_time: _Optional[_Union[_scalars_pb2.Time, _Mapping]] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class ObjectMetricStatus(_message.Message):
    __slots__ = ("target", "metric_name", "current_value", "selector", "average_value")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    METRIC_NAME_FIELD_NUMBER: _ClassVar[int]
    CURRENT_VALUE_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_VALUE_FIELD_NUMBER: _ClassVar[int]
    target: CrossVersionObjectReference
    metric_name: str
    current_value: _scalars_pb2.Quantity
    selector: _meta_v1_pb2.LabelSelector
    average_value: _scalars_pb2.Quantity
    def __init__(self, target: _Optional[_Union[CrossVersionObjectReference, _Mapping]] = ..., metric_name: _Optional[str] = ..., current_value: _Optional[_Union[_scalars_pb2.Quantity, _Mapping]] = ..., selector: _Optional[_Union[_meta_v1_pb2.LabelSelector, _Mapping]] = ..., average_value: _Optional[_Union[_scalars_pb2.Quantity, _Mapping]] = ...) -> None: ...

class PodsMetricStatus(_message.Message):
    __slots__ = ("metric_name", "current_average_value", "selector")
    METRIC_NAME_FIELD_NUMBER: _ClassVar[int]
    CURRENT_AVERAGE_VALUE_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    metric_name: str
    current_average_value: _scalars_pb2.Quantity
    selector: _meta_v1_pb2.LabelSelector
    def __init__(self, metric_name: _Optional[str] = ..., current_average_value: _Optional[_Union[_scalars_pb2.Quantity, _Mapping]] = ..., selector: _Optional[_Union[_meta_v1_pb2.LabelSelector, _Mapping]] = ...) -> None: ...

class ResourceMetricStatus(_message.Message):
    __slots__ = ("name", "current_average_utilization", "current_average_value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CURRENT_AVERAGE_UTILIZATION_FIELD_NUMBER: _ClassVar[int]
    CURRENT_AVERAGE_VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    current_average_utilization: int
    current_average_value: _scalars_pb2.Quantity
    def __init__(self, name: _Optional[str] = ..., current_average_utilization: _Optional[int] = ..., current_average_value: _Optional[_Union[_scalars_pb2.Quantity, _Mapping]] = ...) -> None: ...

class ContainerResourceMetricStatus(_message.Message):
    __slots__ = ("name", "current_average_utilization", "current_average_value", "container")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CURRENT_AVERAGE_UTILIZATION_FIELD_NUMBER: _ClassVar[int]
    CURRENT_AVERAGE_VALUE_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_FIELD_NUMBER: _ClassVar[int]
    name: str
    current_average_utilization: int
    current_average_value: _scalars_pb2.Quantity
    container: str
    def __init__(self, name: _Optional[str] = ..., current_average_utilization: _Optional[int] = ..., current_average_value: _Optional[_Union[_scalars_pb2.Quantity, _Mapping]] = ..., container: _Optional[str] = ...) -> None: ...

class ExternalMetricStatus(_message.Message):
    __slots__ = ("metric_name", "metric_selector", "current_value", "current_average_value")
    METRIC_NAME_FIELD_NUMBER: _ClassVar[int]
    METRIC_SELECTOR_FIELD_NUMBER: _ClassVar[int]
    CURRENT_VALUE_FIELD_NUMBER: _ClassVar[int]
    CURRENT_AVERAGE_VALUE_FIELD_NUMBER: _ClassVar[int]
    metric_name: str
    metric_selector: _meta_v1_pb2.LabelSelector
    current_value: _scalars_pb2.Quantity
    current_average_value: _scalars_pb2.Quantity
    def __init__(self, metric_name: _Optional[str] = ..., metric_selector: _Optional[_Union[_meta_v1_pb2.LabelSelector, _Mapping]] = ..., current_value: _Optional[_Union[_scalars_pb2.Quantity, _Mapping]] = ..., current_average_value: _Optional[_Union[_scalars_pb2.Quantity, _Mapping]] = ...) -> None: ...
