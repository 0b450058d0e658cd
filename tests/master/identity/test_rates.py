from master.identity.rates import RateLimit


def test_burst_then_rate() -> None:
    limit = RateLimit(per_second=1.0, burst=3)
    assert [limit.take("a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert not limit.take("a", 0.5)
    assert limit.take("a", 1.6)
    assert not limit.take("a", 1.7)


def test_callers_do_not_share() -> None:
    limit = RateLimit(per_second=1.0, burst=1)
    assert limit.take("a", 0.0)
    assert limit.take("b", 0.0)
    assert not limit.take("a", 0.0)


def test_silent_callers_are_forgotten_first() -> None:
    limit = RateLimit(per_second=0.001, burst=1, callers=2)
    assert limit.take("a", 0.0)
    assert limit.take("b", 0.0)
    assert not limit.take("a", 1.0)
    assert limit.take("c", 2.0)
    assert not limit.take("a", 3.0)
    assert limit.take("b", 4.0)
