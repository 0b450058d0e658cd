"""Answers about pod specs, kept for the specs that were asked about lately.

The pods of one replica set differ in their metadata alone. What follows from a spec (its
completion, its faults, its class) is worked out for the first and looked up for the others, by
the spec's bytes. Two encodings of one spec merely cost a second entry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from protos.core_v1_pb2 import PodSpec

T = TypeVar("T")

MAX_SPECS: Final = 512
MAX_BYTES: Final = 8192  # of a spec; larger ones are rare and are worked out each time


def remembered(answer: Callable[[PodSpec], T]) -> Callable[[PodSpec], T]:
    """The same function of a spec, with a bounded memory that is emptied when it is full.

    It neither changes the spec nor keeps a part of it. Callers share the answers and never
    change them.
    """
    known: dict[bytes, T] = {}

    def ask(spec: PodSpec) -> T:
        written = spec.SerializeToString()
        try:
            return known[written]
        except KeyError:
            found = answer(spec)
        if len(written) <= MAX_BYTES:
            if len(known) >= MAX_SPECS:
                known.clear()
            known[written] = found
        return found

    return ask
