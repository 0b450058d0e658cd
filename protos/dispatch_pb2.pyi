from protos import core_v1_pb2 as _core_v1_pb2
from protos import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EnrollRequest(_message.Message):
    __slots__ = ("token", "node_name", "csr", "netproxy_csr")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    NODE_NAME_FIELD_NUMBER: _ClassVar[int]
    CSR_FIELD_NUMBER: _ClassVar[int]
    NETPROXY_CSR_FIELD_NUMBER: _ClassVar[int]
    token: str
    node_name: str
    csr: bytes
    netproxy_csr: bytes
    def __init__(self, token: _Optional[str] = ..., node_name: _Optional[str] = ..., csr: _Optional[bytes] = ..., netproxy_csr: _Optional[bytes] = ...) -> None: ...

class EnrollResponse(_message.Message):
    __slots__ = ("certificate", "netproxy_certificate", "ca")
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    NETPROXY_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    CA_FIELD_NUMBER: _ClassVar[int]
    certificate: bytes
    netproxy_certificate: bytes
    ca: bytes
    def __init__(self, certificate: _Optional[bytes] = ..., netproxy_certificate: _Optional[bytes] = ..., ca: _Optional[bytes] = ...) -> None: ...

class RenewRequest(_message.Message):
    __slots__ = ("csr",)
    CSR_FIELD_NUMBER: _ClassVar[int]
    csr: bytes
    def __init__(self, csr: _Optional[bytes] = ...) -> None: ...

class RenewResponse(_message.Message):
    __slots__ = ("certificate", "ca")
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    CA_FIELD_NUMBER: _ClassVar[int]
    certificate: bytes
    ca: bytes
    def __init__(self, certificate: _Optional[bytes] = ..., ca: _Optional[bytes] = ...) -> None: ...

class AgentMessage(_message.Message):
    __slots__ = ("hello", "heartbeat", "pod_statuses", "events", "resubscribe", "more")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    POD_STATUSES_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    RESUBSCRIBE_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    heartbeat: Heartbeat
    pod_statuses: PodStatuses
    events: Events
    resubscribe: Resubscribe
    more: _containers.RepeatedCompositeFieldContainer[AgentMessage]
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., pod_statuses: _Optional[_Union[PodStatuses, _Mapping]] = ..., events: _Optional[_Union[Events, _Mapping]] = ..., resubscribe: _Optional[_Union[Resubscribe, _Mapping]] = ..., more: _Optional[_Iterable[_Union[AgentMessage, _Mapping]]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("node", "agent_version", "instance", "batches")
    NODE_FIELD_NUMBER: _ClassVar[int]
    AGENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    node: _core_v1_pb2.Node
    agent_version: str
    instance: str
    batches: bool
    def __init__(self, node: _Optional[_Union[_core_v1_pb2.Node, _Mapping]] = ..., agent_version: _Optional[str] = ..., instance: _Optional[str] = ..., batches: bool = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: _core_v1_pb2.NodeStatus
    def __init__(self, status: _Optional[_Union[_core_v1_pb2.NodeStatus, _Mapping]] = ...) -> None: ...

class PodStatuses(_message.Message):
    __slots__ = ("sequence", "entries")
    class Entry(_message.Message):
        __slots__ = ("namespace", "name", "uid", "status", "terminated")
        NAMESPACE_FIELD_NUMBER: _ClassVar[int]
        NAME_FIELD_NUMBER: _ClassVar[int]
        UID_FIELD_NUMBER: _ClassVar[int]
        STATUS_FIELD_NUMBER: _ClassVar[int]
        TERMINATED_FIELD_NUMBER: _ClassVar[int]
        namespace: str
        name: str
        uid: str
        status: _core_v1_pb2.PodStatus
        terminated: bool
        def __init__(self, namespace: _Optional[str] = ..., name: _Optional[str] = ..., uid: _Optional[str] = ..., status: _Optional[_Union[_core_v1_pb2.PodStatus, _Mapping]] = ..., terminated: bool = ...) -> None: ...
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    entries: _containers.RepeatedCompositeFieldContainer[PodStatuses.Entry]
    def __init__(self, sequence: _Optional[int] = ..., entries: _Optional[_Iterable[_Union[PodStatuses.Entry, _Mapping]]] = ...) -> None: ...

class Events(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_core_v1_pb2.Event]
    def __init__(self, events: _Optional[_Iterable[_Union[_core_v1_pb2.Event, _Mapping]]] = ...) -> None: ...

class Resubscribe(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MasterMessage(_message.Message):
    __slots__ = ("welcome", "assignments", "peers", "status_ack", "tunnel", "tunnel_cancel", "goodbye", "more")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    ASSIGNMENTS_FIELD_NUMBER: _ClassVar[int]
    PEERS_FIELD_NUMBER: _ClassVar[int]
    STATUS_ACK_FIELD_NUMBER: _ClassVar[int]
    TUNNEL_FIELD_NUMBER: _ClassVar[int]
    TUNNEL_CANCEL_FIELD_NUMBER: _ClassVar[int]
    GOODBYE_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    assignments: Assignments
    peers: Peers
    status_ack: StatusAck
    tunnel: TunnelRequest
    tunnel_cancel: TunnelCancel
    goodbye: Goodbye
    more: _containers.RepeatedCompositeFieldContainer[MasterMessage]
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., assignments: _Optional[_Union[Assignments, _Mapping]] = ..., peers: _Optional[_Union[Peers, _Mapping]] = ..., status_ack: _Optional[_Union[StatusAck, _Mapping]] = ..., tunnel: _Optional[_Union[TunnelRequest, _Mapping]] = ..., tunnel_cancel: _Optional[_Union[TunnelCancel, _Mapping]] = ..., goodbye: _Optional[_Union[Goodbye, _Mapping]] = ..., more: _Optional[_Iterable[_Union[MasterMessage, _Mapping]]] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("session", "heartbeat_period_seconds", "lost_after_seconds", "pod_cidr", "cluster_cidr", "service_cidr", "dns_address", "cluster_domain", "batches")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_PERIOD_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LOST_AFTER_SECONDS_FIELD_NUMBER: _ClassVar[int]
    POD_CIDR_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_CIDR_FIELD_NUMBER: _ClassVar[int]
    SERVICE_CIDR_FIELD_NUMBER: _ClassVar[int]
    DNS_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_DOMAIN_FIELD_NUMBER: _ClassVar[int]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    session: str
    heartbeat_period_seconds: float
    lost_after_seconds: float
    pod_cidr: str
    cluster_cidr: str
    service_cidr: str
    dns_address: str
    cluster_domain: str
    batches: bool
    def __init__(self, session: _Optional[str] = ..., heartbeat_period_seconds: _Optional[float] = ..., lost_after_seconds: _Optional[float] = ..., pod_cidr: _Optional[str] = ..., cluster_cidr: _Optional[str] = ..., service_cidr: _Optional[str] = ..., dns_address: _Optional[str] = ..., cluster_domain: _Optional[str] = ..., batches: bool = ...) -> None: ...

class Assignments(_message.Message):
    __slots__ = ("type", "sequence", "set", "removed", "revision")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNKNOWN: _ClassVar[Assignments.Type]
        COMPLETE: _ClassVar[Assignments.Type]
        INCREMENTAL: _ClassVar[Assignments.Type]
    UNKNOWN: Assignments.Type
    COMPLETE: Assignments.Type
    INCREMENTAL: Assignments.Type
    class Removed(_message.Message):
        __slots__ = ("ref", "uid")
        REF_FIELD_NUMBER: _ClassVar[int]
        UID_FIELD_NUMBER: _ClassVar[int]
        ref: _resources_pb2.Ref
        uid: str
        def __init__(self, ref: _Optional[_Union[_resources_pb2.Ref, _Mapping]] = ..., uid: _Optional[str] = ...) -> None: ...
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    type: Assignments.Type
    sequence: int
    set: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Object]
    removed: _containers.RepeatedCompositeFieldContainer[Assignments.Removed]
    revision: int
    def __init__(self, type: _Optional[_Union[Assignments.Type, str]] = ..., sequence: _Optional[int] = ..., set: _Optional[_Iterable[_Union[_resources_pb2.Object, _Mapping]]] = ..., removed: _Optional[_Iterable[_Union[Assignments.Removed, _Mapping]]] = ..., revision: _Optional[int] = ...) -> None: ...

class Peers(_message.Message):
    __slots__ = ("type", "set", "removed")
    class Peer(_message.Message):
        __slots__ = ("node", "address", "pod_cidr")
        NODE_FIELD_NUMBER: _ClassVar[int]
        ADDRESS_FIELD_NUMBER: _ClassVar[int]
        POD_CIDR_FIELD_NUMBER: _ClassVar[int]
        node: str
        address: str
        pod_cidr: str
        def __init__(self, node: _Optional[str] = ..., address: _Optional[str] = ..., pod_cidr: _Optional[str] = ...) -> None: ...
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    type: Assignments.Type
    set: _containers.RepeatedCompositeFieldContainer[Peers.Peer]
    removed: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, type: _Optional[_Union[Assignments.Type, str]] = ..., set: _Optional[_Iterable[_Union[Peers.Peer, _Mapping]]] = ..., removed: _Optional[_Iterable[str]] = ...) -> None: ...

class StatusAck(_message.Message):
    __slots__ = ("sequence",)
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    def __init__(self, sequence: _Optional[int] = ...) -> None: ...

class TunnelRequest(_message.Message):
    __slots__ = ("id", "pod_uid", "logs", "exec", "attach", "port_forward")
    ID_FIELD_NUMBER: _ClassVar[int]
    POD_UID_FIELD_NUMBER: _ClassVar[int]
    LOGS_FIELD_NUMBER: _ClassVar[int]
    EXEC_FIELD_NUMBER: _ClassVar[int]
    ATTACH_FIELD_NUMBER: _ClassVar[int]
    PORT_FORWARD_FIELD_NUMBER: _ClassVar[int]
    id: str
    pod_uid: str
    logs: _resources_pb2.LogsRequest
    exec: _resources_pb2.StreamStart
    attach: _resources_pb2.StreamStart
    port_forward: _resources_pb2.StreamStart
    def __init__(self, id: _Optional[str] = ..., pod_uid: _Optional[str] = ..., logs: _Optional[_Union[_resources_pb2.LogsRequest, _Mapping]] = ..., exec: _Optional[_Union[_resources_pb2.StreamStart, _Mapping]] = ..., attach: _Optional[_Union[_resources_pb2.StreamStart, _Mapping]] = ..., port_forward: _Optional[_Union[_resources_pb2.StreamStart, _Mapping]] = ...) -> None: ...

class TunnelCancel(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class TunnelUp(_message.Message):
    __slots__ = ("opened", "output", "log", "error", "error_code")
    OPENED_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
    opened: str
    output: _resources_pb2.StreamOutput
    log: _resources_pb2.Chunk
    error: str
    error_code: int
    def __init__(self, opened: _Optional[str] = ..., output: _Optional[_Union[_resources_pb2.StreamOutput, _Mapping]] = ..., log: _Optional[_Union[_resources_pb2.Chunk, _Mapping]] = ..., error: _Optional[str] = ..., error_code: _Optional[int] = ...) -> None: ...

class TunnelDown(_message.Message):
    __slots__ = ("input",)
    INPUT_FIELD_NUMBER: _ClassVar[int]
    input: _resources_pb2.StreamInput
    def __init__(self, input: _Optional[_Union[_resources_pb2.StreamInput, _Mapping]] = ...) -> None: ...

class Goodbye(_message.Message):
    __slots__ = ("reason", "retry")
    REASON_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    reason: str
    retry: bool
    def __init__(self, reason: _Optional[str] = ..., retry: bool = ...) -> None: ...
