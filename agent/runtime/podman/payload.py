"""From a container's spec to the engine's creation request: pure.

Fields are those of libpod's SpecGenerator, version 4.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent.runtime.cpu import CPU_PERIOD, cpu_quota, cpu_shares
from agent.runtime.specs import ContainerSpec, Mount, Pairs, Resources, Security
from agent.runtime.states import Sandbox

LABEL = "runtime.pilothouse.io/"
POD, KIND, NAME, ATTEMPT, IMAGE = (
    LABEL + "pod",
    LABEL + "kind",
    LABEL + "container",
    LABEL + "attempt",
    LABEL + "image",
)
CONTAINER_KIND, PAUSE_KIND = "container", "pause"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the runtime adds to a spec: the pod's sandbox and the files that it shares.

    pid_namespace: a path for a shared process namespace, "host", or "" for its own.
    image_user: as the image has it, for a group without a user.
    least_oom_score: what this process may not go below without CAP_SYS_RESOURCE.
    sysctls: the pod's. Its namespaces have them already, but the engine sets some of its own
    (net.ipv4.ping_group_range) at the start of each container.
    """

    sandbox: Sandbox
    mounts: tuple[Mount, ...]
    log_path: str
    pid_namespace: str = ""
    host_ipc: bool = False
    hostname: str = ""
    image_user: str = ""
    least_oom_score: int = -1000
    sysctls: Pairs = ()


def container_name(spec: ContainerSpec, sandbox: Sandbox) -> str:
    """Unique on the node for a pod's run; readable in `podman ps`."""
    return f"ph_{spec.name}_{sandbox.name}_{sandbox.namespace}_{spec.pod}_{spec.attempt}"


def request(spec: ContainerSpec, around: Surroundings) -> dict[str, Any]:
    """The body of POST /libpod/containers/create."""
    document: dict[str, Any] = {
        "name": container_name(spec, around.sandbox),
        "image": spec.image,
        "labels": labels(spec),
        "annotations": dict(spec.annotations),
        "env": {"HOSTNAME": around.hostname, **dict(spec.env)},
        "httpproxy": False,
        "terminal": spec.tty,
        "stdin": spec.stdin,
        "mounts": [_mount(mount) for mount in (*around.mounts, *spec.mounts)],
        "use_image_hosts": True,
        "use_image_resolve_conf": True,
        "cgroup_parent": around.sandbox.cgroup,
        "log_configuration": {"driver": "k8s-file", "path": around.log_path, "size": -1},
        "resource_limits": resource_limits(spec.resources),
        "restart_policy": "no",
        "sysctl": {name: value for name, value in around.sysctls if name.startswith("net.")},
        "systemd": "false",
        "healthconfig": {"Test": ["NONE"]},
        # Its writable layer need not survive a loss of power: neither does the container.
        "volatile": True,
        "oom_score_adj": max(spec.resources.oom_score_adj, around.least_oom_score),
        **_namespaces(around),
        **_security(spec.security, around.image_user),
    }
    if spec.command:
        document["entrypoint"] = list(spec.command)
    if spec.args:
        document["command"] = list(spec.args)
    if spec.working_dir:
        document["work_dir"] = spec.working_dir
        document["create_working_dir"] = True
    return document


def labels(spec: ContainerSpec) -> dict[str, str]:
    """The spec's own and those by which the container is found again."""
    return {
        **dict(spec.labels),
        POD: spec.pod,
        KIND: CONTAINER_KIND,
        NAME: spec.name,
        ATTEMPT: str(spec.attempt),
        IMAGE: spec.image,
    }


def _mount(mount: Mount) -> dict[str, Any]:
    options = ["rbind", mount.propagation.value, "ro" if mount.read_only else "rw"]
    return {
        "type": "bind",
        "source": mount.source,
        "destination": mount.target,
        "options": options,
    }


def _namespaces(around: Surroundings) -> dict[str, Any]:
    sandbox = around.sandbox
    ipc = "host" if around.host_ipc else ""
    return {
        "netns": _namespace(sandbox.netns),
        "ipcns": {"nsmode": ipc} if ipc else _namespace(sandbox.ipcns),
        "utsns": _namespace(sandbox.utsns),
        "pidns": _pid_namespace(around.pid_namespace),
    }


def _namespace(path: str) -> dict[str, str]:
    return {"nsmode": "path", "value": path} if path else {"nsmode": "host"}


def _pid_namespace(wanted: str) -> dict[str, str]:
    if wanted == "host":
        return {"nsmode": "host"}
    return {"nsmode": "path", "value": wanted} if wanted else {"nsmode": "private"}


def resource_limits(resources: Resources) -> dict[str, Any]:
    """OCI resources: shares from the CPU request, quota from the limit, no swap on top."""
    limits: dict[str, Any] = {"cpu": {"shares": cpu_shares(resources.cpu_request_milli)}}
    if resources.cpu_limit_milli:
        limits["cpu"] |= {
            "quota": cpu_quota(resources.cpu_limit_milli),
            "period": CPU_PERIOD,
        }
    if resources.memory_limit:
        limits["memory"] = {"limit": resources.memory_limit}
    if resources.pids_limit:
        limits["pids"] = {"limit": resources.pids_limit}
    return limits


def _security(security: Security, image_user: str) -> dict[str, Any]:
    document: dict[str, Any] = {
        "privileged": security.privileged,
        "no_new_privileges": not security.allow_privilege_escalation,
        "read_only_filesystem": security.read_only_root,
        "cap_add": _capabilities(security.add_capabilities),
        "cap_drop": _capabilities(security.drop_capabilities),
        "groups": [str(group) for group in security.supplemental_groups],
        "selinux_opts": list(security.selinux_options),
    }
    user = _user(security, image_user)
    if user:
        document["user"] = user
    if security.seccomp_profile:
        document["seccomp_profile_path"] = security.seccomp_profile
    if security.apparmor_profile:
        document["apparmor_profile"] = security.apparmor_profile
    if security.unmasked_proc:
        document["unmask"] = ["ALL"]
    return document


def _capabilities(names: Sequence[str]) -> list[str]:
    return [n if n == "ALL" or n.startswith("CAP_") else f"CAP_{n}" for n in names]


def _user(security: Security, image_user: str) -> str:
    if security.gid is None:
        return "" if security.uid is None else str(security.uid)
    user = image_user.split(":")[0] or "0" if security.uid is None else str(security.uid)
    return f"{user}:{security.gid}"
