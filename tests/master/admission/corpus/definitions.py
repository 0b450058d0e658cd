"""Broken and unusual definitions of custom resources."""

from __future__ import annotations

from typing import Any

from tests.master.admission.corpus.case import (
    FORBIDDEN,
    INVALID,
    REQUIRED,
    UNSUPPORTED,
    Broken,
    BrokenUpdate,
)
from tests.master.admission.manifests import BASES

CRD = "CustomResourceDefinition"
VERSION = "spec.versions[0]"
SCHEMA = f"{VERSION}.schema.open_api_v3_schema"
AT = f"{VERSION}.schema.openAPIV3Schema"
PART = f"{SCHEMA}.properties.spec"
PART_AT = f"{AT}.properties[spec]"
OTHER: dict[str, Any] = {**BASES[CRD]["spec"]["versions"][0], "name": "v2", "storage": False}
STRING = {"type": "string"}
ITEM = {"type": "object", "properties": {"name": STRING}, "required": ["name"]}
KEYED = {
    "type": "array",
    "x_kubernetes_list_type": "map",
    "x_kubernetes_list_map_keys": ["name"],
    "items": {"schema": ITEM},
}
SERVICE = {"service": {"namespace": "default", "name": "hook"}}


def crd(name: str, changes: dict[str, Any], field: str, reason: str, says: str = "") -> Broken:
    return Broken(name, CRD, changes, field, reason, says)


def schema(name: str, part: dict[str, Any], field: str, reason: str, says: str = "") -> Broken:
    """`part`: the schema of the field "spec"."""
    return Broken(name, CRD, {PART: part}, f"{PART_AT}{field}", reason, says)


def keyed(name: str, changes: dict[str, Any], field: str, reason: str, says: str = "") -> Broken:
    part = {key: value for key, value in {**KEYED, **changes}.items() if value is not None}
    return schema(name, part, field, reason, says)


def item(name: str, changes: dict[str, Any], field: str, reason: str, says: str = "") -> Broken:
    return keyed(name, {"items": {"schema": {**ITEM, **changes}}}, f".items{field}", reason, says)


def nested(name: str, part: dict[str, Any], field: str, reason: str, says: str = "") -> Broken:
    return schema(name, {"type": "object", "one_of": [part]}, f".oneOf[0]{field}", reason, says)


NAMES = [
    crd("name", {"metadata.name": "pages.example.com"}, "metadata.name", INVALID,
        'must be spec.names.plural+"."+spec.group'),
    crd("group of one label", {"spec.group": "a", "metadata.name": "sites.a"}, "spec.group",
        INVALID, "should be a domain with at least one dot"),
    crd("scope", {"spec.scope": "Here"}, "spec.scope", UNSUPPORTED, '"Cluster", "Namespaced"'),
    crd("no scope", {"spec.scope": ""}, "spec.scope", REQUIRED),
    crd("singular", {"spec.names.singular": "A"}, "spec.names.singular", INVALID),
    crd("list", {"spec.names.list_kind": "a b"}, "spec.names.listKind", INVALID,
        "may have mixed case, but should otherwise match: "),
    crd("list as kind", {"spec.names.list_kind": "Site"}, "spec.names.listKind", INVALID,
        "kind and listKind may not be the same"),
    crd("short name", {"spec.names.short_names": ["A"]}, "spec.names.shortNames[0]", INVALID),
    crd("category", {"spec.names.categories": ["a b"]}, "spec.names.categories[0]", INVALID),
    crd("old fields", {"spec.preserve_unknown_fields": True}, "spec.preserveUnknownFields",
        INVALID, "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in"),
    crd("group of Kubernetes", {"spec.group": "a.k8s.io", "metadata.name": "sites.a.k8s.io"},
        "metadata.annotations[api-approved.kubernetes.io]", REQUIRED,
        "protected groups must have approval annotation"),
    crd("approved by nobody",
        {"spec.group": "a.k8s.io", "metadata.name": "sites.a.k8s.io",
         "metadata.annotations": {"api-approved.kubernetes.io": "yes"}},
        "metadata.annotations[api-approved.kubernetes.io]", INVALID,
        'with either a URL or a reason starting with "unapproved"'),
    crd("strategy", {"spec.conversion": {"strategy": "Magic"}}, "spec.conversion.strategy",
        UNSUPPORTED, '"None", "Webhook"'),
    crd("no webhook", {"spec.conversion": {"strategy": "Webhook", "webhook": {
        "conversion_review_versions": ["v1"]}}}, "spec.conversion.webhookClientConfig",
        REQUIRED, "required when strategy is set to Webhook"),
    crd("webhook for nothing",
        {"spec.conversion": {"strategy": "None", "webhook": {"client_config": SERVICE}}},
        "spec.conversion.webhookClientConfig", FORBIDDEN,
        "should not be set when strategy is not set to Webhook"),
    crd("no reviews",
        {"spec.conversion": {"strategy": "Webhook", "webhook": {"client_config": SERVICE}}},
        "spec.conversion.conversionReviewVersions", REQUIRED),
]  # fmt: skip
VERSIONS = [
    crd("version", {f"{VERSION}.name": "1"}, f"{VERSION}.name", INVALID),
    crd("versions twice", {"spec.versions[1]": {**OTHER, "name": "v1"}}, "spec.versions", INVALID,
        "must contain unique version names"),
    crd("no schema", {f"{VERSION}.schema": None}, AT, REQUIRED, "schemas are required"),
    crd("warning", {f"{VERSION}.deprecation_warning": "old"}, f"{VERSION}.deprecationWarning",
        INVALID, "can only be set for deprecated versions"),
    crd("long warning",
        {f"{VERSION}.deprecated": True, f"{VERSION}.deprecation_warning": "x" * 257},
        f"{VERSION}.deprecationWarning", INVALID, "must be <= 256 characters long"),
    crd("strange warning",
        {f"{VERSION}.deprecated": True, f"{VERSION}.deprecation_warning": "a\n"},
        f"{VERSION}.deprecationWarning", INVALID, "non-printable character found at index 1"),
    crd("column without name",
        {f"{VERSION}.additional_printer_columns": [{"type": "string", "json_path": ".a"}]},
        f"{VERSION}.additionalPrinterColumns[0].name", REQUIRED),
    crd("column's type",
        {f"{VERSION}.additional_printer_columns": [
            {"name": "A", "type": "text", "json_path": ".a"}]},
        f"{VERSION}.additionalPrinterColumns[0].type", INVALID,
        "must be one of boolean,date,integer,number,string"),
    crd("column's format",
        {f"{VERSION}.additional_printer_columns": [
            {"name": "A", "type": "string", "format": "x", "json_path": ".a"}]},
        f"{VERSION}.additionalPrinterColumns[0].format", INVALID, "must be one of byte,date,"),
    crd("column's path",
        {f"{VERSION}.additional_printer_columns": [
            {"name": "A", "type": "string", "json_path": "a"}]},
        f"{VERSION}.additionalPrinterColumns[0].JSONPath", INVALID,
        "must be a simple json path starting with ."),
    crd("replicas", {f"{VERSION}.subresources": {"scale": {
        "spec_replicas_path": ".a", "status_replicas_path": ".status.b"}}},
        f"{VERSION}.subresources.scale.specReplicasPath", INVALID,
        "should be a json path under .spec"),
    crd("no replicas", {f"{VERSION}.subresources": {"scale": {"spec_replicas_path": ".spec.a"}}},
        f"{VERSION}.subresources.scale.statusReplicasPath", REQUIRED),
    crd("labels", {f"{VERSION}.subresources": {"scale": {
        "spec_replicas_path": ".spec.a", "status_replicas_path": ".status.b",
        "label_selector_path": ".c"}}},
        f"{VERSION}.subresources.scale.labelSelectorPath", INVALID,
        "should be a json path under either .spec or .status"),
    crd("root with status", {f"{VERSION}.subresources": {"status": {}},
                             f"{SCHEMA}.one_of": [{"required": ["spec"]}]}, AT, INVALID,
        "fields are allowed at the root of the schema if the status subresource is enabled"),
]  # fmt: skip
SCHEMAS = [
    crd("untyped root", {f"{SCHEMA}.type": ""}, f"{AT}.type", REQUIRED,
        "must not be empty at the root"),
    crd("root", {SCHEMA: STRING}, f"{AT}.type", INVALID, "must be object at the root"),
    crd("root that may be null", {f"{SCHEMA}.nullable": True}, f"{AT}.nullable", FORBIDDEN,
        "nullable cannot be true at the root"),
    crd("open root", {SCHEMA: {"type": "object", "additional_properties": {"allows": True}}},
        f"{AT}.additionalProperties", FORBIDDEN, "must not be used at the root"),
    crd("metadata", {f"{SCHEMA}.properties.metadata": {
        "type": "object", "properties": {"labels": {"type": "object"}}}},
        f"{AT}.properties[metadata]", FORBIDDEN,
        "must not specify anything other than name and generateName"),
    crd("kind", {f"{SCHEMA}.properties.kind": {"type": "integer"}},
        f"{AT}.properties[kind].type", INVALID, "must be string"),
    crd("default of the kind",
        {f"{SCHEMA}.properties.kind": {**STRING, "default": {"raw": b'"A"'}}},
        f"{AT}.properties[kind].default", FORBIDDEN, "must not be set in top-level kind"),
    schema("untyped field", {}, ".type", REQUIRED, "must not be empty for specified object fields"),
    schema("type", {"type": "text"}, ".type", UNSUPPORTED, '"array", "boolean", "integer"'),
    schema("null", {"type": "null"}, ".type", FORBIDDEN, "use nullable as an alternative"),
    schema("array of nothing", {"type": "array"}, ".items", REQUIRED, "must be specified"),
    schema("untyped item", {"type": "array", "items": {"schema": {}}}, ".items.type", REQUIRED,
           "must not be empty for specified array items"),
    schema("untyped value", {"type": "object", "additional_properties": {
        "allows": True, "schema": {}}}, ".additionalProperties.type", REQUIRED),
    schema("closed", {"type": "object", "properties": {"a": STRING},
                      "additional_properties": {"allows": False}}, ".additionalProperties",
           FORBIDDEN, "additionalProperties and properties are mutual exclusive"),
    schema("reference", {**STRING, "ref": "#/a"}, ".$ref", FORBIDDEN, "$ref is not supported"),
    schema("patterns", {"type": "object", "pattern_properties": {"a": STRING}},
           ".patternProperties", FORBIDDEN, "patternProperties is not supported"),
    schema("unique", {"type": "array", "items": {"schema": STRING}, "unique_items": True},
           ".uniqueItems", FORBIDDEN, "uniqueItems cannot be set to true"),
    schema("preserved not", {"type": "object", "x_kubernetes_preserve_unknown_fields": False},
           ".x-kubernetes-preserve-unknown-fields", INVALID, "must be true or undefined"),
    schema("number or text, preserved",
           {"x_kubernetes_int_or_string": True, "x_kubernetes_preserve_unknown_fields": True},
           ".x-kubernetes-preserve-unknown-fields", INVALID,
           "must be false if x-kubernetes-int-or-string is true"),
    schema("embedded text", {**STRING, "x_kubernetes_embedded_resource": True,
                             "x_kubernetes_preserve_unknown_fields": True}, ".type", INVALID,
           "must be object if x-kubernetes-embedded-resource is true"),
    schema("embedded nothing", {"type": "object", "x_kubernetes_embedded_resource": True},
           ".properties", REQUIRED, "must not be empty if x-kubernetes-embedded-resource is true"),
    nested("type under a junctor", STRING, ".type", FORBIDDEN, "must be empty to be structural"),
    nested("default under a junctor", {"default": {"raw": b"{}"}}, ".default", FORBIDDEN,
           "must be undefined to be structural"),
    schema("field under a junctor alone",
           {"type": "object", "any_of": [{"properties": {"a": {"max_length": 1}}}]},
           ".properties[a]", REQUIRED,
           f"because it is defined in {PART_AT}.anyOf[0].properties[a]"),
    schema("map type of text", {**STRING, "x_kubernetes_map_type": "atomic"}, ".type", INVALID,
           "must be object if x-kubernetes-map-type is specified"),
    schema("map type", {"type": "object", "x_kubernetes_map_type": "set"},
           ".x-kubernetes-map-type", UNSUPPORTED, '"atomic", "granular"'),
    schema("list type of text", {**STRING, "x_kubernetes_list_type": "set"}, ".type", INVALID,
           "must be array if x-kubernetes-list-type is specified"),
    schema("list type", {"type": "array", "items": {"schema": STRING},
                         "x_kubernetes_list_type": "bag"}, ".x-kubernetes-list-type",
           UNSUPPORTED, '"atomic", "map", "set"'),
    schema("set of maps", {"type": "array", "items": {"schema": {"type": "object"}},
                           "x_kubernetes_list_type": "set"},
           ".items.x-kubernetes-map-type", INVALID, "must be atomic as item of a list with"),
    keyed("keys of a set", {"x_kubernetes_list_type": "atomic"}, ".x-kubernetes-list-type",
          INVALID, "must be map if x-kubernetes-list-map-keys is non-empty"),
    keyed("keys of a list", {"x_kubernetes_list_type": None}, ".x-kubernetes-list-type", REQUIRED),
    keyed("no keys", {"x_kubernetes_list_map_keys": []}, ".x-kubernetes-list-map-keys", REQUIRED,
          "must not be empty if x-kubernetes-list-type is map"),
    keyed("unknown key", {"x_kubernetes_list_map_keys": ["a"]}, ".x-kubernetes-list-map-keys",
          INVALID, "entries must all be names of item properties"),
    keyed("key twice", {"x_kubernetes_list_map_keys": ["name", "name"]},
          ".x-kubernetes-list-map-keys", INVALID, "must not contain duplicate entries"),
    keyed("map of texts", {"items": {"schema": STRING}}, ".items.type", INVALID,
          "must be object if parent array's x-kubernetes-list-type is map"),
    item("key that may be missing", {"required": []}, ".properties[name].default", REQUIRED,
         "so it must have a default or be a required property"),
    item("key that may be null", {"properties": {"name": {**STRING, "nullable": True}}},
         ".properties[name].nullable", FORBIDDEN, "so it cannot be nullable"),
    item("key that is a list",
         {"properties": {"name": {"type": "array", "items": {"schema": STRING}}}},
         ".properties[name].type", INVALID, "must be a scalar type"),
    item("item that may be null", {"nullable": True}, ".nullable", FORBIDDEN,
         "cannot be nullable when x-kubernetes-list-type is map"),
]  # fmt: skip
RULE = "x_kubernetes_validations"


def expression(name: str, said: dict[str, Any], field: str, reason: str, says: str = "") -> Broken:
    part = {"type": "object", RULE: [{"rule": "self.a > 0", **said}]}
    return schema(name, part, f".x-kubernetes-validations[0].{field}", reason, says)


def selectable(name: str, paths: list[str], field: str, reason: str, says: str = "") -> Broken:
    fields = [{"json_path": path} for path in paths]
    at = f"{VERSION}.selectableFields{field}"
    return crd(name, {f"{VERSION}.selectable_fields": fields}, at, reason, says)


EXPRESSIONS = [
    expression("no expression", {"rule": " "}, "rule", REQUIRED, "rule is not specified"),
    expression(
        "blank message", {"message": " "}, "message", INVALID, "must be non-empty if specified"
    ),
    expression(
        "long message", {"message": "a" * 2049}, "message", INVALID, "maximum length of 2048"
    ),
    expression(
        "message of two lines",
        {"message": "a\nb"},
        "message",
        INVALID,
        "must not contain line breaks",
    ),
    expression(
        "two lines without a message",
        {"rule": "self.a\n> 0"},
        "message",
        REQUIRED,
        "must be specified if rule contains line breaks",
    ),
    expression(
        "blank message expression", {"message_expression": " "}, "messageExpression", REQUIRED
    ),
    expression("reason", {"reason": "Wrong"}, "reason", UNSUPPORTED, '"FieldValueDuplicate"'),
    expression("blank field", {"field_path": " "}, "fieldPath", INVALID, "must be non-empty"),
    expression("field of two lines", {"field_path": ".a\n"}, "fieldPath", INVALID, "line breaks"),
    selectable("selectable nothing", [""], "[0].jsonPath", REQUIRED),
    selectable("selectable list", [".spec[0]"], "[0].jsonPath", INVALID, "is an invalid path"),
    selectable("selectable unknown", [".spec.no"], "[0].jsonPath", INVALID, "is an invalid path"),
    selectable(
        "selectable object",
        [".spec"],
        "[0].jsonPath",
        INVALID,
        "must point to a field of type string, boolean or integer",
    ),
]
CASES = [*NAMES, *VERSIONS, *SCHEMAS, *EXPRESSIONS]
SERVED = {"status": {"conditions": [{"type": "Established", "status": "True"}]}}
UPDATES = [
    BrokenUpdate("scope of what is served", CRD, SERVED, {"spec.scope": "Cluster"}, "spec.scope",
                 INVALID, "field is immutable"),
    BrokenUpdate("kind of what is served", CRD, SERVED, {"spec.names.kind": "Page"},
                 "spec.names.kind", INVALID, "field is immutable"),
    BrokenUpdate("group", CRD, {}, {"spec.group": "b.example.com"}, "spec.group", INVALID,
                 "field is immutable"),
    BrokenUpdate("plural", CRD, {}, {"spec.names.plural": "pages"}, "spec.names.plural", INVALID,
                 "field is immutable"),
    BrokenUpdate("version that is stored is gone", CRD, {},
                 {"spec.versions": [{**OTHER, "storage": True}]}, "status.storedVersions[0]",
                 INVALID, "must appear in spec.versions"),
    BrokenUpdate("two stored", CRD, {}, {"spec.versions[1]": {**OTHER, "storage": True}},
                 "spec.versions", INVALID,
                 "must have exactly one version marked as storage version"),
    BrokenUpdate("nothing stored", CRD, {}, {"status": {"stored_versions": []}},
                 "status.storedVersions", INVALID, "must have at least one stored version",
                 subresource="status"),
    BrokenUpdate("names", CRD, {},
                 {"status": {"stored_versions": ["v1"], "accepted_names": {"plural": "A"}}},
                 "status.acceptedNames.plural", INVALID, subresource="status"),
    BrokenUpdate("old fields", CRD, {}, {"spec.preserve_unknown_fields": True},
                 "spec.preserveUnknownFields", INVALID),
]  # fmt: skip
VALID: dict[str, tuple[str, dict[str, Any]]] = {
    "definition with two versions": (
        CRD,
        {
            "spec.versions[1]": {**OTHER, "deprecated": True, "deprecation_warning": "old"},
            "spec.conversion": {
                "strategy": "Webhook",
                "webhook": {"client_config": SERVICE, "conversion_review_versions": ["v1"]},
            },
        },
    ),
    "definition with subresources and columns": (
        CRD,
        {
            f"{VERSION}.subresources": {
                "status": {},
                "scale": {
                    "spec_replicas_path": ".spec.replicas",
                    "status_replicas_path": ".status.replicas",
                    "label_selector_path": ".status.selector",
                },
            },
            f"{VERSION}.additional_printer_columns": [
                {"name": "Size", "type": "integer", "format": "int32", "json_path": ".spec.size"}
            ],
        },
    ),
    "schema with everything": (
        CRD,
        {
            f"{SCHEMA}.properties.metadata": {"type": "object", "properties": {"name": STRING}},
            f"{PART}": {
                "type": "object",
                "properties": {
                    "port": {
                        "x_kubernetes_int_or_string": True,
                        "any_of": [{"type": "integer"}, {"type": "string"}],
                    },
                    "labels": {
                        "type": "object",
                        "additional_properties": {"allows": True, "schema": STRING},
                    },
                    "rules": KEYED,
                    "template": {
                        "type": "object",
                        "x_kubernetes_embedded_resource": True,
                        "x_kubernetes_preserve_unknown_fields": True,
                    },
                    "anything": {"x_kubernetes_preserve_unknown_fields": True},
                },
                "one_of": [{"required": ["port"]}, {"properties": {"rules": {"min_items": 1}}}],
            },
        },
    ),
    "definition with expressions": (
        CRD,
        {
            f"{VERSION}.subresources": {"status": {}},
            f"{SCHEMA}.{RULE}": [
                {
                    "rule": "self.spec.size\n> 0",
                    "message": "too small",
                    "message_expression": "'too small'",
                    "reason": "FieldValueForbidden",
                    "field_path": ".spec.size",
                    "optional_old_self": False,
                }
            ],
            PART: {"type": "object", "properties": {"size": {"type": "integer"}}},
            f"{VERSION}.selectable_fields": [{"json_path": ".spec.size"}],
        },
    ),
    "approved definition": (
        CRD,
        {
            "spec.group": "a.k8s.io",
            "metadata.name": "sites.a.k8s.io",
            "metadata.annotations": {"api-approved.kubernetes.io": "unapproved, a test"},
        },
    ),
}
VALID_UPDATES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "another version is stored": (
        CRD,
        {"spec.versions[1]": OTHER},
        {f"{VERSION}.storage": False, "spec.versions[1]": {**OTHER, "storage": True}},
    ),
    "scope of what is not served": (CRD, {}, {"spec.scope": "Cluster"}),
}
