"""Rules of the operating system that a pod says it is for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from google.protobuf.message import Message

from master.admission.faults import Path, forbidden
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import PodSpec, SecurityContext

_NOT_LINUX: Final = "windows options cannot be set for a linux pod"
_NOT_WINDOWS: Final = "cannot be set for a windows pod"
_LINUX_SPEC: Final = ("host_users", "host_pid", "host_ipc", "share_process_namespace")
_LINUX_POD: Final = (
    "app_armor_profile",
    "se_linux_options",
    "seccomp_profile",
    "fs_group",
    "fs_group_change_policy",
    "sysctls",
    "run_as_user",
    "run_as_group",
    "supplemental_groups",
    "supplemental_groups_policy",
    "se_linux_change_policy",
)
_LINUX_CONTAINER: Final = (
    "app_armor_profile",
    "se_linux_options",
    "seccomp_profile",
    "capabilities",
    "read_only_root_filesystem",
    "privileged",
    "allow_privilege_escalation",
    "proc_mount",
    "run_as_user",
    "run_as_group",
)


def check_system(spec: PodSpec, at: Path, found: list[Cause]) -> None:
    """No option of the other system."""
    here = (*at, "securityContext")
    if spec.os.name == "linux":
        _refuse(spec.security_context, ("windows_options",), _NOT_LINUX, here, found)
        for place, security in _securities(spec, at):
            _refuse(security, ("windows_options",), _NOT_LINUX, place, found)
        return
    _refuse(spec, _LINUX_SPEC, _NOT_WINDOWS, at, found)
    _refuse(spec.security_context, _LINUX_POD, _NOT_WINDOWS, here, found)
    for place, security in _securities(spec, at):
        _refuse(security, _LINUX_CONTAINER, _NOT_WINDOWS, place, found)


def _securities(spec: PodSpec, at: Path) -> Iterator[tuple[Path, SecurityContext]]:
    for name, containers in (
        ("initContainers", spec.init_containers),
        ("containers", spec.containers),
    ):
        for index, container in enumerate(containers):
            if container.HasField("security_context"):
                yield (*at, name, index, "securityContext"), container.security_context


def _refuse(
    message: Message, fields: tuple[str, ...], why: str, at: Path, found: list[Cause]
) -> None:
    for field, _ in message.ListFields():
        if field.name in fields:
            found.append(forbidden((*at, field.json_name), why))
