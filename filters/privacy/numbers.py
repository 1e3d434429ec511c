"""Numbers that can be told by their check digits or their grouping: accounts, payment cards, telephones."""

import re
from functools import cache

from filters.privacy.known import known

IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}", re.ASCII)
"""A country, two check digits, and what may still belong to it; `iban` finds the end."""
CARD = re.compile(
    r"(?<![\w.-])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?|\d{4}([ -])\d{6}\2\d{4,5})(?![\w-]|\.\d)",
    re.ASCII,
)
PHONE = re.compile(
    r"(?<![\w.+/=#-])(?:\+[1-9](?:[ .-]?\(?\d{1,4}\)?){2,7}"  # ITU-T E.164
    r"|(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])[2-9]\d{2}[ .-]\d{4}"  # North American Numbering Plan
    r"|1[3-9]\d{9}|1[3-9]\d[ -]\d{4}[ -]\d{4}|01[016789][ -]\d{3,4}[ -]\d{4}"  # Chinese and Korean mobiles
    r"|0\d{3,4} \d{3} \d{3,4}|0[1-9](?:[ .]\d\d){4}|01[567]\d[ /-]\d{7,8})"  # British, French, German mobiles
    r"(?![\w-]|\.\d)",
    re.ASCII,
)

_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}"  # American Express, Diners Club
    r"|(?:6011|65\d\d|64[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}"  # Discover, JCB, UnionPay
)
_FREE = re.compile(r"1?8(?:00|33|44|55|66|77|88)\d{7}")
"""Numbers that cost the caller nothing belong to offices and help lines."""
_FICTION = re.compile(r"1?\d{3}555\d{4}|1?555\d{7}|(?:44|0)(?:7700900|2079460|\d{3}496)\d{3,4}|13800138000")
"""Numbers kept for films and examples, in North America and in Britain (Ofcom); China Mobile's own."""
_RUNS = ("1234567", "2345678", "3456789", "7654321", "8765432", "9876543", "000000")


@cache
def _lengths() -> dict[str, int]:
    return {country: int(length) for length, countries in known("iban").items() for country in countries.split()}


def iban(match: re.Match[str]) -> tuple[int, int]:
    """The place of the account at the match's beginning; an empty one where none is."""
    length = _lengths().get(match[0][:2], 0)
    places = [place for place, char in enumerate(match[0]) if char != " "]
    if not length or len(places) < length:
        return 0, 0
    compact = match[0].replace(" ", "")[:length]
    end = match.start() + places[length - 1] + 1
    valid = is_iban(compact) and compact not in known("shown")["ibans"].split()
    return (match.start(), end) if valid and not match.string[end : end + 1].isalnum() else (0, 0)


def is_iban(compact: str) -> bool:
    """Whether the check digits are right: ISO 7064, the number modulo 97 is 1."""
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


def is_card(text: str) -> bool:
    """Whether it is a card's number: of an issuer, with the right check digit, and published nowhere."""
    digits = _digits(text)
    if not luhn(digits) or not _ISSUERS.fullmatch(digits):
        return False
    return not _made_up(digits) and digits not in known("shown")["cards"].split()


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others: ISO/IEC 7812-1, Annex B."""
    doubled = (2 * int(digit) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(n - 9 if n > 9 else n for n in doubled)) % 10 == 0


def is_phone(text: str) -> bool:
    """Whether it is somebody's number: of 8 to 15 digits, not free of charge, not made for examples."""
    digits = _digits(text)
    if not 8 <= len(digits) <= 15 or _made_up(digits):
        return False
    return not _FREE.fullmatch(digits) and not _FICTION.fullmatch(digits)


def _digits(text: str) -> str:
    return "".join(char for char in text if char in "0123456789")


def _made_up(digits: str) -> bool:
    """Whether a number counts up or down or has but two digits, as one writes to show how a number looks."""
    return len(set(digits)) <= 2 or any(run in digits for run in _RUNS)
