"""The checks: each takes the answer, the instruction's arguments and whether upstream's faults are kept."""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from dialogue.tongues import UNBOUNDED
from evaluator.ifeval import text as of

Arguments = Mapping[str, Any]
Rule = Callable[[str, Arguments, bool], bool]
LESS, LEAST = "less than", "at least"
_REPEATED = re.compile(r"\)[*+{?]")
_FENCES = ("```json", "```Json", "```JSON", "```")
CHOICES = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_STOPS = frozenset(".,?!'\"")


def compared(count: int, relation: Any, least: Any) -> bool:
    """Whether a count is less than a number, or at least that. Raises ValueError for another relation."""
    if relation not in (LESS, LEAST):
        raise ValueError(f"relation {relation!r}, expected {LESS!r} or {LEAST!r}")
    return count < int(least) if relation == LESS else count >= int(least)


def searched(word: str, upstream: bool) -> str:
    """A keyword as a pattern: upstream reads it as a regular expression.

    One that is none, and one that repeats a group, whose search may take for ever, are taken at their letters.
    """
    if upstream and not _REPEATED.search(word):
        with suppress(re.error):
            re.compile(word)
            return word
    return re.escape(word)


def _found(pattern: str, text: str) -> int:
    return len(re.findall(pattern, text, re.IGNORECASE))


def _as_word(word: str, upstream: bool) -> str:
    """A word with its edges. Upstream's do not hold for "C++", nor in scripts that put no space between words."""
    if upstream:
        return rf"\b{searched(word, upstream)}\b"
    before = "" if word[:1] in UNBOUNDED else r"(?<!\w)"
    after = "" if word[-1:] in UNBOUNDED else r"(?!\w)"
    return f"{before}{re.escape(word)}{after}"


def existence(text: str, given: Arguments, upstream: bool) -> bool:
    """Every keyword occurs."""
    return all(_found(searched(word, upstream), text) for word in given["keywords"])


def forbidden(text: str, given: Arguments, upstream: bool) -> bool:
    """No forbidden word occurs as a word."""
    return not any(_found(_as_word(word, upstream), text) for word in given["forbidden_words"])


def frequency(text: str, given: Arguments, upstream: bool) -> bool:
    """A keyword occurs so often."""
    word = searched(given["keyword"].strip(), upstream)
    return compared(_found(word, text), given["relation"], given["frequency"])


def letter_frequency(text: str, given: Arguments, upstream: bool) -> bool:
    """A letter occurs so often. Where it is none, upstream counts a letter drawn by chance; here the sign itself."""
    return compared(text.lower().count(str(given["letter"]).lower()), given["let_relation"], given["let_frequency"])


def response_language(text: str, given: Arguments, upstream: bool) -> bool:
    """The answer is in the language; a text without letters passes, as upstream has it."""
    found = of.language(text)
    return found is None or found == given["language"].split("-")[0]


def number_sentences(text: str, given: Arguments, upstream: bool) -> bool:
    """So many sentences."""
    return compared(of.sentences(text, upstream), given["relation"], given["num_sentences"])


def number_words(text: str, given: Arguments, upstream: bool) -> bool:
    """So many words."""
    return compared(of.words(text), given["relation"], given["num_words"])


def number_paragraphs(text: str, given: Arguments, upstream: bool) -> bool:
    """So many paragraphs between ***; an empty one in the middle is a fault."""
    parts = re.split(r"\s?\*\*\*\s?", text)
    if any(not part.strip() for part in parts[1:-1]):
        return False
    return sum(bool(part.strip()) for part in parts) == int(given["num_paragraphs"])


def nth_paragraph_first_word(text: str, given: Arguments, upstream: bool) -> bool:
    """So many paragraphs, and the nth begins with a word. Upstream counts full ones and takes the nth of all."""
    every = text.split("\n\n")
    full = [part for part in every if part.strip()]
    nth, wanted = int(given["nth_paragraph"]), int(given["num_paragraphs"])
    if nth > len(full):
        return False
    part = (every if upstream else full)[nth - 1].strip()
    if not part:
        return False
    word = part.split()[0].lstrip("'").lstrip('"')
    stop = next((at for at, letter in enumerate(word) if letter in _STOPS), len(word))
    return len(full) == wanted and word[:stop].lower() == str(given["first_word"]).lower()


def number_placeholders(text: str, given: Arguments, upstream: bool) -> bool:
    """At least so many [placeholders]."""
    return sum(map(_bracketed, text.split("\n"))) >= int(given["num_placeholders"])


def _bracketed(line: str) -> int:
    """How many [brackets] a line has. A pattern would look from every open one to the end of the line."""
    found, start = 0, line.find("[")
    while start >= 0 and (end := line.find("]", start + 1)) >= 0:
        found += 1
        start = line.find("[", end + 1)
    return found


def postscript(text: str, given: Arguments, upstream: bool) -> bool:
    """A postscript with the marker."""
    marker = str(given["postscript_marker"]).strip()
    patterns = {"P.P.S": r"p\.\s?p\.\s?s", "P.S.": r"p\.\s?s\."}
    return re.search(patterns.get(marker, re.escape(marker.lower())), text.lower()) is not None


def number_bullets(text: str, given: Arguments, upstream: bool) -> bool:
    """Exactly so many bullets, stars or dashes."""
    stars = re.findall(r"^[^\S\n]*\*[^\*].*$", text, re.MULTILINE)
    dashes = re.findall(r"^[^\S\n]*-.*$", text, re.MULTILINE)
    return len(stars) + len(dashes) == int(given["num_bullets"])


def constrained_response(text: str, given: Arguments, upstream: bool) -> bool:
    """One of three sentences occurs."""
    return any(choice in text for choice in CHOICES)


def number_highlights(text: str, given: Arguments, upstream: bool) -> bool:
    """At least so many *highlights*, single or double."""
    single = [part for part in re.findall(r"\*[^\n\*]*\*", text) if part.strip("*").strip()]
    double = [part for part in re.findall(r"\*\*[^\n\*]*\*\*", text) if part.strip("*").strip()]
    return len(single) + len(double) >= int(given["num_highlights"])


def multiple_sections(text: str, given: Arguments, upstream: bool) -> bool:
    """At least so many numbered sections with the splitter."""
    splitter = searched(str(given["section_spliter"]), upstream)
    return len(re.split(rf"\s?{splitter}\s?\d+\s?", text)) - 1 >= int(given["num_sections"])


def json_format(text: str, given: Arguments, upstream: bool) -> bool:
    """The whole is JSON, fenced or not."""
    said = text.strip()
    for fence in _FENCES:
        said = said.removeprefix(fence)
    try:
        json.loads(said.removesuffix("```").strip())
    except (ValueError, RecursionError):
        return False
    return True


def title(text: str, given: Arguments, upstream: bool) -> bool:
    """A title in <<double angular brackets>>."""
    return any(_angled(line) for line in text.split("\n"))


def _angled(line: str) -> bool:
    start, end = line.find("<<"), line.rfind(">>")
    return 0 <= start < end and bool(line[start:end].lstrip("<").rstrip(">").strip())


def two_responses(text: str, given: Arguments, upstream: bool) -> bool:
    """Two different answers, six stars between them."""
    parts = text.split("******")
    if any(not part.strip() for part in parts[1:-1]):
        return False
    full = [part.strip() for part in parts if part.strip()]
    return len(full) == 2 and full[0] != full[1]


def repeat_prompt(text: str, given: Arguments, upstream: bool) -> bool:
    """The answer begins with the request."""
    return text.strip().lower().startswith(str(given["prompt_to_repeat"]).strip().lower())


def end_checker(text: str, given: Arguments, upstream: bool) -> bool:
    """The answer ends with the phrase."""
    return text.strip().strip('"').lower().endswith(str(given["end_phrase"]).strip().lower())


def quotation(text: str, given: Arguments, upstream: bool) -> bool:
    """The whole stands in double quotation marks."""
    said = text.strip()
    return len(said) > 1 and said[0] == said[-1] == '"'


def capital_word_frequency(text: str, given: Arguments, upstream: bool) -> bool:
    """So many words in capitals."""
    return compared(of.capital_words(text), given["capital_relation"], given["capital_frequency"])


def english_capital(text: str, given: Arguments, upstream: bool) -> bool:
    """All in English capitals."""
    return text.isupper() and of.language(text) in ("en", None)


def english_lowercase(text: str, given: Arguments, upstream: bool) -> bool:
    """All in English lower case."""
    return text.islower() and of.language(text) in ("en", None)


def no_comma(text: str, given: Arguments, upstream: bool) -> bool:
    """Not one comma."""
    return "," not in text
