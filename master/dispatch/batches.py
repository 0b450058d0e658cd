"""What waits for a session as few messages of its stream.

A message costs the same however little it says, and a status acknowledged while a pod is assigned
need not be one of its own. Agents that read `more` get what waits in one message. What is large
goes alone: peers are one piece of memory for all sessions, and are to stay so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from master.api.encoding import batched, tag
from master.dispatch.sessions import Outgoing
from protos.dispatch_pb2 import MasterMessage

JOINT_BYTES: Final = 16 * 1024
_MORE_TAG: Final = tag(MasterMessage.DESCRIPTOR, "more")


def serialized(message: Outgoing) -> bytes:
    """The message's bytes."""
    return message if isinstance(message, bytes) else message.SerializeToString()


def joined(messages: Iterable[Outgoing]) -> Iterator[bytes]:
    """The messages as fewer, in the same order."""
    return batched(map(serialized, messages), _MORE_TAG, JOINT_BYTES)
