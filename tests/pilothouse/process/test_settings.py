"""Settings from file, environment and flags."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from pilothouse.process import settings
from pilothouse.process.settings import SettingError


@dataclass(frozen=True, slots=True)
class Example:
    name: str = "default"
    port: int = 1
    period: float = 1.5
    enabled: bool = False
    directory: Path = Path("/var")
    names: tuple[str, ...] = ()


def load(
    file: Path | None = None,
    environment: dict[str, str] | None = None,
    **flags: object,
) -> Example:
    return settings.load(
        Example, file=file, prefix="EX", environment=environment or {}, flags=flags
    )


def test_later_sources_win(tmp_path: Path) -> None:
    file = tmp_path / "example.toml"
    file.write_text('name = "file"\nport = 2\nperiod = 3\nnames = ["a", "b"]\nenabled = true\n')
    assert load() == Example()
    assert load(tmp_path / "absent.toml") == Example()
    assert load(file) == Example("file", 2, 3.0, True, names=("a", "b"))
    loaded = load(file, {"EX_PORT": "7", "EX_ENABLED": "no", "OTHER": "x"}, name="flag", port=None)
    assert loaded == Example("flag", 7, 3.0, False, names=("a", "b"))


def test_lists_are_separated_by_commas_in_environment_and_flags() -> None:
    assert load(environment={"EX_NAMES": "a, b,,c "}).names == ("a", "b", "c")
    assert load(names="x,y").names == ("x", "y")
    assert load(environment={"EX_DIRECTORY": "/srv"}).directory == Path("/srv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot = 1", "unknown setting 'prot'; known are "),
        ("port = 'x'", "port: 'x' is not a int"),
        ("port = true", "port: True is not a int"),
        ("name = 3", "name: 3 is not a str"),
        ("names = [1]", "names: [1] is not a"),
        ("enabled = 'perhaps'", "enabled: 'perhaps' is not a bool"),
        ("directory = 1", "directory: 1 is not a Path"),
        ("port", "not TOML"),
        ("name = '\xff'", "not TOML"),
    ],
)
def test_a_wrong_file_is_named_with_the_field_and_the_rule(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "example.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingError) as caught:
        load(file)
    assert str(file) in str(caught.value)
    assert message in str(caught.value)


def test_wrong_environment_and_flags_are_named() -> None:
    with pytest.raises(SettingError, match=r"\$EX_PERIOD: 'soon' is not a float"):
        load(environment={"EX_PERIOD": "soon"})
    with pytest.raises(SettingError, match="--port: 'x' is not a int"):
        load(port="x")
