"""Rules of persistent volumes."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any, Final

from master.admission.amounts import nanos
from master.admission.faults import (
    Key,
    Path,
    forbidden,
    invalid,
    required,
    too_long,
    unsupported,
)
from master.admission.grammar import dns_label, dns_subdomain
from master.admission.rules.claims import (
    POSITIVE,
    STORAGE,
    VOLUME_MODES,
    check_access_modes,
    check_class,
)
from master.admission.rules.metadata import IMMUTABLE
from master.admission.rules.paths import check_no_backsteps
from master.admission.rules.resources import check_amount
from master.admission.rules.selectors import check_node_selector
from master.admission.rules.volume_sources import (
    Check,
    check_host_path,
    check_nfs,
    check_one_source,
    check_required,
)
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import (
    AzureFilePersistentVolumeSource,
    CSIPersistentVolumeSource,
    FlockerVolumeSource,
    LocalVolumeSource,
    PersistentVolume,
    PersistentVolumeSource,
    PersistentVolumeSpec,
    SecretReference,
)
from protos.scalars_pb2 import Quantity

_SPEC: Final[Path] = ("spec",)
_RECLAIM: Final = frozenset({"Delete", "Recycle", "Retain"})
_DRIVER_LIMIT: Final = 63  # bytes of a CSI driver's name
_CSI_SECRETS: Final = (
    "controller_publish_secret_ref",
    "controller_expand_secret_ref",
    "node_publish_secret_ref",
    "node_expand_secret_ref",
)


def check_persistent_volume(volume: PersistentVolume, found: list[Cause]) -> None:
    """The spec of a persistent volume."""
    spec = volume.spec
    modes = (*_SPEC, "accessModes")
    if not spec.access_modes:
        found.append(required(modes))
    check_access_modes(spec.access_modes, modes, found)
    _check_capacity(spec.capacity, (*_SPEC, "capacity"), found)
    _check_source(spec, found)
    _check_reclaim(spec, (*_SPEC, "persistentVolumeReclaimPolicy"), found)
    check_class(spec.storage_class_name, (*_SPEC, "storageClassName"), found)
    if spec.HasField("volume_mode") and spec.volume_mode not in VOLUME_MODES:
        found.append(unsupported((*_SPEC, "volumeMode"), spec.volume_mode, VOLUME_MODES))


def _check_capacity(amounts: Mapping[str, Quantity], at: Path, found: list[Cause]) -> None:
    if not amounts:
        found.append(required(at))
    if set(amounts) != {STORAGE}:
        found.append(unsupported(at, sorted(amounts), {STORAGE}))
    for name, quantity in amounts.items():
        if nanos(quantity.string) == 0:
            found.append(invalid((*at, Key(name)), quantity.string, POSITIVE))
        else:
            check_amount(name, quantity.string, (*at, Key(name)), found)


def _check_source(spec: PersistentVolumeSpec, found: list[Cause]) -> None:
    """One source; a local one says on which nodes it is."""
    at = (*_SPEC, "nodeAffinity")
    if spec.HasField("node_affinity"):
        if spec.node_affinity.HasField("required"):
            check_node_selector(spec.node_affinity.required, (*at, "required"), found)
        else:
            found.append(required((*at, "required"), "must specify required node constraints"))
    source = check_one_source(spec.persistent_volume_source, _BY_SOURCE, _SPEC, found)
    if source == "local" and not spec.HasField("node_affinity"):
        found.append(required(at, "Local volume requires node affinity"))


def _check_reclaim(spec: PersistentVolumeSpec, at: Path, found: list[Cause]) -> None:
    policy, path = spec.persistent_volume_reclaim_policy, spec.persistent_volume_source.host_path
    if policy and policy not in _RECLAIM:
        found.append(unsupported(at, policy, _RECLAIM))
    if policy == "Recycle" and path.path and posixpath.normpath(path.path) in ("/", "//"):
        found.append(forbidden(at, "may not be 'recycle' for a hostPath mount of '/'"))


def _check_local(source: LocalVolumeSource, at: Path, found: list[Cause]) -> None:
    if not source.path:
        found.append(required((*at, "path")))
    check_no_backsteps(source.path, (*at, "path"), found)


def check_driver(name: str, at: Path, found: list[Cause]) -> None:
    """The name of a CSI driver."""
    if not name:
        found.append(required(at))
    elif (why := dns_subdomain(name.lower())) is not None:
        found.append(invalid(at, name, why))
    if len(name.encode()) > _DRIVER_LIMIT:
        found.append(too_long(at, _DRIVER_LIMIT))


def check_csi(source: CSIPersistentVolumeSource, at: Path, found: list[Cause]) -> None:
    """A volume that a driver knows by its handle."""
    check_driver(source.driver, (*at, "driver"), found)
    if not source.volume_handle:
        found.append(required((*at, "volumeHandle")))
    for field, secret in source.ListFields():
        if field.name in _CSI_SECRETS:
            _check_secret(secret, (*at, field.json_name), found)


def _check_secret(secret: SecretReference, at: Path, found: list[Cause]) -> None:
    for name, text, check in (
        ("name", secret.name, dns_subdomain),
        ("namespace", secret.namespace, dns_label),
    ):
        if not text:
            found.append(required((*at, name)))
        elif (why := check(text)) is not None:
            found.append(invalid((*at, name), text, why))


def _check_with_secret(source: Any, at: Path, found: list[Cause]) -> None:
    """Sources whose secret is named with its namespace. Any: one of several classes."""
    check_required(source, at, found)
    if source.HasField("secret_ref"):
        found.extend(
            required((*at, "secretRef", name))
            for name in ("name", "namespace")
            if not getattr(source.secret_ref, name)
        )


def _check_azure_file(
    source: AzureFilePersistentVolumeSource, at: Path, found: list[Cause]
) -> None:
    check_required(source, at, found)
    if source.HasField("secret_namespace") and not source.secret_namespace:
        found.append(required((*at, "secretNamespace")))


def _check_flocker(source: FlockerVolumeSource, at: Path, found: list[Cause]) -> None:
    if not source.dataset_name and not source.dataset_uuid:
        found.append(required(at, "one of datasetName and datasetUUID is required"))
    elif source.dataset_name and source.dataset_uuid:
        why = "datasetName and datasetUUID can not be specified simultaneously"
        found.append(invalid(at, "resource", why))


_BY_SOURCE: Final[Mapping[str, Check]] = {
    "host_path": check_host_path,
    "nfs": check_nfs,
    "local": _check_local,
    "csi": check_csi,
    "cinder": _check_with_secret,
    "storageos": _check_with_secret,
    "azure_file": _check_azure_file,
    "flocker": _check_flocker,
}


def check_persistent_volume_update(
    new: PersistentVolume, old: PersistentVolume, found: list[Cause]
) -> None:
    """What is stored where stays; which claim has it, and what becomes of it, may change."""
    if new.spec == old.spec:
        return
    check_persistent_volume(new, found)
    if _comparable(new, old) != old.spec.persistent_volume_source:
        at = (*_SPEC, "persistentvolumesource")
        why = "spec.persistentvolumesource is immutable after creation"
        found.append(forbidden(at, why))
    # Kubernetes leaves "spec" out of these two paths.
    if new.spec.volume_mode != old.spec.volume_mode:
        found.append(invalid(("volumeMode",), new.spec.volume_mode, IMMUTABLE))
    if old.spec.HasField("node_affinity") and new.spec.node_affinity != old.spec.node_affinity:
        found.append(invalid(("nodeAffinity",), new.spec.node_affinity, IMMUTABLE))


def _comparable(new: PersistentVolume, old: PersistentVolume) -> PersistentVolumeSource:
    """The new source without the one secret that may be added to a CSI source later."""
    source = PersistentVolumeSource()
    source.CopyFrom(new.spec.persistent_volume_source)
    before = old.spec.persistent_volume_source
    both = source.HasField("csi") and before.HasField("csi")
    if both and not before.csi.HasField("controller_expand_secret_ref"):
        source.csi.ClearField("controller_expand_secret_ref")
    return source
