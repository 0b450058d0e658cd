"""Both versions of the kernel's groups, in trees of plain files."""

from pathlib import Path

import pytest

from agent.runtime.cgroups import MONITORS, Cgroups, Usage, detect
from agent.runtime.cpu import cpu_quota, cpu_shares, cpu_weight
from agent.runtime.specs import Resources

GROUP = "/pilothouse/poduid-1"
LIMITS = Resources(cpu_request_milli=500, cpu_limit_milli=1500, memory_limit=64 << 20)


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def v1(tmp_path: Path) -> Cgroups:
    for controller in ("cpu", "cpuacct", "memory", "pids"):
        (tmp_path / controller / "pilothouse").mkdir(parents=True)
    return detect(tmp_path)


@pytest.fixture
def v2(tmp_path: Path) -> Cgroups:
    write(tmp_path, {"cgroup.controllers": "cpuset cpu io memory pids rdma\n"})
    return detect(tmp_path)


def test_the_version_is_seen(v1: Cgroups) -> None:
    assert not v1.v2


def test_version_two_is_seen(v2: Cgroups) -> None:
    assert v2.v2


def test_a_pods_limits_on_version_one(v1: Cgroups) -> None:
    v1.make(GROUP, LIMITS)
    group = GROUP.lstrip("/")
    assert (v1.root / "cpu" / group / "cpu.shares").read_text() == "512"
    assert (v1.root / "cpu" / group / "cpu.cfs_quota_us").read_text() == "150000"
    assert (v1.root / "memory" / group / "memory.limit_in_bytes").read_text() == str(
        (64 << 20) + MONITORS
    )


def test_a_pods_limits_on_version_two(v2: Cgroups) -> None:
    v2.make(GROUP, LIMITS)
    group = v2.root / GROUP.lstrip("/")
    assert (group / "cpu.weight").read_text() == "20"
    assert (group / "cpu.max").read_text() == "150000 100000"
    assert (group / "memory.max").read_text() == str((64 << 20) + MONITORS)
    for level in (v2.root, v2.root / "pilothouse", group):
        assert (level / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"


def test_no_limit_is_no_file(v2: Cgroups) -> None:
    v2.make(GROUP, Resources())
    names = {path.name for path in (v2.root / GROUP.lstrip("/")).iterdir()}
    assert names == {"cgroup.subtree_control", "cpu.weight"}


def test_kills_are_counted_on_version_one(v1: Cgroups) -> None:
    text = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"
    write(v1.root, {f"memory{GROUP}/memory.oom_control": text})
    assert v1.oom_kills(GROUP) == 2
    assert v1.oom_kills("/gone") == 0


def test_kills_are_counted_on_version_two(v2: Cgroups) -> None:
    text = "low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\n"
    write(v2.root, {f"{GROUP[1:]}/memory.events": text})
    assert v2.oom_kills(GROUP) == 1


def test_usage_on_version_one(v1: Cgroups) -> None:
    files = {
        f"memory{GROUP}/memory.usage_in_bytes": "3000\n",
        f"memory{GROUP}/memory.stat": "cache 1\ntotal_inactive_file 1000\n",
        f"cpuacct{GROUP}/cpuacct.usage": "123456789\n",
        f"pids{GROUP}/pids.current": "4\n",
    }
    write(v1.root, files)
    assert v1.usage(GROUP) == Usage(123456789, 3000, 2000, 4)
    assert v1.usage("/gone") is None


def test_usage_on_version_two(v2: Cgroups) -> None:
    files = {
        f"{GROUP[1:]}/memory.current": "3000\n",
        f"{GROUP[1:]}/memory.stat": "anon 1\ninactive_file 1000\n",
        f"{GROUP[1:]}/cpu.stat": "usage_usec 42\n",
        f"{GROUP[1:]}/pids.current": "4\n",
    }
    write(v2.root, files)
    assert v2.usage(GROUP) == Usage(42_000, 3000, 2000, 4)


@pytest.mark.parametrize(
    ("milli", "shares", "quota", "weight"),
    [
        (0, 2, 1000, 1),
        (1, 2, 1000, 1),
        (1000, 1024, 100_000, 39),
        (256_000, 262_144, 25_600_000, 10_000),
    ],
)
def test_cpu_in_the_kernels_units(milli: int, shares: int, quota: int, weight: int) -> None:
    assert (cpu_shares(milli), cpu_quota(milli), cpu_weight(milli)) == (shares, quota, weight)
