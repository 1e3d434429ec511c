"""Ratings of answers, as sectors ask for them, and what a message asked anew was before.

The numbers are drawn, but for two things that can be seen: an answer that takes up more of the question's words follows
it better, and one of a few words helps little. On a scale to 100 they are drawn for the text alone, so that an answer
is worth the same wherever it stands. builtin is no judge.
"""

import re
from functools import cache

import orjson

from dialogue.chance import share
from dialogue.likeness import words
from generator.builtin.grammar import Grammar
from generator.builtin.languages import LANGUAGES
from generator.builtin.marks import QUOTED
from generator.builtin.stream import Stream
from generator.builtin.topic import words_in
from prompts.loader import Prompts

FIVE = 5
SHORT, LONG = 40, 120
"""Words below which an answer loses a point, or some, and above which it gains no more."""
_ANSWER = re.compile(r"^\[answer (\d+) \| (\w+)\]\n(.*?)\n\[end of answer \1 \| \2\]$", re.DOTALL | re.MULTILINE)
_ASKED = re.compile(r"^\[user \| (\w+)\]\n(.*?)\n\[end of user \| \1\]$", re.DOTALL | re.MULTILINE)
_ASPECT = re.compile(r'"(\w+)": <1-(\d+)>')


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
    question, aspects = set(words(asked_in(prompt))), _ASPECT.findall(prompt)
    rows = []
    for number, text in enumerate(answers, 1):
        said = words(text)
        shared = len(question & set(said))
        marks = {
            name: _of_five(shared > 0.3 * len(question), len(said), stream)
            if int(most) == FIVE
            else _of_many(name, int(most), text, shared / max(1, len(question)), len(said))
            for name, most in aspects
        }
        word = (words_in(text, grammar) or words_in(asked_in(prompt), grammar) or ["…"])[0]
        critique = grammar.one("rating.critique", {"k": word, "n": str(len(said))}, stream)
        rows.append({"answer": number, "critique": critique, "ratings": marks})
    return orjson.dumps(rows).decode()


def _of_five(follows: bool, said: int, stream: Stream) -> int:
    return min(max(2 + stream.below(3) + follows - (said < SHORT), 1), FIVE)


def _of_many(name: str, most: int, text: str, overlap: float, said: int) -> int:
    """A number on a long scale: half by chance, the rest by what is taken up and how much is said."""
    length = -0.15 if said < SHORT else 0.15 * min(1.0, said / LONG)
    return max(1, round(most * (0.25 + 0.15 * overlap + length + 0.45 * share(text, name))))


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
