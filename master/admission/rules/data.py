"""Rules of config maps and secrets. No message shows what a secret holds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from master.admission.faults import Key, Path, forbidden, invalid, required, too_long
from master.admission.grammar import config_key
from master.admission.rules.metadata import IMMUTABLE
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import ConfigMap, Secret

MAX_SIZE: Final = 1024 * 1024  # bytes of all values
_FROZEN: Final = "field is immutable when `immutable` is set"
_REDACTED: Final = "<secret contents redacted>"
_ACCOUNT: Final = "kubernetes.io/service-account.name"
_ACCOUNT_TYPE: Final = "kubernetes.io/service-account-token"
_REQUIRED_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
_JSON_KEYS: Final = {
    "kubernetes.io/dockercfg": ".dockercfg",
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
}


def check_config_map(config_map: ConfigMap, found: list[Cause]) -> None:
    """Keys are file names, no key is in both maps, all values together have a limit."""
    size = 0
    for key, text in config_map.data.items():
        _check_key(key, "data", found)
        if key in config_map.binary_data:
            why = "duplicate of key present in binaryData"
            found.append(invalid(("data", Key(key)), key, why))
        size += len(text) if text.isascii() else len(text.encode())
    for key, content in config_map.binary_data.items():
        _check_key(key, "binaryData", found)
        size += len(content)
    if size > MAX_SIZE:
        found.append(too_long(("data",), MAX_SIZE))


def _check_key(key: str, field: str, found: list[Cause]) -> None:
    if (why := config_key(key)) is not None:
        found.append(invalid((field, Key(key)), key, why))


def check_config_map_update(new: ConfigMap, old: ConfigMap, found: list[Cause]) -> None:
    """One that is immutable stays as it is, and immutable."""
    if old.immutable:
        _check_frozen(
            (
                ("immutable", new.immutable),
                ("data", new.data == old.data),
                ("binaryData", new.binary_data == old.binary_data),
            ),
            found,
        )
    check_config_map(new, found)


def _check_frozen(same: Iterable[tuple[str, bool]], found: list[Cause]) -> None:
    for field, unchanged in same:
        if not unchanged:
            found.append(forbidden((field,), _FROZEN))


def check_secret(secret: Secret, found: list[Cause]) -> None:
    """As for config maps, and what the type promises to hold."""
    size = 0
    for key, content in secret.data.items():
        _check_key(key, "data", found)
        size += len(content)
    if size > MAX_SIZE:
        found.append(too_long(("data",), MAX_SIZE))
    _check_type(secret, found)


def _check_type(secret: Secret, found: list[Cause]) -> None:
    kind, data = secret.type, secret.data
    needed = _REQUIRED_KEYS.get(kind, ())
    found.extend(required(("data", Key(key))) for key in needed if key not in data)
    if kind in _JSON_KEYS:
        key = _JSON_KEYS[kind]
        at: Path = ("data", Key(key))
        if key not in data:
            found.append(required(at))
        elif not _is_json_object(data[key]):
            found.append(invalid(at, _REDACTED, "must be a JSON object"))
    elif kind == "kubernetes.io/basic-auth":
        if "username" not in data and "password" not in data:
            found.append(required(("data", Key("username"))))
            found.append(required(("data", Key("password"))))
    elif kind == "kubernetes.io/ssh-auth":
        if not data.get("ssh-privatekey"):
            found.append(required(("data", Key("ssh-privatekey"))))
    elif kind == _ACCOUNT_TYPE and not secret.metadata.annotations.get(_ACCOUNT):
        found.append(required(("metadata", "annotations", Key(_ACCOUNT))))


def _is_json_object(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), dict)
    except (ValueError, RecursionError):
        return False


def check_secret_update(new: Secret, old: Secret, found: list[Cause]) -> None:
    """The type stays; one that is immutable stays as it is."""
    if new.type != old.type:
        found.append(invalid(("type",), new.type, IMMUTABLE))
    if old.immutable:
        same = (("immutable", new.immutable), ("data", new.data == old.data))
        _check_frozen(same, found)
    check_secret(new, found)
