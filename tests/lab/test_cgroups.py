from pathlib import Path

from pilothouse.lab.cgroups import Hierarchy, parse_mounts

UNIFIED = (
    "24 1 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"
)
HYBRID = (
    "20 1 0:18 / /sys/fs/cgroup rw,nosuid - tmpfs tmpfs ro,mode=755\n"
    "30 20 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
    "31 20 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 20 0:29 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n"
    "33 20 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
)


def test_unified_hierarchy_is_found() -> None:
    assert parse_mounts(UNIFIED) == (Hierarchy(Path("/sys/fs/cgroup"), ""),)


def test_of_a_hybrid_only_v1_counts_and_can_be_mounted_again() -> None:
    assert parse_mounts(HYBRID) == (
        Hierarchy(Path("/sys/fs/cgroup/systemd"), "none,name=systemd"),
        Hierarchy(Path("/sys/fs/cgroup/cpu,cpuacct"), "cpu,cpuacct"),
        Hierarchy(Path("/sys/fs/cgroup/memory"), "memory"),
    )


def test_no_control_groups_no_hierarchies() -> None:
    assert parse_mounts("20 1 0:18 / / rw - ext4 /dev/vda rw\n") == ()
