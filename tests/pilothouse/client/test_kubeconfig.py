"""kubeconfig files: what is put into them, and what stays."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import yaml

from pilothouse.client import kubeconfig
from pilothouse.client.kubeconfig import Entry, KubeconfigError

ENTRY = Entry(
    cluster="pilothouse",
    context="admin@pilothouse",
    user="admin@pilothouse",
    server="https://m:6443",
    ca=b"CA",
    certificate=b"CERT",
    key=b"KEY",
)
OTHERS: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Config",
    "preferences": {"colors": True},
    "clusters": [{"name": "work", "cluster": {"server": "https://w", "proxy-url": "http://p"}}],
    "users": [{"name": "me", "user": {"exec": {"command": "login", "args": ["0755", "yes"]}}}],
    "contexts": [{"name": "work", "context": {"cluster": "work", "user": "me"}}],
    "current-context": "work",
    "extensions": [{"name": "x", "extension": {"date": "2026-01-01"}}],
}


def test_an_entry_alone_is_a_whole_file() -> None:
    assert kubeconfig.merged({}, ENTRY) == {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "pilothouse",
                "cluster": {
                    "server": "https://m:6443",
                    "certificate-authority-data": b64encode(b"CA").decode(),
                },
            }
        ],
        "users": [
            {
                "name": "admin@pilothouse",
                "user": {
                    "client-certificate-data": b64encode(b"CERT").decode(),
                    "client-key-data": b64encode(b"KEY").decode(),
                },
            }
        ],
        "contexts": [
            {
                "name": "admin@pilothouse",
                "context": {"cluster": "pilothouse", "user": "admin@pilothouse"},
            }
        ],
        "current-context": "admin@pilothouse",
    }


def test_what_others_have_there_stays(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(OTHERS))
    kubeconfig.save(file, kubeconfig.merged(kubeconfig.read(file), ENTRY))
    found = yaml.safe_load(file.read_text())
    assert found["current-context"] == "admin@pilothouse"
    for section in ("clusters", "users", "contexts"):
        assert found[section][0] == OTHERS[section][0]
        assert len(found[section]) == 2
    assert found["extensions"] == OTHERS["extensions"]
    assert found["preferences"] == OTHERS["preferences"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["config"]


def test_merging_again_renews_the_credential_and_keeps_what_was_set_beside_it() -> None:
    first = kubeconfig.merged(OTHERS, ENTRY)
    first["clusters"][1]["cluster"]["proxy-url"] = "http://p"
    first["contexts"][1]["context"]["namespace"] = "team"
    token = Entry(**{**_fields(ENTRY), "certificate": b"", "key": b"", "token": "pilot_t"})
    second = kubeconfig.merged(first, token)
    assert second["users"][1]["user"] == {"token": "pilot_t"}
    assert second["clusters"][1]["cluster"]["proxy-url"] == "http://p"
    assert second["contexts"][1]["context"]["namespace"] == "team"
    assert len(second["users"]) == len(second["contexts"]) == len(second["clusters"]) == 2


def test_a_cluster_made_anew_at_its_address_takes_its_place() -> None:
    entry = Entry(**{**_fields(ENTRY), "ca": b"NEW"})
    document = kubeconfig.merged(kubeconfig.merged({}, ENTRY), entry)
    [cluster] = document["clusters"]
    assert cluster["cluster"]["certificate-authority-data"] == b64encode(b"NEW").decode()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"cluster": "work"},
            "cluster 'work' is another one there .https://w.: choose a --cluster",
        ),
        ({"context": "work"}, "context 'work' is for another cluster there: choose a --context"),
    ],
    ids=["cluster", "context"],
)
def test_what_is_there_by_our_name_is_not_taken(changes: dict[str, Any], says: str) -> None:
    before = yaml.safe_dump(OTHERS)
    with pytest.raises(KubeconfigError, match=says):
        kubeconfig.merged(OTHERS, Entry(**{**_fields(ENTRY), **changes}))
    assert yaml.safe_dump(OTHERS) == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "is not valid YAML"),
        ("- a", "is not a kubeconfig"),
        ("kind: Pod", "is not a kubeconfig"),
        ("clusters: {a: b}", "clusters must be a list"),
        ("users: [{user: {}}]", "users must be a list of mappings with a name"),
    ],
    ids=["syntax", "list", "kind", "mapping", "nameless"],
)
def test_a_file_that_is_something_else_is_left_alone(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    with pytest.raises(KubeconfigError, match=says):
        kubeconfig.read(file)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "config"
    link.symlink_to(tmp_path / "real" / "config")
    kubeconfig.save(link, kubeconfig.merged({}, ENTRY))
    assert link.is_symlink()
    assert kubeconfig.read(tmp_path / "real" / "config")["kind"] == "Config"


def test_the_file_is_the_one_kubectl_writes(tmp_path: Path) -> None:
    missing, present = tmp_path / "missing", tmp_path / "present"
    present.touch()
    choose = kubeconfig.default_file
    assert choose({}) == Path.home() / ".kube" / "config"
    assert choose({"KUBECONFIG": ""}) == Path.home() / ".kube" / "config"
    assert choose({"KUBECONFIG": f"{missing}:{present}"}) == present
    assert choose({"KUBECONFIG": f"{missing}x::{missing}"}) == missing


def test_secrets_do_not_show() -> None:
    assert "KEY" not in repr(ENTRY)
    assert "pilot_t" not in repr(Entry("c", "x", "u", "s", b"", token="pilot_t"))


def _fields(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
