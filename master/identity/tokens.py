"""Join tokens: what lets a machine ask for its first certificate.

A token is ID.SECRET. The store has, under /-/tokens/ID, only a hash of the secret, with the end
of its life and a description; so the secret is shown once and never again. Revoking deletes
the record, and so does the first look at one that has expired.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from master.store.contract import Compare, Delete, Entry, Key, Put, Revision, Store
from pilothouse.objects.errors import BadRequest, NotFound, Unauthorized
from pilothouse.process.clock import Clock

PREFIX = "/-/tokens/"
DEFAULT_TTL = 24 * 3600
MAX_TTL = 30 * 24 * 3600
MAX_DESCRIPTION = 256
MAX_TOKENS = 1_000

_TOKEN = re.compile(r"([a-z0-9]{10})\.([A-Za-z0-9_-]{32,64})")
_ID = re.compile(r"[a-z0-9]{10}")
_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A token as it is stored. expires_at: Unix seconds; secret_hash: hex SHA-256."""

    id: str
    secret_hash: str
    expires_at: int
    description: str

    @property
    def key(self) -> Key:
        """Where it is stored."""
        return Key(PREFIX + self.id)

    def encode(self) -> bytes:
        """The stored value."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, entry: Entry) -> TokenRecord:
        """From the stored value."""
        return cls(**json.loads(entry.value))


class Tokens:
    """The tokens in the store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def create(self, ttl_seconds: int, description: str) -> tuple[TokenRecord, str]:
        """A new token: its record, and ID.SECRET. ttl 0: the default.

        Raises BadRequest naming field, value and rule.
        """
        if not 0 <= ttl_seconds <= MAX_TTL:
            raise BadRequest(
                f"ttl_seconds: Invalid value: {ttl_seconds}: must be 0 (24 h) to {MAX_TTL}"
            )
        if len(description) > MAX_DESCRIPTION:
            raise BadRequest(f"description: Too long: must be at most {MAX_DESCRIPTION} characters")
        if len(await self.list()) >= MAX_TOKENS:
            raise BadRequest(f"there are {MAX_TOKENS} tokens already: revoke some")
        id_, secret = new_id(), new_secret()
        end = int(self._clock.now()) + (ttl_seconds or DEFAULT_TTL)
        record = TokenRecord(id_, hashed(secret), end, description)
        await self._store.txn(
            (Compare(record.key, Revision(0)),), (Put(record.key, record.encode()),)
        )
        return record, f"{id_}.{secret}"

    async def list(self) -> Sequence[TokenRecord]:
        """The tokens that can still be used; expired ones are removed."""
        listing = await self._store.list(PREFIX)
        records = [TokenRecord.decode(entry) for entry in listing.entries]
        now = self._clock.now()
        expired = [Delete(record.key) for record in records if record.expires_at <= now]
        if expired:
            await self._store.txn((), expired)
        return [record for record in records if record.expires_at > now]

    async def revoke(self, id_: str) -> None:
        """Nobody can join with it any more; NotFound when there is none of that id."""
        key = Key(PREFIX + id_)
        if not _ID.fullmatch(id_) or await self._store.get(key) is None:
            raise NotFound(f'token "{id_}" not found', resource="tokens", name=id_)
        await self._store.txn((), (Delete(key),))

    async def check(self, token: str) -> TokenRecord:
        """The record of a valid token; Unauthorized, with the reason, for any other."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise Unauthorized("not of the form ID.SECRET")
        entry = await self._store.get(Key(PREFIX + match[1]))
        if entry is None:
            raise Unauthorized(f"no token {match[1]}: never made, revoked or expired")
        record = TokenRecord.decode(entry)
        if not hmac.compare_digest(record.secret_hash, hashed(match[2])):
            raise Unauthorized(f"wrong secret for token {record.id}")
        if record.expires_at <= self._clock.now():
            raise Unauthorized(f"token {record.id} has expired")
        return record


def new_id() -> str:
    """What a token is known by: ten letters and digits, no secret."""
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(10))


def new_secret() -> str:
    """256 random bits in 43 characters that are good in URLs and headers."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> str:
    """What is stored of a secret."""
    # The secret has 256 random bits: a slow hash would add nothing.
    return hashlib.sha256(secret.encode()).hexdigest()
