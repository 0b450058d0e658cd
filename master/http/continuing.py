"""Continue tokens as the HTTPS face gives them out: those of the registry, with an age.

A list in pages shows one revision, and clients that page through it for longer than a few minutes
must be ready for an end, as in Kubernetes: the answer then is Expired, with a token that goes on at
the same place in the present. The age is that of the first page.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from master.api.paging import brought_up
from pilothouse.objects.errors import BadRequest, Expired

SECONDS: Final = 300  # that a list may take: Kubernetes' etcd is compacted every five minutes
_AGE: Final = 8  # hexadecimal digits
EXPIRED: Final = (
    "The provided continue parameter is too old to display a consistent list result. You can start"
    " a new list without the continue parameter, or use the continue token in this response to"
    " retrieve the remainder of the results. Continuing with the provided token results in an"
    " inconsistent list - objects that were created, modified, or deleted between the time the"
    " first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is the registry's, "" for a first page; `since` the time of that, in Unix seconds."""

    text: str
    since: int

    @staticmethod
    def parse(given: str, now: int) -> Token:
        """The token of a request, which may have none; BadRequest."""
        if not given:
            return Token("", now)
        try:
            since = int(given[:_AGE], 16)
        except ValueError as error:
            raise BadRequest("continue: not a continue token of this server") from error
        return Token(given[_AGE:], since)

    def __str__(self) -> str:
        return f"{self.since:0{_AGE}x}{self.text}"

    def next(self, text: str) -> Token:
        """That of the next page."""
        return replace(self, text=text)

    def require_young(self, now: int) -> None:
        """Expired for a list that has gone on for too long."""
        if now - self.since > SECONDS:
            raise self.expired(now)

    def expired(self, now: int) -> Expired:
        """The refusal, with a token that goes on with what is there now."""
        return Expired(EXPIRED, continue_token=str(Token(brought_up(self.text), now)))
