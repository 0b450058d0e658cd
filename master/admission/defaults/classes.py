"""Defaults of classes: of storage, of priority, of runtimes; and of CSI drivers."""

from __future__ import annotations

from master.admission.defaults.resources import round_up_resources
from master.admission.defaults.volume import default_source
from protos.node_v1_pb2 import RuntimeClass
from protos.scheduling_v1_pb2 import PriorityClass
from protos.storage_v1_pb2 import CSIDriver, StorageClass, VolumeAttachment


def default_storage_class(storage_class: StorageClass) -> None:
    """Volumes are made when claimed, and deleted with their claims."""
    if not storage_class.HasField("reclaim_policy"):
        storage_class.reclaim_policy = "Delete"
    if not storage_class.HasField("volume_binding_mode"):
        storage_class.volume_binding_mode = "Immediate"


def default_csi_driver(driver: CSIDriver) -> None:
    """Volumes are attached, and the driver is told of no pods."""
    spec = driver.spec
    for name, value in (
        ("attach_required", True),
        ("pod_info_on_mount", False),
        ("storage_capacity", False),
        ("requires_republish", False),
        ("se_linux_mount", False),
    ):
        if not spec.HasField(name):
            setattr(spec, name, value)
    if not spec.HasField("fs_group_policy"):
        spec.fs_group_policy = "ReadWriteOnceWithFSType"
    if not spec.volume_lifecycle_modes:
        spec.volume_lifecycle_modes.append("Persistent")


def default_volume_attachment(attachment: VolumeAttachment) -> None:
    """What a volume of its own has of its source."""
    source = attachment.spec.source
    if source.HasField("inline_volume_spec"):
        round_up_resources(source.inline_volume_spec.capacity)
        default_source(source.inline_volume_spec.persistent_volume_source)


def default_priority_class(priority_class: PriorityClass) -> None:
    """Its pods may push others out."""
    if not priority_class.HasField("preemption_policy"):
        priority_class.preemption_policy = "PreemptLowerPriority"


def default_runtime_class(runtime_class: RuntimeClass) -> None:
    """Amounts in thousandths at the finest."""
    if runtime_class.HasField("overhead"):
        round_up_resources(runtime_class.overhead.pod_fixed)
