"""What users tell of themselves, kept in mind: small talk, facts told, and the same facts asked for again.

Both sides are told by words alone. A user's note says what to ask for; the assistant finds what was told in the user's
own messages, by the frames of the language (`[memory.*]`), and answers in the words of the frame. So an answer follows
from what was said before, but for a set share of wrong ones.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from generator.builtin.grammar import Grammar, capital
from generator.builtin.notes import Wanted
from generator.builtin.stream import Stream

UNKNOWN = "unknown"
"""The frame that answers what was never told."""

SLOTS = {"{x}": r"(?P<x>[\w-]+(?: [\w-]+)?)", "{v}": r"(?P<v>[\w'’-]+(?: [\w'’-]+){0,3})"}

DIRECT = (
    (re.compile(r"(.+?) my (.+?) is\b(.*)"), r"\1 is my \2\3"),
    (re.compile(r"(.+?) I (.+)"), r"\1 do I \2"),
)
"""How English turns "where I live" into a question of its own."""


class Frame(NamedTuple):
    """One kind of thing that people tell."""

    head: str
    """The words before the first slot, in small letters: a quick look whether it may be there."""
    told: re.Pattern[str]
    asked: re.Pattern[str]
    """Asked for, whatever the thing."""
    words: Mapping[str, str]


class Kept(NamedTuple):
    """Something told."""

    frame: Frame
    slots: Mapping[str, str]

    def said(self, name: str, value: str | None = None) -> str:
        """The frame's `noted`, `asked` or `answer` for it, or for another value."""
        text = self.frame.words[name]
        for slot, word in {**self.slots, **({"v": value} if value else {})}.items():
            text = text.replace(f"{{{slot}}}", word)
        return text


def small(wanted: Wanted, topic: str, own: Sequence[str], grammar: Grammar, stream: Stream) -> str | None:
    """The user's message where it is small talk or asks for something told before; None for any other act."""
    if wanted.act == "chat":
        lines = [entry[0] for entry in grammar.entries(f"user.chat.{wanted.form}")]
        return stream.pick([line for line in lines if line not in own] or lines)
    if wanted.act != "remind":
        return None
    clause = grammar.turned(wanted.fact or topic)
    given = {"c": clause, "q": direct(clause, grammar)}
    return capital(grammar.one(f"user.remind.{wanted.form}", given, stream))


def told(facts: Sequence[str], grammar: Grammar) -> str:
    """An opener that tells these facts of the card, one sentence each."""
    return grammar.joint.join(f"{capital(grammar.own(fact))}{grammar.stop_mark}" for fact in facts)


def remembered(turns: Sequence[str], grammar: Grammar, stream: Stream, wrong_share: float) -> str | None:
    """The answer to small talk, or in a dialogue that began with something told to what is told or asked for.

    None where the last turn is none of these. A wrong answer names another thing that was told, or none.
    """
    last = turns[-1].strip()
    if last in grammar.small_talk:
        return grammar.small_talk[last]
    if next(_told_in(turns[0], grammar), None) is None:
        return None
    if new := [capital(kept.said("noted")) for kept in _told_in(last, grammar)]:
        return grammar.joint.join(new)
    known = [kept for turn in turns[:-1] for kept in _told_in(turn, grammar)]
    asked = next((kept for kept in reversed(known) if _asks(last, kept, grammar)), None)
    unknown = grammar.memory[UNKNOWN]["answer"]
    if asked is None:
        return unknown if any(frame.asked.search(last) for frame in frames(grammar)) else None
    if stream.share() >= wrong_share:
        return capital(asked.said("answer"))
    others = [kept.slots["v"] for kept in known if kept is not asked]
    return capital(asked.said("answer", stream.pick(others))) if others else unknown


def direct(clause: str, grammar: Grammar) -> str:
    """What is asked for, as a question of its own without its mark: "where do I live"; as it is outside English."""
    if grammar.memory:
        for pattern, question in DIRECT:
            if (found := pattern.fullmatch(clause)) is not None:
                return found.expand(question)
    return clause


@cache
def frames(grammar: Grammar) -> tuple[Frame, ...]:
    """The frames of a language, in the order in which its file has them."""
    return tuple(_frame(words, grammar) for name, words in grammar.memory.items() if name != UNKNOWN)


def _frame(words: Mapping[str, str], grammar: Grammar) -> Frame:
    asked = words["asked"]
    either = "|".join(_pattern(form) for form in (direct(asked, grammar), asked))
    head = words["told"].partition("{")[0].lower()
    told_ = re.compile(rf"\b{_pattern(words['told'])}", re.IGNORECASE)
    return Frame(head, told_, re.compile(rf"\b(?:{either})\b".replace("?P<x>", "?:"), re.IGNORECASE), words)


def _pattern(text: str) -> str:
    pattern = re.escape(text).replace(r"\{", "{").replace(r"\}", "}")
    for slot, group in SLOTS.items():
        pattern = pattern.replace(slot, group)
    return pattern


def _told_in(turn: str, grammar: Grammar) -> Iterator[Kept]:
    """What the turn tells, in the order of its words."""
    low = turn.lower()
    found = []
    for frame in frames(grammar):
        if frame.head in low:
            found += [(match.start(), Kept(frame, match.groupdict())) for match in frame.told.finditer(turn)]
    return (kept for _, kept in sorted(found, key=lambda pair: pair[0]))


def _asks(turn: str, kept: Kept, grammar: Grammar) -> bool:
    clause, low = kept.said("asked"), turn.lower()
    return clause.lower() in low or direct(clause, grammar).lower() in low
