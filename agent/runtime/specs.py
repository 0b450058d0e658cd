"""What the agent asks of the runtime: fully resolved, nothing left to look up.

Units: CPU in thousandths of a core, memory and sizes in bytes, durations in seconds. 0 in a
resource means none was stated.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import NewType

PodUID = NewType("PodUID", str)
ContainerID = NewType("ContainerID", str)

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Resources:
    """Requests and limits. The engine gets shares from the request, a quota from the limit."""

    cpu_request_milli: int = 0
    cpu_limit_milli: int = 0
    memory_request: int = 0
    memory_limit: int = 0
    pids_limit: int = 0
    oom_score_adj: int = 0


@dataclass(frozen=True, slots=True)
class Dns:
    """The pod's resolv.conf. Nothing set: the node's own is used."""

    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()  # "ndots:5"


@dataclass(frozen=True, slots=True)
class HostAlias:
    """A line of the pod's /etc/hosts."""

    ip: str
    hostnames: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PortMapping:
    """A port of the node (hostPort) that leads to one of the pod. protocol: TCP or UDP."""

    host_port: int
    container_port: int
    protocol: str = "TCP"
    host_ip: str = ""


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """What a pod's containers share. `fqdn` goes to /etc/hosts beside the hostname.

    cgroup_parent: the group below which the pod's own is made, e.g. "/pilothouse/burstable";
    resources: the sum over the pod, for the pod's own group.
    With host_network ports are the containers' own affair and `ports` is ignored.
    """

    uid: PodUID
    namespace: str
    name: str
    hostname: str
    fqdn: str = ""
    host_network: bool = False
    host_pid: bool = False
    host_ipc: bool = False
    share_process_namespace: bool = False
    dns: Dns = field(default_factory=Dns)
    host_aliases: tuple[HostAlias, ...] = ()
    cgroup_parent: str = "/pilothouse"
    resources: Resources = field(default_factory=Resources)
    sysctls: Pairs = ()
    ports: tuple[PortMapping, ...] = ()


class Propagation(enum.StrEnum):
    """How mounts made later show through a bind mount."""

    PRIVATE = "rprivate"
    HOST_TO_CONTAINER = "rslave"
    BIDIRECTIONAL = "rshared"


@dataclass(frozen=True, slots=True)
class Mount:
    """A directory or file of the node, as a container sees it. Both paths are absolute."""

    source: str
    target: str
    read_only: bool = False
    propagation: Propagation = Propagation.PRIVATE


@dataclass(frozen=True, slots=True)
class Security:
    """Who the process is and what it may do. None: as the image or the engine has it."""

    uid: int | None = None
    gid: int | None = None
    supplemental_groups: tuple[int, ...] = ()
    privileged: bool = False
    allow_privilege_escalation: bool = True
    read_only_root: bool = False
    add_capabilities: tuple[str, ...] = ()  # "NET_ADMIN"; "ALL"
    drop_capabilities: tuple[str, ...] = ()
    seccomp_profile: str = ""  # "" the engine's default, "unconfined", or a file
    apparmor_profile: str = ""  # "" the engine's default, "unconfined", or a name
    selinux_options: tuple[str, ...] = ()  # "type:spc_t"
    unmasked_proc: bool = False


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """One run of one container. (pod, name, attempt) is its identity.

    command replaces the image's entrypoint, args its command; empty: the image's own (a
    command without args drops the image's args). image is an id or reference that is present.
    termination_message_path: the runtime puts a file there; "" for none. processes_of: the run
    whose processes it sees, where the pod does not share them anyway.
    """

    pod: PodUID
    name: str
    attempt: int
    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: Pairs = ()
    working_dir: str = ""
    mounts: tuple[Mount, ...] = ()
    resources: Resources = field(default_factory=Resources)
    security: Security = field(default_factory=Security)
    tty: bool = False
    stdin: bool = False
    stdin_once: bool = False
    labels: Pairs = ()
    annotations: Pairs = ()
    termination_message_path: str = "/dev/termination-log"
    processes_of: ContainerID | None = None


class PullPolicy(enum.StrEnum):
    """When an image is fetched."""

    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


@dataclass(frozen=True, slots=True)
class Credential:
    """A login to a registry; never shown."""

    registry: str
    username: str = field(repr=False, default="")
    password: str = field(repr=False, default="")
    identity_token: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """An image to have on the node; credentials are tried in order, then none."""

    reference: str
    policy: PullPolicy = PullPolicy.IF_NOT_PRESENT
    credentials: tuple[Credential, ...] = ()


class Channel(enum.IntEnum):
    """Which of a process's streams."""

    STDOUT = 1
    STDERR = 2


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Which part of a container's log. tail: lines, None for all; since: Unix time;
    limit_bytes: 0 for none; stream: one of the two only."""

    follow: bool = False
    previous: bool = False
    tail: int | None = None
    since: float = 0.0
    timestamps: bool = False
    limit_bytes: int = 0
    stream: Channel | None = None


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """Which streams an exec or attach wants. With a tty stderr comes in stdout."""

    stdin: bool = False
    stdout: bool = True
    stderr: bool = True
    tty: bool = False
