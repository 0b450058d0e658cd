from pathlib import Path

import pytest

from pilothouse.lab.errors import LabError
from pilothouse.lab.plan import Plan, Ports


def test_hosts_have_distinct_names_addresses_links_and_groups(tmp_path: Path) -> None:
    plan = Plan.draw("lab", tmp_path, nodes=200)
    for attribute in ("name", "address", "port", "cgroup", "directory"):
        values = {getattr(host, attribute) for host in plan.everything}
        assert len(values) == 202
    assert all(len(host.port) <= 15 for host in plan.hosts)


def test_a_saved_plan_is_loaded_as_it_was(tmp_path: Path) -> None:
    plan = Plan.draw("lab", tmp_path, nodes=2, ports=Ports(7555, 7556, 7557))
    plan.save()
    assert Plan.load(tmp_path) == plan


def test_without_a_saved_plan_there_is_no_lab(tmp_path: Path) -> None:
    assert Plan.load(tmp_path) is None


def test_a_damaged_plan_is_refused_but_can_be_taken_down(tmp_path: Path) -> None:
    (tmp_path / "lab.json").write_text('{"name": "lab"')
    (tmp_path / "hosts" / "node-1").mkdir(parents=True)
    (tmp_path / "hosts" / "node-2").mkdir()
    with pytest.raises(LabError, match="damaged"):
        Plan.load(tmp_path)
    assert [h.name for h in Plan.load_or_guess("lab", tmp_path).nodes] == ["node-1", "node-2"]


@pytest.mark.parametrize("name", ["", "Lab", "-a", "a-", "a/b", "a" * 33])
def test_names_that_cannot_be_paths_or_groups_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="lab name"):
        Plan.draw(name, tmp_path, nodes=1)


@pytest.mark.parametrize("nodes", [0, -1, 201])
def test_node_count_is_bounded(nodes: int, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="--nodes"):
        Plan.draw("lab", tmp_path, nodes=nodes)


@pytest.mark.parametrize("directory", ["/run/lab", "/var/run/lab", "/dev/shm/lab", "/etc/lab"])
def test_a_directory_that_hosts_cannot_see_is_refused(directory: str) -> None:
    with pytest.raises(LabError, match="state directory"):
        Plan.draw("lab", Path(directory), nodes=1)


def test_two_labs_of_one_name_in_two_places_share_no_group(tmp_path: Path) -> None:
    one = Plan.draw("lab", tmp_path / "a", nodes=1)
    other = Plan.draw("lab", tmp_path / "b", nodes=1)
    assert one.cgroup != other.cgroup
