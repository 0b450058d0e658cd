from protos import meta_v1_pb2 as _meta_v1_pb2
from protos import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class APIGroupDiscoveryList(_message.Message):
    __slots__ = ("metadata", "items")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    metadata: _meta_v1_pb2.ListMeta
    items: _containers.RepeatedCompositeFieldContainer[APIGroupDiscovery]
    def __init__(self, metadata: _Optional[_Union[_meta_v1_pb2.ListMeta, _Mapping]] = ..., items: _Optional[_Iterable[_Union[APIGroupDiscovery, _Mapping]]] = ...) -> None: ...

class APIGroupDiscovery(_message.Message):
    __slots__ = ("metadata", "versions")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    metadata: _meta_v1_pb2.ObjectMeta
    versions: _containers.RepeatedCompositeFieldContainer[APIVersionDiscovery]
    def __init__(self, metadata: _Optional[_Union[_meta_v1_pb2.ObjectMeta, _Mapping]] = ..., versions: _Optional[_Iterable[_Union[APIVersionDiscovery, _Mapping]]] = ...) -> None: ...

class APIVersionDiscovery(_message.Message):
    __slots__ = ("version", "resources", "freshness")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    FRESHNESS_FIELD_NUMBER: _ClassVar[int]
    version: str
    resources: _containers.RepeatedCompositeFieldContainer[APIResourceDiscovery]
    freshness: str
    def __init__(self, version: _Optional[str] = ..., resources: _Optional[_Iterable[_Union[APIResourceDiscovery, _Mapping]]] = ..., freshness: _Optional[str] = ...) -> None: ...

class APIResourceDiscovery(_message.Message):
    __slots__ = ("resource", "response_kind", "scope", "singular_resource", "verbs", "short_names", "categories", "subresources")
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_KIND_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    SINGULAR_RESOURCE_FIELD_NUMBER: _ClassVar[int]
    VERBS_FIELD_NUMBER: _ClassVar[int]
    SHORT_NAMES_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    SUBRESOURCES_FIELD_NUMBER: _ClassVar[int]
    resource: str
    response_kind: _meta_v1_pb2.GroupVersionKind
    scope: str
    singular_resource: str
    verbs: _containers.RepeatedScalarFieldContainer[str]
    short_names: _containers.RepeatedScalarFieldContainer[str]
    categories: _containers.RepeatedScalarFieldContainer[str]
    subresources: _containers.RepeatedCompositeFieldContainer[APISubresourceDiscovery]
    def __init__(self, resource: _Optional[str] = ..., response_kind: _Optional[_Union[_meta_v1_pb2.GroupVersionKind, _Mapping]] = ..., scope: _Optional[str] = ..., singular_resource: _Optional[str] = ..., verbs: _Optional[_Iterable[str]] = ..., short_names: _Optional[_Iterable[str]] = ..., categories: _Optional[_Iterable[str]] = ..., subresources: _Optional[_Iterable[_Union[APISubresourceDiscovery, _Mapping]]] = ...) -> None: ...

class APISubresourceDiscovery(_message.Message):
    __slots__ = ("subresource", "response_kind", "accepted_types", "verbs")
    SUBRESOURCE_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_KIND_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_TYPES_FIELD_NUMBER: _ClassVar[int]
    VERBS_FIELD_NUMBER: _ClassVar[int]
    subresource: str
    response_kind: _meta_v1_pb2.GroupVersionKind
    accepted_types: _containers.RepeatedCompositeFieldContainer[_meta_v1_pb2.GroupVersionKind]
    verbs: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, subresource: _Optional[str] = ..., response_kind: _Optional[_Union[_meta_v1_pb2.GroupVersionKind, _Mapping]] = ..., accepted_types: _Optional[_Iterable[_Union[_meta_v1_pb2.GroupVersionKind, _Mapping]]] = ..., verbs: _Optional[_Iterable[str]] = ...) -> None: ...
