"""Thousandths of a core in the kernel's units: pure."""

from __future__ import annotations

CPU_PERIOD = 100_000  # microseconds
_LEAST_SHARES, _LEAST_QUOTA = 2, 1_000  # the kernel refuses less


def cpu_shares(milli: int) -> int:
    """1,024 shares a core, as Kubernetes counts."""
    return max(milli * 1024 // 1000, _LEAST_SHARES)


def cpu_quota(milli: int) -> int:
    """Microseconds a period."""
    return max(milli * CPU_PERIOD // 1000, _LEAST_QUOTA)


def cpu_weight(milli: int) -> int:
    """For cgroup v2, whose weights are 1 to 10,000 where shares are 2 to 262,144."""
    return 1 + (min(cpu_shares(milli), 262_144) - 2) * 9_999 // 262_142
