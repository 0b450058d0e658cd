from pathlib import Path

import pytest

from pilothouse.client import config as client_config
from pilothouse.lab import access
from pilothouse.lab.plan import Plan


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv(client_config.VARIABLE, raising=False)
    plan = Plan.draw("lab", tmp_path / "lab", nodes=1)
    plan.client_config.parent.mkdir(parents=True)
    lines = [f'{name} = "{name}"' for name in ("server", "ca", "certificate", "key")]
    plan.client_config.write_text("\n".join(lines))
    return plan


def test_the_lab_becomes_the_users_cluster_and_ceases_to_be(plan: Plan) -> None:
    access.offer_as_default(plan)
    assert access.is_default(plan)
    found = client_config.load()
    assert found.ca == plan.client_config.parent / "ca"
    access.withdraw_as_default(plan)
    assert not access.is_default(plan)
    assert not Path.home().joinpath(".config").exists()


def test_the_users_own_cluster_stays_as_it_is(plan: Plan) -> None:
    own = client_config.user_config_path()
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    access.offer_as_default(plan)
    access.withdraw_as_default(plan)
    assert own.read_text() == "mine"
    assert not access.is_default(plan)


def test_withdrawing_keeps_what_else_is_configured(plan: Plan) -> None:
    access.offer_as_default(plan)
    other = client_config.user_config_path().parent.parent / "editor"
    other.mkdir()
    access.withdraw_as_default(plan)
    assert other.exists()
    assert not client_config.user_config_path().parent.exists()
