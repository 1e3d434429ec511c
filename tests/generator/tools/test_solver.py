"""The equation solver: what it solves is right, what it does not it says."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.tools.solver import NONE, Solver

SOLVE = Solver().call
SMALL = st.integers(-9, 9)


@settings(deadline=None)
@given(st.lists(SMALL, min_size=2, max_size=4), st.data())
def test_a_linear_system_made_from_its_solution_is_solved(solution: list[int], data: st.DataObject) -> None:
    names = "abcd"[: len(solution)]
    rows = [data.draw(st.lists(SMALL, min_size=len(names), max_size=len(names))) for _ in names]
    text = "; ".join(
        f"{' + '.join(f'({factor})*{name}' for factor, name in zip(row, names, strict=True))} = "
        f"{sum(factor * value for factor, value in zip(row, solution, strict=True))}"
        for row in rows
    )
    found = SOLVE(text)
    lines = dict(line.split(" = ") for line in found.text.split("\n") if " = " in line)
    if "any number" in found.text or found.error is not None:
        assert len(lines) < len(names)  # the rows do not settle it, or have no unknown: never a solution made up
    else:
        assert {name: Fraction(value) for name, value in lines.items()}.items() <= dict(
            zip(names, solution, strict=True)
        ).items()


@settings(deadline=None)
@given(SMALL.filter(bool), SMALL, SMALL)
def test_a_quadratic_made_from_its_roots_is_solved(a: int, first: int, second: int) -> None:
    found = SOLVE(f"{a}*(x - ({first}))*(x - ({second})) = 0")
    assert found.text == "\n".join(f"x = {root}" for root in sorted({first, second}))


@settings(deadline=None)
@given(st.text())
def test_any_text_gets_a_result(text: str) -> None:
    found = SOLVE(text)
    assert (found.error is None) == bool(found.text)


@settings(deadline=None)
@given(st.text(alphabet="0123456789+-*/^()=;,. xyzab²√？", max_size=60))
def test_any_text_of_such_signs_gets_a_result(text: str) -> None:
    found = SOLVE(text)
    assert (found.error is None) == bool(found.text)


@pytest.mark.parametrize(
    ("text", "solution"),
    [
        ("2x + 3 = 7", "x = 2"),
        ("x + y = 500; 5x + 8y = 4000", "x = 0\ny = 500"),
        ("x+y=5, x-y=1", "x = 3\ny = 2"),
        ("x + 1,000 = 3,000", "x = 2000"),
        ("x/4 = (120-x)/5", "x = 160/3 (about 53.3333333333)"),
        ("0.15x = 30", "x = 200"),
        ("15% * x = 30", "x = 200"),
        ("x^2 - 5x + 6 = 0", "x = 2\nx = 3"),
        ("x**2 = 2", "x = -1.41421356237\nx = 1.41421356237"),
        ("(x+1)**2 = 0", "x = -1"),
        ("x**2 + 1 = 0", NONE),
        ("x+y=3; x+y=4", NONE),
        ("x + y = 3", "x = 3 - 1*y\ny: any number"),
        ("2(x+1) = x-3", "x = -5"),
        ("x1 + x2 = 3; x1 - x2 = 1", "x1 = 2\nx2 = 1"),
        ("x=3（2+1）", "x = 9"),
    ],
)
def test_equations_are_solved(text: str, solution: str) -> None:
    assert SOLVE(text).text == solution


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("2.5x+1.5y=50; x+y=?", "'?' is no part"),
        ("x^3 = 8", "only linear equations"),
        ("xy = 6", "only linear equations"),
        ("1/x = 2", "below a fraction bar"),
        ("sqrt(x) = 2", "'sqrt' is no unknown"),
        ("x", "is no equation"),
        ("x = 1 = 2", "is no equation"),
        ("1 = 2", "0 unknowns"),
        ("x = y/0", "division by zero"),
        ("2**x = 8", "an exponent has to be a whole number"),
        ("x**9 = 1", "beyond 4"),
        (";".join(f"x = {n}" for n in range(9)), "more than 6 equations"),
    ],
)
def test_what_is_not_solved_is_said_to_be_so(text: str, complaint: str) -> None:
    assert complaint in str(SOLVE(text).error)
