"""Ratings of answers, as the sector preference asks for them, and what a message asked anew was before.

The numbers are drawn, but for two things that can be seen: an answer that takes up more of the question's words follows
it better, and one of a few words helps little. builtin is no judge.
"""

import re
from functools import cache

import orjson

from dialogue.likeness import words
from generator.builtin.grammar import Grammar
from generator.builtin.languages import LANGUAGES
from generator.builtin.marks import QUOTED
from generator.builtin.stream import Stream
from generator.builtin.topic import words_in
from prompts.loader import Prompts

SCALE = (1, 5)
SHORT = 40
"""Words below which an answer loses a point."""
_ANSWER = re.compile(r"^\[answer (\d+) \| (\w+)\]\n(.*?)\n\[end of answer \1 \| \2\]$", re.DOTALL | re.MULTILINE)
_ASKED = re.compile(r"^\[user \| (\w+)\]\n(.*?)\n\[end of user \| \1\]$", re.DOTALL | re.MULTILINE)
_ASPECT = re.compile(r'"(\w+)": <1-5>')


def rated(prompt: str) -> list[str] | None:
    """The answers that are to be rated; None where the prompt is about something else."""
    found = [text for _, _, text in _ANSWER.findall(prompt)]
    return found or None


def asked_in(prompt: str) -> str:
    """The last message of the user's in the conversation that is rated."""
    found: list[tuple[str, str]] = _ASKED.findall(prompt)
    return found[-1][1] if found else ""


def ratings(prompt: str, answers: list[str], grammar: Grammar, stream: Stream) -> str:
    """The JSON array that is asked for."""
    question = set(words(asked_in(prompt)))
    rows = []
    for number, text in enumerate(answers, 1):
        said = words(text)
        shift = (len(question & set(said)) > 0.3 * len(question)) - (len(said) < SHORT)
        drawn = {name: 2 + stream.below(3) + shift for name in _ASPECT.findall(prompt)}
        marks = {name: min(max(value, SCALE[0]), SCALE[1]) for name, value in drawn.items()}
        word = (words_in(text, grammar) or words_in(asked_in(prompt), grammar) or ["…"])[0]
        critique = grammar.one("rating.critique", {"k": word, "n": str(len(said))}, stream)
        rows.append({"answer": number, "critique": critique, "ratings": marks})
    return orjson.dumps(rows).decode()


@cache
def _resumes() -> tuple[tuple[str, str], ...]:
    """What stands before and after the earlier message in the notes of each language."""
    wordings = [Prompts().data(f"languages/{language}/words.toml")["resume"]["act"] for language in LANGUAGES]
    return tuple((before, after) for before, _, after in (str(text).partition("{detail}") for text in wordings))


def resumed(note: str) -> str | None:
    """The message that the note wants anew; None where it wants another."""
    for before, after in _resumes():
        start = note.find(before)
        if start >= 0:
            start += len(before)
            end = note.rfind(after)
            return note[start : end if end > start else None].strip(QUOTED)
    return None
