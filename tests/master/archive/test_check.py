"""A sound directory passes; each way of being unsound is found and named."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from master.api.allocator import Ranges
from master.archive.check import Report, check
from master.identity.ca import SERVER_LIFETIME, Authority, utc_now
from master.store.sqlite import open_store


def checked(data: Path, ranges: Ranges | None = None) -> Report:
    return check(data, ranges or Ranges(), utc_now())


def said(report: Report) -> str:
    return "\n".join(map(str, report.faults))


def edit(data: Path, statement: str) -> None:
    with closing(sqlite3.connect(data / "store" / "store.db")) as connection, connection:
        connection.execute(statement)


def test_what_a_master_wrote_is_sound(data: Path) -> None:
    report = checked(data)
    assert report.sound, said(report)
    assert report.objects >= 3
    assert report.rows > report.objects


async def test_sound_while_a_master_has_it_open(data: Path) -> None:
    store = await open_store(data / "store")
    before = store.revision
    assert checked(data).revision == before
    await store.close()


async def test_compacted_history_is_sound(data: Path) -> None:
    store = await open_store(data / "store")
    await store.compact(store.revision)
    await store.close()
    report = checked(data)
    assert report.sound, said(report)


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        pytest.param(
            "UPDATE log SET value = x'ff' WHERE key = '/configmaps/default/settings'"
            " AND version = 2",
            "does not decode as ConfigMap",
            id="newest object",
        ),
        pytest.param(
            "UPDATE log SET value = x'ff' WHERE key = '/configmaps/default/settings'"
            " AND version = 1",
            "does not decode as ConfigMap",
            id="object of the past",
        ),
        pytest.param(
            "UPDATE log SET key = '/configmaps/default/other' WHERE key LIKE '%/settings'",
            "holds the object of /configmaps/default/settings",
            id="object under another name",
        ),
        pytest.param(
            "UPDATE log SET key = '/gadgets/x/y' WHERE key LIKE '%/settings'",
            "knows no 'gadgets'",
            id="kind of a newer program",
        ),
        pytest.param(
            "DELETE FROM log WHERE key LIKE '/-/allocations/addresses/%' AND value IS NOT NULL",
            "held for nobody",
            id="address not held",
        ),
        pytest.param(
            "DELETE FROM log WHERE key = '/services/default/web'",
            "which does not use it",
            id="address held for nothing",
        ),
        pytest.param(
            "UPDATE log SET value = CAST('/nodes/n2' AS BLOB)"
            " WHERE key LIKE '/-/allocations/subnets/%'",
            "is used by /nodes/n1 and held for /nodes/n2",
            id="network held for another",
        ),
        pytest.param(
            "UPDATE log SET since = since + 1000 WHERE key LIKE '%/settings' AND version = 1",
            "later than it was written",
            id="state since the future",
        ),
        pytest.param(
            "UPDATE log SET version = 1 WHERE key LIKE '%/settings'",
            "version 1 after 1",
            id="writes not counted",
        ),
        pytest.param(
            "UPDATE log SET create_revision = since WHERE key LIKE '%/settings'",
            "before that at",
            id="created twice",
        ),
        pytest.param(
            "UPDATE log SET value = NULL WHERE key LIKE '%/settings' AND version = 2",
            "has no value and is no deletion",
            id="value lost",
        ),
        pytest.param("UPDATE meta SET value = 9 WHERE name = 'swept'", "swept 9", id="marks"),
        pytest.param("PRAGMA user_version = 99", "schema version 99", id="schema"),
        pytest.param(
            "UPDATE log SET value = 'x' WHERE key LIKE '/-/tokens/%'", "is no token", id="token"
        ),
        pytest.param(
            "UPDATE log SET value = '{}' WHERE key LIKE '/-/access-tokens/%'",
            "is no token",
            id="access token",
        ),
    ],
)
def test_damage_is_named(data: Path, statement: str, says: str) -> None:
    edit(data, statement)
    assert says in said(checked(data))


def test_damaged_file_is_found(data: Path) -> None:
    database = data / "store" / "store.db"
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(4096))
    assert "store.db" in said(checked(data))


def test_other_ranges_than_the_clusters_are_found(data: Path) -> None:
    report = checked(data, Ranges(services="10.0.0.0/16"))
    assert "have service_cidr" in said(report)


def test_no_state_is_not_sound(tmp_path: Path) -> None:
    assert "does not exist" in said(checked(tmp_path))
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("name", ["ca.crt", "ca.key"])
def test_missing_ca_is_found(data: Path, name: str) -> None:
    (data / name).unlink()
    assert f"{name}: is missing" in said(checked(data))


def test_key_of_another_ca_is_found(data: Path) -> None:
    other = Authority.create("other", utc_now()).credential
    (data / "ca.key").write_bytes(other.key)
    assert "does not belong to the CA certificate" in said(checked(data))


def test_server_certificate_of_another_ca_is_found(data: Path) -> None:
    other = Authority.create("other", utc_now())
    server = other.issue_server(["localhost"], SERVER_LIFETIME, utc_now())
    (data / "server.crt").write_bytes(server.certificate)
    found = said(checked(data))
    assert "server.crt: is not signed by the CA" in found
    assert "server.key: does not belong to server.crt" in found


def test_certificates_end(data: Path) -> None:
    later = check(data, Ranges(), utc_now() + timedelta(days=4000))
    assert "ca.crt: has ended at" in said(later)
    assert "server.crt: has ended at" in said(later)
    earlier = check(data, Ranges(), utc_now() - timedelta(days=1))
    assert "is the clock right?" in said(earlier)
