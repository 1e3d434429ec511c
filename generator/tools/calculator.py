"""`Calculate`: the value of an expression in numbers, exact where it can be, never evaluated as code."""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction

from generator.tools.figures import Figure, exact_root, power, within, written
from generator.tools.parser import Call, Name, Number, Pair, Tree, parse
from generator.tools.tool import Refused, Result, bounded

MAX_FACTORIAL = 69
"""69! has 99 digits; 70! is beyond what `figures` allows."""

CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e}

FUNCTIONS: Mapping[str, Callable[[float], float]] = {
    "exp": math.exp,
    "ln": math.log,
    "log": math.log10,
    "log10": math.log10,
    "log2": math.log2,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
}
"""Angles are in radians; `log` is to the base ten, as on a pocket calculator."""


class Calculator:
    """Works out one expression."""

    name = "Calculate"

    def call(self, argument: str) -> Result:
        """The value, or what is wrong with the expression."""
        try:
            return Result(written(value_of(parse(bounded(argument)))))
        except Refused as error:
            return Result(error=str(error))


def value_of(tree: Tree) -> Figure:
    """The value of a tree; every step is bounded. Raises Refused."""
    match tree:
        case Number(value):
            return value
        case Name(name):
            if name.lower() not in CONSTANTS:
                raise Refused(f"{name[:20]!r} is no number")
            return CONSTANTS[name.lower()]
        case Call(name, argument):
            return within(_called(name.lower(), value_of(argument)))
        case Pair(sign, left, right):
            return within(_joined(sign, value_of(left), value_of(right)))


def _joined(sign: str, left: Figure, right: Figure) -> Figure:
    if sign == "**":
        return power(left, right)
    if sign in ("/", "//", "%") and right == 0:
        raise Refused("division by zero")
    if isinstance(left, float) or isinstance(right, float):
        left, right = float(left), float(right)
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left / right
        case "//":
            return _floor(left / right)
        case _:
            return left - right * _floor(left / right)


def _floor(value: Figure) -> Figure:
    return Fraction(math.floor(within(value))) if isinstance(value, Fraction) else float(math.floor(within(value)))


def _called(name: str, value: Figure) -> Figure:
    match name:
        case "-":
            return -value
        case "!" | "factorial":
            return _factorial(value)
        case "abs":
            return value if value >= 0 else -value
        case "floor":
            return Fraction(math.floor(value))
        case "ceil":
            return Fraction(math.ceil(value))
        case "round":
            return _nearest(value)
        case "sqrt":
            root = exact_root(value)
            return _floated(math.sqrt, value) if root is None else root
    if name not in FUNCTIONS:
        raise Refused(f"there is no function {name[:20]!r}")
    return _floated(FUNCTIONS[name], value)


def _nearest(value: Figure) -> Fraction:
    """The nearest whole number; a half goes away from zero, as people round."""
    whole = math.floor(abs(Fraction(value)) + Fraction(1, 2))
    return Fraction(-whole if value < 0 else whole)


def _floated(function: Callable[[float], float], value: Figure) -> float:
    try:
        return round(function(float(value)), 15)  # the sine of pi is nought
    except (ValueError, OverflowError):
        raise Refused("the function has no value there") from None


def _factorial(value: Figure) -> Fraction:
    if isinstance(value, float) or value.denominator != 1 or not 0 <= value <= MAX_FACTORIAL:
        raise Refused(f"a factorial is of a whole number from 0 to {MAX_FACTORIAL}")
    return Fraction(math.factorial(value.numerator))
