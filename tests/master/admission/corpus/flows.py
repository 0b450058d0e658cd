"""Broken and unusual flow schemas and priority levels."""

from __future__ import annotations

from typing import Any

from tests.master.admission.corpus.case import FORBIDDEN, INVALID, REQUIRED, UNSUPPORTED, Broken

SCHEMA, LEVEL = "FlowSchema", "PriorityLevelConfiguration"
RULE, AT = "spec.rules[0]", "spec.rules[0]"
LIMITED = "spec.limited"
RESPONSE, RESPONSE_AT = f"{LIMITED}.limit_response", f"{LIMITED}.limitResponse"
QUEUING, QUEUING_AT = f"{RESPONSE}.queuing", f"{RESPONSE_AT}.queuing"

SCHEMAS = [
    Broken("before all", SCHEMA, {"spec.matching_precedence": -1}, "spec.matchingPrecedence",
           INVALID, "must be a positive value"),
    Broken("behind all", SCHEMA, {"spec.matching_precedence": 10_001}, "spec.matchingPrecedence",
           INVALID, "must not be greater than 10000"),
    Broken("first", SCHEMA, {"spec.matching_precedence": 1}, "spec.matchingPrecedence", INVALID,
           "only the schema named 'exempt' may have matchingPrecedence 1"),
    Broken("method", SCHEMA, {"spec.distinguisher_method.type": "ByMood"},
           "spec.distinguisherMethod.type", UNSUPPORTED, '"ByNamespace", "ByUser"'),
    Broken("no level", SCHEMA, {"spec.priority_level_configuration.name": ""},
           "spec.priorityLevelConfiguration.name", REQUIRED, "must reference a priority level"),
    Broken("no subjects", SCHEMA, {f"{RULE}.subjects": []}, f"{AT}.subjects", REQUIRED,
           "subjects must contain at least one value"),
    Broken("no rules", SCHEMA, {f"{RULE}.resource_rules": []}, AT, REQUIRED,
           "at least one of resourceRules and nonResourceRules has to be non-empty"),
    Broken("subject", SCHEMA, {f"{RULE}.subjects[0]": {"kind": "Robot"}},
           f"{AT}.subjects[0].kind", UNSUPPORTED, '"Group", "ServiceAccount", "User"'),
    Broken("user without a name", SCHEMA, {f"{RULE}.subjects[0]": {"kind": "User"}},
           f"{AT}.subjects[0].user", REQUIRED, "user is required when subject kind is 'User'"),
    Broken("group of a user", SCHEMA, {f"{RULE}.subjects[0].group": {"name": "g"}},
           f"{AT}.subjects[0].group", FORBIDDEN,
           "group is forbidden when subject kind is not 'Group'"),
    Broken("no verbs", SCHEMA, {f"{RULE}.resource_rules[0].verbs": []},
           f"{AT}.resourceRules[0].verbs", REQUIRED, "verbs must contain at least one value"),
    Broken("all verbs and one", SCHEMA, {f"{RULE}.resource_rules[0].verbs": ["*", "get"]},
           f"{AT}.resourceRules[0].verbs", INVALID, "must not specify other verbs"),
    Broken("no groups", SCHEMA, {f"{RULE}.resource_rules[0].api_groups": []},
           f"{AT}.resourceRules[0].apiGroups", REQUIRED, "at least one api group"),
    Broken("no resources", SCHEMA, {f"{RULE}.resource_rules[0].resources": []},
           f"{AT}.resourceRules[0].resources", REQUIRED, "at least one resource"),
    Broken("no scope", SCHEMA, {f"{RULE}.resource_rules[0].namespaces": []},
           f"{AT}.resourceRules[0].namespaces", REQUIRED, "at least one namespace"),
    Broken("no paths", SCHEMA, {f"{RULE}.non_resource_rules": [{"verbs": ["get"]}]},
           f"{AT}.nonResourceRules[0].nonResourceURLs", REQUIRED),
]  # fmt: skip
LEVELS = [
    Broken("type", LEVEL, {"spec.type": "Some"}, "spec.type", UNSUPPORTED, '"Exempt", "Limited"'),
    Broken("limits of what is exempt", LEVEL, {"spec.type": "Exempt"}, LIMITED, FORBIDDEN,
           "must be nil if the type is not Limited"),
    Broken("both", LEVEL, {"spec.exempt": {"lendable_percent": 1}}, "spec.exempt", FORBIDDEN,
           "must be nil if the type is Limited"),
    Broken("no limits", LEVEL, {"spec": {"type": "Limited"}}, LIMITED, REQUIRED,
           "must not be empty when type is Limited"),
    Broken("shares", LEVEL, {f"{LIMITED}.nominal_concurrency_shares": -1},
           f"{LIMITED}.nominalConcurrencyShares", INVALID, "must be a non-negative integer"),
    Broken("lent", LEVEL, {f"{LIMITED}.lendable_percent": 101}, f"{LIMITED}.lendablePercent",
           INVALID, "must be between 0 and 100, inclusive"),
    Broken("borrowed", LEVEL, {f"{LIMITED}.borrowing_limit_percent": -1},
           f"{LIMITED}.borrowingLimitPercent", INVALID, "must be a non-negative integer"),
    Broken("response", LEVEL, {f"{RESPONSE}.type": "Wait"}, f"{RESPONSE_AT}.type", UNSUPPORTED,
           '"Queue", "Reject"'),
    Broken("queues of the rejected", LEVEL, {f"{RESPONSE}.type": "Reject"}, QUEUING_AT, FORBIDDEN,
           "must be nil if limitResponse.type is not Queue"),
    Broken("no queues", LEVEL, {RESPONSE: {"type": "Queue"}}, QUEUING_AT, REQUIRED,
           "must not be empty if limitResponse.type is Queue"),
    Broken("length", LEVEL, {f"{QUEUING}.queue_length_limit": -1},
           f"{QUEUING_AT}.queueLengthLimit", INVALID, "must be positive"),
    Broken("hand", LEVEL, {f"{QUEUING}.hand_size": 65}, f"{QUEUING_AT}.handSize", INVALID,
           "should not be greater than queues (64)"),
    Broken("many queues", LEVEL, {f"{QUEUING}.queues": 10_000_001}, f"{QUEUING_AT}.queues",
           INVALID, "must not be greater than 10000000"),
]  # fmt: skip
CASES = [*SCHEMAS, *LEVELS]
VALID: dict[str, tuple[str, dict[str, Any]]] = {
    "schema before all others": (
        SCHEMA,
        {"metadata.name": "exempt", "spec.matching_precedence": 1},
    ),
    "schema of the cluster": (
        SCHEMA,
        {
            f"{RULE}.resource_rules[0].namespaces": [],
            f"{RULE}.resource_rules[0].cluster_scope": True,
        },
    ),
    "exempt level": (LEVEL, {"spec": {"type": "Exempt", "exempt": {"lendable_percent": 50}}}),
    "level that rejects": (LEVEL, {RESPONSE: {"type": "Reject"}}),
}
