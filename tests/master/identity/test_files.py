from __future__ import annotations

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from master.identity.ca import ADMIN_LIFETIME, SERVER_LIFETIME, alternative_names
from master.identity.files import IdentityError, IdentityFiles, write_client_config
from pilothouse.client import config as client_config
from tests.master.identity.certificates import NOW


def test_init_again_changes_nothing(tmp_path: Path) -> None:
    files = IdentityFiles(tmp_path / "data")
    files.init(["localhost"], NOW)
    before = {path.name: path.read_bytes() for path in (tmp_path / "data").iterdir()}
    files.init(["localhost"], NOW)
    assert {path.name: path.read_bytes() for path in (tmp_path / "data").iterdir()} == before


def test_new_name_makes_a_new_server_certificate_under_the_same_ca(tmp_path: Path) -> None:
    files = IdentityFiles(tmp_path)
    pin = files.init(["localhost"], NOW).pin
    assert files.init(["10.0.0.1"], NOW).pin == pin
    assert alternative_names(files.server().certificate) == {"localhost", "10.0.0.1"}


def test_server_certificate_near_its_end_is_renewed(tmp_path: Path) -> None:
    files = IdentityFiles(tmp_path)
    files.init(["localhost"], NOW)
    first = files.server()
    files.init(["localhost"], NOW + SERVER_LIFETIME / 2)
    assert files.server() == first
    files.init(["localhost"], NOW + SERVER_LIFETIME * 0.8)
    assert files.server() != first


def test_every_file_is_private(tmp_path: Path) -> None:
    authority = IdentityFiles(tmp_path / "data").init(["localhost"], NOW)
    write_client_config(tmp_path / "client" / "c.toml", "127.0.0.1:7443", authority, NOW)
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for folder in ("data", "client")
        for path in (tmp_path / folder).iterdir()
    }
    assert set(modes) >= {"ca.key", "server.key", "admin.key", "c.toml"}
    assert set(modes.values()) == {0o600}


def test_missing_identity_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(IdentityError, match="pilot-master init"):
        IdentityFiles(tmp_path).authority()


def test_client_config_is_readable_and_never_overwritten(tmp_path: Path) -> None:
    authority = IdentityFiles(tmp_path / "data").init(["localhost"], NOW)
    path = tmp_path / "client.toml"
    assert write_client_config(path, "127.0.0.1:7443", authority, NOW)
    assert client_config.load(path).key_pair().ca == authority.pem
    content = path.read_bytes()
    assert not write_client_config(path, "elsewhere:1", authority, NOW + timedelta(days=1))
    assert path.read_bytes() == content
    other = IdentityFiles(tmp_path / "other").init(["localhost"], NOW)
    with pytest.raises(IdentityError, match="another cluster"):
        write_client_config(path, "127.0.0.1:7443", other, NOW)


def test_administrators_credential_near_its_end_is_renewed(tmp_path: Path) -> None:
    authority = IdentityFiles(tmp_path / "data").init(["localhost"], NOW)
    path = tmp_path / "client.toml"
    write_client_config(path, "127.0.0.1:7443", authority, NOW)
    first = client_config.load(path).key_pair()
    assert not write_client_config(path, "127.0.0.1:7443", authority, NOW + ADMIN_LIFETIME / 2)
    assert client_config.load(path).key_pair() == first
    assert write_client_config(path, "127.0.0.1:7443", authority, NOW + ADMIN_LIFETIME * 0.8)
    renewed = client_config.load(path).key_pair()
    assert renewed.certificate != first.certificate
    assert renewed.ca == first.ca


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_files_that_root_makes_belong_to_the_directorys_owner(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, 4711, 4712)
    IdentityFiles(data).init(["localhost"], NOW)
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in data.iterdir()}
    assert owners == {(4711, 4712)}
