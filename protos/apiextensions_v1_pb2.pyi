from protos import meta_v1_pb2 as _meta_v1_pb2
from protos import options_pb2 as _options_pb2
from protos import scalars_pb2 as _scalars_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CustomResourceDefinitionSpec(_message.Message):
    __slots__ = ("group", "names", "scope", "versions", "conversion", "preserve_unknown_fields")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    CONVERSION_FIELD_NUMBER: _ClassVar[int]
    PRESERVE_UNKNOWN_FIELDS_FIELD_NUMBER: _ClassVar[int]
    group: str
    names: CustomResourceDefinitionNames
    scope: str
    versions: _containers.RepeatedCompositeFieldContainer[CustomResourceDefinitionVersion]
    conversion: CustomResourceConversion
    preserve_unknown_fields: bool
    def __init__(self, group: _Optional[str] = ..., names: _Optional[_Union[CustomResourceDefinitionNames, _Mapping]] = ..., scope: _Optional[str] = ..., versions: _Optional[_Iterable[_Union[CustomResourceDefinitionVersion, _Mapping]]] = ..., conversion: _Optional[_Union[CustomResourceConversion, _Mapping]] = ..., preserve_unknown_fields: bool = ...) -> None: ...

class CustomResourceConversion(_message.Message):
    __slots__ = ("strategy", "webhook")
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_FIELD_NUMBER: _ClassVar[int]
    strategy: str
    webhook: WebhookConversion
    def __init__(self, strategy: _Optional[str] = ..., webhook: _Optional[_Union[WebhookConversion, _Mapping]] = ...) -> None: ...

class WebhookConversion(_message.Message):
    __slots__ = ("client_config", "conversion_review_versions")
    CLIENT_CONFIG_FIELD_NUMBER: _ClassVar[int]
    CONVERSION_REVIEW_VERSIONS_FIELD_NUMBER: _ClassVar[int]
    client_config: WebhookClientConfig
    conversion_review_versions: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, client_config: _Optional[_Union[WebhookClientConfig, _Mapping]] = ..., conversion_review_versions: _Optional[_Iterable[str]] = ...) -> None: ...

class WebhookClientConfig(_message.Message):
    __slots__ = ("service", "ca_bundle", "url")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    CA_BUNDLE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    service: ServiceReference
    ca_bundle: bytes
    url: str
    def __init__(self, service: _Optional[_Union[ServiceReference, _Mapping]] = ..., ca_bundle: _Optional[bytes] = ..., url: _Optional[str] = ...) -> None: ...

class ServiceReference(_message.Message):
    __slots__ = ("namespace", "name", "path", "port")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    name: str
    path: str
    port: int
    def __init__(self, namespace: _Optional[str] = ..., name: _Optional[str] = ..., path: _Optional[str] = ..., port: _Optional[int] = ...) -> None: ...

class CustomResourceDefinitionVersion(_message.Message):
    __slots__ = ("name", "served", "storage", "schema", "subresources", "additional_printer_columns", "deprecated", "deprecation_warning", "selectable_fields")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SERVED_FIELD_NUMBER: _ClassVar[int]
    STORAGE_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    SUBRESOURCES_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_PRINTER_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    DEPRECATED_FIELD_NUMBER: _ClassVar[int]
    DEPRECATION_WARNING_FIELD_NUMBER: _ClassVar[int]
    SELECTABLE_FIELDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    served: bool
    storage: bool
    schema: CustomResourceValidation
    subresources: CustomResourceSubresources
    additional_printer_columns: _containers.RepeatedCompositeFieldContainer[CustomResourceColumnDefinition]
    deprecated: bool
    deprecation_warning: str
    selectable_fields: _containers.RepeatedCompositeFieldContainer[SelectableField]
    def __init__(self, name: _Optional[str] = ..., served: bool = ..., storage: bool = ..., schema: _Optional[_Union[CustomResourceValidation, _Mapping]] = ..., subresources: _Optional[_Union[CustomResourceSubresources, _Mapping]] = ..., additional_printer_columns: _Optional[_Iterable[_Union[CustomResourceColumnDefinition, _Mapping]]] = ..., deprecated: bool = ..., deprecation_warning: _Optional[str] = ..., selectable_fields: _Optional[_Iterable[_Union[SelectableField, _Mapping]]] = ...) -> None: ...

class SelectableField(_message.Message):
    __slots__ = ("json_path",)
    JSON_PATH_FIELD_NUMBER: _ClassVar[int]
    json_path: str
    def __init__(self, json_path: _Optional[str] = ...) -> None: ...

class CustomResourceColumnDefinition(_message.Message):
    __slots__ = ("name", "type", "format", "description", "priority", "json_path")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    JSON_PATH_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    format: str
    description: str
    priority: int
    json_path: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., format: _Optional[str] = ..., description: _Optional[str] = ..., priority: _Optional[int] = ..., json_path: _Optional[str] = ...) -> None: ...

class CustomResourceDefinitionNames(_message.Message):
    __slots__ = ("plural", "singular", "short_names", "kind", "list_kind", "categories")
    PLURAL_FIELD_NUMBER: _ClassVar[int]
    SINGULAR_FIELD_NUMBER: _ClassVar[int]
    SHORT_NAMES_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LIST_KIND_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    plural: str
    singular: str
    short_names: _containers.RepeatedScalarFieldContainer[str]
    kind: str
    list_kind: str
    categories: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, plural: _Optional[str] = ..., singular: _Optional[str] = ..., short_names: _Optional[_Iterable[str]] = ..., kind: _Optional[str] = ..., list_kind: _Optional[str] = ..., categories: _Optional[_Iterable[str]] = ...) -> None: ...

class CustomResourceDefinitionCondition(_message.Message):
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

class CustomResourceDefinitionStatus(_message.Message):
    __slots__ = ("conditions", "accepted_names", "stored_versions")
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_NAMES_FIELD_NUMBER: _ClassVar[int]
    STORED_VERSIONS_FIELD_NUMBER: _ClassVar[int]
    conditions: _containers.RepeatedCompositeFieldContainer[CustomResourceDefinitionCondition]
    accepted_names: CustomResourceDefinitionNames
    stored_versions: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, conditions: _Optional[_Iterable[_Union[CustomResourceDefinitionCondition, _Mapping]]] = ..., accepted_names: _Optional[_Union[CustomResourceDefinitionNames, _Mapping]] = ..., stored_versions: _Optional[_Iterable[str]] = ...) -> None: ...

class CustomResourceDefinition(_message.Message):
    __slots__ = ("metadata", "spec", "status")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    metadata: _meta_v1_pb2.ObjectMeta
    spec: CustomResourceDefinitionSpec
    status: CustomResourceDefinitionStatus
    def __init__(self, metadata: _Optional[_Union[_meta_v1_pb2.ObjectMeta, _Mapping]] = ..., spec: _Optional[_Union[CustomResourceDefinitionSpec, _Mapping]] = ..., status: _Optional[_Union[CustomResourceDefinitionStatus, _Mapping]] = ...) -> None: ...

class CustomResourceDefinitionList(_message.Message):
    __slots__ = ("metadata", "items")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    metadata: _meta_v1_pb2.ListMeta
    items: _containers.RepeatedCompositeFieldContainer[CustomResourceDefinition]
    def __init__(self, metadata: _Optional[_Union[_meta_v1_pb2.ListMeta, _Mapping]] = ..., items: _Optional[_Iterable[_Union[CustomResourceDefinition, _Mapping]]] = ...) -> None: ...

class CustomResourceValidation(_message.Message):
    __slots__ = ("open_api_v3_schema",)
    OPEN_API_V3_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    open_api_v3_schema: JSONSchemaProps
    def __init__(self, open_api_v3_schema: _Optional[_Union[JSONSchemaProps, _Mapping]] = ...) -> None: ...

class CustomResourceSubresources(_message.Message):
    __slots__ = ("status", "scale")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    status: CustomResourceSubresourceStatus
    scale: CustomResourceSubresourceScale
    def __init__(self, status: _Optional[_Union[CustomResourceSubresourceStatus, _Mapping]] = ..., scale: _Optional[_Union[CustomResourceSubresourceScale, _Mapping]] = ...) -> None: ...

class CustomResourceSubresourceScale(_message.Message):
    __slots__ = ("spec_replicas_path", "status_replicas_path", "label_selector_path")
    SPEC_REPLICAS_PATH_FIELD_NUMBER: _ClassVar[int]
    STATUS_REPLICAS_PATH_FIELD_NUMBER: _ClassVar[int]
    LABEL_SELECTOR_PATH_FIELD_NUMBER: _ClassVar[int]
    spec_replicas_path: str
    status_replicas_path: str
    label_selector_path: str
    def __init__(self, spec_replicas_path: _Optional[str] = ..., status_replicas_path: _Optional[str] = ..., label_selector_path: _Optional[str] = ...) -> None: ...

class ConversionReview(_message.Message):
    __slots__ = ("request", "response")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    request: ConversionRequest
    response: ConversionResponse
    def __init__(self, request: _Optional[_Union[ConversionRequest, _Mapping]] = ..., response: _Optional[_Union[ConversionResponse, _Mapping]] = ...) -> None: ...

class ConversionRequest(_message.Message):
    __slots__ = ("uid", "desired_api_version", "objects")
    UID_FIELD_NUMBER: _ClassVar[int]
    DESIRED_API_VERSION_FIELD_NUMBER: _ClassVar[int]
    OBJECTS_FIELD_NUMBER: _ClassVar[int]
    uid: str
    desired_api_version: str
    objects: _containers.RepeatedCompositeFieldContainer[_scalars_pb2.RawExtension]
    def __init__(self, uid: _Optional[str] = ..., desired_api_version: _Optional[str] = ..., objects: _Optional[_Iterable[_Union[_scalars_pb2.RawExtension, _Mapping]]] = ...) -> None: ...

class ConversionResponse(_message.Message):
    __slots__ = ("uid", "converted_objects", "result")
    UID_FIELD_NUMBER: _ClassVar[int]
    CONVERTED_OBJECTS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    uid: str
    converted_objects: _containers.RepeatedCompositeFieldContainer[_scalars_pb2.RawExtension]
    result: _meta_v1_pb2.Status
    def __init__(self, uid: _Optional[str] = ..., converted_objects: _Optional[_Iterable[_Union[_scalars_pb2.RawExtension, _Mapping]]] = ..., result: _Optional[_Union[_meta_v1_pb2.Status, _Mapping]] = ...) -> None: ...

class JSONSchemaProps(_message.Message):
    __slots__ = ("id", "schema", "ref", "description", "type", "format", "title", "default", "maximum", "exclusive_maximum", "minimum", "exclusive_minimum", "max_length", "min_length", "pattern", "max_items", "min_items", "unique_items", "multiple_of", "enum", "max_properties", "min_properties", "required", "items", "all_of", "one_of", "any_of", "properties", "additional_properties", "pattern_properties", "dependencies", "additional_items", "definitions", "external_docs", "example", "nullable", "x_kubernetes_preserve_unknown_fields", "x_kubernetes_embedded_resource", "x_kubernetes_int_or_string", "x_kubernetes_list_map_keys", "x_kubernetes_list_type", "x_kubernetes_map_type", "x_kubernetes_validations")
    class PropertiesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: JSONSchemaProps
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[JSONSchemaProps, _Mapping]] = ...) -> None: ...
    class PatternPropertiesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: JSONSchemaProps
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[JSONSchemaProps, _Mapping]] = ...) -> None: ...
    class DependenciesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: JSONSchemaPropsOrStringArray
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[JSONSchemaPropsOrStringArray, _Mapping]] = ...) -> None: ...
    class DefinitionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: JSONSchemaProps
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[JSONSchemaProps, _Mapping]] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    REF_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAX_LENGTH_FIELD_NUMBER: _ClassVar[int]
    MIN_LENGTH_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    MAX_ITEMS_FIELD_NUMBER: _ClassVar[int]
    MIN_ITEMS_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_ITEMS_FIELD_NUMBER: _ClassVar[int]
    MULTIPLE_OF_FIELD_NUMBER: _ClassVar[int]
    ENUM_FIELD_NUMBER: _ClassVar[int]
    MAX_PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    MIN_PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    ALL_OF_FIELD_NUMBER: _ClassVar[int]
    ONE_OF_FIELD_NUMBER: _ClassVar[int]
    ANY_OF_FIELD_NUMBER: _ClassVar[int]
    NOT_FIELD_NUMBER: _ClassVar[int]
    PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    PATTERN_PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    DEPENDENCIES_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_ITEMS_FIELD_NUMBER: _ClassVar[int]
    DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_DOCS_FIELD_NUMBER: _ClassVar[int]
    EXAMPLE_FIELD_NUMBER: _ClassVar[int]
    NULLABLE_FIELD_NUMBER: _ClassVar[int]
    X_KUBERNETES_PRESERVE_UNKNOWN_FIELDS_FIELD_NUMBER: _ClassVar[int]
    X_KUBERNETES_EMBEDDED_RESOURCE_FIELD_NUMBER: _ClassVar[int]
    X_KUBERNETES_INT_OR_STRING_FIELD_NUMBER: _ClassVar[int]
    X_KUBERNETES_LIST_MAP_KEYS_FIELD_NUMBER: _ClassVar[int]
    X_KUBERNETES_LIST_TYPE_FIELD_NUMBER: _ClassVar[int]
    X_KUBERNETES_MAP_TYPE_FIELD_NUMBER: _ClassVar[int]
    X_KUBERNETES_VALIDATIONS_FIELD_NUMBER: _ClassVar[int]
    id: str
    schema: str
    ref: str
    description: str
    type: str
    format: str
    title: str
    default: _scalars_pb2.JSON
    maximum: float
    exclusive_maximum: bool
    minimum: float
    exclusive_minimum: bool
    max_length: int
    min_length: int
    pattern: str
    max_items: int
    min_items: int
    unique_items: bool
    multiple_of: float
    enum: _containers.RepeatedCompositeFieldContainer[_scalars_pb2.JSON]
    max_properties: int
    min_properties: int
    required: _containers.RepeatedScalarFieldContainer[str]
    items: JSONSchemaPropsOrArray
    all_of: _containers.RepeatedCompositeFieldContainer[JSONSchemaProps]
    one_of: _containers.RepeatedCompositeFieldContainer[JSONSchemaProps]
    any_of: _containers.RepeatedCompositeFieldContainer[JSONSchemaProps]
    properties: _containers.MessageMap[str, JSONSchemaProps]
    additional_properties: JSONSchemaPropsOrBool
    pattern_properties: _containers.MessageMap[str, JSONSchemaProps]
    dependencies: _containers.MessageMap[str, JSONSchemaPropsOrStringArray]
    additional_items: JSONSchemaPropsOrBool
    definitions: _containers.MessageMap[str, JSONSchemaProps]
    external_docs: ExternalDocumentation
    example: _scalars_pb2.JSON
    nullable: bool
    x_kubernetes_preserve_unknown_fields: bool
    x_kubernetes_embedded_resource: bool
    x_kubernetes_int_or_string: bool
    x_kubernetes_list_map_keys: _containers.RepeatedScalarFieldContainer[str]
    x_kubernetes_list_type: str
    x_kubernetes_map_type: str
    x_kubernetes_validations: _containers.RepeatedCompositeFieldContainer[ValidationRule]
    def __init__(self, id: _Optional[str] = ..., schema: _Optional[str] = ..., ref: _Optional[str] = ..., description: _Optional[str] = ..., type: _Optional[str] = ..., format: _Optional[str] = ..., title: _Optional[str] = ..., default: _Optional[_Union[_scalars_pb2.JSON, _Mapping]] = ..., maximum: _Optional[float] = ..., exclusive_maximum: bool = ..., minimum: _Optional[float] = ..., exclusive_minimum: bool = ..., max_length: _Optional[int] = ..., min_length: _Optional[int] = ..., pattern: _Optional[str] = ..., max_items: _Optional[int] = ..., min_items: _Optional[int] = ..., unique_items: bool = ..., multiple_of: _Optional[float] = ..., enum: _Optional[_Iterable[_Union[_scalars_pb2.JSON, _Mapping]]] = ..., max_properties: _Optional[int] = ..., min_properties: _Optional[int] = ..., required: _Optional[_Iterable[str]] = ..., items: _Optional[_Union[JSONSchemaPropsOrArray, _Mapping]] = ..., all_of: _Optional[_Iterable[_Union[JSONSchemaProps, _Mapping]]] = ..., one_of: _Optional[_Iterable[_Union[JSONSchemaProps, _Mapping]]] = ..., any_of: _Optional[_Iterable[_Union[JSONSchemaProps, _Mapping]]] = ..., properties: _Optional[_Mapping[str, JSONSchemaProps]] = ..., additional_properties: _Optional[_Union[JSONSchemaPropsOrBool, _Mapping]] = ..., pattern_properties: _Optional[_Mapping[str, JSONSchemaProps]] = ..., dependencies: _Optional[_Mapping[str, JSONSchemaPropsOrStringArray]] = ..., additional_items: _Optional[_Union[JSONSchemaPropsOrBool, _Mapping]] = ..., definitions: _Optional[_Mapping[str, JSONSchemaProps]] = ..., external_docs: _Optional[_Union[ExternalDocumentation, _Mapping]] = ..., example: _Optional[_Union[_scalars_pb2.JSON, _Mapping]] = ..., nullable: bool = ..., x_kubernetes_preserve_unknown_fields: bool = ..., x_kubernetes_embedded_resource: bool = ..., x_kubernetes_int_or_string: bool = ..., x_kubernetes_list_map_keys: _Optional[_Iterable[str]] = ..., x_kubernetes_list_type: _Optional[str] = ..., x_kubernetes_map_type: _Optional[str] = ..., x_kubernetes_validations: _Optional[_Iterable[_Union[ValidationRule, _Mapping]]] = ..., **kwargs) -> None: ...

class ValidationRule(_message.Message):
    __slots__ = ("rule", "message", "message_expression", "reason", "field_path", "optional_old_self")
    RULE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FIELD_PATH_FIELD_NUMBER: _ClassVar[int]
    OPTIONAL_OLD_SELF_FIELD_NUMBER: _ClassVar[int]
    rule: str
    message: str
    message_expression: str
    reason: str
    field_path: str
    optional_old_self: bool
    def __init__(self, rule: _Optional[str] = ..., message: _Optional[str] = ..., message_expression: _Optional[str] = ..., reason: _Optional[str] = ..., field_path: _Optional[str] = ..., optional_old_self: bool = ...) -> None: ...

class JSONSchemaPropsOrArray(_message.Message):
    __slots__ = ("schema", "json_schemas")
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    JSON_SCHEMAS_FIELD_NUMBER: _ClassVar[int]
    schema: JSONSchemaProps
    json_schemas: _containers.RepeatedCompositeFieldContainer[JSONSchemaProps]
    def __init__(self, schema: _Optional[_Union[JSONSchemaProps, _Mapping]] = ..., json_schemas: _Optional[_Iterable[_Union[JSONSchemaProps, _Mapping]]] = ...) -> None: ...

class JSONSchemaPropsOrBool(_message.Message):
    __slots__ = ("allows", "schema")
    ALLOWS_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    allows: bool
    schema: JSONSchemaProps
    def __init__(self, allows: bool = ..., schema: _Optional[_Union[JSONSchemaProps, _Mapping]] = ...) -> None: ...

class JSONSchemaPropsOrStringArray(_message.Message):
    __slots__ = ("schema", "property")
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    PROPERTY_FIELD_NUMBER: _ClassVar[int]
    schema: JSONSchemaProps
    property: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, schema: _Optional[_Union[JSONSchemaProps, _Mapping]] = ..., property: _Optional[_Iterable[str]] = ...) -> None: ...

class ExternalDocumentation(_message.Message):
    __slots__ = ("description", "url")
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    description: str
    url: str
    def __init__(self, description: _Optional[str] = ..., url: _Optional[str] = ...) -> None: ...

class CustomResourceSubresourceStatus(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
