"""Each fact that keeps a node from working is a verdict that says what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.doctor import report
from agent.doctor.facts import (
    Attempt,
    Chain,
    ControlGroups,
    Facts,
    Firewall,
    Kernel,
    Master,
    Names,
    Port,
    Programs,
    Space,
)
from agent.doctor.verdicts import Level, Verdict, verdicts, version_of

GIB = 1024**3
ALL = frozenset({"cpu", "memory", "pids"})
KERNEL = Kernel("6.1.0-18-amd64", (Attempt("veth"), Attempt("nftables")), True, True)
REACHED = Master("m1", ports=(Attempt("m1:7443 (gRPC)"),), skew=0.0)
HEALTHY = Facts(
    root=True,
    kernel=KERNEL,
    cgroups=ControlGroups(2, ALL),
    programs=Programs("4.3.1"),
    names=Names("n1", "", ("10.0.0.2",)),
    space=Space(GIB, 10 * GIB, "/var/lib/pilothouse/agent"),
    ports=(Port("127.0.0.1", 7445, "pilot-agent"),),
    master=REACHED,
)


def complaints(**changes: Any) -> list[Verdict]:
    found = verdicts(replace(HEALTHY, **changes))
    return [verdict for verdict in found if verdict.level is not Level.GOOD]


def test_healthy_machine_is_fit() -> None:
    found = list(verdicts(HEALTHY))
    assert report.works(found)
    assert complaints() == []
    assert report.lines(found)[-1] == "fit to be a node"


BAD, WARNING = Level.BAD, Level.WARNING


@pytest.mark.parametrize(
    ("changes", "level", "found", "advice"),
    [
        pytest.param({"root": False}, BAD, "not root", "run it as root", id="user"),
        pytest.param(
            {"kernel": replace(KERNEL, release="4.19.0-27-amd64")},
            BAD,
            "4.19.0",
            "5.10 or later",
            id="old kernel",
        ),
        pytest.param(
            {"kernel": replace(KERNEL, features=(Attempt("nftables", "Not supported"),))},
            BAD,
            "Not supported",
            "module for nftables",
            id="kernel without nftables",
        ),
        pytest.param(
            {"kernel": replace(KERNEL, features=(Attempt("vxlan", "Unknown type"),))},
            WARNING,
            "Unknown type",
            "not on one network",
            id="kernel without vxlan",
        ),
        pytest.param(
            {"kernel": replace(KERNEL, overlay=False)}, BAD, "overlay", "modprobe", id="overlay"
        ),
        pytest.param(
            {"kernel": replace(KERNEL, forwarding=False)},
            WARNING,
            "ip_forward is 0",
            "sysctl.d",
            id="forwarding",
        ),
        pytest.param(
            {"cgroups": ControlGroups(2, frozenset({"cpu", "pids"}))},
            BAD,
            "without memory",
            "switched on: memory",
            id="no memory controller",
        ),
        pytest.param(
            {"cgroups": ControlGroups(1, ALL, hybrid=True)},
            BAD,
            "version 1 (hybrid)",
            "unified_cgroup_hierarchy",
            id="hybrid cgroups",
        ),
        pytest.param(
            {"cgroups": ControlGroups(1, ALL)}, WARNING, "version 1", "works", id="cgroups v1"
        ),
        pytest.param(
            {"programs": Programs("3.4.4")}, BAD, "3.4.4", "4.3 or later", id="old podman"
        ),
        pytest.param({"programs": Programs("")}, BAD, "does not run", "4.3", id="broken podman"),
        pytest.param(
            {"programs": Programs("", ("podman",))},
            BAD,
            "not installed",
            "apt-get install podman",
            id="no podman",
        ),
        pytest.param(
            {"programs": Programs("4.3.1", ("nft",))},
            BAD,
            "not installed",
            "apt-get install nftables",
            id="no nft",
        ),
        pytest.param(
            {"space": Space(GIB // 4, 10 * GIB, "/d")}, WARNING, "256 MiB", "150 MiB", id="memory"
        ),
        pytest.param({"space": Space(GIB, GIB, "/d")}, WARNING, "1024 MiB", "larger", id="disk"),
        pytest.param(
            {"ports": (Port("0.0.0.0", 53, "pilot-netproxy", "dnsmasq"),)},
            BAD,
            "dnsmasq listens",
            "stop dnsmasq",
            id="port taken",
        ),
        pytest.param(
            {"names": Names("n1", "Name or service not known", ("10.0.0.2",))},
            WARNING,
            "n1 does not resolve",
            "/etc/hosts",
            id="own name",
        ),
        pytest.param(
            {"names": Names("n1")}, WARNING, "no name server", "resolv.conf", id="no resolver"
        ),
        pytest.param(
            {"names": Names("n1", "", ("127.0.0.53",))},
            WARNING,
            "127.0.0.53",
            "dnsPolicy Default",
            id="local resolver",
        ),
        pytest.param({"master": Master()}, WARNING, "none is known", "--master", id="no master"),
        pytest.param(
            {"master": Master("m1", resolution="No address")},
            BAD,
            "m1 does not resolve",
            "join by an address",
            id="master's name",
        ),
        pytest.param(
            {"master": Master("m1", ports=(Attempt("m1:7443", "connection refused"),))},
            BAD,
            "refused",
            "is pilot-master running",
            id="master down",
        ),
        pytest.param(
            {"master": Master("m1", ports=(Attempt("m1:7443", "timed out"),))},
            BAD,
            "timed out",
            "open the port",
            id="master behind a firewall",
        ),
        pytest.param(
            {"master": replace(REACHED, skew=600.0)}, BAD, "600 s behind", "chrony", id="late clock"
        ),
        pytest.param(
            {"master": replace(REACHED, skew=-30.0)},
            WARNING,
            "30 s ahead of",
            "chrony",
            id="early clock",
        ),
        pytest.param(
            {"firewall": Firewall((Chain("ip filter", "FORWARD", "forward"),))},
            WARNING,
            "chain FORWARD of table ip filter",
            "what is forwarded",
            id="dropping forward chain",
        ),
        pytest.param(
            {"firewall": Firewall((Chain("inet filter", "input", "input"),))},
            WARNING,
            "chain input",
            "4789",
            id="dropping input chain",
        ),
        pytest.param(
            {"firewall": Firewall(services=("ufw",))},
            WARNING,
            "ufw runs",
            "disable --now ufw",
            id="ufw",
        ),
        pytest.param(
            {"firewall": Firewall(fault="nft: not found")},
            WARNING,
            "nft: not found",
            "nft list ruleset",
            id="rules unknown",
        ),
    ],
)
def test_verdict(changes: dict[str, Any], level: Level, found: str, advice: str) -> None:
    (complaint,) = complaints(**changes)
    assert complaint.level is level
    assert found in complaint.found
    assert advice in complaint.advice


def test_own_processes_may_have_their_ports() -> None:
    assert complaints(ports=(Port("127.0.0.1", 7445, "pilot-agent", "pilot-agent"),)) == []


def test_report_counts_what_is_to_mend() -> None:
    lines = report.lines(list(verdicts(replace(HEALTHY, root=False, master=Master()))))
    assert lines[-1] == "not fit to be a node: 1 to mend, 1 to look at"
    assert any(line.startswith("FAIL  user") for line in lines)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        pytest.param("6.1.0-18-amd64", (6, 1, 0), id="Debian's kernel"),
        pytest.param("4.9.4+ds1", (4, 9, 4), id="Ubuntu's podman"),
        pytest.param("", (), id="nothing"),
    ],
)
def test_versions(text: str, version: tuple[int, ...]) -> None:
    assert version_of(text) == version
