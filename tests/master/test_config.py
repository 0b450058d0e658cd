from __future__ import annotations

from pathlib import Path

import pytest

from master import config
from master.config import MasterConfig
from master.names import dialled, endpoint_addresses, first_service_address, server_names
from pilothouse.process.settings import SettingError


def test_flags_beat_environment_beats_file(tmp_path: Path) -> None:
    file = tmp_path / "master.toml"
    file.write_text('grpc_port = 1\njoin_port = 1\nhttp_port = 1\nnames = ["a"]\n')
    environment = {"PILOT_MASTER_JOIN_PORT": "2", "PILOT_MASTER_HTTP_PORT": "2"}
    loaded = config.load(file, environment, {"http_port": "3", "log_level": None})
    assert (loaded.grpc_port, loaded.join_port, loaded.http_port) == (1, 2, 3)
    assert loaded.names == ("a",)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"service_cidr": "10.244.0.0/24"}, "service_cidr"),
        ({"service_cidr": "10.96.0.1/12"}, "service_cidr"),
        ({"cluster_cidr": "everywhere"}, "cluster_cidr"),
        ({"dns_address": "10.0.0.1"}, "dns_address"),
        ({"heartbeat_period": 10.0}, "heartbeat_period"),
        ({"heartbeat_period": 0.0}, "heartbeat_period"),
        ({"node_certificate_hours": 0.0}, "node_certificate_hours"),
        ({"retention": -1.0}, "retention"),
    ],
)
def test_setting_that_cannot_work_is_named(settings: dict[str, object], field: str) -> None:
    with pytest.raises(SettingError, match=f"^{field}"):
        MasterConfig(**settings)  # type: ignore[arg-type]


def test_certificate_names_where_the_master_is_dialled() -> None:
    names = server_names(
        MasterConfig(advertise_address="10.0.0.9", listen_address="10.0.0.1", names=("gate",))
    )
    assert {"localhost", "127.0.0.1", "10.0.0.9", "10.0.0.1", "gate"} <= set(names)
    assert "0.0.0.0" not in server_names(MasterConfig())


def test_join_command_tells_the_port_when_it_is_not_the_usual() -> None:
    assert dialled(MasterConfig(advertise_address="m")) == "m"
    assert dialled(MasterConfig(advertise_address="m", http_port=8444)) == "m:8444"


def test_certificate_names_what_pods_dial() -> None:
    names = set(server_names(MasterConfig(cluster_domain="east.example")))
    assert names >= {
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.east.example",
        "10.96.0.1",
    }


def test_pods_reach_the_master_by_its_address_not_its_name() -> None:
    assert endpoint_addresses(MasterConfig(advertise_address="192.0.2.7")) == ("192.0.2.7",)
    assert "m" not in endpoint_addresses(MasterConfig(advertise_address="m"))
    chosen = MasterConfig(advertise_address="192.0.2.7", https_port=0)
    assert endpoint_addresses(chosen) == ()
    small = MasterConfig(service_cidr="10.1.0.8/30", dns_address="10.1.0.10")
    assert first_service_address(small) == "10.1.0.9"
