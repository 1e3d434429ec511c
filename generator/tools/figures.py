"""Numbers that stay within bounds: exact fractions as long as they can be, floats where a root or a sine was taken."""

import math
from fractions import Fraction

from generator.tools.tool import Refused

Figure = Fraction | float

MAX_MAGNITUDE = 100
"""Powers of ten: of a value, and of the denominator of an exact one."""

LIMIT = 10**MAX_MAGNITUDE
DIGITS = 12
"""Significant digits of a result that is not exact."""


def within(value: Figure) -> Figure:
    """The value; an exact one with too long a denominator becomes a float. Raises Refused where it is too large."""
    if isinstance(value, float):
        if not math.isfinite(value) or abs(value) > LIMIT:
            raise Refused("the value is too large")
        return value
    if abs(value.numerator) > LIMIT * value.denominator:
        raise Refused("the value is too large")
    return value if value.denominator <= LIMIT else float(value)


def power(base: Figure, exponent: Figure) -> Figure:
    """The base to the exponent; its size is reckoned before it is worked out."""
    if base == 0 and exponent < 0:
        raise Refused("division by zero")
    if base not in (0, 1, -1) and abs(float(exponent)) * abs(_magnitude(base)) > MAX_MAGNITUDE:
        raise Refused("the power is too large, or too small")
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        return _whole_power(base, exponent.numerator)
    if base < 0 and float(exponent) % 1:
        raise Refused("a broken power of a negative number")
    root = exact_root(base) if exponent == Fraction(1, 2) else None
    return _float_power(base, exponent) if root is None else root


def _whole_power(base: Fraction, exponent: int) -> Figure:
    """Exact where numerator and denominator stay within bounds."""
    if base in (0, 1):
        return base**0 if exponent == 0 else base
    if base == -1:
        return base ** (exponent % 2)
    size = max(len(str(base.numerator)), len(str(base.denominator)))
    exact = size * abs(exponent) <= 4 * MAX_MAGNITUDE
    return within(base**exponent) if exact else _float_power(base, exponent)


def _float_power(base: Figure, exponent: Figure | int) -> Figure:
    try:
        return within(float(base) ** float(exponent))
    except (OverflowError, ZeroDivisionError):  # a base so near to one, or to nought, that its logarithm was lost
        raise Refused("the power is too large, or too small") from None


def _magnitude(value: Figure) -> float:
    """The decimal logarithm of its size."""
    if isinstance(value, float):
        return math.log10(abs(value)) if value else 0.0
    return math.log10(abs(value.numerator)) - math.log10(value.denominator)


def exact_root(value: Figure) -> Fraction | None:
    """The square root of an exact value, where it is exact too; None where it is not."""
    if isinstance(value, float) or value < 0:
        return None
    root = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
    return root if root * root == value else None


def written(value: Figure) -> str:
    """A whole number in full, a short decimal fraction as one, anything else to twelve significant digits."""
    if isinstance(value, Fraction):
        if value.denominator == 1:
            return str(value.numerator)
        if short := _decimal(value):
            return short
    return f"{float(value) + 0.0:.{DIGITS}g}"  # nought added: it has no sign then


def fraction_written(value: Figure) -> str:
    """The same, but an exact value without a short decimal as a fraction: 160/3."""
    if isinstance(value, Fraction) and value.denominator > 1 and not _decimal(value):
        return f"{value.numerator}/{value.denominator}"
    return written(value)


def _decimal(value: Fraction) -> str | None:
    """The value as a decimal fraction, where it has one of at most twelve places."""
    scaled = value * 10**DIGITS
    if scaled.denominator != 1:
        return None
    whole, places = divmod(abs(scaled.numerator), 10**DIGITS)
    return f"{'-' if value < 0 else ''}{whole}.{places:0{DIGITS}d}".rstrip("0")
