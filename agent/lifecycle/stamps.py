"""Times in statuses: whole seconds, as their JSON has them."""

from __future__ import annotations

from protos.scalars_pb2 import Time


def set_time(target: Time, seconds: float) -> None:
    """Set a status time from Unix seconds; 0 means unknown and leaves it unset."""
    if seconds:
        target.seconds = int(seconds)
