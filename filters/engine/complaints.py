"""A setting's fault in words of a person who typed it, not of the library that found it."""

from typing import Any, NamedTuple

from pydantic import ValidationError

_EXPECTED = {
    "greater_than": "expected more than {gt}",
    "greater_than_equal": "expected at least {ge}",
    "less_than": "expected less than {lt}",
    "less_than_equal": "expected at most {le}",
    "multiple_of": "expected a multiple of {multiple_of}",
    "literal_error": "expected {expected}",
    "missing": "is not set, and has no default",
    "finite_number": "expected a finite number",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "expected a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "expected a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "expected true or false"),
    **dict.fromkeys(("string_type",), "expected a text"),
    **dict.fromkeys(("dict_type",), "expected a table"),
}
_LIMITS = ("most_", "least_")


class Complaint(NamedTuple):
    """What is wrong."""

    setting: str | None
    """None where it is several together."""
    value: str
    """As it would stand in a TOML."""
    trouble: str


def complaint(error: ValidationError) -> Complaint:
    """The first fault of settings."""
    first = error.errors(include_url=False)[0]
    if not first["loc"]:
        return Complaint(None, "", first["msg"].removeprefix("Value error, "))
    value, setting = first.get("input"), ".".join(map(str, first["loc"]))
    return Complaint(setting, _told(value), _trouble(first["type"], first.get("ctx", {}), value, setting, first["msg"]))


def _trouble(kind: str, context: dict[str, Any], value: object, setting: str, said: str) -> str:
    if kind in ("tuple_type", "list_type"):
        return "expected a list" + (f", as [{_told(value)}]" if isinstance(value, str) else "")
    expected = _EXPECTED.get(kind)
    if expected is None:
        return said.removeprefix("Value error, ")
    off = ', or "off" for no limit' if setting.startswith(_LIMITS) and "number" in expected else ""
    return expected.format(**context) + off


def _told(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 80 else f"{text[:80]} ..."
