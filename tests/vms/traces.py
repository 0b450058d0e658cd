"""What a removal may leave behind, and must not."""

from __future__ import annotations

from tests.vms.cluster import on
from tests.vms.machines import Machine

# Each prints a line for what it finds. The journal and apt's own records remember the past.
_LOOKS = (
    "find / -xdev -path /proc -prune -o -path /var/log -prune -o -path /tmp -prune"
    " -o -iname '*pilot*' -print",
    "ip -oneline link | grep -E ' (pilot|ph[0-9a-f]{12})' || true",
    "ip route show proto 74; ip -4 address show dev lo | grep 10.96 || true",
    "{ nft list tables 2>/dev/null || true; } | grep pilothouse || true",
    "grep pilot /proc/mounts || true",
    "ps -e -o comm= | grep -E '^(pilot|catatonit)' || true",
    "getent passwd pilothouse || true",
    "systemctl list-units --all --plain --no-legend 'pilothouse*'",
    "systemctl --failed --plain --no-legend",
)
# And these where nobody else uses Podman.
_PODMAN = (
    "grep containers /proc/mounts || true",
    "ps -e -o comm= | grep -E '^(conmon|podman|crun)' || true",
    "dpkg-query -W -f '${db:Status-Abbrev}${Package}\\n' podman crun conmon python3-apt 2>/dev/null"
    " | grep '^ii' || true",
)


def of(machine: Machine, *, podman: bool = False) -> list[str]:
    """Lines that say what is left; none on a machine that is as before. podman: it may be there."""
    looks = _LOOKS if podman else _LOOKS + _PODMAN
    return [line for look in looks for line in on(machine, look).splitlines()]
