"""Podman on the hosts of a lab: its configuration, and the image store that they share."""

from __future__ import annotations

from pilothouse.lab.plan import Host, Plan

# A limit above the caller's own hard limit needs CAP_SYS_RESOURCE, which not every machine
# gives to root; these are below the usual hard limits.
_CONTAINERS = """\
[containers]
default_ulimits = ["nofile={nofile}:{nofile}", "nproc={nproc}:{nproc}"]

[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
exit_command_delay = 1
runtime = "crun"

[network]
network_backend = "netavark"
"""

_STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{graph}"
runroot = "/run/containers/storage"

[storage.options]
additionalimagestores = [{shared}]
"""

SOCKET = "/run/podman/podman.sock"


def containers_conf(*, nofile: int, nproc: int) -> str:
    """containers.conf; the limits are the most this machine lets us give (getrlimit)."""
    return _CONTAINERS.format(nofile=nofile, nproc=nproc)


def storage_conf(plan: Plan, host: Host) -> str:
    """storage.conf: nodes read the shared images, the switch writes them."""
    if host.name == plan.switch.name:
        return _STORAGE.format(graph=plan.images, shared="")
    return _STORAGE.format(graph=host.directory / "storage", shared=f'"{plan.images}"')
