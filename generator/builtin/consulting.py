"""The assistant of a field: it asks for what it has to know, then says something of its sources, or declines.

What it is told is found by the wording of the templates under prompts/consulting/, as turn notes are.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from dialogue.chance import hash64
from generator.builtin.answers import given_words, pair
from generator.builtin.grammar import Grammar, capital
from generator.builtin.languages import LANGUAGES
from generator.builtin.stream import Stream
from prompts.loader import Prompts

SIGN = "\x1a"
LISTS = "sector.client"
UNASKED_SHARE = 0.1
"""Share of the dialogues in which it advises at once."""
HEEDED_SHARE = 0.7
"""Share of those in which it asks when it is told to; the others are a fault to be found."""
TWICE_SHARE = 0.5
"""Share of the others in which it asks a second time."""
TAIL = 8
"""Characters by which the end of a line is known."""
ALIKE = 0.6
"""Share of a boundary's words that a message holds which wants it."""

_ID = re.compile(r"^\[([^\[\]\n]+)\]\n", re.MULTILINE)
_REASON = re.compile(r" ?[(（][^()（）]*[)）]$")
_SENTENCE = re.compile(r"(?:[^.!?。！？\n]|\.(?=\d))+[.!?。！？]?")


@dataclass(frozen=True, slots=True)
class Told:
    """What the assistant was told."""

    language: str
    asks: tuple[str, ...]
    decline: tuple[str, ...]
    notes: tuple[tuple[str, str], ...]
    cite: bool
    again: bool
    """Whether its last reply advised unasked."""


class _Signs:
    """What stands around the variables of one language's guide."""

    def __init__(self, prompts: Prompts, language: str) -> None:
        guide, again = (f"consulting/{language}/{name}.j2" for name in ("guide", "again"))
        text = prompts.render(
            guide,
            assistant="",
            asks=[SIGN],
            decline=[(SIGN, None)],
            refer=None,
            cite=False,
            notes=[(SIGN, SIGN)],
            language="",
        )
        lines = text.split("\n")
        places = [number for number, line in enumerate(lines) if SIGN in line]
        self.asks, self.stop = lines[places[0]].split(SIGN)
        self.decline = lines[places[1] - 1][-TAIL:]
        self.notes = next(line for line in reversed(lines[: places[2]]) if line)
        self.again = prompts.render(again, fault="unasked", evidence="")
        self.language = language

    def read(self, system: str) -> Told | None:
        """What a system text in this wording tells; None for any other."""
        before, heading, rest = system.partition(f"\n{self.notes}\n")
        head, tail, lines = before.partition(f"{self.decline}\n")
        if not heading or not tail:
            return None
        asks = next((line for line in head.split("\n") if line.startswith(self.asks)), "")
        _, *found = _ID.split(rest)
        notes = tuple((id, text.strip()) for id, text in zip(found[::2], found[1::2], strict=True))
        return Told(
            language=self.language,
            asks=tuple(re.split("[;；] ?", asks[len(self.asks) :].removesuffix(self.stop))) if asks else (),
            decline=tuple(_REASON.sub("", line[2:]) for line in lines.split("\n") if line.startswith("- ")),
            notes=notes,
            cite=bool(notes) and f"[{notes[0][0]}]" in head,
            again=system.rstrip().endswith(self.again),
        )


@cache
def _signs() -> tuple[_Signs, ...]:
    prompts = Prompts()
    known = (language for language in LANGUAGES if prompts.path(f"consulting/{language}/guide.j2"))
    return tuple(_Signs(prompts, language) for language in known)


def told_in(system: str) -> Told | None:
    """What the assistant of a field was told; None where the system text is another's."""
    return next((told for signs in _signs() if (told := signs.read(system))), None)


def consult(told: Told, turns: Sequence[str], grammar: Grammar, stream: Stream) -> str:
    """Its reply to the last of the user's turns."""
    given, words = given_words(turns[0], turns[-1], told.language, grammar)
    pair(words, given, stream)
    if any(_wants(turns[0], line) for line in told.decline):
        return _said(["declined.first", "declined.middle", "declined.last"], given, grammar, stream)
    own = Stream(hash64(turns[0]))
    unasked, twice = own.share() < UNASKED_SHARE, own.share() < TWICE_SHARE
    if (told.again and own.share() < HEEDED_SHARE) or (len(turns) <= 1 + twice and not unasked):
        if told.asks:
            given["ask"] = _unheard(told.asks, turns, own)
        return _said(["ask.first", "ask.last" if told.asks else "ask.open"], given, grammar, stream)
    return _advice(told, given, grammar, stream)


def _advice(told: Told, given: dict[str, str], grammar: Grammar, stream: Stream) -> str:
    id, text = told.notes[0] if told.notes else ("", given["t"])
    _, _, body = text.partition("\n")
    sentences = [found.strip(" -") for found in _SENTENCE.findall(body or text) if len(found.strip()) > 2]
    places = sorted(stream.distinct(len(sentences), min(3, len(sentences))))
    chosen = [sentences[place] for place in places] or [text]
    mark = f" [{id}]" if told.cite and id else ""
    parts = [_said(["advice.first"], given, grammar, stream)]
    parts += [f"{capital(sentence.rstrip('.。'))}{mark}{grammar.stop_mark}" for sentence in chosen]
    parts += [_said(["advice.middle", "advice.last"], given, grammar, stream)]
    return grammar.joint.join(parts)


def _said(lists: Sequence[str], given: dict[str, str], grammar: Grammar, stream: Stream) -> str:
    return grammar.joint.join(capital(grammar.one(f"{LISTS}.{name}", given, stream)) for name in lists)


def _unheard(asks: Sequence[str], turns: Sequence[str], stream: Stream) -> str:
    """What the user's turns have the fewest words of, from a place of chance on."""
    said, first = " ".join(turns).lower(), stream.below(len(asks))
    return min((*asks[first:], *asks[:first]), key=lambda ask: sum(piece in said for piece in _pieces(ask)))


def _pieces(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]{4,}", text.lower()) if text.isascii() else list(text)


def _wants(message: str, boundary: str) -> bool:
    """Whether the message wants what the boundary names."""
    pieces = _pieces(boundary)
    held = sum(piece in message.lower() for piece in pieces)
    return bool(pieces) and held >= ALIKE * len(pieces)
