"""Access tokens: how people and scripts that have no certificate prove who they are.

A token is pilot_ID.SECRET. The store has, under /-/access-tokens/ID, a hash of the secret with
the user and groups that it proves, its end, and who made it; so the secret is shown once and
never again. Checking reads no store: an index in memory follows it, and has a change before the
call that made it is answered. So what is revoked is refused from then on.

Tokens are for people and scripts only. No name may begin with "system:", so none claims to be a
node, a netproxy, a component of the control plane or a service account; membership of
system:masters must be asked for by a flag of its own.

Not promised: that what is open when a token ends (a watch, a shell) ends with it.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from master.identity.tokens import hashed, new_id, new_secret
from master.identity.user import ADMINISTRATORS, CREDENTIAL_ID, User
from master.store.contract import Commit, Compare, Delete, Entry, Key, Put, Revision, Store
from pilothouse.objects.errors import BadRequest, NotFound, Unauthorized
from pilothouse.process.clock import Clock

PREFIX = "/-/access-tokens/"
DEFAULT_TTL = 30 * 24 * 3600
MAX_TTL = 366 * 24 * 3600
MAX_DESCRIPTION = 256
MAX_NAME = 253
MAX_GROUPS = 32
MAX_TOKENS = 10_000
REFUSED = "the bearer token is not valid: it was never made, was revoked or has expired"

_TOKEN = re.compile(r"pilot_([a-z0-9]{10})\.([A-Za-z0-9_-]{43})")
_LONGEST = 64  # characters, so that nothing longer is ever looked at
_SYSTEM = "system:"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a new token is to prove. ttl_seconds 0: the default."""

    user: str
    groups: tuple[str, ...] = ()
    administrator: bool = False
    ttl_seconds: int = 0
    description: str = ""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token as it is stored. Times: Unix seconds; secret_hash: hex SHA-256."""

    id: str
    secret_hash: str
    user: str
    groups: tuple[str, ...]
    expires_at: int
    created_at: int
    created_by: str
    description: str

    @property
    def key(self) -> Key:
        """Where it is stored."""
        return Key(PREFIX + self.id)

    def encode(self) -> bytes:
        """The stored value."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, entry: Entry) -> AccessToken:
        """From the stored value."""
        document = json.loads(entry.value)
        return cls(**{**document, "groups": tuple(document["groups"])})

    def proves(self) -> User:
        """Whom its bearer is."""
        return User(self.user, self.groups, extra=((CREDENTIAL_ID, (f"access-token={self.id}",)),))


class AccessTokens:
    """The tokens in the store. Until open() none is valid."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, tuple[AccessToken, User]] = {}
        self._early: list[Commit] | None = []  # those that came before the listing; then None

    async def open(self) -> None:
        """Learn what there is, and follow the store from there."""
        self._store.observe(PREFIX, self._observe)
        listing = await self._store.list(PREFIX)
        for entry in listing.entries:
            self._learn(AccessToken.decode(entry))
        early, self._early = self._early or (), None
        self._observe([commit for commit in early if commit.revision > listing.revision])

    async def create(self, wanted: Wanted, by: str) -> tuple[AccessToken, str]:
        """A new token: its record and the token itself.

        Raises BadRequest naming field, value and rule.
        """
        check_wanted(wanted)
        await self._sweep()
        if len(self._known) >= MAX_TOKENS:
            raise BadRequest(f"there are {MAX_TOKENS} access tokens already: revoke some")
        secret, now = new_secret(), int(self._clock.now())
        groups = dict.fromkeys([*wanted.groups, *([ADMINISTRATORS] * wanted.administrator)])
        record = AccessToken(
            id=new_id(),
            secret_hash=hashed(secret),
            user=wanted.user,
            groups=tuple(groups),
            expires_at=now + (wanted.ttl_seconds or DEFAULT_TTL),
            created_at=now,
            created_by=by,
            description=wanted.description,
        )
        absent = Compare(record.key, Revision(0))
        await self._store.txn((absent,), (Put(record.key, record.encode()),))
        return record, f"pilot_{record.id}.{secret}"

    async def list(self) -> Sequence[AccessToken]:
        """The tokens that can be used, by user; what has expired is removed."""
        await self._sweep()
        records = [record for record, _ in self._known.values()]
        return sorted(records, key=lambda record: (record.user, record.created_at, record.id))

    async def revoke(self, id_: str) -> None:
        """It proves nothing from now on; NotFound when there is none of that ID."""
        if id_ not in self._known:
            raise NotFound(f'access token "{id_}" not found', resource="accesstokens", name=id_)
        await self._store.txn((), (Delete(Key(PREFIX + id_)),))

    def check(self, token: str) -> User:
        """Whom the token proves; Unauthorized, without a reason, for any that is not good."""
        match = _TOKEN.fullmatch(token) if len(token) <= _LONGEST else None
        found = self._known.get(match[1]) if match else None
        if match is None or found is None:
            raise Unauthorized(REFUSED)
        record, user = found
        good = hmac.compare_digest(record.secret_hash, hashed(match[2]))
        if not good or record.expires_at <= self._clock.now():
            raise Unauthorized(REFUSED)
        return user

    async def _sweep(self) -> None:
        now = self._clock.now()
        expired = [r for r, _ in self._known.values() if r.expires_at <= now]
        if expired:
            await self._store.txn((), [Delete(record.key) for record in expired])

    def _observe(self, commits: Sequence[Commit]) -> None:
        if self._early is not None:
            self._early.extend(commits)
            return
        for commit in commits:
            for change in commit.changes:
                if change.entry is None:
                    self._known.pop(change.key.removeprefix(PREFIX), None)
                else:
                    self._learn(AccessToken.decode(change.entry))

    def _learn(self, record: AccessToken) -> None:
        self._known[record.id] = (record, record.proves())


def check_wanted(wanted: Wanted) -> None:
    """BadRequest names the field, the value and the rule that it breaks."""
    _check_name("user", wanted.user)
    if len(wanted.groups) > MAX_GROUPS:
        raise BadRequest(f"groups: Too many: {len(wanted.groups)}: at most {MAX_GROUPS}")
    for index, group in enumerate(wanted.groups):
        _check_name(f"groups[{index}]", group)
    if not 0 <= wanted.ttl_seconds <= MAX_TTL:
        rule = f"must be 0 (30 days) to {MAX_TTL} (366 days)"
        raise BadRequest(f"ttl_seconds: Invalid value: {wanted.ttl_seconds}: {rule}")
    if len(wanted.description) > MAX_DESCRIPTION:
        raise BadRequest(f"description: Too long: must be at most {MAX_DESCRIPTION} characters")


def _check_name(field: str, name: str) -> None:
    reason = _fault(name)
    if reason:
        raise BadRequest(f"{field}: Invalid value: {name[:MAX_NAME]!r}: {reason}")


def _fault(name: str) -> str:
    if name == ADMINISTRATORS:
        return "ask for an administrator's token explicitly (administrator)"
    if name.startswith(_SYSTEM):
        return f'must not begin with "{_SYSTEM}": those are nodes and parts of the cluster'
    if not name or len(name) > MAX_NAME:
        return f"must have 1 to {MAX_NAME} characters"
    if not name.isprintable() or name != name.strip():
        return "must be printable, without spaces around it"
    return ""
