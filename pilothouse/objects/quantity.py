"""Resource quantities: exact fixed-point numbers with Kubernetes' suffixes.

The grammar is that of k8s.io/apimachinery's resource.Quantity: a decimal number and either a
binary suffix (Ki … Ei), a decimal one (n u m k M G T P E) or an exponent (e3, E-2). Amounts
are held in billionths; what is finer is rounded up, away from zero. The canonical form has
no fraction, the largest suffix that loses nothing, and the family the user wrote:
"1.5" is "1500m", "1.5Gi" is "1536Mi", "1000000" is "1M", "0.5Gi" is "512Mi", "1200e3" stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from functools import lru_cache

NANOS = 10**9
_MILLIS = 10**6  # nanos in a thousandth
MAX_TEXT = 64
MAX_BINARY = (1 << 63) - 1  # Kubernetes caps binary quantities here
MAX_DIGITS = 48  # of the whole number in front of the point, suffix applied


class Format(Enum):
    """The family of suffixes a quantity is written in."""

    DECIMAL = "decimal"
    BINARY = "binary"
    EXPONENT = "exponent"


_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY_NAMES = ("", *_BINARY)
_DECIMAL_NAMES = {power: suffix for suffix, power in _DECIMAL.items()}
_GRAMMAR = re.compile(
    r"([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:([KMGTPE]i)|[eE]([+-]?\d{1,3})|([numkMGTPE]?))", re.ASCII
)
_RULE = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)


class QuantityError(ValueError):
    """The text is no quantity; the message gives the value and the rule."""


@dataclass(frozen=True, slots=True, order=True)
class Quantity:
    """An exact amount in billionths. Equality and order are by amount, not by spelling."""

    nanos: int
    format: Format = field(default=Format.DECIMAL, compare=False)

    @staticmethod
    def parse(text: str) -> Quantity:
        """The quantity that the text says; QuantityError otherwise. Results are cached."""
        return _parse(text)

    @staticmethod
    def of(value: int | Fraction, format: Format = Format.DECIMAL) -> Quantity:
        """A quantity of so many whole units (bytes, cores); finer than nano is rounded up."""
        return Quantity(_away_from_zero(Fraction(value) * NANOS), format)

    @staticmethod
    def of_milli(value: int, format: Format = Format.DECIMAL) -> Quantity:
        """A quantity of so many thousandths."""
        return Quantity(value * _MILLIS, format)

    def value(self) -> int:
        """Whole units, rounded away from zero: 100m is 1."""
        return _divide_up(self.nanos, NANOS)

    def milli(self) -> int:
        """Thousandths, rounded away from zero: 1.5 is 1500."""
        return _divide_up(self.nanos, _MILLIS)

    def fraction(self) -> Fraction:
        """The exact amount."""
        return Fraction(self.nanos, NANOS)

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(self.nanos + other.nanos, self._family(other))

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(self.nanos - other.nanos, self._family(other))

    def __mul__(self, factor: int | Fraction) -> Quantity:
        return Quantity(_away_from_zero(self.nanos * Fraction(factor)), self.format)

    def __neg__(self) -> Quantity:
        return Quantity(-self.nanos, self.format)

    def __bool__(self) -> bool:
        return self.nanos != 0

    def __str__(self) -> str:
        return _canonical_text(self)

    def _family(self, other: Quantity) -> Format:
        # Zero has no family of its own: 0 + 1Gi is written 1Gi.
        return self.format if self.nanos else other.format


ZERO = Quantity(0)


def milli(text: str) -> int:
    """Thousandths in the quantity that the text says, rounded up."""
    return _parse(text).milli()


def value(text: str) -> int:
    """Whole units in the quantity that the text says, rounded up."""
    return _parse(text).value()


@lru_cache(maxsize=16384)
def canonical(text: str) -> str:
    """The text in canonical form; QuantityError when it is no quantity."""
    return str(_parse(text))


def _divide_up(number: int, divisor: int) -> int:
    return -(-number // divisor) if number >= 0 else number // divisor


def _away_from_zero(exact: Fraction) -> int:
    return _divide_up(exact.numerator, exact.denominator)


@lru_cache(maxsize=16384)
def _parse(text: str) -> Quantity:
    if len(text) > MAX_TEXT:
        raise QuantityError(f"{text[:MAX_TEXT]!r}…: a quantity has at most {MAX_TEXT} characters")
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        raise QuantityError(f"{text!r}: {_RULE}")
    sign, digits, binary, exponent, decimal = match.groups()
    scale, format_ = _scale_of(text, binary, exponent, decimal)
    nanos = _away_from_zero(_number(digits) * scale * NANOS)
    if nanos >= 10 ** (MAX_DIGITS + 9):
        raise QuantityError(f"{text!r}: a quantity has at most {MAX_DIGITS} digits")
    if sign == "-":
        return Quantity(-nanos, format_)
    return Quantity(min(nanos, MAX_BINARY * NANOS) if format_ is Format.BINARY else nanos, format_)


def _scale_of(
    text: str, binary: str | None, exponent: str | None, decimal: str
) -> tuple[Fraction, Format]:
    if binary is not None:
        return Fraction(1 << _BINARY[binary]), Format.BINARY
    if exponent is None:
        return Fraction(10) ** _DECIMAL[decimal], Format.DECIMAL
    if abs(int(exponent)) > MAX_DIGITS:
        raise QuantityError(f"{text!r}: the exponent is beyond ±{MAX_DIGITS}")
    return Fraction(10) ** int(exponent), Format.EXPONENT


def _number(digits: str) -> Fraction:
    whole, _, part = digits.partition(".")
    return Fraction(int(whole + part), 10 ** len(part))


def _canonical_text(quantity: Quantity) -> str:
    nanos, format_ = quantity.nanos, quantity.format
    # Small or fractional amounts cannot be told in binary suffixes without loss.
    whole_binary = nanos % NANOS == 0 and abs(nanos) >= 1024 * NANOS
    if format_ is Format.BINARY and whole_binary:
        return _binary_text(nanos // NANOS)
    return _decimal_text(nanos, format_)


def _binary_text(number: int) -> str:
    power = 0
    while number % 1024 == 0 and power < len(_BINARY_NAMES) - 1:
        number //= 1024
        power += 1
    return f"{number}{_BINARY_NAMES[power]}"


def _decimal_text(number: int, format_: Format) -> str:
    if number == 0:
        return "0"
    power = -9
    largest = MAX_DIGITS if format_ is Format.EXPONENT else 18
    while number % 1000 == 0 and power < largest:
        number //= 1000
        power += 3
    if format_ is Format.EXPONENT:
        return f"{number}e{power}" if power else str(number)
    return f"{number}{_DECIMAL_NAMES[power]}"
