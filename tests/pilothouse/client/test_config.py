"""The client's configuration: where it is looked for, and what is said when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from pilothouse.client import config
from pilothouse.client.config import ConfigError

TOKEN = 'server = "m:7442"\nca = "ca.crt"\ntoken = "pilot_secret"\n'
GOOD = 'server = "m:7443"\nca = "ca.crt"\ncertificate = "sub/a.crt"\nkey = "/abs/a.key"\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PILOTHOUSE_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    return tmp_path


def written(path: Path, text: str = GOOD) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_files_are_relative_to_the_configuration(home: Path) -> None:
    loaded = config.load(written(home / "client.toml"))
    assert loaded.server == "m:7443"
    assert loaded.ca == home / "ca.crt"
    assert loaded.certificate == home / "sub" / "a.crt"
    assert loaded.key == Path("/abs/a.key")
    assert loaded.namespace == "default"
    team = config.load(written(home / "team.toml", GOOD + 'namespace = "team"\n'))
    assert team.namespace == "team"


def test_a_token_takes_the_place_of_a_certificate(home: Path) -> None:
    loaded = config.load(written(home / "client.toml", TOKEN))
    assert loaded.bearer_token() == "pilot_secret"
    assert "pilot_secret" not in repr(loaded)
    with pytest.raises(ConfigError, match="needs a certificate and a key"):
        loaded.key_pair()


def test_a_token_file_is_read_for_every_call(home: Path) -> None:
    text = TOKEN.replace('token = "pilot_secret"', 'token_file = "token"')
    loaded = config.load(written(home / "client.toml", text))
    with pytest.raises(ConfigError, match="cannot read .*token: No such file"):
        loaded.bearer_token()
    for token in ("pilot_a", "pilot_b"):
        written(home / "token", f"{token}\n")
        assert loaded.bearer_token() == token
    written(home / "token", "two\nlines\n")
    with pytest.raises(ConfigError, match="holds no token"):
        loaded.bearer_token()


def test_a_link_to_a_configuration_finds_its_files(home: Path) -> None:
    written(home / "real" / "client.toml")
    (home / "link.toml").symlink_to(home / "real" / "client.toml")
    assert config.load(home / "link.toml").ca == home / "real" / "ca.crt"


def test_the_variable_comes_before_the_users_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = written(home / "xdg" / "pilothouse" / "config.toml")
    assert config.find() == users
    monkeypatch.setenv("PILOTHOUSE_CONFIG", str(home / "named.toml"))
    assert config.find() == home / "named.toml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("server = ", "is not valid TOML"),
        ("\xff", "is not valid TOML"),
        (GOOD + 'servr = "x"\n', "unknown setting 'servr'; known: "),
        (GOOD.replace('"m:7443"', "7443"), "server must be a non-empty string, not 7443"),
        (GOOD.replace('"ca.crt"', '""'), "ca must be a non-empty string, not ''"),
        ('server = "m:7443"\n', "missing ca, certificate, key"),
        (GOOD + 'token = "t"\n', "certificate, key, token: certificate and key, or token"),
        (TOKEN + 'token_file = "t"\n', "token, token_file: certificate and key, or token"),
        (TOKEN.replace('"pilot_secret"', "5"), "token must be a non-empty string"),
    ],
    ids=["syntax", "bytes", "unknown", "type", "empty", "missing", "both", "tokens", "token"],
)
def test_an_error_names_file_field_and_rule(home: Path, text: str, message: str) -> None:
    file = home / "client.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        config.load(file)
    assert str(file) in str(caught.value)
    assert message in str(caught.value)


def test_files_that_are_not_there_are_named(home: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read .*absent.toml: No such file"):
        config.load(home / "absent.toml")
    loaded = config.load(written(home / "client.toml"))
    with pytest.raises(ConfigError, match="cannot read .*ca.crt: No such file"):
        loaded.key_pair()
