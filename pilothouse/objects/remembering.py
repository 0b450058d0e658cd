"""Answers about pod specs, kept for the specs that were asked about lately.

The pods of one replica set differ in their metadata alone. What follows from a spec (its
completion, its faults, its class, its JSON) is worked out for the first and looked up for the
others, by the spec's bytes. Two encodings of one spec merely cost a second entry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from protos.core_v1_pb2 import PodSpec

T = TypeVar("T")

MAX_SPECS: Final = 512
MAX_BYTES: Final = 8192  # of a spec; larger ones are rare and are worked out each time


class Memory(Generic[T]):
    """Answers by the bytes that they follow from; emptied when it is full."""

    def __init__(self) -> None:
        self._known: dict[bytes, T] = {}

    def __getitem__(self, written: bytes) -> T:
        """KeyError for what is not known."""
        return self._known[written]

    def keep(self, written: bytes, answer: T) -> None:
        """Know it from now on, unless it is too large."""
        if len(written) <= MAX_BYTES:
            if len(self._known) >= MAX_SPECS:
                self._known.clear()
            self._known[written] = answer


def remembered(answer: Callable[[PodSpec], T]) -> Callable[[PodSpec], T]:
    """The same function of a spec, with a memory.

    It neither changes the spec nor keeps a part of it. Callers share the answers and never
    change them.
    """
    memory: Memory[T] = Memory()

    def ask(spec: PodSpec) -> T:
        written = spec.SerializeToString()
        try:
            return memory[written]
        except KeyError:
            found = answer(spec)
        memory.keep(written, found)
        return found

    return ask
