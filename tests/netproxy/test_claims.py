"""Who has a frontend that several services want."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from netproxy.claims import Claims
from netproxy.table import Backends, Frontend, ServiceName

A, B, C = ("default", "a"), ("default", "b"), ("other", "a")
SHARED = Frontend("198.51.100.1", "tcp", 80)
OWN = Frontend("10.96.0.2", "tcp", 80)
ANY = Backends(())


def test_the_first_by_name_has_it_until_it_leaves() -> None:
    claims = Claims()
    assert claims.set(B, {SHARED: ANY, OWN: ANY}, {"10.96.0.2"}) == set()
    assert claims.owned(B).keys() == {SHARED, OWN}
    assert claims.set(A, {SHARED: ANY}, set()) == {B}
    assert claims.owned(A).keys() == {SHARED}
    assert claims.owned(B).keys() == {OWN}
    assert claims.denied(B) == [(SHARED, A)]
    assert claims.set(A, {}, set()) == {B}
    assert claims.owned(B).keys() == {SHARED, OWN}


def test_nobody_takes_a_cluster_address_by_naming_it() -> None:
    claims = Claims()
    claims.set(A, {OWN: ANY}, set())
    assert claims.set(B, {OWN: ANY}, {"10.96.0.2"}) == {A}
    assert claims.owned(A) == {}
    assert claims.owned(B).keys() == {OWN}


@given(
    st.lists(
        st.tuples(
            st.sampled_from([A, B, C]),
            st.sets(st.sampled_from([SHARED, OWN])),
            st.booleans(),
        ),
        max_size=12,
    )
)
@settings(max_examples=200, deadline=None)
def test_owners_depend_on_what_is_wanted_and_not_on_the_order(
    steps: list[tuple[ServiceName, set[Frontend], bool]],
) -> None:
    claims, wanted = Claims(), {}
    owned: dict[ServiceName, set[Frontend]] = {A: set(), B: set(), C: set()}
    for name, frontends, own in steps:
        addresses = {"10.96.0.2"} if own else set[str]()
        affected = claims.set(name, dict.fromkeys(frontends, ANY), addresses)
        wanted[name] = (frontends, addresses)
        for other in affected | {name}:
            owned[other] = set(claims.owned(other))
        # Whoever was not named as affected has what it had.
        assert owned == {each: set(claims.owned(each)) for each in owned}
    fresh = Claims()
    for name in sorted(wanted, reverse=True):
        frontends, addresses = wanted[name]
        fresh.set(name, dict.fromkeys(frontends, ANY), addresses)
    assert owned == {each: set(fresh.owned(each)) for each in owned}
    for frontend in (SHARED, OWN):
        owners = [name for name in owned if frontend in owned[name]]
        assert len(owners) == any(frontend in frontends for frontends, _ in wanted.values())
