"""Objects that look unusual and are valid."""

from typing import Any

from tests.master.admission.manifests import amount, number, text

C, I = "spec.containers[0]", "spec.init_containers[0]"  # noqa: E741
EXEC = {"probe_handler": {"exec": {"command": ["true"]}}}
REQ = "required_during_scheduling_ignored_during_execution"

VALID: dict[str, tuple[str, dict[str, Any]]] = {
    "name with dots": ("Pod", {"metadata.name": "a.b.c-1"}),
    "name of digits": ("ConfigMap", {"metadata.name": "123"}),
    "generateName": ("Pod", {"metadata.generate_name": "web-"}),
    "annotation key in upper case": ("Pod", {"metadata.annotations": {"Example.com/A": "é\n"}}),
    "label without value": ("Pod", {"metadata.labels": {"a.b/C_d": ""}}),
    "standard finalizer": ("Pod", {"metadata.finalizers": ["foregroundDeletion", "a.b/c"]}),
    "sidecar with probes": (
        "Pod",
        {
            f"{I}.restart_policy": "Always",
            f"{I}.startup_probe": EXEC,
            f"{I}.lifecycle": {"pre_stop": {"sleep": {"seconds": 1}}},
        },
    ),
    "one host port, two protocols": (
        "Pod",
        {
            f"{C}.ports": [
                {"container_port": 53, "host_port": 53},
                {"container_port": 53, "host_port": 53, "protocol": "UDP"},
            ]
        },
    ),
    "init container and container share a host port": (
        "Pod",
        {
            f"{C}.ports[0].host_port": 80,
            f"{I}.ports": [{"container_port": 1, "host_port": 80}],
        },
    ),
    "host network": ("Pod", {"spec.host_network": True}),
    "env name with odd characters": ("Pod", {f"{C}.env": [{"name": "1 a.b-C"}]}),
    "env name twice": ("Pod", {f"{C}.env": [{"name": "A"}, {"name": "A"}]}),
    "env from label and node": (
        "Pod",
        {
            f"{C}.env": [
                {
                    "name": "A",
                    "value_from": {"field_ref": {"field_path": "metadata.labels['a.b/c']"}},
                },
                {"name": "B", "value_from": {"field_ref": {"field_path": "spec.nodeName"}}},
            ]
        },
    ),
    "amounts of huge pages and devices": (
        "Pod",
        {
            f"{C}.resources.limits": {
                "cpu": amount("1.5"),
                "hugepages-2Mi": amount("4Mi"),
                "example.com/gpu": amount("2"),
            }
        },
    ),
    "request in other units than the limit": (
        "Pod",
        {
            f"{C}.resources": {
                "limits": {"memory": amount("1Gi")},
                "requests": {"memory": amount("1073741824")},
            }
        },
    ),
    "divisor": (
        "Pod",
        {
            f"{C}.env": [
                {
                    "name": "A",
                    "value_from": {
                        "resource_field_ref": {
                            "resource": "limits.memory",
                            "divisor": amount("1Mi"),
                        }
                    },
                }
            ]
        },
    ),
    "dns of its own": (
        "Pod",
        {
            "spec.dns_policy": "None",
            "spec.dns_config": {
                "nameservers": ["10.0.0.1", "fd00::1"],
                "searches": ["a.b.", "."],
                "options": [{"name": "ndots", "value": "2"}],
            },
        },
    ),
    "tolerates everything": ("Pod", {"spec.tolerations": [{"operator": "Exists"}]}),
    "node by name": (
        "Pod",
        {
            f"spec.affinity.node_affinity.{REQ}.node_selector_terms": [
                {"match_fields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}
            ]
        },
    ),
    "priority of its own": ("Pod", {"spec.priority": 1_000_000_000}),
    "system class": ("Pod", {"spec.priority_class_name": "system-cluster-critical"}),
    "volume that nothing mounts yet": (
        "Pod",
        {"spec.volumes[1]": {"name": "d", "volume_source": {"csi": {"driver": "d.example.com"}}}},
    ),
    "projected volume": (
        "Pod",
        {
            "spec.volumes[0].volume_source": {
                "projected": {
                    "sources": [
                        {"secret": {"local_object_reference": {"name": "s"}}},
                        {"service_account_token": {"path": "token"}},
                    ]
                }
            }
        },
    ),
    "sysctls": (
        "Pod",
        {"spec.security_context.sysctls": [{"name": "net.ipv4.ip_local_port_range"}]},
    ),
    "preference that no label meets": (
        "Pod",
        {
            "spec.affinity.node_affinity.preferred_during_scheduling_ignored_during_execution": [
                {
                    "weight": 1,
                    "preference": {
                        "match_expressions": [{"key": "a", "operator": "In", "values": ["b c"]}]
                    },
                }
            ]
        },
    ),
    "pull secret without name": ("Pod", {"spec.image_pull_secrets": [{}]}),
    "template on the host network": ("Deployment", {"spec.template.spec.host_network": True}),
    "image of a template": ("Deployment", {f"spec.template.{C}.image": " "}),
    "grace of 0": ("Pod", {"spec.termination_grace_period_seconds": 0}),
    "recreate": ("Deployment", {"spec.strategy": {"type": "Recreate"}}),
    "no replicas": ("Deployment", {"spec.replicas": 0}),
    "surge only": (
        "Deployment",
        {"spec.strategy.rolling_update": {"max_surge": text("100%"), "max_unavailable": number(0)}},
    ),
    "selector by expressions": (
        "ReplicaSet",
        {
            "spec.selector": {
                "match_expressions": [
                    {"key": "app", "operator": "In", "values": ["web", "db"]},
                    {"key": "other", "operator": "DoesNotExist"},
                ]
            }
        },
    ),
    "headless": ("Service", {"spec.cluster_ip": "None"}),
    "headless without ports": ("Service", {"spec.cluster_ip": "None", "spec.ports": []}),
    "external name": (
        "Service",
        {"spec": {"type": "ExternalName", "external_name": "db.example.com."}},
    ),
    "balancer, local": (
        "Service",
        {"spec.type": "LoadBalancer", "spec.external_traffic_policy": "Local"},
    ),
    "dns in two protocols": (
        "Service",
        {
            "spec.type": "NodePort",
            "spec.ports": [
                {"name": "dns", "port": 53, "node_port": 30_053},
                {"name": "dns-udp", "port": 53, "protocol": "UDP", "node_port": 30_053},
            ],
        },
    ),
    "sticky": ("Service", {"spec.session_affinity": "ClientIP"}),
    "binary": ("ConfigMap", {"binary_data": {"b": b"\xff"}}),
    "exactly 1 MiB": ("ConfigMap", {"data": {"a": "x" * (1024 * 1024)}}),
    "tls": ("Secret", {"type": "kubernetes.io/tls", "data": {"tls.crt": b"", "tls.key": b""}}),
    "tainted": (
        "Node",
        {
            "spec.taints": [
                {"key": "a", "effect": "NoSchedule"},
                {"key": "a", "effect": "NoExecute"},
            ]
        },
    ),
    "event of a node": ("Event", {"involved_object": {"kind": "Node", "name": "n1"}}),
    "names in a slice": (
        "EndpointSlice",
        {"address_type": "FQDN", "endpoints": [{"addresses": ["a.example.com"]}]},
    ),
    "slice of nothing": ("EndpointSlice", {"endpoints": [], "ports": []}),
}
VALID_UPDATES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "image": ("Pod", {}, {f"{C}.image": "other:2"}),
    "init image": ("Pod", {}, {f"{I}.image": "other:2"}),
    "deadline set": ("Pod", {}, {"spec.active_deadline_seconds": 10}),
    "deadline sooner": (
        "Pod",
        {"spec.active_deadline_seconds": 10},
        {"spec.active_deadline_seconds": 9},
    ),
    "toleration added": ("Pod", {}, {"spec.tolerations": [{"key": "a", "operator": "Exists"}]}),
    "toleration for longer": (
        "Pod",
        {"spec.tolerations": [{"key": "a", "effect": "NoExecute", "toleration_seconds": 5}]},
        {"spec.tolerations": [{"key": "a", "effect": "NoExecute", "toleration_seconds": 50}]},
    ),
    "node selector of a gated pod narrowed": (
        "Pod",
        {"spec.scheduling_gates": [{"name": "a"}], "spec.node_selector": {"a": "b"}},
        {"spec.node_selector": {"a": "b", "c": "d"}},
    ),
    "affinity of a gated pod added": (
        "Pod",
        {"spec.scheduling_gates": [{"name": "a"}]},
        {
            f"spec.affinity.node_affinity.{REQ}.node_selector_terms": [
                {"match_expressions": [{"key": "a", "operator": "Exists"}]}
            ]
        },
    ),
    "gate removed": ("Pod", {"spec.scheduling_gates": [{"name": "a"}]}, {}),
    "labels": ("Pod", {}, {"metadata.labels": {"a": "b"}}),
    "finalizer dropped while deleting": (
        "Pod",
        {"metadata.deletion_timestamp.seconds": 5, "metadata.finalizers": ["a.b/c"]},
        {},
    ),
    "template": ("Deployment", {}, {f"spec.template.{C}.image": "other:2"}),
    "cluster IP left out": ("Service", {"spec.cluster_ip": "10.96.0.7"}, {}),
    "to external name": (
        "Service",
        {"spec.cluster_ip": "10.96.0.7"},
        {"spec.type": "ExternalName", "spec.external_name": "a.b"},
    ),
    "from external name": (
        "Service",
        {"spec": {"type": "ExternalName", "external_name": "a.b"}},
        {"spec.external_name": "a.b"},
    ),
    "node ports to cluster": (
        "Service",
        {"spec.type": "NodePort", "spec.ports[0].node_port": 30_001},
        {"spec.ports[0].node_port": 30_001},
    ),
    "pod network given": ("Node", {}, {"spec.pod_cidr": "10.244.0.0/24"}),
    "cordoned": ("Node", {}, {"spec.unschedulable": True}),
    "becomes immutable": ("ConfigMap", {}, {"immutable": True}),
    "label of an immutable": (
        "Secret",
        {"immutable": True},
        {"immutable": True, "metadata.labels": {"a": "b"}},
    ),
}
