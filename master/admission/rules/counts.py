"""Rules of counts: plain numbers, shares of a number of pods, and what statuses report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from master.admission.faults import Path, invalid
from master.admission.grammar import percent
from master.admission.rules.metadata import NOT_NEGATIVE
from pilothouse.objects.errors import Cause
from protos.scalars_pb2 import IntOrString

_NUMBER, _STRING = 0, 1
_DIGITS: Final = 9  # of a percentage that are looked at: more cannot be meant


def check_not_negative(number: int, at: Path, found: list[Cause]) -> None:
    """A count of something."""
    if number < 0:
        found.append(invalid(at, number, NOT_NEGATIVE))


def check_counts(message: Any, names: Iterable[str], at: Path, found: list[Cause]) -> None:
    """Counts in the message's fields of these names, unset ones included. Any: what has them."""
    fields = message.DESCRIPTOR.fields_by_name
    for name in names:
        check_not_negative(getattr(message, name), (*at, fields[name].json_name), found)


def check_parts(status: Any, names: Iterable[str], at: Path, found: list[Cause]) -> None:
    """Counts of some of the replicas: not negative, and not more than there are."""
    fields = status.DESCRIPTOR.fields_by_name
    check_counts(status, names, at, found)
    for name in names:
        number = getattr(status, name)
        if number > status.replicas:
            here = (*at, fields[name].json_name)
            found.append(invalid(here, number, "cannot be greater than status.replicas"))


def check_available(status: Any, ready: str, at: Path, found: list[Cause]) -> None:
    """What is available is ready; `ready`: how the message names that count."""
    if status.available_replicas > status.ready_replicas:
        why = f"cannot be greater than {ready}"
        found.append(invalid((*at, "availableReplicas"), status.available_replicas, why))


def check_collisions(new: Any, old: Any, at: Path, found: list[Cause]) -> None:
    """The count of hash collisions only grows: names were made from it."""
    here = (*at, "collisionCount")
    check_not_negative(new.collision_count, here, found)
    if old.HasField("collision_count") and (
        not new.HasField("collision_count") or new.collision_count < old.collision_count
    ):
        found.append(invalid(here, new.collision_count, "cannot be decremented"))


def check_share(share: IntOrString, at: Path, found: list[Cause]) -> None:
    """A number of pods or a percentage of them."""
    if share.type == _NUMBER:
        check_not_negative(share.int_val, at, found)
    elif share.type == _STRING:
        if (why := percent(share.str_val)) is not None:
            found.append(invalid(at, share.str_val, why))
    else:
        found.append(invalid(at, share.type, "must be an integer or percentage (e.g '5%%')"))


def check_part(share: IntOrString, at: Path, found: list[Cause]) -> None:
    """A percentage is one of a whole."""
    if share.type == _STRING and share_of(share) > 100:
        found.append(invalid(at, share.str_val, "must not be greater than 100%"))


def share_of(share: IntOrString) -> int:
    """The number or the percentage; -1 where it is neither."""
    if share.type == _NUMBER:
        return share.int_val
    digits = share.str_val.removesuffix("%")
    return int(digits[-_DIGITS:]) if digits.isdecimal() else -1


def shown_share(share: IntOrString) -> str | int:
    """The share as it is written."""
    return share.int_val if share.type == _NUMBER else share.str_val
