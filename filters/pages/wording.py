"""Numbers and values as a person reads them."""

from math import floor, log10

from pydantic import JsonValue

MOST_ITEMS = 12
"""Of a list in a setting."""
MOST_CHARACTERS = 300
"""Of a text in a setting."""


def count(number: float) -> str:
    """12,345."""
    return f"{number:,.0f}"


def number(value: float) -> str:
    """Up to three significant digits, whole numbers in full: 0.3, 12,345, 0.0125."""
    if value == int(value):
        return count(value)
    digits = max(0, 2 - floor(log10(abs(value))))
    return f"{value:,.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:,.0f}"


def percent(part: float, whole: float) -> str:
    """A share in per cent, with the digits that it needs: 81 %, 4.2 %, 0.03 %; a dash of nothing."""
    if not whole:
        return "–"
    share = 100 * part / whole
    if 0 < share < 0.01:
        return "< 0.01 %"
    if share in (0, 100):
        return f"{share:.0f} %"
    return f"{share:.2f} %" if share < 1 or share > 99.9 else f"{share:.1f} %"


def size(bytes: int) -> str:
    """Bytes in the unit that fits: 260 MB."""
    for unit, power in (("GB", 9), ("MB", 6), ("kB", 3)):
        if bytes >= 10**power:
            return f"{bytes / 10**power:.3g} {unit}"
    return f"{bytes:,} bytes"


def spoken(name: str) -> str:
    """A key as words: duplicate_lines -> duplicate lines."""
    return name.replace("_", " ")


def told(value: JsonValue) -> str:
    """A setting's value in a line."""
    match value:
        case None:
            return "not set"
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return number(value)
        case str():
            return value if len(value) <= MOST_CHARACTERS else f"{value[:MOST_CHARACTERS]} …"
        case list():
            return _listed([told(entry) for entry in value[:MOST_ITEMS]], len(value))
        case _:
            entries = list(value.items())
            return _listed([f"{key}: {told(entry)}" for key, entry in entries[:MOST_ITEMS]], len(entries))


def _listed(shown: list[str], total: int) -> str:
    more = total - len(shown)
    return (", ".join(shown) or "none") + (f" and {more:,} more" if more else "")
