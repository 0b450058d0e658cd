"""A pod in the runtime's words: sandbox, image and container specs. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping

from agent import environment
from agent.admitting import sysctl_name
from agent.amounts import container_resources, pod_resources
from agent.lifecycle.quality import quality_class
from agent.lifecycle.runs import IMAGE_LABEL
from agent.runtime.errors import CreateContainerConfigError
from agent.runtime.specs import (
    ContainerID,
    ContainerSpec,
    Credential,
    HostAlias,
    ImageSpec,
    Mount,
    Pairs,
    PodUID,
    PortMapping,
    PullPolicy,
    SandboxSpec,
    Security,
)
from agent.runtime.states import Image
from agent.volumes.contract import Sources
from protos.core_v1_pb2 import Container, Pod, PodSpec, Secret, SecurityContext

CGROUP_ROOT = "/pilothouse"  # above the groups of all pods
_CGROUPS = {
    "Guaranteed": CGROUP_ROOT,
    "Burstable": f"{CGROUP_ROOT}/burstable",
    "BestEffort": f"{CGROUP_ROOT}/besteffort",
}
_TERMINATION_MESSAGE_PATH = "/dev/termination-log"


def sandbox_spec(pod: Pod, node: environment.Node) -> SandboxSpec:
    """What the pod's containers share."""
    spec = pod.spec
    fqdn = environment.fqdn(pod, node.cluster_domain)
    hostname = environment.hostname(pod)
    if spec.host_network and not spec.hostname:
        hostname = node.name
    return SandboxSpec(
        uid=PodUID(pod.metadata.uid),
        namespace=pod.metadata.namespace,
        name=pod.metadata.name,
        hostname=fqdn if spec.set_hostname_as_fqdn and fqdn else hostname,
        fqdn=fqdn,
        host_network=spec.host_network,
        host_pid=spec.host_pid,
        host_ipc=spec.host_ipc,
        share_process_namespace=spec.share_process_namespace,
        dns=environment.dns(pod, node),
        host_aliases=tuple(HostAlias(a.ip, tuple(a.hostnames)) for a in spec.host_aliases),
        cgroup_parent=_CGROUPS[quality_class(pod)],
        resources=pod_resources(spec),
        sysctls=tuple((sysctl_name(s.name), s.value) for s in spec.security_context.sysctls),
        ports=() if spec.host_network else _ports(spec),
    )


def _ports(spec: PodSpec) -> tuple[PortMapping, ...]:
    return tuple(
        PortMapping(port.host_port, port.container_port, port.protocol or "TCP", port.host_ip)
        for container in (*spec.init_containers, *spec.containers)
        for port in container.ports
        if port.host_port
    )


def image_spec(pod: Pod, container: Container, sources: Sources) -> ImageSpec:
    """The image, its policy (by tag where none is stated) and the pod's logins."""
    policy = container.image_pull_policy
    if not policy:
        tag = container.image.rpartition("/")[2]
        latest = "@" not in tag and (":" not in tag or tag.endswith(":latest"))
        policy = PullPolicy.ALWAYS if latest else PullPolicy.IF_NOT_PRESENT
    names = [reference.name for reference in pod.spec.image_pull_secrets]
    found = [sources.secret(pod.metadata.namespace, name) for name in names]
    credentials = [c for secret in found if secret is not None for c in credentials_of(secret)]
    return ImageSpec(container.image, PullPolicy(policy), tuple(credentials))


def credentials_of(secret: Secret) -> tuple[Credential, ...]:
    """The logins in a pull secret; () for a secret that is none, or is malformed."""
    try:
        if ".dockerconfigjson" in secret.data:
            logins = json.loads(secret.data[".dockerconfigjson"]).get("auths", {})
        elif ".dockercfg" in secret.data:
            logins = json.loads(secret.data[".dockercfg"])
        else:
            return ()
        return tuple(_credential(registry, login) for registry, login in logins.items())
    except (ValueError, AttributeError, TypeError, binascii.Error):
        return ()


def _credential(registry: str, login: Mapping[str, str]) -> Credential:
    user, password = login.get("username", ""), login.get("password", "")
    if login.get("auth"):
        user, _, password = base64.b64decode(login["auth"]).decode().partition(":")
    registry = registry.removeprefix("https://").removeprefix("http://").rstrip("/")
    return Credential(
        registry.removesuffix("/v1").removesuffix("/v2"),
        user,
        password,
        login.get("identitytoken", ""),
    )


def container_spec(
    pod: Pod,
    container: Container,
    attempt: int,
    *,
    image: Image,
    env: Pairs,
    mounts: tuple[Mount, ...],
    node: environment.Node,
    processes_of: ContainerID | None = None,
) -> ContainerSpec:
    """One run. CreateContainerConfigError: its user contradicts runAsNonRoot."""
    known = dict(env)
    memory = (node.allocatable or {}).get("memory", 0)
    return ContainerSpec(
        pod=PodUID(pod.metadata.uid),
        name=container.name,
        attempt=attempt,
        image=image.id or container.image,
        command=environment.expand_all(container.command, known),
        args=environment.expand_all(container.args, known),
        env=env,
        working_dir=container.working_dir,
        mounts=mounts,
        resources=container_resources(container, quality_class(pod), memory),
        security=security(pod, container, image),
        tty=container.tty,
        stdin=container.stdin,
        stdin_once=container.stdin_once,
        labels=((IMAGE_LABEL, container.image),),
        termination_message_path=container.termination_message_path or _TERMINATION_MESSAGE_PATH,
        processes_of=processes_of,
    )


def security(pod: Pod, container: Container, image: Image) -> Security:
    """The container's security context over the pod's."""
    own, shared = container.security_context, pod.spec.security_context
    uid = _chosen(own, shared, "run_as_user")
    must_not_be_root = _chosen(own, shared, "run_as_non_root")
    if must_not_be_root:
        _check_not_root(uid, image, container)
    groups = list(shared.supplemental_groups)
    if shared.HasField("fs_group"):
        groups.append(shared.fs_group)
    escalation = own.allow_privilege_escalation or not own.HasField("allow_privilege_escalation")
    seccomp = own.seccomp_profile if own.HasField("seccomp_profile") else shared.seccomp_profile
    armor = own.app_armor_profile if own.HasField("app_armor_profile") else shared.app_armor_profile
    return Security(
        uid=uid,
        gid=_chosen(own, shared, "run_as_group"),
        supplemental_groups=tuple(groups),
        privileged=own.privileged,
        allow_privilege_escalation=escalation,
        read_only_root=own.read_only_root_filesystem,
        add_capabilities=tuple(own.capabilities.add),
        drop_capabilities=tuple(own.capabilities.drop),
        seccomp_profile=_profile(seccomp.type, seccomp.localhost_profile),
        apparmor_profile=_profile(armor.type, armor.localhost_profile),
        selinux_options=_selinux(own, pod),
        unmasked_proc=own.proc_mount == "Unmasked",
    )


def _chosen(own: SecurityContext, shared: object, field: str) -> int | None:
    for context in (own, shared):
        if context.HasField(field):  # type: ignore[attr-defined]
            value: int = getattr(context, field)
            return value
    return None


def _check_not_root(uid: int | None, image: Image, container: Container) -> None:
    user = str(uid) if uid is not None else image.user.partition(":")[0]
    if user in ("", "0", "root"):
        raise CreateContainerConfigError(
            f"container {container.name} has runAsNonRoot and its image will run as root"
        )
    if not user.isdigit():
        raise CreateContainerConfigError(
            f"container {container.name} has runAsNonRoot and its image has the non-numeric "
            f"user {user!r}: cannot verify that it is not root; set runAsUser"
        )


def _profile(kind: str, localhost: str) -> str:
    if kind == "Unconfined":
        return "unconfined"
    return localhost if kind == "Localhost" else ""


def _selinux(own: SecurityContext, pod: Pod) -> tuple[str, ...]:
    has_own = own.HasField("se_linux_options")
    options = own.se_linux_options if has_own else pod.spec.security_context.se_linux_options
    parts = ("user", "role", "type", "level")
    return tuple(f"{part}:{getattr(options, part)}" for part in parts if getattr(options, part))
