import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilothouse.objects.quantity import (
    MAX_BINARY,
    Format,
    Quantity,
    QuantityError,
    canonical,
    milli,
    value,
)

CANONICAL = [
    ("0", "0"),
    ("-0", "0"),
    ("0Mi", "0"),
    ("+1", "1"),
    ("1.0", "1"),
    ("1.", "1"),
    (".5", "500m"),
    ("0.5", "500m"),
    ("1.5", "1500m"),
    ("100m", "100m"),
    ("1000m", "1"),
    ("1500m", "1500m"),
    ("0.0001", "100u"),
    ("1n", "1n"),
    ("0.1n", "1n"),
    ("-0.1n", "-1n"),
    ("1000", "1k"),
    ("1024", "1024"),
    ("1200000", "1200k"),
    ("1000000", "1M"),
    ("1k", "1k"),
    ("1E", "1E"),
    ("1000E", "1000E"),
    ("512Ki", "512Ki"),
    ("1024Ki", "1Mi"),
    ("1.5Gi", "1536Mi"),
    ("0.5Gi", "512Mi"),
    ("1023Mi", "1023Mi"),
    ("1.2Ki", "1228800m"),
    ("0.5Ki", "512"),
    ("1Ei", "1Ei"),
    ("8Ei", str(MAX_BINARY)),
    ("-1Ki", "-1Ki"),
    ("1e3", "1e3"),
    ("12E5", "1200e3"),
    ("1e-3", "1e-3"),
    ("1e0", "1"),
    ("1E3", "1e3"),
]


@pytest.mark.parametrize(("text", "expected"), CANONICAL)
def test_canonical_form(text: str, expected: str) -> None:
    assert canonical(text) == expected
    assert canonical(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "a",
        "1x",
        "1KI",
        "1ki",
        "1mi",
        "--1",
        "1e",
        "1e1.5",
        "1.1.1",
        "1K",
        "1m1",
        ".",
    ]
    + ["0x10", "1_000", "Inf", "NaN", "１", "1e99", "1e-99", "9" * 65, "1e-1000000000000", "1Mi\n"],
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(QuantityError):
        Quantity.parse(text)


@pytest.mark.parametrize(
    ("text", "milli_value", "whole"),
    [("100m", 100, 1), ("1", 1000, 1), ("1.1", 1100, 2), ("1u", 1, 1), ("1Ki", 1024000, 1024)]
    + [("-100m", -100, -1), ("-1.5", -1500, -2), ("0", 0, 0)],
)
def test_integers_round_away_from_zero(text: str, milli_value: int, whole: int) -> None:
    assert (milli(text), value(text)) == (milli_value, whole)


def test_zero_takes_the_family_of_what_is_added() -> None:
    assert str(Quantity(0) + Quantity.parse("1Gi")) == "1Gi"
    assert str(Quantity.parse("1Gi") + Quantity.parse("1M")) == str(Quantity(1074741824 * 10**9))


NUMBERS = st.builds(
    lambda sign, whole, part: f"{sign}{whole}{part}",
    st.sampled_from(["", "-", "+"]),
    st.integers(0, 10**12),
    st.one_of(st.just(""), st.integers(0, 999).map(lambda digits: f".{digits:03}")),
)
DECIMALS = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15}
BINARIES = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4}
SUFFIXES = st.sampled_from([*DECIMALS, *BINARIES, "e2", "E-4"])


def exact(number: str, suffix: str) -> Fraction:
    if suffix in BINARIES:
        return min(Fraction(number) * int(1024 ** BINARIES[suffix]), Fraction(MAX_BINARY))
    power = int(suffix[1:]) if suffix[:1] in ("e", "E") else DECIMALS[suffix]
    return Fraction(number) * (
        Fraction(int(10**power)) if power > 0 else Fraction(1, int(10**-power))
    )


@settings(max_examples=300, deadline=None)
@given(NUMBERS, SUFFIXES, NUMBERS, SUFFIXES)
def test_arithmetic_is_exact(number: str, suffix: str, other_number: str, other: str) -> None:
    one, two = Quantity.parse(number + suffix), Quantity.parse(other_number + other)
    left, right = exact(number, suffix), exact(other_number, other)
    if left * 10**9 % 1 or right * 10**9 % 1:
        return  # finer than nano: rounded
    assert (one + two).fraction() == left + right
    assert (one - two).fraction() == left - right
    assert (one * 3).fraction() == left * 3
    assert (one < two, one == two, one >= two) == (left < right, left == right, left >= right)
    assert one.milli() == (math.ceil if left > 0 else math.floor)(left * 1000)
    assert one.value() == (math.ceil if left > 0 else math.floor)(left)


@settings(max_examples=300, deadline=None)
@given(st.integers(-(10**30), 10**30), st.sampled_from(Format))
def test_canonical_text_loses_nothing(nanos: int, family: Format) -> None:
    if family is Format.BINARY:
        nanos = min(nanos, MAX_BINARY * 10**9)
    text = str(Quantity(nanos, family))
    assert Quantity.parse(text) == Quantity(nanos)
    # A binary amount without a suffix reads as a decimal one, as in Kubernetes.
    assert canonical(text) == text or (family is Format.BINARY and not text.endswith("i"))
    assert "." not in text


@settings(max_examples=300, deadline=None)
@given(st.text("0123456789.+-eEinumkKMGTP ", max_size=20))
def test_any_text_is_a_quantity_or_a_typed_error(text: str) -> None:
    try:
        quantity = Quantity.parse(text)
    except QuantityError:
        return
    assert Quantity.parse(str(quantity)) == quantity
