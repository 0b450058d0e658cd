"""The files of a pod's sandbox: pure text for those that containers see, and the record by
which a restarted agent finds the sandbox again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from agent.runtime.specs import (
    Dns,
    HostAlias,
    PodUID,
    PortMapping,
    Resources,
    SandboxSpec,
)
from agent.runtime.states import Sandbox

RECORD = "sandbox.json"
NODE_RESOLV_CONF = Path("/etc/resolv.conf")
NODE_HOSTS = Path("/etc/hosts")
# Kubernetes' first lines, by which programs and its conformance tests know the file.
_MANAGED = "# Kubernetes-managed hosts file."
_MANAGED_NODE = "# Kubernetes-managed hosts file (host network)."


@dataclass(frozen=True, slots=True)
class Record:
    """A sandbox as it was made, and in which boot of the machine."""

    spec: SandboxSpec
    sandbox: Sandbox
    boot: str


def hosts(spec: SandboxSpec, ip: str) -> str:
    """/etc/hosts of a pod with its own network."""
    lines = [
        _MANAGED,
        "127.0.0.1\tlocalhost",
        "::1\tlocalhost ip6-localhost ip6-loopback",
        "fe00::0\tip6-localnet",
        "fe00::1\tip6-allnodes",
        "fe00::2\tip6-allrouters",
    ]
    if ip:
        names = f"{spec.fqdn}\t{spec.hostname}" if spec.fqdn else spec.hostname
        lines.append(f"{ip}\t{names}")
    return "\n".join([*lines, *_alias_lines(spec.host_aliases)]) + "\n"


def node_hosts(node: str, spec: SandboxSpec) -> str:
    """/etc/hosts of a pod on the host's network: the node's own, and the aliases."""
    return "\n".join([_MANAGED_NODE, node.rstrip("\n"), *_alias_lines(spec.host_aliases)]) + "\n"


def _alias_lines(aliases: Sequence[HostAlias]) -> list[str]:
    lines = ["\t".join((alias.ip, *alias.hostnames)) for alias in aliases]
    return ["", "# Entries added by HostAliases.", *lines] if lines else []


def resolv_conf(dns: Dns, node: str) -> str:
    """/etc/resolv.conf; the node's own when nothing is set."""
    if not (dns.nameservers or dns.searches or dns.options):
        return node
    lines = [f"nameserver {server}" for server in dns.nameservers]
    if dns.searches:
        lines.insert(0, "search " + " ".join(dns.searches))
    if dns.options:
        lines.append("options " + " ".join(dns.options))
    return "\n".join(lines) + "\n"


def encode(record: Record) -> bytes:
    """The record's file."""
    return json.dumps(asdict(record), separators=(",", ":")).encode()


def decode(data: bytes) -> Record:
    """The record in the file. ValueError, KeyError or TypeError: it is not one."""
    document = json.loads(data)
    spec = document["spec"]
    return Record(
        spec=SandboxSpec(
            **{
                **spec,
                "uid": PodUID(spec["uid"]),
                "dns": Dns(**{key: tuple(value) for key, value in spec["dns"].items()}),
                "host_aliases": tuple(
                    HostAlias(a["ip"], tuple(a["hostnames"])) for a in spec["host_aliases"]
                ),
                "resources": Resources(**spec["resources"]),
                "sysctls": tuple((name, value) for name, value in spec["sysctls"]),
                "ports": tuple(PortMapping(**port) for port in spec["ports"]),
            }
        ),
        sandbox=Sandbox(**document["sandbox"]),
        boot=document["boot"],
    )
