"""The value of the arithmetic in a sentence: whole numbers, + - * / and brackets, parsed by hand, bounded in size."""

import re
from dataclasses import dataclass
from fractions import Fraction

MAX_CHARACTERS = 120
MAX_DEPTH = 20
MAX_VALUE = 10**18
"""Larger values, on the way or at the end, are given up."""

OPERAND = r"\({0,8} ?[0-9]{1,19} ?\){0,8}"
OPERATOR = r" ?[-+*/×÷−] ?-?"
EXPRESSION = re.compile(rf"(?<![\w.,/:-])-?{OPERAND}(?:{OPERATOR}{OPERAND})+(?![\w/:-]|[.,][0-9])")
TOKEN = re.compile(r"[0-9]+|[-+*/()]")
DATE = re.compile(r"[0-9]+[-/][0-9]+(?:[-/][0-9]+)?")
"""Also a range (3-7) or a fraction of the kind 24/7: written without spaces, they are seldom meant to be worked out."""

SIGNS = str.maketrans("×÷−", "*/-")


@dataclass(frozen=True, slots=True)
class Sum:
    """An expression as the user wrote it, and its value."""

    text: str
    value: Fraction


class Unreadable(Exception):
    """No arithmetic, or more of it than is worked out here."""


def find_sum(sentence: str) -> Sum | None:
    """The first expression of the sentence that can be worked out; dates, ranges and plain numbers are none."""
    for match in EXPRESSION.finditer(sentence):
        text = _balanced(match[0])
        if DATE.fullmatch(text):
            continue
        try:
            return Sum(text, value_of(text))
        except Unreadable:
            continue
    return None


def value_of(expression: str) -> Fraction:
    """The exact value. Raises Unreadable for anything but bounded arithmetic in whole numbers."""
    plain = expression.translate(SIGNS)
    tokens: list[str] = TOKEN.findall(plain)
    if len(plain) > MAX_CHARACTERS or len("".join(tokens)) != len("".join(plain.split())):
        raise Unreadable(expression[:MAX_CHARACTERS])
    value, end = _sum(tokens, 0, 0)
    if end != len(tokens):
        raise Unreadable(f"{tokens[end]!r} at the end")
    return value


def _balanced(text: str) -> str:
    """The expression without the bracket of the sentence around it."""
    text = text.strip()
    while text.endswith(")") and text.count(")") > text.count("("):
        text = text[:-1].rstrip()
    while text.startswith("(") and text.count("(") > text.count(")"):
        text = text[1:].lstrip()
    return text


def _sum(tokens: list[str], at: int, depth: int) -> tuple[Fraction, int]:
    value, at = _product(tokens, at, depth)
    while at < len(tokens) and tokens[at] in "+-":
        right, end = _product(tokens, at + 1, depth)
        value, at = _bounded(value + right if tokens[at] == "+" else value - right), end
    return value, at


def _product(tokens: list[str], at: int, depth: int) -> tuple[Fraction, int]:
    value, at = _factor(tokens, at, depth)
    while at < len(tokens) and tokens[at] in "*/":
        right, end = _factor(tokens, at + 1, depth)
        if tokens[at] == "/" and right == 0:
            raise Unreadable("division by zero")
        value, at = _bounded(value * right if tokens[at] == "*" else value / right), end
    return value, at


def _factor(tokens: list[str], at: int, depth: int) -> tuple[Fraction, int]:
    if at >= len(tokens) or depth > MAX_DEPTH:
        raise Unreadable("cut short" if at >= len(tokens) else "too deep")
    if tokens[at] == "-":
        value, at = _factor(tokens, at + 1, depth + 1)
        return -value, at
    if tokens[at] == "(":
        value, at = _sum(tokens, at + 1, depth + 1)
        if at >= len(tokens) or tokens[at] != ")":
            raise Unreadable("open bracket")
        return value, at + 1
    if not tokens[at][0].isdigit():
        raise Unreadable(tokens[at])
    return _bounded(Fraction(int(tokens[at]))), at + 1


def _bounded(value: Fraction) -> Fraction:
    if abs(value) > MAX_VALUE or value.denominator > MAX_VALUE:
        raise Unreadable("too large")
    return value


def written(value: Fraction) -> str:
    """The value as a whole number, or with up to four decimals."""
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.4f}".rstrip("0").rstrip(".")
