"""A process's settings: one frozen dataclass, parsed once from file, environment and flags.

Later wins: the dataclass's defaults, the TOML file, PREFIX_FIELD in the environment, flags.
Fields may be str, int, float, bool, Path and tuple[str, ...] (a TOML array; in environment
and flags: separated by commas).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")

_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class SettingError(ValueError):
    """A setting that cannot be read; the message names its source, its name and the rule."""


def load(
    settings: type[T],
    *,
    file: Path | None,
    prefix: str,
    environment: Mapping[str, str],
    flags: Mapping[str, object],
) -> T:
    """The settings; flags that are None count as not given. A missing file is an empty one."""
    hints = get_type_hints(settings)
    known = {field.name for field in fields(settings)}  # type: ignore[arg-type]
    values: dict[str, object] = {}
    for name, raw in _from_file(file).items():
        if name not in known:
            raise SettingError(f"{file}: unknown setting {name!r}; known are {sorted(known)}")
        values[name] = _convert(raw, hints[name], f"{file}: {name}")
    for name in known:
        variable = f"{prefix}_{name.upper()}"
        if variable in environment:
            values[name] = _convert(environment[variable], hints[name], f"${variable}")
    for name, raw in flags.items():
        if raw is not None:
            values[name] = _convert(raw, hints[name], f"--{name.replace('_', '-')}")
    return settings(**values)


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{file}: not TOML: {error}") from error


def _convert(raw: object, hint: Any, source: str) -> object:
    try:
        return _parse(raw, hint)
    except (TypeError, ValueError, KeyError) as error:
        wanted = getattr(hint, "__name__", str(hint))
        raise SettingError(f"{source}: {raw!r} is not a {wanted}") from error


def _parse(raw: object, hint: Any) -> object:
    if hint == tuple[str, ...]:
        parts = raw.split(",") if isinstance(raw, str) else raw
        if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
            raise TypeError
        return tuple(part.strip() for part in parts if part.strip())
    if hint is bool:
        return raw if isinstance(raw, bool) else _TRUTH[str(raw).lower()]
    if hint is Path and isinstance(raw, str | Path):
        return Path(raw)
    if hint is str and isinstance(raw, str):
        return raw
    if hint in (int, float) and not isinstance(raw, bool) and isinstance(raw, str | int | float):
        return hint(raw)
    raise TypeError
