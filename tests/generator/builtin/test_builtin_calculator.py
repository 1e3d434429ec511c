"""The calculator reads whole-number arithmetic in a sentence, exactly, and nothing else."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.builtin.calculator import MAX_CHARACTERS, Unreadable, find_sum, value_of, written

Expression = tuple[str, Fraction]


def joined(pair: tuple[Expression, str, Expression]) -> Expression:
    (left, a), sign, (right, b) = pair
    if sign == "/" and b == 0:
        sign = "+"
    value = {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else a}[sign]
    return f"({left} {sign} {right})", value


numbers = st.integers(0, 999).map(lambda n: (str(n), Fraction(n)))
expressions = st.recursive(
    numbers, lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(joined), max_leaves=6
)


@given(expressions)
def test_any_small_expression_has_its_exact_value(expression: Expression) -> None:
    text, value = expression
    if len(text) <= MAX_CHARACTERS:
        assert value_of(text) == value


@given(st.text(max_size=300))
def test_any_text_is_read_or_passed_over(text: str) -> None:
    found = find_sum(text)
    assert found is None or written(found.value)


@given(st.text(alphabet="0123456789+-*/() ", max_size=400))
def test_any_heap_of_signs_is_read_or_passed_over(text: str) -> None:
    found = find_sum(text)
    assert found is None or found.text in text


@pytest.mark.parametrize(
    ("sentence", "value"),
    [
        ("what is 17 * 23", "391"),
        ("12 + 30", "42"),
        ("is 2 + 3 * 4 fourteen?", "14"),
        ("add it up (7 - 9) * 2, please", "-4"),
        ("(see 3 + 4)", "7"),
        ("10 / 4", "2.5"),
        ("1 / 3", "0.3333"),
        ("7 × 8 是多少", "56"),
        ("5 - -3", "8"),
    ],
)
def test_sums_in_sentences_are_worked_out(sentence: str, value: str) -> None:
    found = find_sum(sentence)
    assert found is not None
    assert written(found.value) == value


@pytest.mark.parametrize(
    "sentence",
    ["in 1989", "on 2020-11-12", "pages 3-7", "24/7", "1.5 + 2", "9 / 0", "1" * 30 + " + 1", "v1-2", "C++ 11"],
)
def test_dates_ranges_and_hopeless_cases_are_no_sums(sentence: str) -> None:
    assert find_sum(sentence) is None


@pytest.mark.parametrize(
    "text", ["", "1 +", "(1", "1)", "a + 1", "__import__('os')", "(" * 60 + "1" + ")" * 60, "9" * 19]
)
def test_what_is_no_bounded_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        value_of(text)
