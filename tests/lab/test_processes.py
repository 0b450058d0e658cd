import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from agent import config as agent_config
from master import config as master_config
from netproxy import config as netproxy_config
from pilothouse.lab import processes
from pilothouse.lab.errors import LabError
from pilothouse.lab.plan import Plan

NOTHING: Mapping[str, str] = {}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan.draw("lab", tmp_path, nodes=2)


def written(plan: Plan, host: str, name: str, folder: Path) -> Path:
    path = folder / name
    path.write_text(processes.configuration(plan, plan.host(host))[name])
    return path


def test_the_agents_understand_their_configuration(plan: Plan, tmp_path: Path) -> None:
    settings = agent_config.load(written(plan, "node-2", "agent.toml", tmp_path), NOTHING, {})
    assert (settings.node_name, settings.node_ip) == ("node-2", "10.88.0.12")
    assert settings.data_dir.is_relative_to(plan.host("node-2").directory)
    assert settings.netproxy_dir.is_relative_to(plan.host("node-2").directory)


def test_the_netproxies_find_what_their_agents_leave(plan: Plan, tmp_path: Path) -> None:
    own = netproxy_config.load(written(plan, "node-1", "netproxy.toml", tmp_path), NOTHING, {})
    agent = agent_config.load(written(plan, "node-1", "agent.toml", tmp_path), NOTHING, {})
    assert own.data_dir == agent.netproxy_dir


def test_the_master_understands_its_configuration(plan: Plan, tmp_path: Path) -> None:
    settings = master_config.load(written(plan, "master", "master.toml", tmp_path), NOTHING, {})
    assert settings.advertise_address == plan.master.address
    assert settings.grpc_port == processes.GRPC_PORT


def test_no_two_hosts_share_a_directory(plan: Plan) -> None:
    seen: list[str] = []
    for host in plan.hosts:
        for text in processes.configuration(plan, host).values():
            values = tomllib.loads(text)
            seen.append(values["data_dir"])
    # Agent and netproxy of one node each name the netproxy's directory.
    assert len(seen) == len(set(seen)) == 5


def test_every_program_is_installed(plan: Plan) -> None:
    for host in plan.hosts:
        for process in processes.of(host):
            if process.name != "podman":
                assert Path(process.argv[0]).exists()


def test_a_program_that_is_not_installed_is_named() -> None:
    with pytest.raises(LabError, match="pilot-nothing"):
        processes.program("pilot-nothing")
