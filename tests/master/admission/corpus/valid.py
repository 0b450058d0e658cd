"""Objects that look unusual and are valid."""

from typing import Any

from tests.master.admission.manifests import amount, number, text

C, I = "spec.containers[0]", "spec.init_containers[0]"  # noqa: E741
EXEC = {"probe_handler": {"exec": {"command": ["true"]}}}
REQ = "required_during_scheduling_ignored_during_execution"
AFFINE = "spec.affinity"

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
    "controller that selects more than its labels": (
        "ReplicationController",
        {"spec.selector": {"app": "web"}, "spec.template.metadata.labels.tier": "front"},
    ),
    "stateful set whose pods mount its claims": (
        "StatefulSet",
        {f"spec.template.{C}.volume_mounts": [{"name": "data", "mount_path": "/data"}]},
    ),
    "stateful set on delete": ("StatefulSet", {"spec.update_strategy.type": "OnDelete"}),
    "ordinals from five": ("StatefulSet", {"spec.ordinals.start": 5}),
    "daemons that surge": (
        "DaemonSet",
        {
            "spec.update_strategy.rolling_update": {
                "max_surge": text("10%"),
                "max_unavailable": number(0),
            }
        },
    ),
    "daemons on delete": ("DaemonSet", {"spec.update_strategy.type": "OnDelete"}),
    "job that retries in place": ("Job", {"spec.template.spec.restart_policy": "OnFailure"}),
    "indexed job with policies": (
        "Job",
        {
            "spec.completion_mode": "Indexed",
            "spec.completions": 10,
            "spec.backoff_limit_per_index": 0,
            "spec.max_failed_indexes": 5,
            "spec.success_policy.rules": [
                {"succeeded_indexes": "0,2-4", "succeeded_count": 2},
                {"succeeded_count": 10},
            ],
            "spec.pod_failure_policy.rules": [
                {
                    "action": "FailIndex",
                    "on_exit_codes": {
                        "operator": "NotIn",
                        "container_name": "setup",
                        "values": [0, 42],
                    },
                },
                {"action": "Ignore", "on_pod_conditions": [{"type": "DisruptionTarget"}]},
            ],
        },
    ),
    "job of another manager": ("Job", {"spec.managed_by": "example.com/batch"}),
    "job that goes at once": ("Job", {"spec.ttl_seconds_after_finished": 0}),
    "job of nothing": ("Job", {"spec.completions": 0, "spec.parallelism": 0}),
    "every nine to five on workdays": ("CronJob", {"spec.schedule": "0 9-17/2 * JAN-jun mon-FRI"}),
    "schedule with question marks": ("CronJob", {"spec.schedule": "10/20 , 1,15 ? ?"}),
    "hourly": ("CronJob", {"spec.schedule": "@hourly"}),
    "every while": ("CronJob", {"spec.schedule": "@every 1h30m"}),
    "zone": ("CronJob", {"spec.time_zone": "America/Argentina/Buenos_Aires"}),
    "zone of an offset": ("CronJob", {"spec.time_zone": "Etc/GMT+8"}),
    "scaled by everything": (
        "HorizontalPodAutoscaler",
        {
            "spec.metrics": [
                {
                    "type": "Object",
                    "object": {
                        "described_object": {"kind": "Service", "name": "web"},
                        "metric": {"name": "hits"},
                        "target": {"type": "Value", "value": amount("10")},
                    },
                },
                {
                    "type": "ContainerResource",
                    "container_resource": {
                        "name": "memory",
                        "container": "main",
                        "target": {"type": "AverageValue", "average_value": amount("1Gi")},
                    },
                },
                {
                    "type": "External",
                    "external": {
                        "metric": {"name": "queue"},
                        "target": {"type": "AverageValue", "average_value": amount("500m")},
                    },
                },
            ],
            "spec.behavior.scale_down": {"select_policy": "Disabled"},
        },
    ),
    "budget in percent": (
        "PodDisruptionBudget",
        {"spec.min_available": None, "spec.max_unavailable": text("100%")},
    ),
    "budget for every pod": ("PodDisruptionBudget", {"spec.selector": {}}),
    "local volume": (
        "PersistentVolume",
        {
            "spec.persistent_volume_source": {"local": {"path": "/dev/sdb"}},
            "spec.node_affinity.required.node_selector_terms": [
                {"match_expressions": [{"key": "a", "operator": "Exists"}]}
            ],
        },
    ),
    "csi volume": (
        "PersistentVolume",
        {
            "spec.persistent_volume_source": {
                "csi": {
                    "driver": "Disk.example.com",
                    "volume_handle": "1",
                    "node_stage_secret_ref": {"name": "s"},
                }
            }
        },
    ),
    "claim of a snapshot": (
        "PersistentVolumeClaim",
        {
            "spec.data_source": {
                "api_group": "snapshot.storage.k8s.io",
                "kind": "VolumeSnapshot",
                "name": "s",
            },
            "spec.storage_class_name": "",
            "spec.volume_mode": "Block",
        },
    ),
    "quota of everything": (
        "ResourceQuota",
        {
            "spec.hard": {
                "count/deployments.apps": amount("5"),
                "gold.storageclass.storage.k8s.io/requests.storage": amount("1Ti"),
                "hugepages-2Mi": amount("1"),
                "limits.cpu": amount("1500m"),
                "requests.example.com/gpu": amount("2"),
                "requests.storage": amount("1Ti"),
                "services.nodeports": amount("0"),
            }
        },
    ),
    "quota of a class": (
        "ResourceQuota",
        {
            "spec.scope_selector.match_expressions": [
                {"scope_name": "PriorityClass", "operator": "In", "values": ["high"]}
            ]
        },
    ),
    "limits of claims": (
        "LimitRange",
        {"spec.limits[1]": {"type": "PersistentVolumeClaim", "max": {"storage": amount("1Ti")}}},
    ),
    "ratio with room": (
        "LimitRange",
        {
            "spec.limits[0].min.cpu": amount("500m"),
            "spec.limits[0].max_limit_request_ratio.cpu": amount("4"),
        },
    ),
    "ingress for every host of a domain": (
        "Ingress",
        {
            "spec.rules[0].host": "*.example.com",
            "spec.tls": [{"hosts": ["*.example.com", "example.com"]}],
            "spec.ingress_class_name": "own",
        },
    ),
    "ingress for everything": (
        "Ingress",
        {
            "spec": {
                "default_backend": {
                    "resource": {"api_group": "example.com", "kind": "Bucket", "name": "Static"}
                }
            }
        },
    ),
    "ingress with a path of its own kind": (
        "Ingress",
        {
            "spec.rules[0].ingress_rule_value.http.paths[0].path_type": "ImplementationSpecific",
            "spec.rules[0].ingress_rule_value.http.paths[0].path": "",
        },
    ),
    "parameters in a namespace": (
        "IngressClass",
        {
            "spec.parameters": {
                "kind": "Config",
                "name": "c",
                "scope": "Namespace",
                "namespace": "default",
            }
        },
    ),
    "range of ports, part of a network": (
        "NetworkPolicy",
        {
            "spec.ingress[0].ports": [
                {"port": number(80), "end_port": 90, "protocol": "UDP"},
                {"port": text("http")},
                {},
            ],
            "spec.egress[0].to": [
                {"ip_block": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}},
                {"pod_selector": {}, "namespace_selector": {}},
            ],
        },
    ),
    "policy that denies everything": (
        "NetworkPolicy",
        {"spec": {"policy_types": ["Ingress", "Egress"]}},
    ),
    "endpoints without ports": ("Endpoints", {"subsets[0].ports": []}),
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
    "stateful set grows and changes its pods": (
        "StatefulSet",
        {},
        {
            "spec.replicas": 3,
            f"spec.template.{C}.image": "other:2",
            "spec.ordinals.start": 1,
            "spec.persistent_volume_claim_retention_policy.when_deleted": "Delete",
        },
    ),
    "daemons change their pods": ("DaemonSet", {}, {f"spec.template.{C}.image": "other:2"}),
    "controller selects others": (
        "ReplicationController",
        {},
        {"spec.template.metadata.labels": {"app": "db"}},
    ),
    "revision is used again": ("ControllerRevision", {}, {"revision": 7}),
    "more of a job at once": ("Job", {}, {"spec.parallelism": 5, "spec.completions": 1}),
    "job waits": ("Job", {}, {"spec.suspend": True}),
    "indexed job grows": (
        "Job",
        {"spec.completion_mode": "Indexed", "spec.completions": 5, "spec.parallelism": 5},
        {"spec.completion_mode": "Indexed", "spec.completions": 8, "spec.parallelism": 8},
    ),
    "job that waits goes elsewhere": (
        "Job",
        {"spec.suspend": True, f"spec.template.{AFFINE}": {"pod_affinity": {}}},
        {
            "spec.suspend": False,
            f"spec.template.{AFFINE}": {"pod_affinity": {}, "node_affinity": {}},
            "spec.template.spec.node_selector": {"zone": "a"},
            "spec.template.spec.tolerations": [{"operator": "Exists"}],
            "spec.template.metadata.annotations": {"a": "b"},
            "spec.template.metadata.labels.zone": "a",
        },
    ),
    "job that waits goes anywhere": (
        "Job",
        {"spec.suspend": True, f"spec.template.{AFFINE}": {"node_affinity": {}}},
        {"spec.suspend": True},
    ),
    "job that waits gets an affinity": (
        "Job",
        {"spec.suspend": True},
        {"spec.suspend": True, f"spec.template.{AFFINE}": {"node_affinity": {}}},
    ),
    "cron job of another template": (
        "CronJob",
        {},
        {f"spec.job_template.spec.template.{C}.image": "other:2"},
    ),
    "zone inside a schedule stays": (
        "CronJob",
        {"spec.schedule": "CRON_TZ=UTC 0 0 * * *"},
        {"spec.schedule": "CRON_TZ=UTC 0 1 * * *"},
    ),
    "autoscaler that scales to nothing": (
        "HorizontalPodAutoscaler",
        {"spec.min_replicas": 0},
        {
            "spec.min_replicas": 0,
            "spec.metrics": [
                {
                    "type": "External",
                    "external": {
                        "metric": {"name": "queue"},
                        "target": {"type": "Value", "value": amount("1")},
                    },
                }
            ],
        },
    ),
    "volume is claimed": (
        "PersistentVolume",
        {},
        {"spec.claim_ref": {"namespace": "default", "name": "web"}},
    ),
    "volume is tied to nodes": (
        "PersistentVolume",
        {},
        {
            "spec.node_affinity.required.node_selector_terms": [
                {"match_expressions": [{"key": "a", "operator": "Exists"}]}
            ]
        },
    ),
    "volume gets the secret to grow": (
        "PersistentVolume",
        {"spec.persistent_volume_source": {"csi": {"driver": "d", "volume_handle": "1"}}},
        {
            "spec.persistent_volume_source": {
                "csi": {
                    "driver": "d",
                    "volume_handle": "1",
                    "controller_expand_secret_ref": {"name": "s", "namespace": "default"},
                }
            }
        },
    ),
    "claim is bound": ("PersistentVolumeClaim", {}, {"spec.volume_name": "disk"}),
    "claim gets a class": ("PersistentVolumeClaim", {}, {"spec.storage_class_name": "fast"}),
    "bound claim grows": (
        "PersistentVolumeClaim",
        {"status": {"phase": "Bound", "capacity": {"storage": amount("1Gi")}}},
        {"spec.resources.requests.storage": amount("5Gi")},
    ),
    "bound claim gives up growing": (
        "PersistentVolumeClaim",
        {
            "spec.resources.requests.storage": amount("5Gi"),
            "status": {"phase": "Bound", "capacity": {"storage": amount("1Gi")}},
        },
        {"spec.resources.requests.storage": amount("2Gi")},
    ),
    "quota grows": ("ResourceQuota", {}, {"spec.hard.pods": amount("20")}),
    "endpoint goes": ("Endpoints", {}, {"subsets": []}),
    "endpoint on its node": (
        "Endpoints",
        {"subsets[0].addresses[0].node_name": "n1"},
        {"subsets[0].addresses": [{"ip": "10.244.0.5"}, {"ip": "10.244.0.6", "node_name": "n2"}]},
    ),
}
