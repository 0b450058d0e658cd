"""Broken persistent volumes and claims."""

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
from tests.master.admission.manifests import amount

SOURCE = "spec.persistent_volume_source"
LOCAL = {"local": {"path": "/dev/sdb"}}
CSI = {"driver": "disk.example.com", "volume_handle": "1"}
ON_NODE: dict[str, Any] = {
    "node_selector_terms": [
        {"match_expressions": [{"key": "a", "operator": "In", "values": ["b"]}]}
    ]
}
STORAGE = "spec.resources.requests.storage"
BOUND = {"status": {"phase": "Bound", "capacity": {"storage": amount("1Gi")}}}
SNAPSHOT = {"api_group": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "s"}


def source(name: str, value: dict[str, Any], field: str, reason: str, says: str = "") -> Broken:
    """A persistent volume with a broken source; `field` is below the spec."""
    return Broken(name, "PersistentVolume", {SOURCE: value}, f"spec.{field}", reason, says)


VOLUMES = [
    Broken("in a namespace", "PersistentVolume", {"metadata.namespace": "default"},
           "metadata.namespace", FORBIDDEN),
    Broken("no modes", "PersistentVolume", {"spec.access_modes": []}, "spec.accessModes", REQUIRED),
    Broken("mode", "PersistentVolume", {"spec.access_modes": ["ReadWrite"]}, "spec.accessModes",
           UNSUPPORTED, '"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"'),
    Broken("one pod and others", "PersistentVolume",
           {"spec.access_modes": ["ReadWriteOnce", "ReadWriteOncePod"]}, "spec.accessModes",
           FORBIDDEN, "may not use ReadWriteOncePod with other access modes"),
    Broken("capacity of two", "PersistentVolume", {"spec.capacity.cpu": amount("1")},
           "spec.capacity", UNSUPPORTED, 'supported values: "storage"'),
    Broken("capacity of zero", "PersistentVolume", {"spec.capacity.storage": amount("0")},
           "spec.capacity[storage]", INVALID, "must be greater than zero"),
    Broken("capacity negative", "PersistentVolume", {"spec.capacity.storage": amount("-1Gi")},
           "spec.capacity[storage]", INVALID),
    Broken("reclaim policy", "PersistentVolume",
           {"spec.persistent_volume_reclaim_policy": "Keep"}, "spec.persistentVolumeReclaimPolicy",
           UNSUPPORTED, '"Delete", "Recycle", "Retain"'),
    Broken("recycling the root", "PersistentVolume",
           {"spec.persistent_volume_reclaim_policy": "Recycle", f"{SOURCE}.host_path.path": "/."},
           "spec.persistentVolumeReclaimPolicy", FORBIDDEN, "may not be 'recycle'"),
    Broken("class", "PersistentVolume", {"spec.storage_class_name": "Fast"},
           "spec.storageClassName", INVALID),
    Broken("volume mode", "PersistentVolume", {"spec.volume_mode": "Tape"}, "spec.volumeMode",
           UNSUPPORTED, '"Block", "Filesystem"'),
    Broken("affinity of nothing", "PersistentVolume", {"spec.node_affinity": {}},
           "spec.nodeAffinity.required", REQUIRED, "must specify required node constraints"),
    Broken("affinity", "PersistentVolume",
           {"spec.node_affinity.required": {"node_selector_terms": []}},
           "spec.nodeAffinity.required.nodeSelectorTerms", REQUIRED),
    source("no source", {}, "", REQUIRED, "must specify a volume type"),
    source("two sources", {"nfs": {"server": "s", "path": "/"}, "host_path": {"path": "/"}},
           "nfs", FORBIDDEN, "may not specify more than 1 volume type"),
    source("host path", {"host_path": {"path": "/a/../b"}}, "hostPath.path", INVALID),
    source("host path type", {"host_path": {"path": "/", "type": "Tape"}}, "hostPath.type",
           UNSUPPORTED),
    source("nfs server", {"nfs": {"path": "/a"}}, "nfs.server", REQUIRED),
    source("nfs path", {"nfs": {"server": "s", "path": "a"}}, "nfs.path", INVALID),
    source("local without nodes", LOCAL, "nodeAffinity", REQUIRED,
           "Local volume requires node affinity"),
    source("csi driver", {"csi": {"volume_handle": "1"}}, "csi.driver", REQUIRED),
    source("csi driver grammar", {"csi": {**CSI, "driver": "a_b"}}, "csi.driver", INVALID),
    source("csi driver length", {"csi": {**CSI, "driver": "a" * 64}}, "csi.driver", TOO_LONG),
    source("csi handle", {"csi": {"driver": "d"}}, "csi.volumeHandle", REQUIRED),
    source("csi secret", {"csi": {**CSI, "node_publish_secret_ref": {"namespace": "default"}}},
           "csi.nodePublishSecretRef.name", REQUIRED),
    source("csi secret grammar",
           {"csi": {**CSI, "controller_expand_secret_ref": {"name": "s", "namespace": "A"}}},
           "csi.controllerExpandSecretRef.namespace", INVALID),
    source("iscsi", {"iscsi": {"target_portal": "10.0.0.1"}}, "iscsi.iqn", REQUIRED),
    source("cinder secret", {"cinder": {"volume_id": "1", "secret_ref": {"name": "s"}}},
           "cinder.secretRef.namespace", REQUIRED),
    source("cinder volume", {"cinder": {}}, "cinder.volumeID", REQUIRED),
    source("azure share", {"azure_file": {"secret_name": "s"}}, "azureFile.shareName", REQUIRED),
    source("azure namespace",
           {"azure_file": {"secret_name": "s", "share_name": "s", "secret_namespace": ""}},
           "azureFile.secretNamespace", REQUIRED),
    source("flocker", {"flocker": {}}, "flocker", REQUIRED,
           "one of datasetName and datasetUUID is required"),
    source("flocker twice", {"flocker": {"dataset_name": "a", "dataset_uuid": "b"}}, "flocker",
           INVALID),
    Broken("local path", "PersistentVolume",
           {SOURCE: {"local": {}}, "spec.node_affinity.required": ON_NODE}, "spec.local.path",
           REQUIRED),
    Broken("local way out", "PersistentVolume",
           {SOURCE: {"local": {"path": "/a/../b"}}, "spec.node_affinity.required": ON_NODE},
           "spec.local.path", INVALID, "must not contain '..'"),
]  # fmt: skip
# "spec." without a field below it is the spec itself.
VOLUMES = [
    Broken(case.id, case.kind, case.changes, case.field.rstrip("."), case.reason, case.says)
    for case in VOLUMES
]
CLAIMS = [
    Broken("no modes", "PersistentVolumeClaim", {"spec.access_modes": []}, "spec.accessModes",
           REQUIRED, "at least 1 access mode is required"),
    Broken("mode", "PersistentVolumeClaim", {"spec.access_modes": ["RWO"]}, "spec.accessModes",
           UNSUPPORTED),
    Broken("one pod and others", "PersistentVolumeClaim",
           {"spec.access_modes": ["ReadWriteOncePod", "ReadOnlyMany"]}, "spec.accessModes",
           FORBIDDEN),
    Broken("no size", "PersistentVolumeClaim", {"spec.resources": {}}, "spec.resources[storage]",
           REQUIRED),
    Broken("size of zero", "PersistentVolumeClaim", {STORAGE: amount("0")},
           "spec.resources[storage]", INVALID, "must be greater than zero"),
    Broken("size", "PersistentVolumeClaim", {STORAGE: amount("big")}, "spec.resources[storage]",
           INVALID, "quantities must match"),
    Broken("size negative", "PersistentVolumeClaim", {STORAGE: amount("-1")},
           "spec.resources[storage]", INVALID),
    Broken("class", "PersistentVolumeClaim", {"spec.storage_class_name": "a b"},
           "spec.storageClassName", INVALID),
    Broken("volume mode", "PersistentVolumeClaim", {"spec.volume_mode": "Tape"},
           "spec.volumeMode", UNSUPPORTED),
    Broken("selector", "PersistentVolumeClaim", {"spec.selector.match_labels": {"a": "b c"}},
           "spec.selector.matchLabels", INVALID),
    Broken("sources differ", "PersistentVolumeClaim",
           {"spec.data_source": SNAPSHOT, "spec.data_source_ref": {**SNAPSHOT, "name": "t"}},
           "spec", INVALID, '"spec.dataSource": must match dataSourceRef'),
    Broken("of a pod, with a label", "Pod",
           {"spec.volumes[0].volume_source": {"ephemeral": {"volume_claim_template": {
               "metadata": {"labels": {"a": "b c"}},
               "spec": {"access_modes": ["ReadWriteOnce"],
                        "resources": {"requests": {"storage": amount("1")}}}}}}},
           "spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.labels", INVALID),
    Broken("of a pod, with a name", "Pod",
           {"spec.volumes[0].volume_source": {"ephemeral": {"volume_claim_template": {
               "metadata": {"name": "mine"},
               "spec": {"access_modes": ["ReadWriteOnce"],
                        "resources": {"requests": {"storage": amount("1")}}}}}}},
           "spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.name", FORBIDDEN,
           "cannot be set"),
]  # fmt: skip
UPDATES = [
    BrokenUpdate("source", "PersistentVolume", {}, {SOURCE: {"host_path": {"path": "/other"}}},
                 "spec.persistentvolumesource", FORBIDDEN,
                 "spec.persistentvolumesource is immutable after creation"),
    BrokenUpdate("volume mode", "PersistentVolume", {}, {"spec.volume_mode": "Block"},
                 "volumeMode", INVALID, "field is immutable"),
    BrokenUpdate("affinity", "PersistentVolume", {"spec.node_affinity.required": ON_NODE}, {},
                 "nodeAffinity", INVALID, "field is immutable"),
    BrokenUpdate("capacity", "PersistentVolume", {}, {"spec.capacity": {}}, "spec.capacity",
                 REQUIRED),
    BrokenUpdate("csi driver", "PersistentVolume", {SOURCE: {"csi": CSI}},
                 {SOURCE: {"csi": {**CSI, "driver": "other"}}}, "spec.persistentvolumesource",
                 FORBIDDEN),
    BrokenUpdate("modes", "PersistentVolumeClaim", {}, {"spec.access_modes": ["ReadOnlyMany"]},
                 "spec", FORBIDDEN, "spec is immutable after creation except resources.requests"),
    BrokenUpdate("changed fields are named", "PersistentVolumeClaim", {},
                 {"spec.selector.match_labels": {"a": "b"}}, "spec", FORBIDDEN,
                 "changed: spec.selector"),
    BrokenUpdate("another volume", "PersistentVolumeClaim", {"spec.volume_name": "a"},
                 {"spec.volume_name": "b"}, "spec", FORBIDDEN, "changed: spec.volumeName"),
    BrokenUpdate("another class", "PersistentVolumeClaim", {"spec.storage_class_name": "a"},
                 {"spec.storage_class_name": "b"}, "spec", FORBIDDEN),
    BrokenUpdate("more while it is not bound", "PersistentVolumeClaim", {},
                 {STORAGE: amount("2Gi")}, "spec", FORBIDDEN, "changed: spec.resources"),
    BrokenUpdate("less than there is", "PersistentVolumeClaim",
                 {STORAGE: amount("2Gi"), **BOUND}, {STORAGE: amount("1Gi")},
                 "spec.resources.requests.storage", FORBIDDEN,
                 "field can not be less than status.capacity"),
    BrokenUpdate("volume mode", "PersistentVolumeClaim", {}, {"spec.volume_mode": "Block"},
                 "volumeMode", INVALID, "field is immutable"),
    BrokenUpdate("class annotation", "PersistentVolumeClaim", {},
                 {"metadata.annotations": {"volume.beta.kubernetes.io/storage-class": "a"}},
                 "metadata.annotations.volume.beta.kubernetes.io/storage-class", INVALID,
                 "field is immutable"),
    BrokenUpdate("resized resource grammar", "PersistentVolumeClaim", {},
                 {"status": {"allocated_resources": {"a b": amount("1")}}},
                 "status.allocatedResources", INVALID, subresource="status"),
    BrokenUpdate("resized amount", "PersistentVolumeClaim", {},
                 {"status": {"allocated_resources": {"storage": amount("-1")}}},
                 "status.allocatedResources[storage]", INVALID, subresource="status"),
    BrokenUpdate("capacity", "PersistentVolumeClaim", {},
                 {"status": {"capacity": {"storage": amount("-1")}}}, "status.capacity[storage]",
                 INVALID, subresource="status"),
    BrokenUpdate("resize state", "PersistentVolumeClaim", {},
                 {"status": {"allocated_resource_statuses": {"storage": "Soon"}}},
                 "status.allocatedResourceStatus", UNSUPPORTED, "NodeResizePending",
                 subresource="status"),
    BrokenUpdate("resource that is resized", "PersistentVolumeClaim", {},
                 {"status": {"allocated_resource_statuses": {"cpu": "NodeResizePending"}}},
                 "status.allocatedResourceStatus", UNSUPPORTED, 'supported values: "storage"',
                 subresource="status"),
    BrokenUpdate("resized resource", "PersistentVolumeClaim", {},
                 {"status": {"allocated_resources": {"cpu": amount("1")}}},
                 "status.allocatedResources", UNSUPPORTED, 'supported values: "storage"',
                 subresource="status"),
]  # fmt: skip
CASES = [*VOLUMES, *CLAIMS]
