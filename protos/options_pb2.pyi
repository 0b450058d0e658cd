from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor
RESOURCE_FIELD_NUMBER: _ClassVar[int]
resource: _descriptor.FieldDescriptor
API_VERSION_FIELD_NUMBER: _ClassVar[int]
api_version: _descriptor.FieldDescriptor
TRANSPARENT_FIELD_NUMBER: _ClassVar[int]
transparent: _descriptor.FieldDescriptor
ATOMIC_FIELD_NUMBER: _ClassVar[int]
atomic: _descriptor.FieldDescriptor
INLINE_FIELD_NUMBER: _ClassVar[int]
inline: _descriptor.FieldDescriptor
ALWAYS_FIELD_NUMBER: _ClassVar[int]
always: _descriptor.FieldDescriptor
PATCH_STRATEGY_FIELD_NUMBER: _ClassVar[int]
patch_strategy: _descriptor.FieldDescriptor
MERGE_KEY_FIELD_NUMBER: _ClassVar[int]
merge_key: _descriptor.FieldDescriptor
NULLABLE_FIELD_NUMBER: _ClassVar[int]
nullable: _descriptor.FieldDescriptor
REQUIRED_FIELD_NUMBER: _ClassVar[int]
required: _descriptor.FieldDescriptor
APPLY_TYPE_FIELD_NUMBER: _ClassVar[int]
apply_type: _descriptor.FieldDescriptor
APPLY_KEYS_FIELD_NUMBER: _ClassVar[int]
apply_keys: _descriptor.FieldDescriptor

class Resource(_message.Message):
    __slots__ = ("group", "version", "plural", "namespaced", "short_names", "categories", "subresources", "version_of", "verbs", "caveat", "returns_deleted", "created_by_update")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PLURAL_FIELD_NUMBER: _ClassVar[int]
    NAMESPACED_FIELD_NUMBER: _ClassVar[int]
    SHORT_NAMES_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    SUBRESOURCES_FIELD_NUMBER: _ClassVar[int]
    VERSION_OF_FIELD_NUMBER: _ClassVar[int]
    VERBS_FIELD_NUMBER: _ClassVar[int]
    CAVEAT_FIELD_NUMBER: _ClassVar[int]
    RETURNS_DELETED_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_UPDATE_FIELD_NUMBER: _ClassVar[int]
    group: str
    version: str
    plural: str
    namespaced: bool
    short_names: _containers.RepeatedScalarFieldContainer[str]
    categories: _containers.RepeatedScalarFieldContainer[str]
    subresources: _containers.RepeatedScalarFieldContainer[str]
    version_of: str
    verbs: _containers.RepeatedScalarFieldContainer[str]
    caveat: str
    returns_deleted: bool
    created_by_update: bool
    def __init__(self, group: _Optional[str] = ..., version: _Optional[str] = ..., plural: _Optional[str] = ..., namespaced: bool = ..., short_names: _Optional[_Iterable[str]] = ..., categories: _Optional[_Iterable[str]] = ..., subresources: _Optional[_Iterable[str]] = ..., version_of: _Optional[str] = ..., verbs: _Optional[_Iterable[str]] = ..., caveat: _Optional[str] = ..., returns_deleted: bool = ..., created_by_update: bool = ...) -> None: ...
