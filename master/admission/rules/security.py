"""Rules of security contexts."""

from __future__ import annotations

import re
from typing import Final

from master.admission.faults import Path, duplicate, forbidden, invalid, required, unsupported
from master.admission.grammar import in_range
from master.admission.rules.paths import check_relative
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import (
    AppArmorProfile,
    PodSecurityContext,
    PodSpec,
    SeccompProfile,
    SecurityContext,
)

_MAX_ID: Final = 2**31 - 1
_PROFILES: Final = frozenset({"Localhost", "RuntimeDefault", "Unconfined"})
_FS_GROUP_POLICIES: Final = frozenset({"Always", "OnRootMismatch"})
_GROUPS_POLICIES: Final = frozenset({"Merge", "Strict"})
_PROC_MOUNTS: Final = frozenset({"Default", "Unmasked"})
_SELINUX_POLICIES: Final = frozenset({"MountOption", "Recursive"})
_SYSCTL_PART: Final = "[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?"
_SYSCTL: Final = re.compile(rf"{_SYSCTL_PART}(?:[\./]{_SYSCTL_PART})*")
_SYSCTL_RULE: Final = (
    "must have at most 253 characters and match regex "
    "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
)
_IPC_SYSCTLS: Final = ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")
_APPARMOR_LIMIT: Final = 4095


def check_pod_security(
    security: PodSecurityContext, spec: PodSpec, at: Path, found: list[Cause]
) -> None:
    """The context that all containers start from."""
    for field, name in (
        ("fs_group", "fsGroup"),
        ("run_as_user", "runAsUser"),
        ("run_as_group", "runAsGroup"),
    ):
        if security.HasField(field):
            _check_id(getattr(security, field), (*at, name), found)
    for index, group in enumerate(security.supplemental_groups):
        _check_id(group, (*at, "supplementalGroups", index), found)
    _check_choices(security, at, found)
    if security.sysctls:
        _check_sysctls(security, spec, (*at, "sysctls"), found)
    if security.HasField("seccomp_profile"):
        _check_seccomp(security.seccomp_profile, (*at, "seccompProfile"), found)
    if security.HasField("app_armor_profile"):
        _check_apparmor(security.app_armor_profile, (*at, "appArmorProfile"), found)


def _check_choices(security: PodSecurityContext, at: Path, found: list[Cause]) -> None:
    for field, name, supported in (
        ("fs_group_change_policy", "fsGroupChangePolicy", _FS_GROUP_POLICIES),
        ("supplemental_groups_policy", "supplementalGroupsPolicy", _GROUPS_POLICIES),
        ("se_linux_change_policy", "seLinuxChangePolicy", _SELINUX_POLICIES),
    ):
        if security.HasField(field):
            value = getattr(security, field)
            if value not in supported:
                found.append(unsupported((*at, name), value, supported))


def _check_id(number: int, at: Path, found: list[Cause]) -> None:
    if (why := in_range(number, 0, _MAX_ID)) is not None:
        found.append(invalid(at, number, why))


def _check_sysctls(
    security: PodSecurityContext, spec: PodSpec, at: Path, found: list[Cause]
) -> None:
    seen: set[str] = set()
    for index, sysctl in enumerate(security.sysctls):
        here = (*at, index, "name")
        name = sysctl.name
        if not name:
            found.append(required(here))
        elif len(name) > 253 or _SYSCTL.fullmatch(name) is None:
            found.append(invalid(here, name, _SYSCTL_RULE))
        dotted = name.replace("/", ".") if "." not in name.partition("/")[0] else name
        if dotted in seen:
            found.append(duplicate(here, name))
        seen.add(dotted)
        if spec.host_network and dotted.startswith("net."):
            found.append(invalid(here, name, "may not be specified when 'hostNetwork' is true"))
        if spec.host_ipc and dotted.startswith(_IPC_SYSCTLS):
            found.append(invalid(here, name, "may not be specified when 'hostIPC' is true"))


def _check_seccomp(profile: SeccompProfile, at: Path, found: list[Cause]) -> None:
    _check_profile(profile, "seccomp", at, found)
    if profile.localhost_profile:
        check_relative(profile.localhost_profile, (*at, "localhostProfile"), found)


def _check_profile(
    profile: SeccompProfile | AppArmorProfile, what: str, at: Path, found: list[Cause]
) -> None:
    here = (*at, "localhostProfile")
    if not profile.type:
        found.append(required((*at, "type"), f"type is required when {what}Profile is set"))
    elif profile.type not in _PROFILES:
        found.append(unsupported((*at, "type"), profile.type, _PROFILES))
    if profile.type == "Localhost":
        if not profile.localhost_profile:
            found.append(required(here, f"must be set when {what} type is Localhost"))
    elif profile.HasField("localhost_profile"):
        why = f"can only be set when {what} type is Localhost"
        found.append(invalid(here, profile.localhost_profile, why))


def _check_apparmor(profile: AppArmorProfile, at: Path, found: list[Cause]) -> None:
    _check_profile(profile, "AppArmor", at, found)
    name = profile.localhost_profile
    here = (*at, "localhostProfile")
    if name and name.strip() != name:
        found.append(invalid(here, name, "must not be padded with whitespace"))
    if len(name) > _APPARMOR_LIMIT:
        found.append(invalid(here, name, f"may not be more than {_APPARMOR_LIMIT} bytes"))


def check_container_security(
    security: SecurityContext, spec: PodSpec, at: Path, found: list[Cause]
) -> None:
    """A container's own context."""
    if security.HasField("run_as_user"):
        _check_id(security.run_as_user, (*at, "runAsUser"), found)
    if security.HasField("run_as_group"):
        _check_id(security.run_as_group, (*at, "runAsGroup"), found)
    if security.HasField("proc_mount"):
        _check_proc_mount(security.proc_mount, spec, (*at, "procMount"), found)
    if security.HasField("seccomp_profile"):
        _check_seccomp(security.seccomp_profile, (*at, "seccompProfile"), found)
    if security.HasField("app_armor_profile"):
        _check_apparmor(security.app_armor_profile, (*at, "appArmorProfile"), found)
    if security.HasField("allow_privilege_escalation"):
        _check_escalation(security, at, found)
    if security.windows_options.host_process and not spec.host_network:
        why = "hostNetwork must be true if pod contains any hostProcess containers"
        found.append(forbidden((*at, "windowsOptions", "hostProcess"), why))


def _check_proc_mount(mount: str, spec: PodSpec, at: Path, found: list[Cause]) -> None:
    if mount not in _PROC_MOUNTS:
        found.append(unsupported(at, mount, _PROC_MOUNTS))
    elif mount == "Unmasked" and (not spec.HasField("host_users") or spec.host_users):
        found.append(invalid(at, mount, "`hostUsers` must be false to use `Unmasked`"))


def _check_escalation(security: SecurityContext, at: Path, found: list[Cause]) -> None:
    if security.allow_privilege_escalation:
        return
    if security.privileged:
        why = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
        found.append(invalid(at, security, why))
    if "CAP_SYS_ADMIN" in security.capabilities.add:
        why = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
        found.append(invalid(at, security, why))
