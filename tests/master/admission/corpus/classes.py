"""Broken and unusual objects of the groups storage, scheduling and node."""

from __future__ import annotations

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
from tests.master.admission.manifests import amount

ZONES = {"match_label_expressions": [{"key": "zone", "values": ["a", "b"]}]}
TOPOLOGIES = "allowed_topologies"
TERM = "allowedTopologies[0].matchLabelExpressions"
DRIVER = "spec.drivers[0]"
SOURCE = "spec.source"
INLINE = {
    "access_modes": ["ReadWriteOnce"],
    "persistent_volume_source": {"csi": {"driver": "d", "volume_handle": "1"}},
}
MUCH = "x" * (256 * 1024 + 1)


def topology(*expressions: dict[str, Any]) -> dict[str, Any]:
    return {TOPOLOGIES: [{"match_label_expressions": list(expressions)}]}


STORAGE = [
    Broken("no provisioner", "StorageClass", {"provisioner": ""}, "provisioner", REQUIRED),
    Broken("provisioner", "StorageClass", {"provisioner": "a b"}, "provisioner", INVALID),
    Broken("many parameters", "StorageClass",
           {"parameters": {f"k{i}": "" for i in range(513)}}, "parameters", TOO_LONG, "512"),
    Broken("much in parameters", "StorageClass", {"parameters": {"a": MUCH}}, "parameters",
           TOO_LONG, "262144"),
    Broken("parameter without name", "StorageClass", {"parameters": {"": "a"}}, "parameters",
           INVALID, "field can not be empty."),
    Broken("reclaim policy", "StorageClass", {"reclaim_policy": "Recycle"}, "reclaimPolicy",
           UNSUPPORTED, '"Delete", "Retain"'),
    Broken("binding mode", "StorageClass", {"volume_binding_mode": "Later"}, "volumeBindingMode",
           UNSUPPORTED, '"Immediate", "WaitForFirstConsumer"'),
    Broken("topology without values", "StorageClass", topology({"key": "zone"}),
           f"{TERM}[0].values", REQUIRED),
    Broken("topology value twice", "StorageClass",
           topology({"key": "zone", "values": ["a", "a"]}), f"{TERM}[0].values[1]", DUPLICATE),
    Broken("topology key", "StorageClass", topology({"key": "a b", "values": ["a"]}),
           f"{TERM}[0].key", INVALID),
    Broken("topology key twice", "StorageClass",
           topology({"key": "a", "values": ["a"]}, {"key": "a", "values": ["b"]}),
           f"{TERM}[1].key", DUPLICATE),
    Broken("topology twice", "StorageClass", {TOPOLOGIES: [ZONES, ZONES]},
           "allowedTopologies[1].matchLabelExpressions", DUPLICATE),
    Broken("class", "CSIStorageCapacity", {"storage_class_name": "A"}, "storageClassName",
           INVALID),
    Broken("nodes", "CSIStorageCapacity",
           {"node_topology": {"match_labels": {"a": "b c"}}}, "nodeTopology.matchLabels",
           INVALID),
    Broken("capacity", "CSIStorageCapacity", {"capacity": amount("-1")}, "capacity", INVALID,
           "must be greater than or equal to 0"),
    Broken("volume size", "CSIStorageCapacity", {"maximum_volume_size": amount("-1")},
           "maximumVolumeSize", INVALID),
    Broken("long name", "CSIDriver", {"metadata.name": "a" * 64}, "name", TOO_LONG, "63"),
    Broken("name", "CSIDriver", {"metadata.name": "a_b"}, "name", INVALID),
    Broken("group policy", "CSIDriver", {"spec.fs_group_policy": "Some"}, "spec.fsGroupPolicy",
           UNSUPPORTED, '"File", "None", "ReadWriteOnceWithFSType"'),
    Broken("life", "CSIDriver", {"spec.volume_lifecycle_modes": ["Short"]},
           "spec.volumeLifecycleModes", UNSUPPORTED, '"Ephemeral", "Persistent"'),
    Broken("audience twice", "CSIDriver",
           {"spec.token_requests": [{"audience": "a"}, {"audience": "a"}]},
           "spec.tokenRequests[1].audience", DUPLICATE),
    Broken("short token", "CSIDriver",
           {"spec.token_requests": [{"audience": "a", "expiration_seconds": 599}]},
           "spec.tokenRequests[0].expirationSeconds", INVALID, "less than 10 minutes"),
    Broken("long token", "CSIDriver",
           {"spec.token_requests": [{"audience": "a", "expiration_seconds": 2**32 + 1}]},
           "spec.tokenRequests[0].expirationSeconds", INVALID, "larger than 2^32 seconds"),
    Broken("driver without name", "CSINode", {f"{DRIVER}.name": ""}, f"{DRIVER}.name", REQUIRED),
    Broken("driver's name", "CSINode", {f"{DRIVER}.name": "a b"}, f"{DRIVER}.name", INVALID),
    Broken("driver twice", "CSINode",
           {"spec.drivers[1]": {"name": "disks.example.com", "node_id": "n2"}},
           "spec.drivers[1].name", DUPLICATE),
    Broken("no node", "CSINode", {f"{DRIVER}.node_id": ""}, f"{DRIVER}.nodeID", REQUIRED),
    Broken("long node", "CSINode", {f"{DRIVER}.node_id": "n" * 193}, f"{DRIVER}.nodeID", INVALID,
           "must be 192 characters or less"),
    Broken("volumes", "CSINode", {f"{DRIVER}.allocatable": {"count": -1}},
           f"{DRIVER}.allocatable.count", INVALID),
    Broken("empty key", "CSINode", {f"{DRIVER}.topology_keys": [""]}, f"{DRIVER}.topologyKeys",
           REQUIRED),
    Broken("key", "CSINode", {f"{DRIVER}.topology_keys": ["a b"]}, f"{DRIVER}.topologyKeys",
           INVALID),
    Broken("key twice", "CSINode", {f"{DRIVER}.topology_keys": ["a", "a"]},
           f"{DRIVER}.topologyKeys", DUPLICATE),
    Broken("no attacher", "VolumeAttachment", {"spec.attacher": ""}, "spec.attacher", REQUIRED),
    Broken("attacher", "VolumeAttachment", {"spec.attacher": "a b"}, "spec.attacher", INVALID),
    Broken("node", "VolumeAttachment", {"spec.node_name": "A"}, "spec.nodeName", INVALID),
    Broken("no volume", "VolumeAttachment", {SOURCE: {}}, SOURCE, REQUIRED,
           "must specify exactly one of inlineVolumeSpec and persistentVolumeName"),
    Broken("two volumes", "VolumeAttachment", {f"{SOURCE}.inline_volume_spec": INLINE}, SOURCE,
           FORBIDDEN, "must specify exactly one"),
    Broken("empty volume", "VolumeAttachment", {f"{SOURCE}.persistent_volume_name": ""},
           f"{SOURCE}.persistentVolumeName", REQUIRED, "must specify non empty"),
    Broken("volume", "VolumeAttachment", {f"{SOURCE}.persistent_volume_name": "A"},
           f"{SOURCE}.persistentVolumeName", INVALID),
    Broken("inline volume with a class", "VolumeAttachment",
           {SOURCE: {"inline_volume_spec": {**INLINE, "storage_class_name": "fast"}}},
           f"{SOURCE}.inlineVolumeSpec.storageClassName", FORBIDDEN,
           "may not be specified in the context of inline volumes"),
    Broken("inline volume without driver", "VolumeAttachment",
           {SOURCE: {"inline_volume_spec": {"access_modes": ["ReadWriteOnce"]}}},
           f"{SOURCE}.inlineVolumeSpec.csi", REQUIRED),
    Broken("inline volume without modes", "VolumeAttachment",
           {SOURCE: {"inline_volume_spec": {**INLINE, "access_modes": []}}},
           f"{SOURCE}.inlineVolumeSpec.accessModes", REQUIRED),
    Broken("inline volume without handle", "VolumeAttachment",
           {SOURCE: {"inline_volume_spec": {
               **INLINE, "persistent_volume_source": {"csi": {"driver": "d"}}}}},
           f"{SOURCE}.inlineVolumeSpec.csi.volumeHandle", REQUIRED),
]  # fmt: skip
RANKS = [
    Broken("name of the system", "PriorityClass", {"metadata.name": "system-mine"},
           "metadata.name", FORBIDDEN, "system-mine is not a known system priority class"),
    Broken("value of the system's", "PriorityClass",
           {"metadata.name": "system-node-critical"}, "metadata.name", FORBIDDEN,
           "value of system-node-critical PriorityClass must be 2000001000"),
    Broken("default of the system", "PriorityClass",
           {"metadata.name": "system-cluster-critical", "value": 2_000_000_000,
            "global_default": True},
           "metadata.name", FORBIDDEN,
           "globalDefault of system-cluster-critical PriorityClass must be false"),
    Broken("value", "PriorityClass", {"value": 1_000_000_001}, "value", FORBIDDEN,
           "maximum allowed value of a user defined priority is 1000000000"),
    Broken("preemption", "PriorityClass", {"preemption_policy": "Always"}, "preemptionPolicy",
           UNSUPPORTED, '"Never", "PreemptLowerPriority"'),
    Broken("no handler", "RuntimeClass", {"handler": ""}, "handler", INVALID),
    Broken("handler", "RuntimeClass", {"handler": "a.b"}, "handler", INVALID,
           "a lowercase RFC 1123 label must consist of"),
    Broken("overhead", "RuntimeClass", {"overhead.pod_fixed": {"cpu": amount("-1")}},
           "overhead.podFixed.limits[cpu]", INVALID),
    Broken("overhead of what", "RuntimeClass", {"overhead.pod_fixed": {"space": amount("1")}},
           "overhead.podFixed.limits[space]", INVALID),
    Broken("nodes", "RuntimeClass", {"scheduling.node_selector": {"a": "b c"}},
           "scheduling.nodeSelector", INVALID),
    Broken("toleration", "RuntimeClass", {"scheduling.tolerations": [{"operator": "Equal"}]},
           "scheduling.tolerations[0].operator", INVALID),
    Broken("toleration twice", "RuntimeClass",
           {"scheduling.tolerations": [{"key": "a"}, {"key": "a"}]},
           "scheduling.tolerations[1]", DUPLICATE),
]  # fmt: skip
CASES = [*STORAGE, *RANKS]
UPDATES = [
    *(
        BrokenUpdate(name, "StorageClass", {}, {name: value}, field, FORBIDDEN,
                     f"updates to {field} are forbidden.")
        for name, value, field in (
            ("provisioner", "b", "provisioner"),
            ("parameters", {"a": "b"}, "parameters"),
            ("reclaim_policy", "Retain", "reclaimPolicy"),
        )
    ),
    BrokenUpdate("binding mode", "StorageClass", {}, {"volume_binding_mode": "Immediately"},
                 "volumeBindingMode", INVALID, "field is immutable"),
    BrokenUpdate("class", "CSIStorageCapacity", {}, {"storage_class_name": "slow"},
                 "storageClassName", INVALID, "field is immutable"),
    BrokenUpdate("nodes", "CSIStorageCapacity", {},
                 {"node_topology": {"match_labels": {"a": "b"}}}, "nodeTopology", INVALID,
                 "field is immutable"),
    BrokenUpdate("attachment", "CSIDriver", {}, {"spec.attach_required": True},
                 "spec.attachedRequired", INVALID, "field is immutable"),
    BrokenUpdate("groups", "CSIDriver", {}, {"spec.fs_group_policy": "File"},
                 "spec.fsGroupPolicy", INVALID, "field is immutable"),
    BrokenUpdate("lives", "CSIDriver", {}, {"spec.volume_lifecycle_modes": ["Ephemeral"]},
                 "spec.volumeLifecycleModes", INVALID, "field is immutable"),
    BrokenUpdate("tokens", "CSIDriver", {},
                 {"spec.token_requests": [{"audience": "a", "expiration_seconds": 1}]},
                 "spec.tokenRequests[0].expirationSeconds", INVALID),
    BrokenUpdate("driver", "CSINode", {}, {f"{DRIVER}.node_id": "n2"}, "CSINodeDriver", INVALID,
                 "field is immutable"),
    BrokenUpdate("node", "VolumeAttachment", {}, {"spec.node_name": "n2"}, "spec", INVALID,
                 "field is immutable"),
    BrokenUpdate("much told", "VolumeAttachment", {},
                 {"status": {"attachment_metadata": {"a": MUCH}}}, "status.attachmentMetadata",
                 TOO_LONG, subresource="status"),
    BrokenUpdate("long error", "VolumeAttachment", {},
                 {"status": {"detach_error": {"message": "x" * 1025}}},
                 "status.detachError.message", TOO_LONG, subresource="status"),
    BrokenUpdate("value", "PriorityClass", {}, {"value": 1}, "value", FORBIDDEN,
                 "may not be changed in an update."),
    BrokenUpdate("preemption", "PriorityClass", {}, {"preemption_policy": "Never"},
                 "preemptionPolicy", INVALID, "field is immutable"),
    BrokenUpdate("handler", "RuntimeClass", {}, {"handler": "runc"}, "handler", INVALID,
                 "field is immutable"),
]  # fmt: skip
VALID: dict[str, tuple[str, dict[str, Any]]] = {
    "storage class with everything": (
        "StorageClass",
        {
            "provisioner": "Example.com/Disks",
            "parameters": {"type": "ssd"},
            "volume_binding_mode": "WaitForFirstConsumer",
            TOPOLOGIES: [ZONES, {"match_label_expressions": []}],
        },
    ),
    "driver in upper case": ("CSIDriver", {"metadata.name": "Disks.example.com"}),
    "driver that gets tokens": (
        "CSIDriver",
        {"spec.token_requests": [{"audience": ""}, {"audience": "a", "expiration_seconds": 600}]},
    ),
    "node without drivers": ("CSINode", {"spec.drivers": []}),
    "attachment of an inline volume": (
        "VolumeAttachment",
        {SOURCE: {"inline_volume_spec": INLINE}},
    ),
    "class of the system": (
        "PriorityClass",
        {"metadata.name": "system-node-critical", "value": 2_000_001_000},
    ),
    "class below all others": ("PriorityClass", {"value": -(2**31), "global_default": True}),
    "runtime class with everything": (
        "RuntimeClass",
        {
            "overhead.pod_fixed": {"cpu": amount("10m"), "memory": amount("1Mi")},
            "scheduling.node_selector": {"a.b/c": "d"},
            "scheduling.tolerations": [{"key": "a", "operator": "Exists"}, {"key": "a"}],
        },
    ),
}
VALID_UPDATES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "class that lets volumes grow": ("StorageClass", {}, {"allow_volume_expansion": True}),
    "driver that is told of pods": ("CSIDriver", {}, {"spec.pod_info_on_mount": True}),
    "driver comes to a node": (
        "CSINode",
        {},
        {"spec.drivers[1]": {"name": "b", "node_id": "n1"}},
    ),
    "class becomes the default": ("PriorityClass", {}, {"global_default": True}),
    "space is used": ("CSIStorageCapacity", {}, {"capacity": amount("1Mi")}),
}
