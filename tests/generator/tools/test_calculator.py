"""The calculator against Python's own arithmetic, and against everything that is thrown at it."""

import math
import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.tools.calculator import Calculator
from generator.tools.figures import LIMIT, written

CALCULATE = Calculator().call


def trees(leaf: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Expressions that Python reads as the calculator does: what is negative stands in brackets."""

    def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        signs = st.sampled_from(["+", "-", "*", "/", "//", "%", " + ", " - "])
        pairs = st.tuples(inner, signs, inner).map("".join)
        return st.one_of(pairs, pairs.map("({})".format), inner.map("(-{})".format), inner.map("({})**2".format))

    return st.recursive(leaf, grown, max_leaves=8)


FIGURES = st.one_of(st.integers(0, 999).map(str), st.decimals(0, 99, places=2).map(str))


def exact(expression: str) -> Fraction | None:
    """Its value by Python's grammar, every figure a Fraction; None where it has none."""

    wrapped = re.sub(
        r"[0-9]+(?:\.[0-9]+)?", lambda found: f"F('{found[0]}')" if found[0] != "2" else "F(2)", expression
    )
    try:
        value = Fraction(eval(wrapped, {"F": Fraction, "__builtins__": {}}))
    except ZeroDivisionError:
        return None
    return value


@settings(deadline=None)
@given(trees(FIGURES))
def test_the_value_is_the_one_that_python_works_out(expression: str) -> None:
    found, value = CALCULATE(expression), exact(expression)
    if value is None:
        assert found.error == "division by zero"
    elif found.error is None:
        assert math.isclose(float(found.text), float(value), rel_tol=1e-9, abs_tol=1e-12)
        if value.denominator == 1:
            assert found.text == str(value)
    else:
        assert abs(value) > LIMIT or len(expression) > 100


@settings(deadline=None)
@given(st.text())
def test_any_text_gets_a_result(text: str) -> None:
    found = CALCULATE(text)
    assert (found.error is None) == bool(found.text)


@settings(deadline=None)
@given(st.text(alphabet="0123456789+-*/%^().,eE! πx²９sqrtlogpi", max_size=60))
def test_any_text_of_such_signs_gets_a_result(text: str) -> None:
    found = CALCULATE(text)
    assert (found.error is None) == bool(found.text)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2+3*4", "14"),
        ("-2**2", "-4"),
        ("2**3**2", "512"),
        ("2**-1", "0.5"),
        ("2^10", "1024"),
        ("7//2", "3"),
        ("-7//2", "-4"),
        ("10%3", "1"),
        ("200*15%", "30"),
        ("15% + 1", "1.15"),
        ("5!", "120"),
        ("factorial(10)", "3628800"),
        ("sqrt(16)", "4"),
        ("sqrt(2)", "1.41421356237"),
        ("sqrt(0)", "0"),
        ("16**0.5", "4"),
        ("log(1000)", "3"),
        ("ln(e)", "1"),
        ("sin(pi)", "0"),
        ("cos(0)", "1"),
        ("abs(-3.5)", "3.5"),
        ("round(2.5)", "3"),
        ("round(-2.5)", "-3"),
        ("floor(-0.5)", "-1"),
        ("ceil(1.2)", "2"),
        ("1,234,567 + 1", "1234568"),
        ("12 × 3 ÷ 4 − 1", "8"),
        ("3(4+1)", "15"),
        ("(1+2)(3+4)", "21"),
        ("2pi", "6.28318530718"),
        ("0.1+0.2", "0.3"),
        ("1/3", "0.333333333333"),
        ("1/8", "0.125"),
        ("1.5e3", "1500"),
        (".5 + .5", "1"),
        ("10**100", "1" + "0" * 100),
        ("(-1)**10**20", "1"),
        ("(-pi)**2", "9.86960440109"),
    ],
)
def test_an_expression_is_worked_out(expression: str, value: str) -> None:
    assert CALCULATE(expression).text == value


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("1/0", "division by zero"),
        ("5 % 0", "division by zero"),
        ("0**-1", "division by zero"),
        ("(1+2", "a bracket is left open"),
        ("1+2)", "')' was not expected"),
        ("2 +", "it ends too early"),
        ("2 3", "'3' was not expected"),
        ("(-8)**(1/3)", "a broken power of a negative number"),
        ("sqrt(-1)", "no value there"),
        ("ln(0)", "no value there"),
        ("70!", "a factorial is of a whole number from 0 to 69"),
        ("2.5!", "a factorial is of a whole number"),
        ("x + 1", "'x' is no number"),
        ("foo(1)", "there is no function 'foo'"),
        ("-9 == 1 - 8", "'=' is no part of an expression"),
        ("", "nothing was given"),
    ],
)
def test_what_has_no_value_is_answered_with_the_reason(expression: str, complaint: str) -> None:
    found = CALCULATE(expression)
    assert complaint in str(found.error)
    assert not found.text


@settings(deadline=None)
@given(st.fractions(max_denominator=10**6))
def test_a_figure_is_written_so_that_it_reads_back(value: Fraction) -> None:
    assert math.isclose(float(written(value)), float(value), rel_tol=1e-10, abs_tol=1e-300)
