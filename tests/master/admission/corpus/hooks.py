"""Broken and unusual webhooks and admission policies."""

from __future__ import annotations

from typing import Any

from tests.master.admission.corpus.case import (
    DUPLICATE,
    FORBIDDEN,
    INVALID,
    REQUIRED,
    TOO_MANY,
    UNSUPPORTED,
    Broken,
    BrokenUpdate,
)
from tests.master.admission.manifests import ON_PODS, WEBHOOK

HOOK = "webhooks[0]"
CLIENT = f"{HOOK}.client_config"
CALLED = f"{HOOK}.clientConfig"
RULE = f"{HOOK}.rules[0].rule"
AT = f"{HOOK}.rules[0]"
MATCH = "spec.match_constraints"
MATCHED = "spec.matchConstraints"
NAMED = f"{MATCHED}.resourceRules[0]"
CHECK = "spec.validations[0]"


def hook(name: str, changes: dict[str, Any], field: str, reason: str, says: str = "") -> Broken:
    return Broken(name, "ValidatingWebhookConfiguration", changes, field, reason, says)


def url(name: str, text: str, says: str) -> Broken:
    return hook(name, {CLIENT: {"url": text}}, f"{CALLED}.url", INVALID, says)


def path(name: str, text: str, says: str) -> Broken:
    changes = {f"{CLIENT}.service.path": text}
    return hook(name, changes, f"{CALLED}.service.path", INVALID, says)


def resources(name: str, items: list[str], field: str, reason: str, says: str = "") -> Broken:
    return hook(name, {f"{RULE}.resources": items}, f"{AT}.resources{field}", reason, says)


def policy(name: str, changes: dict[str, Any], field: str, reason: str, says: str = "") -> Broken:
    return Broken(name, "ValidatingAdmissionPolicy", changes, field, reason, says)


def binding(name: str, changes: dict[str, Any], field: str, reason: str, says: str = "") -> Broken:
    return Broken(name, "ValidatingAdmissionPolicyBinding", changes, field, reason, says)


WEBHOOKS = [
    hook("no name", {f"{HOOK}.name": ""}, f"{HOOK}.name", REQUIRED),
    hook("name", {f"{HOOK}.name": "a_b.c.d"}, f"{HOOK}.name", INVALID),
    hook("short name", {f"{HOOK}.name": "a.b"}, f"{HOOK}.name", INVALID,
         "should be a domain with at least three segments separated by dots"),
    hook("name twice", {"webhooks": [WEBHOOK, WEBHOOK]}, "webhooks[1].name", DUPLICATE),
    hook("failure", {f"{HOOK}.failure_policy": "Shrug"}, f"{HOOK}.failurePolicy", UNSUPPORTED,
         '"Fail", "Ignore"'),
    hook("match", {f"{HOOK}.match_policy": "Near"}, f"{HOOK}.matchPolicy", UNSUPPORTED,
         '"Equivalent", "Exact"'),
    hook("no side effects", {f"{HOOK}.side_effects": None}, f"{HOOK}.sideEffects", REQUIRED,
         "must specify one of None, NoneOnDryRun"),
    hook("side effects", {f"{HOOK}.side_effects": "Some"}, f"{HOOK}.sideEffects", UNSUPPORTED,
         '"None", "NoneOnDryRun"'),
    hook("slow", {f"{HOOK}.timeout_seconds": 31}, f"{HOOK}.timeoutSeconds", INVALID,
         "the timeout value must be between 1 and 30 seconds"),
    hook("namespaces", {f"{HOOK}.namespace_selector": {"match_labels": {"a": "b c"}}},
         f"{HOOK}.namespaceSelector.matchLabels", INVALID),
    hook("no reviews", {f"{HOOK}.admission_review_versions": []},
         f"{HOOK}.admissionReviewVersions", REQUIRED, "must specify one of v1, v1beta1"),
    hook("reviews", {f"{HOOK}.admission_review_versions": ["v2"]},
         f"{HOOK}.admissionReviewVersions", INVALID, "must include at least one of v1, v1beta1"),
    hook("review twice", {f"{HOOK}.admission_review_versions": ["v1", "v1"]},
         f"{HOOK}.admissionReviewVersions[1]", INVALID, "duplicate version"),
    hook("review", {f"{HOOK}.admission_review_versions": ["v1", "1"]},
         f"{HOOK}.admissionReviewVersions[1]", INVALID),
    hook("nobody", {CLIENT: {}}, CALLED, REQUIRED, "exactly one of url or service is required"),
    hook("two", {f"{CLIENT}.url": "https://a"}, CALLED, REQUIRED),
    url("plain URL", "http://a/b", "'https' is the only allowed URL scheme; desired format: https"),
    url("URL of nothing", "https:///b", "host must be specified; desired format"),
    url("URL with a user", "https://jo@a/b", "user information is not permitted in the URL"),
    url("URL with a fragment", "https://a/b#c", "fragments are not permitted in the URL"),
    url("URL with a query", "https://a/b?c", "query parameters are not permitted in the URL"),
    hook("no service", {f"{CLIENT}.service.name": ""}, f"{CALLED}.service.name", REQUIRED,
         "service name is required"),
    hook("no namespace", {f"{CLIENT}.service.namespace": ""}, f"{CALLED}.service.namespace",
         REQUIRED, "service namespace is required"),
    hook("port", {f"{CLIENT}.service.port": 0}, f"{CALLED}.service.port", INVALID,
         "port is not valid: must be between 1 and 65535, inclusive"),
    path("path", "ab", "must start with a '/'"),
    path("empty path", "//", "segment[0] may not be empty"),
    path("path with a hole", "/a//b", "segment[1] may not be empty"),
    path("path in upper case", "/a/B", "segment[1]: a lowercase RFC 1123 subdomain"),
    hook("no operations", {f"{AT}.operations": []}, f"{AT}.operations", REQUIRED),
    hook("operation", {f"{AT}.operations": ["READ"]}, f"{AT}.operations[0]", UNSUPPORTED,
         '"*", "CONNECT", "CREATE", "DELETE", "UPDATE"'),
    hook("all operations and one", {f"{AT}.operations": ["*", "CREATE"]}, f"{AT}.operations",
         INVALID, "if '*' is present, must not specify other operations"),
    hook("no groups", {f"{RULE}.api_groups": []}, f"{AT}.apiGroups", REQUIRED),
    hook("all groups and one", {f"{RULE}.api_groups": ["*", "a"]}, f"{AT}.apiGroups", INVALID,
         "must not specify other API groups"),
    hook("no versions", {f"{RULE}.api_versions": []}, f"{AT}.apiVersions", REQUIRED),
    hook("empty version", {f"{RULE}.api_versions": [""]}, f"{AT}.apiVersions[0]", REQUIRED),
    hook("all versions and one", {f"{RULE}.api_versions": ["*", "a"]}, f"{AT}.apiVersions",
         INVALID, "must not specify other API versions"),
    hook("scope", {f"{RULE}.scope": "Here"}, f"{AT}.scope", UNSUPPORTED,
         '"*", "Cluster", "Namespaced"'),
    resources("no resources", [], "", REQUIRED),
    resources("empty resource", [""], "[0]", REQUIRED),
    resources("part of all parts", ["a/*", "a/b"], "[1]", INVALID,
              "if 'a/*' is present, must not specify a/b"),
    resources("part of all resources", ["*/b", "a/b"], "[1]", INVALID,
              "if '*/b' is present, must not specify a/b"),
    resources("everything and more", ["*/*", "a"], "", INVALID,
              "if '*/*' is present, must not specify other resources"),
    resources("all resources and one", ["*", "a"], "", INVALID,
              "if '*' is present, must not specify other resources without subresources"),
    hook("condition", {f"{HOOK}.match_conditions": [{"name": "a", "expression": " "}]},
         f"{HOOK}.matchConditions[0].expression", REQUIRED),
    hook("no condition's name", {f"{HOOK}.match_conditions": [{"expression": "true"}]},
         f"{HOOK}.matchConditions[0].name", REQUIRED),
    hook("condition's name", {f"{HOOK}.match_conditions": [{"name": "a b", "expression": "true"}]},
         f"{HOOK}.matchConditions[0].name", INVALID),
    hook("condition twice",
         {f"{HOOK}.match_conditions": [{"name": "a", "expression": "true"}] * 2},
         f"{HOOK}.matchConditions[1].name", DUPLICATE),
    hook("conditions",
         {f"{HOOK}.match_conditions": [
             {"name": f"c{i}", "expression": "true"} for i in range(65)]},
         f"{HOOK}.matchConditions", TOO_MANY, "must have at most 64 items"),
    Broken("again", "MutatingWebhookConfiguration", {f"{HOOK}.reinvocation_policy": "Often"},
           f"{HOOK}.reinvocationPolicy", UNSUPPORTED, '"IfNeeded", "Never"'),
]  # fmt: skip
POLICIES = [
    policy("failure", {"spec.failure_policy": "Shrug"}, "spec.failurePolicy", UNSUPPORTED,
           '"Fail", "Ignore"'),
    policy("no constraints", {MATCH: None}, MATCHED, REQUIRED),
    policy("no rules", {f"{MATCH}.resource_rules": []}, f"{MATCHED}.resourceRules", REQUIRED),
    policy("match", {f"{MATCH}.match_policy": "Near"}, f"{MATCHED}.matchPolicy", UNSUPPORTED),
    policy("name", {f"{MATCH}.resource_rules[0].resource_names": ["a/b"]},
           f"{NAMED}.resourceNames[0]", INVALID),
    policy("name twice", {f"{MATCH}.resource_rules[0].resource_names": ["a", "a"]},
           f"{NAMED}.resourceNames[1]", DUPLICATE),
    policy("operations",
           {f"{MATCH}.exclude_resource_rules": [
               {"rule_with_operations": {**ON_PODS, "operations": []}}]},
           f"{MATCHED}.excludeResourceRules[0].operations", REQUIRED),
    policy("no version of parameters", {"spec.param_kind": {"kind": "A"}},
           "spec.paramKind.apiVersion", REQUIRED),
    policy("version of parameters", {"spec.param_kind": {"kind": "A", "api_version": "a/b/c"}},
           "spec.paramKind.apiVersion", INVALID, "unexpected GroupVersion string: a/b/c"),
    policy("kind of parameters", {"spec.param_kind": {"kind": "A b", "api_version": "v1"}},
           "spec.paramKind.kind", INVALID, "may have mixed case, but should otherwise match: "),
    policy("no expression", {f"{CHECK}.expression": " "}, f"{CHECK}.expression", REQUIRED,
           "expression is not specified"),
    policy("empty message", {f"{CHECK}.message": " "}, f"{CHECK}.message", INVALID,
           "message must be non-empty if specified"),
    policy("long message", {f"{CHECK}.message": "a\nb"}, f"{CHECK}.message", INVALID,
           "message must not contain line breaks"),
    policy("no message", {f"{CHECK}.expression": "a ||\nb"}, f"{CHECK}.message", REQUIRED,
           "message must be specified if expression contains line breaks"),
    policy("empty expression", {f"{CHECK}.message_expression": " "},
           f"{CHECK}.messageExpression", INVALID, "must be non-empty if specified"),
    policy("reason", {f"{CHECK}.reason": "Mood"}, f"{CHECK}.reason", UNSUPPORTED,
           '"Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"'),
    policy("variable", {"spec.variables": [{"name": "in", "expression": "1"}]},
           "spec.variables[0].name", INVALID, "name is not a valid CEL identifier"),
    policy("no variable", {"spec.variables": [{"expression": "1"}]}, "spec.variables[0].name",
           REQUIRED, "name is not specified"),
    policy("variable of nothing", {"spec.variables": [{"name": "a"}]},
           "spec.variables[0].expression", REQUIRED, "expression is not specified"),
    policy("key", {"spec.audit_annotations": [{"key": "a b", "value_expression": "1"}]},
           "spec.auditAnnotations[0].key", INVALID),
    policy("key twice", {"spec.audit_annotations": [{"key": "a", "value_expression": "1"}] * 2},
           "spec.auditAnnotations[1].key", DUPLICATE),
    policy("no value", {"spec.audit_annotations": [{"key": "a"}]},
           "spec.auditAnnotations[0].valueExpression", REQUIRED, "is not specified"),
    policy("long value",
           {"spec.audit_annotations": [{"key": "a", "value_expression": "x" * 5121}]},
           "spec.auditAnnotations[0].valueExpression", REQUIRED, "must not exceed 5120 bytes"),
    policy("many annotations",
           {"spec.audit_annotations": [
               {"key": f"k{i}", "value_expression": "1"} for i in range(21)]},
           "spec.auditAnnotations", INVALID, "must not have more than 20 auditAnnotations"),
    binding("no policy", {"spec.policy_name": ""}, "spec.policyName", REQUIRED),
    binding("policy", {"spec.policy_name": "A"}, "spec.policyName", INVALID),
    binding("no actions", {"spec.validation_actions": []}, "spec.validationActions", REQUIRED),
    binding("action", {"spec.validation_actions": ["Shout"]}, "spec.validationActions",
            UNSUPPORTED, '"Audit", "Deny", "Warn"'),
    binding("action twice", {"spec.validation_actions": ["Deny", "Deny"]},
            "spec.validationActions", DUPLICATE),
    binding("denied and warned", {"spec.validation_actions": ["Deny", "Warn"]},
            "spec.validationActions", INVALID, "must not contain both Deny and Warn"),
    binding("no parameters", {"spec.param_ref": {"parameter_not_found_action": "Deny"}},
            "spec.paramRef", REQUIRED, "one of name or selector must be specified"),
    binding("parameters", {"spec.param_ref": {"name": "a/b", "parameter_not_found_action": "Deny"}},
            "spec.paramRef.name", INVALID),
    binding("no parameters found", {"spec.param_ref": {"name": "a"}},
            "spec.paramRef.parameterNotFoundAction", REQUIRED),
    binding("parameters not found",
            {"spec.param_ref": {"name": "a", "parameter_not_found_action": "Maybe"}},
            "spec.paramRef.parameterNotFoundAction", UNSUPPORTED, '"Allow", "Deny"'),
    binding("resources", {"spec.match_resources": {"match_policy": "Near"}},
            "spec.matchResources.matchPolicy", UNSUPPORTED),
]  # fmt: skip
CASES = [*WEBHOOKS, *POLICIES]
UPDATES = [
    BrokenUpdate("name", "ValidatingWebhookConfiguration", {}, {f"{HOOK}.name": "a"},
                 f"{HOOK}.name", INVALID),
    BrokenUpdate("checks", "ValidatingAdmissionPolicy", {}, {"spec.validations": []},
                 "spec.validations", REQUIRED, "must contain at least one item"),
    BrokenUpdate("name and labels", "ValidatingAdmissionPolicyBinding", {},
                 {"spec.param_ref": {"name": "a", "selector": {},
                                     "parameter_not_found_action": "Deny"}},
                 "spec.paramRef.selector", FORBIDDEN, "name and selector are mutually exclusive"),
]  # fmt: skip
VALID: dict[str, tuple[str, dict[str, Any]]] = {
    "webhook by URL": (
        "MutatingWebhookConfiguration",
        {CLIENT: {"url": "https://example.com:8443/check"}, f"{RULE}.resources": ["*/*"]},
    ),
    "webhook for all resources and a part": (
        "ValidatingWebhookConfiguration",
        {f"{RULE}.resources": ["*", "pods/status"], f"{CLIENT}.service.path": "/a/b/"},
    ),
    "no webhooks": ("ValidatingWebhookConfiguration", {"webhooks": []}),
    "policy with everything": (
        "ValidatingAdmissionPolicy",
        {
            "spec.param_kind": {"kind": "Limits", "api_version": "example.com/v1"},
            "spec.variables": [{"name": "count", "expression": "1"}],
            "spec.match_conditions": [{"name": "a.b/c", "expression": "true"}],
            "spec.audit_annotations": [{"key": "a", "value_expression": "'x'"}],
            f"{CHECK}.message": "no",
            f"{CHECK}.reason": "Invalid",
        },
    ),
    "binding with parameters by labels": (
        "ValidatingAdmissionPolicyBinding",
        {
            "spec.param_ref": {"selector": {}, "parameter_not_found_action": "Allow"},
            "spec.match_resources": {"namespace_selector": {"match_labels": {"a": "b"}}},
            "spec.validation_actions": ["Warn", "Audit"],
        },
    ),
}
