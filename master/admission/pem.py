"""Reads PEM: blocks between "-----BEGIN X-----" and "-----END X-----"; text around them is free.

A block that is not well-formed is text, too, as Go's decoder has it.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_BLOCK: Final = re.compile(
    rb"^-----BEGIN ([^\n]*?)-----[ \t\r]*\n(.*?)^-----END \1-----[ \t\r]*$",
    re.DOTALL | re.MULTILINE,
)
_HEADERS: Final = re.compile(rb"\A(?:[^\n:]+:[^\n]*\n)+\s*")


@dataclass(frozen=True, slots=True)
class Block:
    """One block, decoded."""

    type: str
    content: bytes
    has_headers: bool = False


def blocks_of(text: bytes) -> Iterator[Block]:
    """The blocks in their order."""
    for match in _BLOCK.finditer(text):
        body = match.group(2)
        headers = _HEADERS.match(body)
        if headers is not None:
            body = body[headers.end() :]
        try:
            content = b64decode(b"".join(body.split()), validate=True)
        except (binascii.Error, ValueError):
            continue
        yield Block(match.group(1).decode("utf-8", "replace"), content, headers is not None)
