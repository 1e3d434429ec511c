"""Instructions on a passage, for the opener writer: what each line of the list wants done with it."""

from functools import cache

from generator.builtin.grammar import Grammar, capital, words_of
from generator.builtin.notes import Wording
from generator.builtin.stream import Stream
from generator.builtin.topic import words_in
from prompts.loader import Prompts

PASSAGE = "Passage"
"""The label of the step that holds the passage."""

KINDS = "sectors/materials/instructions.toml"


@cache
def _wants() -> dict[str, str]:
    """The kind of instruction by each wording of it, in all languages."""
    tables = [words["wants"] for words in Prompts().data(KINDS).values() if "wants" in words]
    return {wanted: kind for table in tables for kind, choices in table.items() for wanted in choices}


def kind_of(line: str, grammar: Grammar, stream: Stream) -> str:
    """The kind that the line asks for; any one where it says so in words of the user's own."""
    kinds = [name.removeprefix("instruct.") for name in grammar.names("instruct.")]
    found = max((wanted for wanted in _wants() if wanted in line), key=len, default=None)
    return _wants()[found] if found else stream.pick(kinds)


def instructions(
    passage: str, n: int, lines: tuple[str, ...], wording: Wording, grammar: Grammar, stream: Stream
) -> list[str]:
    """As many instructions on the passage, all different."""
    words = words_in(passage, grammar)
    words = words if len(words) > 1 else [*words, grammar.one("bank.something", {}, stream)]
    found: dict[str, None] = {}
    while len(found) < n:
        line = lines[len(found)] if len(found) < len(lines) else ""
        given = {"k": stream.pick(words), "k2": stream.pick(words)}
        text = capital(grammar.one(f"instruct.{kind_of(line, grammar, stream)}", given, stream))
        spec = wording.spec(line)
        if spec.fact and words_of(text) + words_of(spec.fact) <= spec.high + 4:
            text = grammar.joint.join((text, f"{capital(grammar.own(spec.fact))}{grammar.stop_mark}"))
        found.setdefault(text)
    return list(found)
