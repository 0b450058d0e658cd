"""What somebody else has on a machine before it becomes a node: containers and a firewall.

None of it may be touched, neither by the cluster's life nor by its removal.
"""

from __future__ import annotations

from pathlib import Path

from tests.vms import cluster, image
from tests.vms.claims import equal, true
from tests.vms.cluster import MASTER, NODES, on

HOME = NODES[1]
IMAGE = "localhost/theirs:1"
PORT = 8081
CIDR = "10.244.0.0/16"  # the pods' network
# Closed, but for what docs/install.md lists for a node, and for their own container.
_FIREWALL = f"""\
table inet theirs {{
  chain input {{
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iifname "lo" accept
    meta l4proto icmp accept
    tcp dport {{ 22, 30000-32767 }} accept
    ip saddr {CIDR} accept
  }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    ip saddr {CIDR} accept
    ip daddr {CIDR} accept
    ip daddr 10.88.0.0/16 accept
  }}
}}
"""
# What may be raised on a machine without all capabilities ends at the hard limits.
_RUN = (
    f"podman --cgroup-manager=cgroupfs run --detach --ulimit=host --name=theirs"
    f" --publish={PORT}:80 {IMAGE}"
)


def move_in(archive: Path) -> None:
    """Install Podman, run a container with a published port, and load the firewall."""
    wanted = "podman netavark nftables iptables"
    on(HOME, f"apt-get install --quiet=2 --yes --no-install-recommends {wanted}")
    cluster.send(HOME, archive, image.load_command(IMAGE))
    on(HOME, _RUN)
    on(HOME, f"nft --file - <<'END'\n{_FIREWALL}END")
    on(HOME, "podman network ls; nft list table inet theirs > /root/theirs")


def untouched() -> None:
    """The container runs since then and is reached, the image is there, the rules are the same."""
    said = on(HOME, "podman inspect theirs --format '{{.State.Status}} {{.RestartCount}}'")
    equal(said, "running 0")
    answer = on(MASTER, f"curl -sS -m 5 http://{HOME.address}:{PORT}/")
    true(len(answer) > 0, "their container answers")
    equal(on(HOME, "nft list table inet theirs | diff /root/theirs -"), "")
