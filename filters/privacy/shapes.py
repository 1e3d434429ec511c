"""Secrets in a text: where they are, and the text without them."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from ipaddress import ip_address
from typing import Literal, NamedTuple

from filters.privacy import numbers
from filters.privacy.known import known

Kind = Literal["private_key", "jwt", "api_key", "email", "iban", "card", "phone", "ip"]
KINDS: tuple[Kind, ...] = ("private_key", "jwt", "api_key", "email", "iban", "card", "phone")
"""What is looked for by default: all but `ip`."""


class Found(NamedTuple):
    """A secret's kind and place in a text."""

    kind: Kind
    start: int
    end: int


Span = Callable[[re.Match[str]], tuple[int, int]]


class _Shape(NamedTuple):
    expression: re.Pattern[str]
    span: Span
    """The secret's place in a match; an empty one where it is none."""
    hints: tuple[str, ...] = ()
    """A text without one of these holds no such secret."""
    digits: int = 0
    """A text with fewer digits holds none."""
    run: bool = False
    """Whether eight digits have to stand together, with spaces and marks between them at most."""


_NO_DIGITS = bytes(i for i in range(256) if not 48 <= i <= 57)
_RUN = re.compile(r"\d[ ().\d/-]{6,}\d", re.ASCII)


def find(text: str, kinds: Sequence[Kind] = KINDS) -> list[Found]:
    """The secrets in a text from left to right; of two that overlap, the one of the kind that is named first."""
    found: list[Found] = []
    covered = bytearray()
    for kind in _likely(text, kinds):
        shape = _shapes()[kind]
        for match in shape.expression.finditer(text):
            start, end = shape.span(match)
            covered = covered or bytearray(len(text))
            if end > start and covered.find(1, start, end) < 0:
                covered[start:end] = b"\1" * (end - start)
                found.append(Found(kind, start, end))
    return sorted(found, key=lambda secret: secret.start)


def _likely(text: str, kinds: Sequence[Kind]) -> list[Kind]:
    """The kinds of which a text can hold any, by looks that take a hundredth of an expression's time."""
    digits = len(text.encode("utf-8", "replace").translate(None, _NO_DIGITS))
    likely: list[Kind] = []
    run: bool | None = None
    for kind in kinds:
        shape = _shapes()[kind]
        if digits < shape.digits or (shape.hints and not any(map(text.__contains__, shape.hints))):
            continue
        if shape.run and run is None:
            run = _RUN.search(text) is not None
        if run or not shape.run:
            likely.append(kind)
    return likely


def mask(text: str, kinds: Sequence[Kind] = KINDS) -> str:
    """The text with `<email>`, `<card>` ... in place of its secrets; `find` finds none in it."""
    while found := find(text, kinds):
        pieces, end = [], 0
        for kind, start, stop in found:
            pieces += [text[end:start], f"<{kind}>"]
            end = stop
        text = "".join(pieces) + text[end:]  # what was no secret beside another one may be one now
    return text


_EMAIL = re.compile(
    r"(?<![\w.+%/-])[A-Za-z0-9][\w.+%-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24}(?![\w(@-])", re.ASCII
)
_ANY = re.compile(r"^(?:your|my|the|some|any|an?)[-_.]?|[-_.]?\d*$")
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,4000}\.eyJ[\w-]{8,8000}\.[\w-]{8,1000}(?![\w-])", re.ASCII)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,10} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?:[^-]|-(?!----)){40,20000}+-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"|(?:\s{0,4}[A-Za-z0-9+/=]{20,}+)++(?:\s{0,4}[A-Za-z0-9+/]{0,60}={1,2})?)"  # its end is missing
)
_BASE64 = re.compile("[A-Za-z0-9+/=]{30}")
_PLACEHOLDER = re.compile(r"(?i)example|your|placeholder|xxxx|12345|abcde|(.)\1{5}")
_ADDRESS = re.compile(
    r"(?<![\w.:])(?:(?:\d{1,3}\.){3}\d{1,3}|(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4})(?![\w:]|\.\d)", re.ASCII
)


@cache
def _listed(table: str, name: str) -> frozenset[str]:
    return frozenset(known(table)[name].split())


def _is_email(text: str) -> bool:
    name, domain = text.lower().rsplit("@", 1)
    *labels, top = domain.split(".")
    # mail.utexas.edu, example.co.uk: the last label that is not as short as a registry's
    site = next((label for label in reversed(labels) if len(label) > 3), labels[-1])
    places = _listed("email", "places")
    shown = top in _listed("shown", "domains") or site in places or _ANY.sub("", site) in places
    return not (shown or name in _listed("email", "names"))


def _is_key(text: str) -> bool:
    return len(set(text)) > 10 and not _PLACEHOLDER.search(text)


def _is_private_key(text: str) -> bool:
    return _BASE64.search(text, 40) is not None  # "-----BEGIN PRIVATE KEY----- ..." holds none


def _is_jwt(text: str) -> bool:
    return not text.startswith(known("shown")["jwt"])


def _is_public(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    unicast = address.version == 4 or int(address) >> 125 == 1
    return address.is_global and not address.is_multicast and unicast and text not in _listed("shown", "addresses")


def _if(real: Callable[[str], bool]) -> Span:
    return lambda match: match.span() if real(match[0]) else (0, 0)


@cache
def _shapes() -> dict[Kind, _Shape]:
    keys = known("keys")
    api_key = re.compile(rf"(?<![\w-])(?:{'|'.join(keys.values())})(?![\w-])", re.ASCII)
    return {
        "private_key": _Shape(_PRIVATE_KEY, _if(_is_private_key), ("PRIVATE KEY",)),
        "jwt": _Shape(_JWT, _if(_is_jwt), (".eyJ",)),
        "api_key": _Shape(api_key, _if(_is_key), tuple(keys)),
        "email": _Shape(_EMAIL, _if(_is_email), ("@",)),
        "iban": _Shape(numbers.IBAN, numbers.iban, digits=8),
        "card": _Shape(numbers.CARD, _if(numbers.is_card), digits=13, run=True),
        "phone": _Shape(numbers.PHONE, _if(numbers.is_phone), digits=8, run=True),
        "ip": _Shape(_ADDRESS, _if(_is_public), (".", ":"), digits=1),
    }
