"""From the text of an expression to its tree: a tokenizer and a parser by precedence, both bounded, no eval.

    sum      =  product { (+ | -) product }
    product  =  unary { (* | / | // | %) unary  |  power written against it: 2x, 3(x + 1) }
    unary    =  (+ | -) unary  |  power
    power    =  postfix [ ** unary ]                  so -2**2 is -4, and 2**3**2 is 2**9
    postfix  =  atom { ! | % }                        % is "per cent" where no operand follows it
    atom     =  number | name | name ( sum ) | ( sum )

What a tree is worth is another's affair: a number (calculator.py) or a polynomial (solver.py).
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from generator.tools.tool import Refused

MAX_DEPTH = 24
MAX_PIECES = 200
MAX_DIGITS = 40
MAX_SIDE_BY_SIDE = 2
"""Unknowns written without a sign between them; more letters than that are a word."""

MAX_EXPONENT = 60
"""Of a number in scientific notation."""

SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "（": "(", "）": ")", "＝": "=", "，": ","})
"""How people write what has a sign of its own; other letters from outside ASCII are refused."""

PIECE = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<sign>\*\*|//|[-+*/%^!()]))"
)
OPERAND = re.compile(r"[0-9.A-Za-z(]")


@dataclass(frozen=True, slots=True)
class Number:
    """A figure, exact."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Name:
    """A constant or an unknown."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function of one argument; "-" and "!" are such functions too."""

    name: str
    argument: "Tree"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two operands and what stands between them: + - * / // % **."""

    sign: str
    left: "Tree"
    right: "Tree"


Tree = Number | Name | Call | Pair


def parse(text: str, *, unknowns: bool = False) -> Tree:
    """The tree of an expression; raises Refused where it is none, or beyond the bounds.

    `unknowns`: letters that stand side by side are unknowns multiplied, as in 2xy; there are no functions then.
    """
    reader = _Reader(_pieces(text.translate(SIGNS), unknowns))
    tree = reader.sum(0)
    if reader.next is not None:
        raise Refused(f"{reader.next[:20]!r} was not expected there")
    return tree


def _pieces(text: str, unknowns: bool) -> list[str]:
    found: list[str] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = PIECE.match(text, at)
        if match is None:
            raise Refused(f"{text[at:].strip()[:1]!r} is no part of an expression")
        at = match.end()
        found += _split(match, text[at:], unknowns)
        if len(found) > MAX_PIECES:
            raise Refused(f"more than {MAX_PIECES} numbers and signs")
    return found


def _split(match: re.Match[str], rest: str, unknowns: bool) -> list[str]:
    """The pieces that a match stands for: a name may be several unknowns, and a % per cent."""
    if unknowns and match["name"]:
        names = re.findall(r"[A-Za-z][0-9_]*", match["name"])
        if len(names) > MAX_SIDE_BY_SIDE:
            raise Refused(f"{match['name'][:20]!r} is no unknown: they are single letters")
        return names
    if match["sign"] == "^":
        return ["**"]
    if match["sign"] == "%" and not OPERAND.match(rest.lstrip()):
        return ["%%"]
    return [match[match.lastgroup or 0]]


class _Reader:
    """Walks over the pieces once."""

    def __init__(self, pieces: list[str]) -> None:
        self._pieces = pieces
        self._at = 0

    @property
    def next(self) -> str | None:
        """The piece to be read, or None at the end."""
        return self._pieces[self._at] if self._at < len(self._pieces) else None

    def take(self, *wanted: str) -> str | None:
        """The next piece, where it is one of those wanted."""
        found = self.next
        if found not in wanted:
            return None
        self._at += 1
        return found

    def sum(self, depth: int) -> Tree:
        if depth > MAX_DEPTH:
            raise Refused(f"more than {MAX_DEPTH} levels deep")
        tree = self._product(depth)
        while sign := self.take("+", "-"):
            tree = Pair(sign, tree, self._product(depth))
        return tree

    def _product(self, depth: int) -> Tree:
        tree = self._unary(depth)
        while True:
            if sign := self.take("*", "/", "//", "%"):
                tree = Pair(sign, tree, self._unary(depth))
            elif self.next is not None and (self.next == "(" or self.next[0].isalpha()):
                tree = Pair("*", tree, self._power(depth))
            else:
                return tree

    def _unary(self, depth: int) -> Tree:
        if depth > MAX_DEPTH:
            raise Refused(f"more than {MAX_DEPTH} levels deep")
        if sign := self.take("+", "-"):
            tree = self._unary(depth + 1)
            return Call("-", tree) if sign == "-" else tree
        return self._power(depth)

    def _power(self, depth: int) -> Tree:
        tree = self._atom(depth)
        while sign := self.take("!", "%%"):
            tree = Call("!", tree) if sign == "!" else Pair("/", tree, Number(Fraction(100)))
        return Pair("**", tree, self._unary(depth + 1)) if self.take("**") else tree

    def _atom(self, depth: int) -> Tree:
        piece = self.next
        if piece is None:
            raise Refused("it ends too early")
        self._at += 1
        if piece == "(":
            return self._closed(depth)
        if piece[0] in ".0123456789":
            return Number(_figure(piece))
        if not piece[0].isalpha():
            raise Refused(f"{piece!r} was not expected there")
        if len(piece) > 1 and self.take("("):
            return Call(piece, self._closed(depth))
        return Name(piece)

    def _closed(self, depth: int) -> Tree:
        tree = self.sum(depth + 1)
        if not self.take(")"):
            raise Refused("a bracket is left open")
        return tree


def _figure(piece: str) -> Fraction:
    """The number as written. Its digits are counted before it is made: making it takes time by its length."""
    mantissa, _, exponent = piece.replace(",", "").lower().partition("e")
    if len(mantissa) > MAX_DIGITS:
        raise Refused(f"a number of more than {MAX_DIGITS} digits")
    if exponent and (len(exponent) > 4 or abs(int(exponent)) > MAX_EXPONENT):
        raise Refused(f"an exponent beyond {MAX_EXPONENT}")
    return Fraction(f"0{mantissa}") * Fraction(10) ** int(exponent or 0)
