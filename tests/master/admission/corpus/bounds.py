"""Broken quotas, limit ranges, disruption budgets, autoscalers and endpoints."""

from typing import Any

from tests.master.admission.corpus.case import (
    DUPLICATE,
    FORBIDDEN,
    INVALID,
    REQUIRED,
    TOO_LONG,
    UNSUPPORTED,
    Broken,
    BrokenUpdate,
)
from tests.master.admission.manifests import amount, number, text

MATCH = "spec.scope_selector.match_expressions"
MATCH_AT = "spec.scopeSelector.matchExpressions"
LIMIT, LIMIT_AT = "spec.limits[0]", "spec.limits[0]"


def scoped(scope: str, operator: str = "Exists", *values: str) -> dict[str, Any]:
    return {MATCH: [{"scope_name": scope, "operator": operator, "values": list(values)}]}


QUOTAS = [
    Broken("negative", "ResourceQuota", {"spec.hard.pods": amount("-1")}, "spec.hard[pods]",
           INVALID, "must be greater than or equal to 0"),
    Broken("half a pod", "ResourceQuota", {"spec.hard.pods": amount("500m")}, "spec.hard[pods]",
           INVALID, "must be an integer"),
    Broken("half a device", "ResourceQuota", {"spec.hard": {"a.b/gpu": amount("500m")}},
           "spec.hard[a.b/gpu]", INVALID, "must be an integer"),
    Broken("no amount", "ResourceQuota", {"spec.hard.pods": amount("ten")}, "spec.hard[pods]",
           INVALID, "quantities must match"),
    Broken("resource of volumes", "ResourceQuota", {"spec.hard": {"storage": amount("1")}},
           "spec.hard[storage]", INVALID, "must be a standard resource for quota"),
    Broken("resource grammar", "ResourceQuota", {"spec.hard": {"a b": amount("1")}},
           "spec.hard[a b]", INVALID),
    Broken("scope", "ResourceQuota", {"spec.scopes": ["Idle"]}, "spec.scopes", INVALID,
           "unsupported scope"),
    Broken("scope of no pods", "ResourceQuota",
           {"spec.hard": {"secrets": amount("1")}, "spec.scopes": ["Terminating"]}, "spec.scopes",
           INVALID, "unsupported scope applied to resource"),
    Broken("best effort by amounts", "ResourceQuota",
           {"spec.hard": {"requests.cpu": amount("1")}, "spec.scopes": ["BestEffort"]},
           "spec.scopes", INVALID, "unsupported scope applied to resource"),
    Broken("scopes that exclude each other", "ResourceQuota",
           {"spec.scopes": ["Terminating", "NotTerminating"]}, "spec.scopes", INVALID,
           "conflicting scopes"),
    Broken("selected scope", "ResourceQuota", scoped("Idle"), f"{MATCH_AT}.scopeName", INVALID,
           "unsupported scope"),
    Broken("selected scope with values", "ResourceQuota", scoped("Terminating", "In", "a"),
           f"{MATCH_AT}.operator", INVALID, "must be 'Exist' when scope is any of"),
    Broken("selected scope of no pods", "ResourceQuota",
           {"spec.hard": {"secrets": amount("1")}, **scoped("PriorityClass", "Exists")}, MATCH_AT,
           INVALID, "unsupported scope applied to resource"),
    Broken("selected scopes that exclude each other", "ResourceQuota",
           {MATCH: [{"scope_name": "BestEffort", "operator": "Exists"},
                    {"scope_name": "NotBestEffort", "operator": "Exists"}]}, MATCH_AT, INVALID,
           "conflicting scopes"),
    Broken("no class", "ResourceQuota", scoped("PriorityClass", "In"), f"{MATCH_AT}.values",
           REQUIRED, "must be at least one value"),
    Broken("class that exists", "ResourceQuota", scoped("PriorityClass", "Exists", "a"),
           f"{MATCH_AT}.values", INVALID, "must be no value"),
    Broken("operator", "ResourceQuota", scoped("PriorityClass", "Gt"), f"{MATCH_AT}.operator",
           INVALID, "not a valid selector operator"),
]  # fmt: skip
LIMITS = [
    Broken("type", "LimitRange", {f"{LIMIT}.type": "Node"}, f"{LIMIT_AT}.type", INVALID,
           "must be a standard limit type or fully qualified"),
    Broken("type grammar", "LimitRange", {f"{LIMIT}.type": "a b"}, f"{LIMIT_AT}.type", INVALID),
    Broken("type twice", "LimitRange", {"spec.limits[1]": {"type": "Container"}},
           "spec.limits[1].type", DUPLICATE),
    Broken("resource of containers", "LimitRange",
           {LIMIT: {"type": "Pod", "max": {"storage": amount("1")}}},
           f"{LIMIT_AT}.max[storage]", INVALID, "must be a standard resource for containers"),
    Broken("resource", "LimitRange",
           {LIMIT: {"type": "a.b/c", "max": {"disk": amount("1")}}}, f"{LIMIT_AT}.max[disk]",
           INVALID, "must be a standard resource type or fully qualified"),
    Broken("no amount", "LimitRange", {f"{LIMIT}.max_limit_request_ratio.cpu": amount("much")},
           f"{LIMIT_AT}.maxLimitRequestRatio[cpu]", INVALID, "quantities must match"),
    Broken("default of pods", "LimitRange",
           {LIMIT: {"type": "Pod", "default": {"cpu": amount("1")}}}, f"{LIMIT_AT}.default",
           FORBIDDEN, "may not be specified when `type` is 'Pod'"),
    Broken("default request of pods", "LimitRange",
           {LIMIT: {"type": "Pod", "default_request": {"cpu": amount("1")}}},
           f"{LIMIT_AT}.defaultRequest", FORBIDDEN),
    Broken("claims without bounds", "LimitRange", {LIMIT: {"type": "PersistentVolumeClaim"}},
           f"{LIMIT_AT}.limits", REQUIRED, "either minimum or maximum storage value is required"),
    Broken("min over max", "LimitRange",
           {LIMIT: {"type": "Pod", "min": {"cpu": amount("3")}, "max": {"cpu": amount("2")}}},
           f"{LIMIT_AT}.min[cpu]", INVALID, "min value 3 is greater than max value 2"),
    Broken("default over max", "LimitRange",
           {f"{LIMIT}.default.cpu": amount("3"), f"{LIMIT}.default_request.cpu": amount("1")},
           f"{LIMIT_AT}.default[cpu]", INVALID, "default value 3 is greater than max value 2"),
    Broken("request over limit", "LimitRange",
           {f"{LIMIT}.default.cpu": amount("1"), f"{LIMIT}.default_request.cpu": amount("1500m")},
           f"{LIMIT_AT}.defaultRequest[cpu]", INVALID,
           "default request value 1500m is greater than default limit value 1"),
    Broken("default under min", "LimitRange",
           {LIMIT: {"type": "a.b/c", "min": {"cpu": amount("1")},
                    "default": {"cpu": amount("500m")}}},
           f"{LIMIT_AT}.default[cpu]", INVALID, "min value 1 is greater than default value 500m"),
    Broken("default request under min", "LimitRange",
           {LIMIT: {"type": "a.b/c", "min": {"cpu": amount("1")},
                    "default_request": {"cpu": amount("500m")}}},
           f"{LIMIT_AT}.defaultRequest[cpu]", INVALID, "greater than default request value 500m"),
    Broken("ratio below one", "LimitRange",
           {f"{LIMIT}.max_limit_request_ratio.cpu": amount("500m")},
           f"{LIMIT_AT}.maxLimitRequestRatio[cpu]", INVALID, "ratio 500m is less than 1"),
    Broken("ratio without room", "LimitRange",
           {f"{LIMIT}.min.cpu": amount("1"), f"{LIMIT}.max_limit_request_ratio.cpu": amount("3")},
           f"{LIMIT_AT}.maxLimitRequestRatio[cpu]", INVALID,
           "ratio 3 is greater than max/min = 2.000000"),
    Broken("device requested otherwise than limited", "LimitRange",
           {f"{LIMIT}.default": {"a.b/gpu": amount("2")},
            f"{LIMIT}.default_request": {"a.b/gpu": amount("1")}},
           f"{LIMIT_AT}.defaultRequest[a.b/gpu]", INVALID,
           "default value 2 must equal to defaultRequest value 1 in a.b/gpu"),
]  # fmt: skip
BUDGETS = [
    Broken("both", "PodDisruptionBudget", {"spec.max_unavailable": number(1)}, "spec", INVALID,
           "minAvailable and maxUnavailable cannot be both set"),
    Broken("available", "PodDisruptionBudget", {"spec.min_available": number(-1)},
           "spec.minAvailable", INVALID, "must be greater than or equal to 0"),
    Broken("share", "PodDisruptionBudget", {"spec.min_available": text("most")},
           "spec.minAvailable", INVALID, "a valid percent string"),
    Broken("over 100%", "PodDisruptionBudget",
           {"spec.min_available": None, "spec.max_unavailable": text("101%")},
           "spec.maxUnavailable", INVALID, "must not be greater than 100%"),
    Broken("evictions", "PodDisruptionBudget", {"spec.unhealthy_pod_eviction_policy": "Never"},
           "spec.unhealthyPodEvictionPolicy", UNSUPPORTED, '"AlwaysAllow", "IfHealthyBudget"'),
    Broken("selector", "PodDisruptionBudget", {"spec.selector.match_labels": {"a": "b c"}},
           "spec.selector.matchLabels", INVALID),
]  # fmt: skip
TARGET = {"type": "Value", "value": amount("1")}
METRIC_AT = "spec.metrics[0]"
RULES = {"policies": [{"type": "Pods", "value": 1, "period_seconds": 60}]}


def measured(kind: str, **source: Any) -> dict[str, Any]:
    return {"spec.metrics": [{"type": kind, **source}]}


def autoscaled(
    name: str, changes: dict[str, Any], field: str, reason: str, says: str = ""
) -> Broken:
    return Broken(name, "HorizontalPodAutoscaler", changes, field, reason, says)


AUTOSCALERS = [
    autoscaled("to nothing", {"spec.min_replicas": 0, **measured("Object", object={
                   "described_object": {"kind": "Service", "name": "web"},
                   "metric": {"name": "hits"}, "target": TARGET})},
               "spec.minReplicas", INVALID, "must be greater than or equal to 1"),
    autoscaled("max under min", {"spec.min_replicas": 6}, "spec.maxReplicas", INVALID,
               "must be greater than or equal to `minReplicas`"),
    autoscaled("target kind", {"spec.scale_target_ref.kind": ""}, "spec.scaleTargetRef.kind",
               REQUIRED),
    autoscaled("target name", {"spec.scale_target_ref.name": "a/b"}, "spec.scaleTargetRef.name",
               INVALID),
    autoscaled("metric", measured("Moon"), f"{METRIC_AT}.type", UNSUPPORTED,
               '"ContainerResource", "External", "Object", "Pods", "Resource"'),
    autoscaled("source of another type", measured("Pods", resource={
                   "name": "cpu",
                   "target": {"type": "Utilization", "average_utilization": 1}}),
               f"{METRIC_AT}.pods", REQUIRED, "must populate information for the given metric"),
    autoscaled("two sources", measured("Resource", resource={
                   "name": "cpu",
                   "target": {"type": "Utilization", "average_utilization": 1}},
                   pods={"metric": {"name": "hits"},
                         "target": {"type": "AverageValue", "average_value": amount("1")}}),
               f"{METRIC_AT}.pods", FORBIDDEN, "must populate the given metric source only"),
    autoscaled("resource without target", measured("Resource", resource={
                   "name": "cpu", "target": {"type": "Utilization"}}),
               f"{METRIC_AT}.resource.target.averageUtilization", REQUIRED,
               "must set either a target raw value or a target utilization"),
    autoscaled("resource without name", measured("Resource", resource={
                   "target": {"type": "Utilization", "average_utilization": 1}}),
               f"{METRIC_AT}.resource.name", REQUIRED, "must specify a resource name"),
    autoscaled("resource both ways", measured("Resource", resource={
                   "name": "cpu", "target": {"type": "Utilization", "average_utilization": 1,
                                             "average_value": amount("1")}}),
               f"{METRIC_AT}.resource.target.averageValue", FORBIDDEN),
    autoscaled("utilization of zero", measured("Resource", resource={
                   "name": "cpu", "target": {"type": "Utilization", "average_utilization": 0}}),
               f"{METRIC_AT}.resource.target.averageUtilization", INVALID,
               "must be greater than 0"),
    autoscaled("target of no type", measured("Resource", resource={
                   "name": "cpu", "target": {"average_utilization": 5}}),
               f"{METRIC_AT}.resource.target.type", REQUIRED),
    autoscaled("target type", measured("Resource", resource={
                   "name": "cpu", "target": {"type": "Total", "average_utilization": 5}}),
               f"{METRIC_AT}.resource.target.type", INVALID,
               "must be either Utilization, Value, or AverageValue"),
    autoscaled("container", measured("ContainerResource", container_resource={
                   "name": "cpu", "target": {"type": "Utilization", "average_utilization": 5}}),
               f"{METRIC_AT}.containerResource.container", REQUIRED),
    autoscaled("container grammar", measured("ContainerResource", container_resource={
                   "name": "cpu", "container": "A",
                   "target": {"type": "Utilization", "average_utilization": 5}}),
               f"{METRIC_AT}.containerResource.container", INVALID),
    autoscaled("container's resource", measured("ContainerResource", container_resource={
                   "name": "pods", "container": "a",
                   "target": {"type": "Utilization", "average_utilization": 5}}),
               f"{METRIC_AT}.containerResource.name", INVALID,
               "must be a standard resource for containers"),
    autoscaled("pods without average", measured("Pods", pods={
                   "metric": {"name": "hits"}, "target": {"type": "AverageValue"}}),
               f"{METRIC_AT}.pods.target.averageValue", REQUIRED),
    autoscaled("metric without name", measured("Pods", pods={
                   "target": {"type": "AverageValue", "average_value": amount("1")}}),
               f"{METRIC_AT}.pods.metric.name", REQUIRED, "must specify a metric name"),
    autoscaled("object without target", measured("Object", object={
                   "described_object": {"kind": "Service", "name": "web"},
                   "metric": {"name": "hits"}, "target": {"type": "Value"}}),
               f"{METRIC_AT}.object.target.averageValue", REQUIRED),
    autoscaled("object's name", measured("Object", object={
                   "described_object": {"kind": "Service"},
                   "metric": {"name": "hits"}, "target": TARGET}),
               f"{METRIC_AT}.object.describedObject.name", REQUIRED),
    autoscaled("external both ways", measured("External", external={
                   "metric": {"name": "queue"},
                   "target": {**TARGET, "average_value": amount("1")}}),
               f"{METRIC_AT}.external.target.value", FORBIDDEN),
    autoscaled("external target", measured("External", external={
                   "metric": {"name": "queue"}, "target": {"type": "Value"}}),
               f"{METRIC_AT}.external.target.averageValue", REQUIRED),
    autoscaled("target of zero", measured("External", external={
                   "metric": {"name": "queue"}, "target": {**TARGET, "value": amount("0")}}),
               f"{METRIC_AT}.external.target.value", INVALID, "must be positive"),
    autoscaled("window", {"spec.behavior.scale_up":
                          {**RULES, "stabilization_window_seconds": 3601}},
               "spec.behavior.scaleUp.stabilizationWindowSeconds", INVALID,
               "must be less than or equal to 3600"),
    autoscaled("window negative", {"spec.behavior.scale_down":
                                   {**RULES, "stabilization_window_seconds": -1}},
               "spec.behavior.scaleDown.stabilizationWindowSeconds", INVALID,
               "must be greater than or equal to zero"),
    autoscaled("selection", {"spec.behavior.scale_up": {**RULES, "select_policy": "Mean"}},
               "spec.behavior.scaleUp.selectPolicy", UNSUPPORTED, '"Disabled", "Max", "Min"'),
    autoscaled("policy", {"spec.behavior.scale_up.policies":
                          [{"type": "All", "value": 1, "period_seconds": 1}]},
               "spec.behavior.scaleUp.policies[0].type", UNSUPPORTED, '"Percent", "Pods"'),
    autoscaled("policy of nothing", {"spec.behavior.scale_up.policies":
                                     [{"type": "Pods", "value": 0, "period_seconds": 1}]},
               "spec.behavior.scaleUp.policies[0].value", INVALID, "must be greater than zero"),
    autoscaled("policy of no time", {"spec.behavior.scale_down.policies":
                                     [{"type": "Pods", "value": 1, "period_seconds": 0}]},
               "spec.behavior.scaleDown.policies[0].periodSeconds", INVALID),
    autoscaled("policy of hours", {"spec.behavior.scale_down.policies":
                                   [{"type": "Pods", "value": 1, "period_seconds": 1801}]},
               "spec.behavior.scaleDown.policies[0].periodSeconds", INVALID,
               "must be less than or equal to 1800"),
]  # fmt: skip
ADDRESS, PORT = "subsets[0].addresses[0]", "subsets[0].ports[0]"
ENDPOINTS = [
    Broken("subset of nothing", "Endpoints", {"subsets": [{}]}, "subsets[0]", REQUIRED,
           "must specify `addresses` or `notReadyAddresses`"),
    Broken("address", "Endpoints", {f"{ADDRESS}.ip": "10.0.0"}, f"{ADDRESS}.ip", INVALID,
           "must be a valid IP address"),
    Broken("loopback", "Endpoints", {f"{ADDRESS}.ip": "127.0.0.1"}, f"{ADDRESS}.ip", INVALID,
           "may not be in the loopback range"),
    Broken("host name", "Endpoints", {f"{ADDRESS}.hostname": "A"}, f"{ADDRESS}.hostname", INVALID),
    Broken("node", "Endpoints", {f"{ADDRESS}.node_name": "A"}, f"{ADDRESS}.nodeName", INVALID),
    Broken("not ready", "Endpoints", {"subsets[0].not_ready_addresses": [{"ip": "x"}]},
           "subsets[0].notReadyAddresses[0].ip", INVALID),
    Broken("port", "Endpoints", {f"{PORT}.port": 0}, f"{PORT}.port", INVALID),
    Broken("port name", "Endpoints", {f"{PORT}.name": "A"}, f"{PORT}.name", INVALID),
    Broken("unnamed ports", "Endpoints",
           {"subsets[0].ports": [{"name": "a", "port": 1}, {"port": 2}]},
           "subsets[0].ports[1].name", REQUIRED),
    Broken("protocol", "Endpoints", {f"{PORT}.protocol": "ICMP"}, f"{PORT}.protocol", UNSUPPORTED),
    Broken("app protocol", "Endpoints", {f"{PORT}.app_protocol": "a b"}, f"{PORT}.appProtocol",
           INVALID),
]  # fmt: skip
CONDITION = {
    "type": "DisruptionAllowed",
    "status": "True",
    "last_transition_time": {"seconds": 1},
    "reason": "SufficientPods",
}


def observed(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"status": {"conditions": list(conditions)}}


def reported(
    name: str, kind: str, after: dict[str, Any], field: str, reason: str, says: str = ""
) -> BrokenUpdate:
    return BrokenUpdate(name, kind, {}, after, field, reason, says, subresource="status")


CONDITION_AT = "status.conditions[0]"
UPDATES = [
    BrokenUpdate("scopes", "ResourceQuota", {}, {"spec.scopes": ["Terminating"]}, "spec.scopes",
                 INVALID, "field is immutable"),
    BrokenUpdate("amount", "ResourceQuota", {}, {"spec.hard.pods": amount("-1")},
                 "spec.hard[pods]", INVALID),
    BrokenUpdate("limit", "LimitRange", {}, {f"{LIMIT}.type": "Node"}, f"{LIMIT_AT}.type", INVALID),
    BrokenUpdate("budget", "PodDisruptionBudget", {}, {"spec.min_available": number(-1)},
                 "spec.minAvailable", INVALID),
    BrokenUpdate("to nothing", "HorizontalPodAutoscaler", {}, {"spec.min_replicas": 0},
                 "spec.minReplicas", INVALID, "must be greater than or equal to 1"),
    BrokenUpdate("to nothing by the processor", "HorizontalPodAutoscaler",
                 {"spec.min_replicas": 0}, {"spec.min_replicas": 0, "spec.max_replicas": 9},
                 "spec.metrics", FORBIDDEN, "must specify at least one Object or External metric"),
    BrokenUpdate("address moves", "Endpoints", {f"{ADDRESS}.node_name": "n1"},
                 {f"{ADDRESS}.node_name": "n2"}, f"{ADDRESS}.nodeName", FORBIDDEN,
                 "Cannot change NodeName for 10.244.0.5 to n2"),
    reported("hard", "ResourceQuota", {"status": {"hard": {"pods": amount("-1")}}},
             "status.hard[pods]", INVALID),
    reported("used", "ResourceQuota", {"status": {"used": {"pods": amount("-1")}}},
             "status.used[pods]", INVALID),
    reported("replicas", "HorizontalPodAutoscaler", {"status": {"current_replicas": -1}},
             "status.currentReplicas", INVALID),
    reported("expected", "PodDisruptionBudget", {"status": {"expected_pods": -1}},
             "status.expectedPods", INVALID),
    reported("condition twice", "PodDisruptionBudget", observed(CONDITION, CONDITION),
             "status.conditions[1].type", DUPLICATE),
    reported("condition of no type", "PodDisruptionBudget", observed({**CONDITION, "type": ""}),
             f"{CONDITION_AT}.type", REQUIRED),
    reported("condition type", "PodDisruptionBudget", observed({**CONDITION, "type": "a b"}),
             f"{CONDITION_AT}.type", INVALID),
    reported("condition of no status", "PodDisruptionBudget",
             observed({**CONDITION, "status": ""}), f"{CONDITION_AT}.status", REQUIRED),
    reported("condition status", "PodDisruptionBudget", observed({**CONDITION, "status": "Yes"}),
             f"{CONDITION_AT}.status", UNSUPPORTED),
    reported("condition of no time", "PodDisruptionBudget",
             observed({"type": "A", "status": "True", "reason": "B"}),
             f"{CONDITION_AT}.lastTransitionTime", REQUIRED),
    reported("condition of no reason", "PodDisruptionBudget",
             observed({**CONDITION, "reason": ""}), f"{CONDITION_AT}.reason", REQUIRED),
    reported("condition reason", "PodDisruptionBudget",
             observed({**CONDITION, "reason": "a b"}), f"{CONDITION_AT}.reason", INVALID,
             "must start with alphabetic character"),
    reported("condition reason length", "PodDisruptionBudget",
             observed({**CONDITION, "reason": "a" * 1025}), f"{CONDITION_AT}.reason", TOO_LONG),
    reported("condition message", "PodDisruptionBudget",
             observed({**CONDITION, "message": "a" * 32_769}), f"{CONDITION_AT}.message",
             TOO_LONG),
]  # fmt: skip
CASES = [*QUOTAS, *LIMITS, *BUDGETS, *AUTOSCALERS, *ENDPOINTS]
