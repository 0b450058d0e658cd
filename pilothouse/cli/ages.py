"""Ages, by this machine's clock."""

from __future__ import annotations

import time

from pilothouse.printing import ages
from protos.scalars_pb2 import Time


def age(moment: Time) -> str:
    """How long ago; <unknown> for an unset time."""
    return ages.age(moment, time.time())
