"""What a lab consists of: names, addresses and paths. Pure: nothing here exists yet.

    plan = Plan.draw("lab", Path("/var/lib/pilothouse/lab/lab"), nodes=3)
    plan.switch                    the network between the hosts, a host of its own
    plan.master.address            10.88.0.10
    [h.name for h in plan.nodes]   node-1, node-2, node-3 at 10.88.0.11, .12, .13

Everything that a lab leaves on disk is under `directory`. Its control groups are under one
path that is derived from that directory, so that two labs never meet.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Network
from pathlib import Path

from pilothouse.lab.errors import LabError

MAX_NODES = 200
DEFAULT_NAME = "lab"
DEFAULT_DIRECTORY = Path("/var/lib/pilothouse/lab")  # each lab has a directory in it
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
_SUBNET = IPv4Network("10.88.0.0/24")
_FIRST = 10  # the master's place in the subnet; the nodes follow


class Role(Enum):
    """What a host is for."""

    SWITCH = "switch"
    MASTER = "master"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class Host:
    """One host: its name, its address on the switch and where it keeps its files."""

    name: str
    role: Role
    address: str
    index: int
    directory: Path
    cgroup: str  # below the root of every cgroup hierarchy, without a leading slash

    @property
    def etc(self) -> Path:
        """What differs from the machine's own /etc."""
        return self.directory / "etc"

    @property
    def logs(self) -> Path:
        """The output of each process, NAME.log."""
        return self.directory / "logs"

    @property
    def port(self) -> str:
        """The name of its link on the switch (at most 15 characters, so not its name)."""
        return f"port{self.index}"

    @property
    def mac(self) -> str:
        """The hardware address of its link: locally administered, the IP address in it."""
        return "02:00:" + ":".join(f"{int(part):02x}" for part in self.address.split("."))


@dataclass(frozen=True, slots=True)
class Ports:
    """Of the master: gRPC with a certificate, gRPC with a token and joining, HTTPS."""

    grpc: int
    join: int
    https: int


USUAL_PORTS = Ports(grpc=7443, join=7442, https=6443)
_PORTS = ("grpc_port", "join_port", "https_port")  # their names in lab.json


@dataclass(frozen=True, slots=True)
class Plan:
    """A lab. The operator reaches the master's ports on 127.0.0.1, by these numbers there."""

    name: str
    directory: Path
    node_count: int
    ports: Ports

    @classmethod
    def draw(cls, name: str, directory: Path, *, nodes: int, ports: Ports = USUAL_PORTS) -> Plan:
        """A plan for a new lab; LabError names the argument that is out of range."""
        if not _NAME.fullmatch(name):
            raise LabError(f"lab name {name!r}: lower-case letters, digits and '-', at most 32")
        if not 1 <= nodes <= MAX_NODES:
            raise LabError(f"--nodes {nodes}: from 1 to {MAX_NODES}")
        for hidden in ("/run", "/var/run", "/dev", "/proc", "/sys", "/etc"):
            if directory.resolve().is_relative_to(hidden):
                raise LabError(f"state directory {directory}: every host has a {hidden} of its own")
        return cls(name, directory.resolve(), nodes, ports)

    @classmethod
    def load(cls, directory: Path) -> Plan | None:
        """The plan that was saved there, None if there is no lab; LabError if unreadable."""
        try:
            document = json.loads((directory / "lab.json").read_text())
            return cls(
                name=str(document["name"]),
                directory=directory.resolve(),
                node_count=int(document["nodes"]),
                ports=Ports(*(int(document[port]) for port in _PORTS)),
            )
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise LabError(
                f"{directory}/lab.json is damaged ({error}); `down` removes it"
            ) from error

    def save(self) -> None:
        """Write it where load finds it."""
        document = {"name": self.name, "nodes": self.node_count}
        document |= {port: getattr(self.ports, port.removesuffix("_port")) for port in _PORTS}
        (self.directory / "lab.json").write_text(json.dumps(document) + "\n")

    @classmethod
    def load_or_guess(cls, name: str, directory: Path) -> Plan:
        """The saved plan, or where it is lost, one with as many hosts as left files."""
        try:
            plan = cls.load(directory)
        except LabError:
            plan = None
        made = len(list((directory / "hosts").glob("node-*")))
        return plan or cls(name, directory.resolve(), made, Ports(0, 0, 0))

    @property
    def cgroup(self) -> str:
        """The control group that holds every process of the lab, relative to the root."""
        return cgroup_of(self.name, self.directory)

    @property
    def gateway(self) -> str:
        """The switch's own address: the hosts' default route, which leads nowhere."""
        return str(_SUBNET[1])

    @property
    def prefix_length(self) -> int:
        """Of the hosts' network."""
        return _SUBNET.prefixlen

    @property
    def images(self) -> Path:
        """The image store that every node reads."""
        return self.directory / "images"

    @property
    def client_config(self) -> Path:
        """What $PILOTHOUSE_CONFIG has to name."""
        return self.directory / "client" / "config.toml"

    @property
    def kubeconfig(self) -> Path:
        """What $KUBECONFIG has to name."""
        return self.directory / "client" / "kubeconfig"

    @property
    def switch(self) -> Host:
        """The host that holds the bridge, and where images are imported."""
        return self._host("switch", Role.SWITCH, self.gateway, 0)

    @property
    def master(self) -> Host:
        """The host of the control plane."""
        return self._host("master", Role.MASTER, str(_SUBNET[_FIRST]), 1)

    @property
    def nodes(self) -> tuple[Host, ...]:
        """The hosts that run pods."""
        return tuple(
            self._host(f"node-{n}", Role.NODE, str(_SUBNET[_FIRST + n]), 1 + n)
            for n in range(1, self.node_count + 1)
        )

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Everything on the switch."""
        return (self.master, *self.nodes)

    @property
    def everything(self) -> tuple[Host, ...]:
        """The hosts and the switch."""
        return (*self.hosts, self.switch)

    def host(self, name: str) -> Host:
        """The host of that name; LabError lists those there are."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise LabError(
            f"no host {name!r} in lab {self.name}: {', '.join(h.name for h in self.hosts)}"
        )

    def _host(self, name: str, role: Role, address: str, index: int) -> Host:
        return Host(
            name=name,
            role=role,
            address=address,
            index=index,
            directory=self.directory / "hosts" / name,
            cgroup=f"{self.cgroup}/{name}",
        )


def cgroup_of(name: str, directory: Path) -> str:
    """The control group of the lab in that directory, known even when its plan is lost."""
    digest = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:8]
    return f"pilothouse-lab/{name}-{digest}"
