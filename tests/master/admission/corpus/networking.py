"""Broken ingresses, ingress classes and network policies."""

from typing import Any

from tests.master.admission.corpus.case import (
    FORBIDDEN,
    INVALID,
    REQUIRED,
    TOO_LONG,
    UNSUPPORTED,
    Broken,
    BrokenUpdate,
)
from tests.master.admission.manifests import number, text

PATH = "spec.rules[0].ingress_rule_value.http.paths[0]"
PATH_AT = "spec.rules[0].http.paths[0]"
BACKEND, BACKEND_AT = f"{PATH}.backend", f"{PATH_AT}.backend"
SERVICE = {"name": "web", "port": {"number": 80}}
OBJECT = {"api_group": "example.com", "kind": "Bucket", "name": "static"}


def pathed(name: str, path: str, says: str, kind: str = "Prefix") -> Broken:
    changes = {f"{PATH}.path": path, f"{PATH}.path_type": kind}
    return Broken(name, "Ingress", changes, f"{PATH_AT}.path", INVALID, says)


def backed(name: str, backend: dict[str, Any], field: str, reason: str, says: str = "") -> Broken:
    """An ingress with a broken backend; `field` is below it."""
    at = f"{BACKEND_AT}.{field}".rstrip(".")
    return Broken(name, "Ingress", {BACKEND: backend}, at, reason, says)


INGRESSES = [
    Broken("leads nowhere", "Ingress", {"spec.rules": []}, "spec", INVALID,
           "either `defaultBackend` or `rules` must be specified"),
    Broken("host", "Ingress", {"spec.rules[0].host": "A.b"}, "spec.rules[0].host", INVALID),
    Broken("address as host", "Ingress", {"spec.rules[0].host": "10.0.0.1"}, "spec.rules[0].host",
           INVALID, "must be a DNS name, not an IP address"),
    Broken("wildcard", "Ingress", {"spec.rules[0].host": "a.*.com"}, "spec.rules[0].host",
           INVALID, "a wildcard DNS-1123 subdomain must start with '*.'"),
    Broken("no paths", "Ingress", {"spec.rules[0].ingress_rule_value.http.paths": []},
           "spec.rules[0].http.paths", REQUIRED),
    Broken("no path type", "Ingress", {f"{PATH}.path_type": None}, f"{PATH_AT}.pathType",
           REQUIRED, "pathType must be specified"),
    Broken("path type", "Ingress", {f"{PATH}.path_type": "Regex"}, f"{PATH_AT}.pathType",
           UNSUPPORTED, '"Exact", "ImplementationSpecific", "Prefix"'),
    pathed("relative path", "a", "must be an absolute path"),
    pathed("relative path of its own kind", "a", "must be an absolute path",
           "ImplementationSpecific"),
    pathed("no path", "", "must be an absolute path", "Exact"),
    pathed("empty part", "/a//b", "must not contain '//'"),
    pathed("hidden slash", "/a%2Fb", "must not contain '%2F'"),
    pathed("way out", "/a/../b", "must not contain '/../'"),
    pathed("way out at the end", "/a/..", "cannot end with '/..'"),
    pathed("same folder", "/a/.", "cannot end with '/.'"),
    backed("no backend", {}, "", INVALID, "resource or service backend is required"),
    backed("two backends", {"service": SERVICE, "resource": OBJECT}, "", INVALID,
           "cannot set both resource and service backends"),
    backed("no service", {"service": {"port": {"number": 80}}}, "service.name", REQUIRED),
    backed("service", {"service": {**SERVICE, "name": "1a"}}, "service.name", INVALID,
           "DNS-1035 label"),
    backed("no port", {"service": {"name": "web"}}, "", REQUIRED,
           "port name or number is required"),
    backed("two ports", {"service": {"name": "web", "port": {"name": "http", "number": 80}}}, "",
           INVALID, "cannot set both port name & port number"),
    backed("port", {"service": {"name": "web", "port": {"number": 65_536}}},
           "service.port.number", INVALID),
    backed("port name", {"service": {"name": "web", "port": {"name": "HTTP"}}},
           "service.port.name", INVALID),
    backed("resource of no kind", {"resource": {**OBJECT, "kind": ""}}, "resource.kind", REQUIRED,
           "kind is required"),
    backed("resource name", {"resource": {**OBJECT, "name": "a/b"}}, "resource.name", INVALID),
    backed("resource group", {"resource": {**OBJECT, "api_group": "A"}}, "resource.apiGroup",
           INVALID),
    Broken("default backend", "Ingress", {"spec.default_backend": {}}, "spec.defaultBackend",
           INVALID, "resource or service backend is required"),
    Broken("certified host", "Ingress", {"spec.tls": [{"hosts": ["a.b", "A"]}]},
           "spec.tls[0].hosts[1]", INVALID),
    Broken("certified wildcard", "Ingress", {"spec.tls": [{"hosts": ["*.*.b"]}]},
           "spec.tls[0].hosts[0]", INVALID),
    Broken("certificate", "Ingress", {"spec.tls": [{"secret_name": "A"}]},
           "spec.tls[0].secretName", INVALID),
    Broken("class", "Ingress", {"spec.ingress_class_name": ""}, "spec.ingressClassName", INVALID),
    Broken("class by annotation", "Ingress",
           {"spec.ingress_class_name": "a",
            "metadata.annotations": {"kubernetes.io/ingress.class": "b"}},
           "annotations.kubernetes.io/ingress.class", INVALID,
           "must match `ingressClassName` when both are specified"),
]  # fmt: skip
PARAMETERS, PARAMETERS_AT = "spec.parameters", "spec.parameters"
CLASSES = [
    Broken("no controller", "IngressClass", {"spec.controller": ""}, "spec.controller", REQUIRED),
    Broken("controller", "IngressClass", {"spec.controller": "nginx"}, "spec.controller", INVALID,
           "must be a domain-prefixed path"),
    Broken("controller length", "IngressClass", {"spec.controller": f"a.b/{'c' * 247}"},
           "spec.controller", TOO_LONG),
    Broken("parameters of no name", "IngressClass", {PARAMETERS: {"kind": "Config"}},
           f"{PARAMETERS_AT}.name", REQUIRED, "name is required"),
    Broken("scope", "IngressClass", {PARAMETERS: {**OBJECT, "scope": "Node"}},
           f"{PARAMETERS_AT}.scope", UNSUPPORTED, '"Cluster", "Namespace"'),
    Broken("namespace of the cluster", "IngressClass", {PARAMETERS: {**OBJECT, "namespace": "a"}},
           f"{PARAMETERS_AT}.namespace", FORBIDDEN, "`parameters.scope` is set to 'Cluster'"),
    Broken("no namespace", "IngressClass", {PARAMETERS: {**OBJECT, "scope": "Namespace"}},
           f"{PARAMETERS_AT}.namespace", REQUIRED, "`parameters.scope` is set to 'Namespace'"),
    Broken("namespace", "IngressClass",
           {PARAMETERS: {**OBJECT, "scope": "Namespace", "namespace": "A"}},
           f"{PARAMETERS_AT}.namespace", INVALID),
]  # fmt: skip
PORT, PORT_AT = "spec.ingress[0].ports[0]", "spec.ingress[0].ports[0]"
PEER, PEER_AT = "spec.egress[0].to[0]", "spec.egress[0].to[0]"
POLICIES = [
    Broken("pods", "NetworkPolicy", {"spec.pod_selector.match_labels": {"a": "b c"}},
           "spec.podSelector.matchLabels", INVALID),
    Broken("protocol", "NetworkPolicy", {f"{PORT}.protocol": "ICMP"}, f"{PORT_AT}.protocol",
           UNSUPPORTED, '"SCTP", "TCP", "UDP"'),
    Broken("port", "NetworkPolicy", {f"{PORT}.port": number(0)}, f"{PORT_AT}.port", INVALID),
    Broken("port name", "NetworkPolicy", {f"{PORT}.port": text("HTTP")}, f"{PORT_AT}.port",
           INVALID),
    Broken("end of nothing", "NetworkPolicy", {PORT: {"end_port": 5}}, f"{PORT_AT}.endPort",
           INVALID, "may not be specified when `port` is not specified"),
    Broken("end of a name", "NetworkPolicy", {PORT: {"port": text("http"), "end_port": 5}},
           f"{PORT_AT}.endPort", INVALID, "may not be specified when `port` is non-numeric"),
    Broken("ends before it begins", "NetworkPolicy", {PORT: {"port": number(6), "end_port": 5}},
           f"{PORT_AT}.endPort", INVALID, "must be greater than or equal to `port`"),
    Broken("end", "NetworkPolicy", {PORT: {"port": number(6), "end_port": 65_536}},
           f"{PORT_AT}.endPort", INVALID, "must be between 1 and 65535, inclusive"),
    Broken("nobody", "NetworkPolicy", {PEER: {}}, PEER_AT, REQUIRED, "must specify a peer"),
    Broken("two peers", "NetworkPolicy",
           {PEER: {"ip_block": {"cidr": "10.0.0.0/8"}, "pod_selector": {}}}, PEER_AT, FORBIDDEN,
           "may not specify both ipBlock and another peer"),
    Broken("namespaces", "NetworkPolicy",
           {PEER: {"namespace_selector": {"match_labels": {"a": "b c"}}}},
           f"{PEER_AT}.namespaceSelector.matchLabels", INVALID),
    Broken("peers that come in", "NetworkPolicy", {"spec.ingress[0].from": [{}]},
           "spec.ingress[0].from[0]", REQUIRED),
    Broken("no network", "NetworkPolicy", {PEER: {"ip_block": {}}}, f"{PEER_AT}.ipBlock.cidr",
           REQUIRED),
    Broken("network", "NetworkPolicy", {PEER: {"ip_block": {"cidr": "10.0.0.1"}}},
           f"{PEER_AT}.ipBlock.cidr", INVALID, "must be a valid CIDR value"),
    Broken("part of nothing", "NetworkPolicy",
           {PEER: {"ip_block": {"cidr": "10.0.0.0/8", "except": ["10"]}}},
           f"{PEER_AT}.ipBlock.except[0]", INVALID, "must be a valid CIDR value"),
    Broken("part of another network", "NetworkPolicy",
           {PEER: {"ip_block": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}}},
           f"{PEER_AT}.ipBlock.except[0]", INVALID, "must be a strict subset of `cidr`"),
    Broken("the whole network", "NetworkPolicy",
           {PEER: {"ip_block": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}}},
           f"{PEER_AT}.ipBlock.except[0]", INVALID),
    Broken("part of another family", "NetworkPolicy",
           {PEER: {"ip_block": {"cidr": "10.0.0.0/8", "except": ["fd00::/64"]}}},
           f"{PEER_AT}.ipBlock.except[0]", INVALID),
    Broken("type", "NetworkPolicy", {"spec.policy_types": ["Both"]}, "spec.policyTypes[0]",
           UNSUPPORTED, '"Egress", "Ingress"'),
    Broken("types", "NetworkPolicy", {"spec.policy_types": ["Ingress"] * 3}, "spec.policyTypes",
           INVALID, "may not specify more than two policyTypes"),
]  # fmt: skip
POINT = "status.loadBalancer.ingress[0]"
UPDATES = [
    BrokenUpdate("rule", "Ingress", {}, {f"{PATH}.path": "a"}, f"{PATH_AT}.path", INVALID),
    BrokenUpdate("address", "Ingress", {}, {"status.load_balancer.ingress": [{"ip": "x"}]},
                 f"{POINT}.ip", INVALID, subresource="status"),
    BrokenUpdate("name", "Ingress", {}, {"status.load_balancer.ingress": [{"hostname": "1.2.3.4"}]},
                 f"{POINT}.hostname", INVALID, "must be a DNS name", subresource="status"),
    BrokenUpdate("controller", "IngressClass", {}, {"spec.controller": "example.com/other"},
                 "spec.controller", INVALID, "field is immutable"),
    BrokenUpdate("policy", "NetworkPolicy", {}, {PEER: {}}, PEER_AT, REQUIRED),
]  # fmt: skip
CASES = [*INGRESSES, *CLASSES, *POLICIES]
