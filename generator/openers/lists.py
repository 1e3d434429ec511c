"""A list as an opener writer gave it, read strictly: numbers and items, or ValueError with the reason.

Writers are asked for a JSON array of {"i", "text"} and send arrays of strings, objects, fenced or twice, cut or with a
polite word before and after, or a numbered list instead (generator/openers/numbered.py). What can be read in one way
only is read; anything else is the caller's to ask for again. Nothing is guessed: an item in doubt is left out, and a
list of which less than 60 % is left is no list.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from generator.openers.items import bare, plain, plain_task, strip_own_numbers, strip_quotes
from generator.openers.numbered import list_start, numbered_items

ENOUGH = 0.6
"""Share of the expected items below which a list is asked for again."""

MAX_CHARACTERS = 400_000
MAX_TRIES = 2_000
"""Brackets at which JSON is looked for: an answer of nothing but brackets must not cost seconds."""

TEXT_KEYS = ("text", "message", "opener", "question", "item", "content", "name", "title", "subtopic", "value")
NUMBER_KEYS = ("i", "number", "index", "id", "n", "no")

LIST_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"i": {"type": "integer"}, "text": {"type": "string"}},
                "required": ["i", "text"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["items"],
    "additionalProperties": False,
}
"""What `response_format` asks for where an endpoint takes a schema; a strict one must be an object at its root."""

Items = list[tuple[int | None, str]]
"""Items in the order given, each with the number that stood by it."""

# A command whose first letter makes a legal JSON escape, so that "$\theta$" would be read as a tab and "heta".
_LATEX = "theta|times|text[a-z]*|tau|tan|tilde|to|top|triangle|rho|right[a-z]*|rangle|rceil|rfloor|nabla|neq|notin|nu"
_ESCAPE = re.compile(
    rf'\\(?:(?P<latex>(?:{_LATEX})(?![A-Za-z]))|(?P<legal>[\\"/nrt]|[bf](?![A-Za-z])|u[0-9a-fA-F]{{4}}))?'
)
_MATHS = re.compile(r"\$|\\[()\[]|\\(?:frac|sqrt|alpha|beta|cdot|sum|int|leq|geq|pi)")
_SMART_KEY = re.compile(r"[“”](?:i|text|items)[“”]\s*[:：]|\[\s*[“”]")
_BRACKET = re.compile(r"[\[{](?P<structure>(?=\s*[\[{\"]))?")
_CUT_STRINGS = re.compile(r'(\[\s*"(?:[^"\\]|\\.)*"(?:\s*,\s*"(?:[^"\\]|\\.)*")*)\s*,', re.DOTALL)
_BROKEN_JSON = re.compile(r'^[ \t]*(?:```\w*\s*)?(?:\[\s*["“{]|\{\s*["“])', re.MULTILINE)


def parse_list(
    text: str, finish_reason: str | None, expected: int, specs: Sequence[str] = (), tasks: bool = False
) -> list[tuple[int, str]]:
    """(number, item) of each item that is whole, numbers rising within 1..expected; items beyond are left out.

    `specs` are the lines that the writer was given: one that it wrote out before its item is taken off again.
    `tasks`: an item may bring material behind an empty line, which may look like anything.
    Raises ValueError where nothing sure can be made of the text, or too little.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"{len(text)} characters for {expected} items")
    text = bare(text)
    found = _json_items(text, finish_reason, expected)
    if found is None:
        found = [(number, strip_quotes(item)) for number, item in numbered_items(text, finish_reason, expected)]
    else:
        found = _unquoted(found)
    alone = plain_task if tasks else plain
    items = [(number, alone(item, specs[number - 1 : number])) for number, item in _placed(found, expected)]
    whole = [(number, item) for number, item in strip_own_numbers(items) if item]
    if len(whole) < math.ceil(ENOUGH * expected):
        raise ValueError(f"{len(whole)} of {expected} items")
    return whole


def _placed(items: Items, expected: int) -> list[tuple[int, str]]:
    """Each item with its place: the numbers given where they make sense, else the order."""
    numbers = [number for number, _ in items if number is not None]
    if numbers and min(numbers) == 0:
        numbers = [number + 1 for number in numbers]
    rising = len(numbers) == len(items) and len(set(numbers)) == len(items)
    if not rising or min(numbers, default=0) < 1 or (min(numbers) > 1 and max(numbers) > expected):
        numbers = list(range(1, len(items) + 1))
    placed = zip(numbers, (item for _, item in items), strict=True)
    return sorted((number, item) for number, item in placed if number <= expected)


def _unquoted(items: Items) -> Items:
    """JSON has its own quotes, so a second pair is the person's own, unless every item wears one."""
    stripped = [(number, strip_quotes(item)) for number, item in items]
    all_quoted = len(items) > 1 and all(a != b for a, b in zip(items, stripped, strict=True))
    return stripped if all_quoted else items


def _json_items(text: str, finish_reason: str | None, expected: int) -> Items | None:
    """The items of the first JSON list in the text that is long enough; None if the text has no JSON list at all."""
    text = _legal_escapes(text)
    before = list_start(text)  # brackets behind it belong to the items of a plain list
    best: Items = []
    loose: Items = []  # of an array that is broken or cut, or of JSON Lines
    for value in _json_values(text, before, cut=finish_reason == "length"):
        if item := _item(value):
            loose.append(item)
            continue
        items = _list(value)
        if len(items) >= math.ceil(ENOUGH * expected):
            return items
        best = max(best, items, key=len)
    if loose or best:
        return max(best, _once(loose), key=len)
    if _BROKEN_JSON.search(text, 0, before):
        raise ValueError(f"JSON that cannot be read: {text[:60]!r}")
    return None


def _once(items: Items) -> Items:
    """The first item of each number: an answer may hold its list twice."""
    first: dict[int | None, str] = {}
    for number, item in items:
        first.setdefault(number, item)
    return list(first.items())


def _json_values(text: str, before: int, cut: bool) -> Iterator[Any]:
    """Each JSON value that begins before a place, outermost first; of a broken array, the objects that are whole."""
    if _SMART_KEY.search(text):
        text = re.sub(r"(?<=[\[{,:：\s])[“”]|[“”](?=\s*[\]},:：])", '"', text)
    decoder = json.JSONDecoder(strict=False)  # raw newlines within strings
    broken = False
    place = 0
    for _ in range(MAX_TRIES):
        bracket = _BRACKET.search(text, place, before)
        if bracket is None:
            return
        try:
            value, place = decoder.raw_decode(text, bracket.start())
        except (ValueError, RecursionError):
            place = bracket.end()
            strings = _CUT_STRINGS.match(text, bracket.start()) if cut else None
            if strings:
                yield json.loads(strings[1] + "]", strict=False)
            elif (
                bracket["structure"] is not None
            ):  # the rest belongs to something broken, and what it means stays open ...
                broken, before = True, len(text)
            continue
        before = len(text)
        if isinstance(value, dict) or not broken or any(isinstance(part, dict) for part in value):
            yield value  # ... save for objects, which say themselves what they are


def _legal_escapes(text: str) -> str:
    r"""The text with each backslash that JSON does not know doubled, and those of LaTeX commands too."""
    maths = _MATHS.search(text) is not None

    def mended(match: re.Match[str]) -> str:
        legal = match["legal"] is not None or (match["latex"] is not None and not maths)
        return match[0] if legal else "\\" + match[0]

    return _ESCAPE.sub(mended, text)


def _list(value: Any) -> Items:
    """The items of an array, of an object that holds one, or of an object with numbered keys; else none."""
    if isinstance(value, list):
        if value and all(isinstance(part, str) for part in value):
            return [(None, part) for part in value]
        return [item for item in map(_item, value) if item is not None]
    if isinstance(value, dict):
        if items := _numbered_keys(value):
            return items
        return max((_list(part) for part in value.values() if isinstance(part, list | dict)), key=len, default=[])
    return []


def _item(value: Any) -> tuple[int | None, str] | None:
    """Number and text of {"i": 1, "text": "..."} and its cousins; None for anything else."""
    if not isinstance(value, dict):
        return None
    if len(value) == 1 and (numbered := _numbered_keys(value)):
        return numbered[0]
    number = next((value[key] for key in NUMBER_KEYS if key in value), None)
    text = next((value[key] for key in TEXT_KEYS if isinstance(value.get(key), str)), None)
    holds_list = number is None and any(isinstance(part, list | dict) for part in value.values())
    return None if text is None or holds_list else (_whole_number(number), text)


def _numbered_keys(value: dict[str, Any]) -> Items:
    """The items of {"1": "...", "2": "..."} or {"question_1": "..."}; none if any key bears no number."""
    pairs = [(re.fullmatch(r"[A-Za-z]*[ _-]?(\d{1,3})", key), part) for key, part in value.items()]
    if all(match and isinstance(part, str) for match, part in pairs):
        return [(int(match[1]), part) for match, part in pairs if match]
    return []


def _whole_number(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,3}\s*[.)]?\s*", value):
        return int(re.sub(r"\D", "", value))
    return value if isinstance(value, int) and not isinstance(value, bool) else None
