from protos import authentication_v1_pb2 as _authentication_v1_pb2
from protos import authorization_v1_pb2 as _authorization_v1_pb2
from protos import autoscaling_v1_pb2 as _autoscaling_v1_pb2
from protos import core_v1_pb2 as _core_v1_pb2
from protos import events_v1_pb2 as _events_v1_pb2
from protos import metrics_v1beta1_pb2 as _metrics_v1beta1_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Served(_message.Message):
    __slots__ = ("event", "horizontal_pod_autoscaler", "binding", "component_status", "token_review", "self_subject_review", "subject_access_review", "self_subject_access_review", "self_subject_rules_review", "local_subject_access_review", "node_metrics", "pod_metrics")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    HORIZONTAL_POD_AUTOSCALER_FIELD_NUMBER: _ClassVar[int]
    BINDING_FIELD_NUMBER: _ClassVar[int]
    COMPONENT_STATUS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_REVIEW_FIELD_NUMBER: _ClassVar[int]
    SELF_SUBJECT_REVIEW_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ACCESS_REVIEW_FIELD_NUMBER: _ClassVar[int]
    SELF_SUBJECT_ACCESS_REVIEW_FIELD_NUMBER: _ClassVar[int]
    SELF_SUBJECT_RULES_REVIEW_FIELD_NUMBER: _ClassVar[int]
    LOCAL_SUBJECT_ACCESS_REVIEW_FIELD_NUMBER: _ClassVar[int]
    NODE_METRICS_FIELD_NUMBER: _ClassVar[int]
    POD_METRICS_FIELD_NUMBER: _ClassVar[int]
    event: _events_v1_pb2.Event
    horizontal_pod_autoscaler: _autoscaling_v1_pb2.HorizontalPodAutoscaler
    binding: _core_v1_pb2.Binding
    component_status: _core_v1_pb2.ComponentStatus
    token_review: _authentication_v1_pb2.TokenReview
    self_subject_review: _authentication_v1_pb2.SelfSubjectReview
    subject_access_review: _authorization_v1_pb2.SubjectAccessReview
    self_subject_access_review: _authorization_v1_pb2.SelfSubjectAccessReview
    self_subject_rules_review: _authorization_v1_pb2.SelfSubjectRulesReview
    local_subject_access_review: _authorization_v1_pb2.LocalSubjectAccessReview
    node_metrics: _metrics_v1beta1_pb2.NodeMetrics
    pod_metrics: _metrics_v1beta1_pb2.PodMetrics
    def __init__(self, event: _Optional[_Union[_events_v1_pb2.Event, _Mapping]] = ..., horizontal_pod_autoscaler: _Optional[_Union[_autoscaling_v1_pb2.HorizontalPodAutoscaler, _Mapping]] = ..., binding: _Optional[_Union[_core_v1_pb2.Binding, _Mapping]] = ..., component_status: _Optional[_Union[_core_v1_pb2.ComponentStatus, _Mapping]] = ..., token_review: _Optional[_Union[_authentication_v1_pb2.TokenReview, _Mapping]] = ..., self_subject_review: _Optional[_Union[_authentication_v1_pb2.SelfSubjectReview, _Mapping]] = ..., subject_access_review: _Optional[_Union[_authorization_v1_pb2.SubjectAccessReview, _Mapping]] = ..., self_subject_access_review: _Optional[_Union[_authorization_v1_pb2.SelfSubjectAccessReview, _Mapping]] = ..., self_subject_rules_review: _Optional[_Union[_authorization_v1_pb2.SelfSubjectRulesReview, _Mapping]] = ..., local_subject_access_review: _Optional[_Union[_authorization_v1_pb2.LocalSubjectAccessReview, _Mapping]] = ..., node_metrics: _Optional[_Union[_metrics_v1beta1_pb2.NodeMetrics, _Mapping]] = ..., pod_metrics: _Optional[_Union[_metrics_v1beta1_pb2.PodMetrics, _Mapping]] = ...) -> None: ...
