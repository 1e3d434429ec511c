"""`Solve`: equations in one or more unknowns: linear ones, systems of them, quadratics. Exact, and bounded.

Both sides become polynomials with exact coefficients. Linear systems go by Gauss' elimination in fractions; one
quadratic equation in one unknown by its discriminant. Anything beyond is said to be beyond, never guessed.
"""

import re
from collections.abc import Mapping
from fractions import Fraction

from generator.tools.figures import Figure, exact_root, fraction_written, power, within, written
from generator.tools.parser import Call, Name, Number, Pair, Tree, parse
from generator.tools.tool import Refused, Result, bounded

MAX_EQUATIONS = 6
MAX_UNKNOWNS = 6
MAX_DEGREE = 4
MAX_TERMS = 30
MAX_FIGURES = 10**24
"""Numerator and denominator of a coefficient."""

NONE = "no solution in real numbers"

BETWEEN = re.compile(r"[;\n；]|,(?![0-9]{3}(?![0-9]))")
"""What parts equations: a comma does, unless it stands inside a number."""

Monomial = tuple[tuple[str, int], ...]
"""Unknowns and their powers, in order; () for what stands alone."""

Polynomial = Mapping[Monomial, Fraction]
Row = dict[str, Fraction]
"""A linear equation: coefficients by unknown, and under "" what they sum to."""


class Solver:
    """Solves equations."""

    name = "Solve"

    def call(self, argument: str) -> Result:
        """One line for each unknown, or that there is no solution in real numbers."""
        try:
            return Result(solved(bounded(argument)))
        except Refused as error:
            return Result(error=str(error))


def solved(text: str) -> str:
    """The solution as text. Raises Refused where it is none of the kinds that are solved."""
    equations = [part for part in BETWEEN.split(text.replace("，", ",")) if part.strip()]
    if len(equations) > MAX_EQUATIONS:
        raise Refused(f"more than {MAX_EQUATIONS} equations")
    polynomials = [_equation(part) for part in equations]
    unknowns = sorted({name for one in polynomials for monomial in one for name, _ in monomial})
    if not 1 <= len(unknowns) <= MAX_UNKNOWNS:
        raise Refused(f"{len(unknowns)} unknowns; from 1 to {MAX_UNKNOWNS} can be solved for")
    degree = max(_degree(monomial) for one in polynomials for monomial in one)
    if degree <= 1:
        return _linear(polynomials, unknowns)
    if degree == 2 and len(polynomials) == len(unknowns) == 1:
        return _quadratic(polynomials[0], unknowns[0])
    raise Refused("only linear equations and one quadratic equation in one unknown can be solved")


def _equation(text: str) -> Polynomial:
    sides = text.replace("＝", "=").replace("==", "=").split("=")
    if len(sides) != 2:
        raise Refused(f"{text.strip()[:40]!r} is no equation")
    left, right = (polynomial(parse(side, unknowns=True)) for side in sides)
    return _plus(left, right, Fraction(-1))


def polynomial(tree: Tree) -> Polynomial:
    """The tree multiplied out. Raises Refused for what is no polynomial, or too large a one."""
    match tree:
        case Number(value):
            return _sized({(): value})
        case Name(name):
            return {((name, 1),): Fraction(1)}
        case Call("-", argument):
            return _plus({}, polynomial(argument), Fraction(-1))
        case Call(name, _):
            raise Refused(f"{name[:20]!r} cannot stand in an equation")
        case Pair("+", left, right):
            return _plus(polynomial(left), polynomial(right), Fraction(1))
        case Pair("-", left, right):
            return _plus(polynomial(left), polynomial(right), Fraction(-1))
        case Pair("*", left, right):
            return _times(polynomial(left), polynomial(right))
        case Pair("/", left, right):
            return _over(polynomial(left), polynomial(right))
        case Pair("**", left, right):
            return _raised(polynomial(left), polynomial(right))
        case Pair(sign, _, _):
            raise Refused(f"{sign!r} cannot stand in an equation")


def _plus(left: Polynomial, right: Polynomial, times: Fraction) -> Polynomial:
    total = dict(left)
    for monomial, factor in right.items():
        total[monomial] = total.get(monomial, Fraction(0)) + factor * times
    return _sized(total)


def _times(left: Polynomial, right: Polynomial) -> Polynomial:
    total: dict[Monomial, Fraction] = {}
    for first, a in left.items():
        for second, b in right.items():
            powers = dict(first)
            for name, count in second:
                powers[name] = powers.get(name, 0) + count
            product = tuple(sorted(powers.items()))
            total[product] = total.get(product, Fraction(0)) + a * b
    return _sized(total)


def _over(left: Polynomial, right: Polynomial) -> Polynomial:
    if set(right) - {()}:
        raise Refused("an unknown cannot stand below a fraction bar")
    if not right:
        raise Refused("division by zero")
    return _sized({monomial: factor / right[()] for monomial, factor in left.items()})


def _raised(base: Polynomial, exponent: Polynomial) -> Polynomial:
    count = exponent.get((), Fraction(0))
    if set(exponent) - {()} or count.denominator != 1:
        raise Refused("an exponent has to be a whole number")
    if not set(base) - {()}:
        return _sized({(): _exact(power(base.get((), Fraction(0)), count))})
    if not 0 <= count <= MAX_DEGREE:
        raise Refused(f"an unknown with a power beyond {MAX_DEGREE}")
    product: Polynomial = {(): Fraction(1)}
    for _ in range(int(count)):
        product = _times(product, base)
    return product


def _exact(value: Figure) -> Fraction:
    if isinstance(value, float):
        raise Refused("the power is too large, or too small")
    return value


def _sized(terms: Mapping[Monomial, Fraction]) -> Polynomial:
    """The terms that are not nought. Raises Refused beyond the bounds."""
    left = {monomial: factor for monomial, factor in terms.items() if factor}
    if len(left) > MAX_TERMS or any(_degree(monomial) > MAX_DEGREE for monomial in left):
        raise Refused(f"more than {MAX_TERMS} terms, or a power beyond {MAX_DEGREE}")
    if any(max(abs(factor.numerator), factor.denominator) > MAX_FIGURES for factor in left.values()):
        raise Refused("the figures are too large")
    return left


def _degree(monomial: Monomial) -> int:
    return sum(count for _, count in monomial)


def _linear(polynomials: list[Polynomial], unknowns: list[str]) -> str:
    rows = [{"".join(name for name, _ in monomial): factor for monomial, factor in one.items()} for one in polynomials]
    done: dict[str, Row] = {}
    for name in unknowns:
        pivot = next((row for row in rows if row.get(name)), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        pivot = {other: factor / pivot[name] for other, factor in pivot.items()}
        rows = [_without(row, name, pivot) for row in rows]
        done = {other: _without(row, name, pivot) for other, row in done.items()} | {name: pivot}
    if any(row.get("") for row in rows):
        return NONE
    if len(done) < len(unknowns):
        return "\n".join(f"{name} = {_rest(row, name)}" for name, row in done.items()) + _free(unknowns, done)
    return "\n".join(f"{name} = {_value(-done[name].get('', Fraction(0)))}" for name in unknowns)


def _value(value: Figure) -> str:
    """The value; of a fraction, what it comes to as well, since a division by hand is where models slip."""
    text = fraction_written(value)
    return f"{text} (about {written(value)})" if "/" in text else text


def _without(row: Row, name: str, pivot: Row) -> Row:
    """The row with the unknown taken out of it by the pivot, in which it has the factor 1."""
    times = row.get(name, Fraction(0))
    if not times:
        return row
    return {
        other: factor
        for other in row.keys() | pivot.keys()
        if (factor := row.get(other, Fraction(0)) - times * pivot.get(other, Fraction(0)))
    }


def _rest(row: Row, name: str) -> str:
    """The unknown by those that may be chosen: 10 - 2*y."""
    terms = [fraction_written(-row.get("", Fraction(0)))]
    for other in sorted(row.keys() - {name, ""}):
        sign = "-" if row[other] > 0 else "+"
        terms.append(f"{sign} {fraction_written(abs(row[other]))}*{other}")
    return " ".join(terms)


def _free(unknowns: list[str], done: Mapping[str, Row]) -> str:
    free = [name for name in unknowns if name not in done]
    return f"\n{', '.join(free)}: any number"


def _quadratic(one: Polynomial, name: str) -> str:
    """The real roots, the lower one first."""
    a, b, c = (one.get(((name, 2),), Fraction(0)), one.get(((name, 1),), Fraction(0)), one.get((), Fraction(0)))
    inner = b * b - 4 * a * c
    if inner < 0:
        return NONE
    root = exact_root(inner)
    step: Figure = float(inner) ** 0.5 if root is None else root
    roots = sorted({within((-b - step) / (2 * a)), within((-b + step) / (2 * a))})
    return "\n".join(f"{name} = {_value(value)}" for value in roots)
