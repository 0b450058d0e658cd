"""Letting people and their tools in: access tokens and kubeconfig files."""

from __future__ import annotations

import base64
import re
import ssl
from pathlib import Path

import pytest
import yaml

from tests.pilothouse.cli.terminal import Pilot
from tests.pilothouse.cluster import Cluster


def test_a_token_lets_its_bearer_in_until_it_is_revoked(
    pilot: Pilot, cluster: Cluster, tmp_path: Path
) -> None:
    made = pilot("access-token", "create", "--user=anna", "--group=dev", "--ttl=1h")
    token = made.out.strip()
    assert re.fullmatch(r"pilot_[a-z0-9]{10}\.\S{43}", token)
    assert "is anna (dev) for" in made.err
    (tmp_path / "token").write_text(token)
    config = tmp_path / "anna.toml"
    config.write_text(
        f'server = "127.0.0.1:{cluster.join_port}"\nca = "{cluster.config.parent}/ca.crt"\n'
        f'token_file = "token"\nnamespace = "{pilot.namespace}"\n'
    )
    pilot("create", "configmap", "c", "--config", str(config), "--from-literal=a=b")
    assert "not allowed" in pilot.refused("get", "pods", "-A", "--config", str(config))
    assert "not an administrator" in pilot.refused(
        "access-token", "create", "--user=anna", "--administrator", "--config", str(config)
    )
    id_ = token.removeprefix("pilot_").partition(".")[0]
    listed = pilot("access-token", "list")
    assert [id_, "anna", "dev", "59m", "admin"] in listed.rows
    assert token.partition(".")[2] not in listed.out
    assert pilot("access-token", "revoke", token).out == f"access token {id_} revoked\n"
    assert "is not valid" in pilot.refused("get", "cm", "--config", str(config))


def test_a_token_in_a_file_is_its_owners_alone(pilot: Pilot, tmp_path: Path) -> None:
    assert pilot("access-token", "create", "--user=ci", "-o", "token").out == ""
    file = tmp_path / "token"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().startswith("pilot_")


def test_nobody_gets_a_nodes_name(pilot: Pilot) -> None:
    assert 'begin with "system:"' in pilot.refused("access-token", "create", "--user=system:node:a")
    assert "explicitly" in pilot.refused(
        "access-token", "create", "--user=a", "--group=system:masters"
    )


def test_the_two_kinds_of_token_are_told_apart(pilot: Pilot) -> None:
    assert "for people: access-token" in pilot("token", "--help").out
    assert "for machines: token" in pilot("access-token", "--help").out


def test_a_kubeconfig_has_all_that_a_client_needs(pilot: Pilot, cluster: Cluster) -> None:
    document = yaml.safe_load(pilot("kubeconfig", "--server=m:1234").out)
    [cluster_] = document["clusters"]
    [user] = document["users"]
    [context] = document["contexts"]
    assert cluster_["cluster"]["server"] == "https://m:1234"
    assert context == {
        "name": "admin@pilothouse",
        "context": {
            "cluster": "pilothouse",
            "user": "admin@pilothouse",
            "namespace": pilot.namespace,
        },
    }
    assert document["current-context"] == context["name"]
    trusted = ssl.create_default_context(
        cadata=base64.b64decode(cluster_["cluster"]["certificate-authority-data"]).decode()
    )
    assert len(trusted.get_ca_certs()) == 1
    folder = cluster.config.parent
    for name, file in (("client-certificate-data", "admin.crt"), ("client-key-data", "admin.key")):
        assert base64.b64decode(user["user"][name]) == (folder / file).read_bytes()


def test_a_kubeconfig_for_somebody_else_has_a_token_of_theirs(pilot: Pilot) -> None:
    document = yaml.safe_load(pilot("kubeconfig", "--user=bo", "--group=ops", "--ttl=2h").out)
    assert document["current-context"] == "bo@pilothouse"
    token = document["users"][0]["user"]["token"]
    listed = pilot("access-token", "list").rows
    assert [token[6:16], "bo", "ops", "119m", "admin", "kubeconfig"] in listed
    assert "client-key-data" not in str(document)


def test_merging_goes_where_kubectl_looks(
    pilot: Pilot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "kube" / "config"
    monkeypatch.setenv("KUBECONFIG", str(file))
    assert "Try: kubectl get nodes" in pilot("kubeconfig", "--merge").out
    pilot("kubeconfig", "--merge", "--user=cy", "--cluster=pilothouse")
    document = yaml.safe_load(file.read_text())
    assert [user["name"] for user in document["users"]] == ["admin@pilothouse", "cy@pilothouse"]
    assert document["current-context"] == "cy@pilothouse"
    # Without --merge, what is there for others is not written over.
    assert "--merge keeps them" in pilot.refused("kubeconfig", "-o", str(file), code=2)
    assert yaml.safe_load(file.read_text()) == document


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--server=http://m:1",), "write https://HOST:PORT"),
        (("--server=https://m:port",), "write https://HOST:PORT"),
        (("--group=a",), "name one"),
        (("--user=a", "--ttl=long"), "--ttl 'long'"),
    ],
    ids=["plain", "port", "group", "ttl"],
)
def test_arguments_that_make_no_sense(pilot: Pilot, arguments: tuple[str, ...], says: str) -> None:
    assert says in pilot.refused("kubeconfig", *arguments, code=2)


def test_a_file_that_cannot_be_merged_costs_no_token(pilot: Pilot, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("kind: Pod")
    error = pilot.refused("kubeconfig", "--merge", "-o", "config", "--user=dee")
    assert "is not a kubeconfig" in error
    assert "dee" not in pilot("access-token", "list").out
