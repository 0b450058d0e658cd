"""The machine as a Node, and the settings that shape it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent import config as configuration
from agent import node
from agent.config import AgentConfig
from agent.node import Engine, Machine
from pilothouse.process.settings import SettingError
from protos.core_v1_pb2 import NodeStatus

MACHINE = Machine(
    hostname="host-1",
    cpu_milli=2000,
    memory=4 * 1024**3,
    memory_available=3 * 1024**3,
    disk=100 * 1024**3,
    disk_available=50 * 1024**3,
    pids=32768,
    pids_used=200,
    machine_id="m",
    system_uuid="u",
    boot_id="b",
    kernel="6.1",
    os_image="Debian",
    architecture="amd64",
)
CONFIG = AgentConfig()
ENGINE = Engine("podman://4")


def conditions(machine: Machine = MACHINE, engine: Engine = ENGINE) -> dict[str, str]:
    status = node.node_status(CONFIG, machine, engine, "192.0.2.1", "0.1")
    return {entry.type: entry.status for entry in status.conditions}


def test_a_node_describes_its_machine_by_old_and_new_names_that_it_may_use() -> None:
    labels = dict(node.node_object("n", MACHINE, NodeStatus()).metadata.labels)
    assert labels == {
        "kubernetes.io/hostname": "host-1",
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": "amd64",
    }


def test_capacity_and_what_is_left_for_pods() -> None:
    status = node.node_status(CONFIG, MACHINE, Engine("podman://4"), "192.0.2.1", "0.1")
    capacity = {name: amount.string for name, amount in status.capacity.items()}
    assert capacity == {
        "cpu": "2",
        "memory": "4194304Ki",
        "ephemeral-storage": "104857600Ki",
        "pods": "110",
    }
    allocatable = {name: amount.string for name, amount in status.allocatable.items()}
    assert allocatable == {
        "cpu": "1900m",
        "memory": "3932160Ki",
        "ephemeral-storage": "103809024Ki",
        "pods": "110",
    }
    assert [(a.type, a.address) for a in status.addresses] == [
        ("InternalIP", "192.0.2.1"),
        ("Hostname", "host-1"),
    ]


@pytest.mark.parametrize(
    ("machine", "condition"),
    [
        (replace(MACHINE, memory_available=50 * 1024**2), "MemoryPressure"),
        (replace(MACHINE, disk_available=9 * 1024**3), "DiskPressure"),
        (replace(MACHINE, pids_used=32000), "PIDPressure"),
    ],
    ids=["memory", "disk", "pids"],
)
def test_pressure(machine: Machine, condition: str) -> None:
    assert set(conditions().values()) == {"False", "True"}
    assert conditions()[condition] == "False"
    assert conditions(machine)[condition] == "True"


def test_a_node_whose_engine_is_away_is_not_ready() -> None:
    assert conditions()["Ready"] == "True"
    assert conditions(engine=Engine(fault="no answer"))["Ready"] == "False"


def test_this_machine_can_be_read(tmp_path: Path) -> None:
    machine = node.read_machine(tmp_path / "not" / "there")
    assert machine.cpu_milli >= 100
    assert 0 < machine.memory_available <= machine.memory * 2
    assert machine.disk > machine.disk_available > 0
    assert machine.boot_id
    assert machine.pids > machine.pids_used > 0


def test_resolv_conf() -> None:
    text = "# x\nnameserver 192.0.2.53\nsearch a.example b.example\nnameserver 192.0.2.54\n"
    assert node.name_servers(text) == (
        ("192.0.2.53", "192.0.2.54"),
        ("a.example", "b.example"),
    )


def test_settings_come_from_file_environment_and_flags(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text('node_name = "a"\nmax_pods = 20\nmanage_podman = true\nlog_level = "DEBUG"\n')
    environment = {"PILOT_AGENT_MAX_PODS": "30", "PILOT_AGENT_DATA_DIR": "/srv/agent"}
    config = configuration.load(file, environment, {"log_level": "ERROR", "node_name": None})
    assert config == AgentConfig(
        node_name="a",
        max_pods=30,
        manage_podman=True,
        data_dir=Path("/srv/agent"),
        log_level="ERROR",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_pod = 1", "unknown setting 'max_pod'"),
        ('max_pods = "many"', "max_pods: 'many' is not a int"),
        ("max_pods = true", "max_pods: True is not a int"),
        ("node_name = 3", "node_name: 3 is not a str"),
        ("max_pods", "not TOML"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(text)
    with pytest.raises(SettingError, match=message):
        configuration.load(file, {}, {})


def test_no_file_gives_the_defaults(tmp_path: Path) -> None:
    assert configuration.load(tmp_path / "none.toml", {}, {}) == AgentConfig()
