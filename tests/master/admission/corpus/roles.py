"""Broken and unusual roles and bindings."""

from __future__ import annotations

from typing import Any

from tests.master.admission.corpus.case import (
    INVALID,
    REQUIRED,
    UNSUPPORTED,
    Broken,
    BrokenUpdate,
)
from tests.master.admission.manifests import RULE

URLS = {"verbs": ["get"], "non_resource_urls": ["/healthz"]}
GROUP = "rbac.authorization.k8s.io"
ACCOUNT = {"kind": "ServiceAccount", "name": "default"}
AGGREGATED = "aggregation_rule.cluster_role_selectors"
CASES = [
    Broken("no verbs", "Role", {"rules[0].verbs": []}, "rules[0].verbs", REQUIRED,
           "verbs must contain at least one value"),
    Broken("no groups", "Role", {"rules[0].api_groups": []}, "rules[0].apiGroups", REQUIRED,
           "resource rules must supply at least one api group"),
    Broken("no resources", "ClusterRole", {"rules[0].resources": []}, "rules[0].resources",
           REQUIRED, "resource rules must supply at least one resource"),
    Broken("URLs in a namespace", "Role", {"rules": [RULE, URLS]}, "rules[1].nonResourceURLs",
           INVALID, "namespaced rules cannot apply to non-resource URLs"),
    Broken("URLs and resources", "ClusterRole", {"rules": [{**RULE, **URLS}]},
           "rules[0].nonResourceURLs", INVALID,
           "rules cannot apply to both regular resources and non-resource URLs"),
    Broken("name", "Role", {"metadata.name": "a/b"}, "metadata.name", INVALID,
           "may not contain '/'"),
    Broken("name of dots", "ClusterRoleBinding", {"metadata.name": ".."}, "metadata.name",
           INVALID, "may not be '..'"),
    Broken("of nothing", "ClusterRole", {"aggregation_rule": {}},
           "aggregationRule.clusterRoleSelectors", REQUIRED,
           "at least one clusterRoleSelector required if aggregationRule is non-nil"),
    Broken("of labels", "ClusterRole", {AGGREGATED: [{"match_labels": {"a": "b c"}}]},
           "aggregationRule.clusterRoleSelectors[0].matchLabels", INVALID),
    Broken("role's group", "RoleBinding", {"role_ref.api_group": "apps"}, "roleRef.apiGroup",
           UNSUPPORTED, f'supported values: "{GROUP}"'),
    Broken("role's kind", "RoleBinding", {"role_ref.kind": "Group"}, "roleRef.kind", UNSUPPORTED,
           'supported values: "ClusterRole", "Role"'),
    Broken("role of a namespace", "ClusterRoleBinding", {"role_ref.kind": "Role"},
           "roleRef.kind", UNSUPPORTED, 'supported values: "ClusterRole"'),
    Broken("no role", "RoleBinding", {"role_ref.name": ""}, "roleRef.name", REQUIRED),
    Broken("role's name", "RoleBinding", {"role_ref.name": "a%b"}, "roleRef.name", INVALID),
    Broken("nobody", "RoleBinding", {"subjects[0].name": ""}, "subjects[0].name", REQUIRED),
    Broken("what", "RoleBinding", {"subjects[0].kind": "Robot"}, "subjects[0].kind", UNSUPPORTED,
           'supported values: "Group", "ServiceAccount", "User"'),
    Broken("group of users", "ClusterRoleBinding", {"subjects[0].api_group": "apps"},
           "subjects[0].apiGroup", UNSUPPORTED, GROUP),
    Broken("account", "RoleBinding", {"subjects": [{**ACCOUNT, "name": "A"}]},
           "subjects[0].name", INVALID),
    Broken("group of accounts", "RoleBinding", {"subjects": [{**ACCOUNT, "api_group": GROUP}]},
           "subjects[0].apiGroup", UNSUPPORTED, 'supported values: ""'),
    Broken("account of no namespace", "ClusterRoleBinding", {"subjects": [ACCOUNT]},
           "subjects[0].namespace", REQUIRED),
]  # fmt: skip
UPDATES = [
    BrokenUpdate("role", "RoleBinding", {}, {"role_ref.name": "other"}, "roleRef", INVALID,
                 "cannot change roleRef"),
    BrokenUpdate("role", "ClusterRoleBinding", {}, {"role_ref.name": "other"}, "roleRef", INVALID,
                 "cannot change roleRef"),
    BrokenUpdate("rules", "Role", {}, {"rules[0].verbs": []}, "rules[0].verbs", REQUIRED),
]  # fmt: skip
VALID: dict[str, tuple[str, dict[str, Any]]] = {
    "role of the system": ("ClusterRole", {"metadata.name": "system:controller:a_B"}),
    "role for everything": (
        "ClusterRole",
        {"rules": [{"verbs": ["*"], "api_groups": ["*"], "resources": ["*"]}, URLS]},
    ),
    "role without rules": ("Role", {"rules": []}),
    "role of others": (
        "ClusterRole",
        {"rules": [], AGGREGATED: [{}, {"match_labels": {"a.b/c": "d"}}]},
    ),
    "binding to an account here": ("RoleBinding", {"subjects": [ACCOUNT]}),
    "binding to a role of the cluster": ("RoleBinding", {"role_ref.kind": "ClusterRole"}),
    "binding to nobody": ("ClusterRoleBinding", {"subjects": []}),
    "user of any name": ("RoleBinding", {"subjects[0].name": "jo@example.com/é"}),
}
VALID_UPDATES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "somebody else": ("RoleBinding", {}, {"subjects[0].name": "ann"}),
}
