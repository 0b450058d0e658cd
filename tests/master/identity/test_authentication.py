from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from master.identity.authentication import authenticate, bearer_token, peer_user
from master.identity.ca import Authority
from master.identity.user import User, node_user
from pilothouse.objects.errors import BadRequest, Forbidden, Unauthorized
from tests.master.identity.certificates import NOW

ADMIN = User("admin", ("system:masters", "people"))
AUTHORITY = Authority.create("test", NOW)


class Context:
    """A call whose connection has a certificate of this user."""

    def __init__(self, user: User | None, *metadata: tuple[str, str]) -> None:
        self._user = user
        self._metadata = metadata

    def auth_context(self) -> Any:
        if self._user is None:
            return {"transport_security_type": [b"ssl"]}
        credential = AUTHORITY.issue_client(self._user, timedelta(hours=1), NOW)
        return {"x509_pem_cert": [credential.certificate]}

    def invocation_metadata(self) -> Any:
        return self._metadata


def now() -> float:
    return NOW.timestamp() + 60


def test_user_is_common_name_and_organizations() -> None:
    assert authenticate(Context(ADMIN), now) == ADMIN


def test_no_certificate_is_nobody() -> None:
    with pytest.raises(Unauthorized, match="no client certificate"):
        authenticate(Context(None), now)


def test_certificate_ends_on_an_open_connection_too() -> None:
    with pytest.raises(Unauthorized, match="expired"):
        authenticate(Context(ADMIN), lambda: NOW.timestamp() + 3601)


def test_administrator_acts_as_another_user() -> None:
    context = Context(
        ADMIN, ("impersonate-user", "anna"), ("impersonate-group", "a"), ("impersonate-group", "b")
    )
    assert authenticate(context, now) == User("anna", ("a", "b"))
    assert peer_user(context, now) == ADMIN


def test_an_administrator_says_all_of_whom_it_acts_as() -> None:
    context = Context(
        ADMIN,
        ("impersonate-user", "anna"),
        ("impersonate-uid", "7"),
        ("impersonate-extra-example.org%2fteam", "a"),
        ("impersonate-extra-example.org%2fteam", "b"),
    )
    assert authenticate(context, now) == User("anna", (), "7", (("example.org/team", ("a", "b")),))


@pytest.mark.parametrize(
    ("user", "metadata"),
    [
        pytest.param(node_user("n1"), (("impersonate-user", "admin"),), id="a node"),
        pytest.param(User("anna"), (("impersonate-group", "system:masters"),), id="a person"),
        pytest.param(User("anna"), (("impersonate-uid", "7"),), id="a uid"),
        pytest.param(User("anna"), (("impersonate-extra-a", "b"),), id="extra"),
    ],
)
def test_undue_impersonation_is_refused(user: User, metadata: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(Forbidden, match="cannot impersonate"):
        authenticate(Context(user, *metadata), now)


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param((("impersonate-group", "a"),), id="groups without a user"),
        pytest.param((("impersonate-user", ""),), id="nobody"),
        pytest.param((("impersonate-user", "a"), ("impersonate-user", "b")), id="two users"),
        pytest.param(
            (("impersonate-user", "a"), ("impersonate-uid", "1"), ("impersonate-uid", "2")),
            id="two uids",
        ),
    ],
)
def test_impersonation_of_no_single_user_is_a_fault(metadata: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(BadRequest, match="impersonation"):
        authenticate(Context(ADMIN, *metadata), now)


@pytest.mark.parametrize(
    ("value", "token"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("BEARER a.b", "a.b")],
)
def test_a_bearer_token_is_what_stands_behind_the_scheme(value: str, token: str) -> None:
    assert bearer_token(value) == token


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearerabc"])
def test_any_other_authorization_is_refused(value: str) -> None:
    with pytest.raises(Unauthorized):
        bearer_token(value)
