"""Role exchange: a user who speaks, starts or looks like an assistant, an assistant who asks for help like a user."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from dialogue import exchange
from dialogue.draft import Draft
from dialogue.faults import OPENER_CHECKS
from dialogue.records import Dialogue
from dialogue.tongues import normal
from dialogue.wordlists import Phrases, phrases, wordlists
from filters.engine.base import Drop, Filter
from filters.engine.messages import (
    CLIPPED,
    Needles,
    draft_of,
    evidence,
    needles,
    own_phrases,
)

_EDGE = '*_"“¡ \n'
_START = 80
"""Characters in which a turn's first words stand."""
_SHORT = 240
"""Characters of one line within which there cannot be the 120 words that make a turn look like an answer."""
_READ = 400
"""Characters of an opener or an answer in which its first sentence is looked for."""
_SENTENCE = re.compile(r".*?(?:[.!?。！？]|\Z)", re.DOTALL)

Finder = Callable[[Draft], str | None]
_FOLLOW_UP: dict[str, Finder] = {
    "assistant_start": exchange.assistant_start,
    "help_desk": exchange.help_desk,
    "user_refuses": exchange.refusal,
    "shape": exchange.shape,
}
_OPENER: dict[str, Finder] = {
    "preamble": OPENER_CHECKS["preamble"],
    "user_refuses": OPENER_CHECKS["refusal"],
}


class RoleExchange(Filter):
    """Turns in which the two have changed places, by the checks of dialogue.faults.

    Reasons, in a follow-up of the user's: `assistant_start` ("Certainly! Here is"), `help_desk` ("feel free to ask"),
    `user_refuses` ("I'm sorry, but I can't assist"), `shape` (a heading, a numbered list, an essay). In an opener:
    `preamble` ("Here are ten questions:"), `user_refuses`. In an answer: `asks_as_user` ("Can you recommend a towel
    rail?"), where it is no question back ("Could you specify which one?").
    """

    shape: bool = True
    """Whether the look of a follow-up counts; users who paste their own texts into follow-ups look like assistants."""

    def apply(self, dialogue: Dialogue) -> Dialogue | Drop:
        """Drop for the first turn that the other side should have said."""
        opener = next((number for number, said in enumerate(dialogue.messages) if said.role == "user"), None)
        lows = {
            number: normal(said.content if number != opener else said.content[:_READ])
            for number, said in enumerate(dialogue.messages)
            if said.role == "user"
        }
        known = _known(dialogue.seed.language)
        phrased = known.phrases.in_("\n".join(lows.values()))
        for number, said in enumerate(dialogue.messages):
            found = None
            if said.role == "assistant":
                found = _asks_as_user(said.content, known)
            elif number in lows:
                low, text = lows[number], said.content
                long = self.shape and number != opener and (len(text) > _SHORT or "\n" in text)
                if long or low.lstrip(_EDGE).startswith(known.starts) or (phrased and known.phrases.in_(low)):
                    checks = _OPENER if number == opener else _FOLLOW_UP
                    found = self._user(draft_of(dialogue, number), checks)
            if found:
                reason, phrase = found
                at = max(0, normal(said.content).find(phrase))
                return Drop(reason, evidence(number, said.content, at, phrase=phrase[:CLIPPED]))
        return dialogue

    def _user(self, draft: Draft, checks: Mapping[str, Finder]) -> tuple[str, str] | None:
        for reason, check in checks.items():
            if (reason != "shape" or self.shape) and (phrase := check(draft)):
                return reason, phrase
        return None


def _asks_as_user(text: str, known: "_Known") -> tuple[str, str] | None:
    if not normal(text[:_START].lstrip(_EDGE)).startswith(known.asks):
        return None
    start = normal(text[:_READ].lstrip(_EDGE))
    if phrase := known.begs.start(start):
        return "asks_as_user", phrase
    question = _SENTENCE.match(start)
    if question and question[0].endswith("?") and not any(word in question[0] for word in known.asks_back):
        return "asks_as_user", question[0]
    return None


class _Known(NamedTuple):
    """The phrases of a language, in the form in which they are looked for."""

    starts: tuple[str, ...]
    phrases: Needles
    asks: tuple[str, ...]
    begs: Phrases
    asks_back: tuple[str, ...]


@lru_cache(maxsize=64)
def _known(language: str | None) -> _Known:
    lists = wordlists(language)
    own = own_phrases("role_exchange", language)
    begs = phrases(own["asks"])
    return _Known(
        starts=(*lists.help_desk_starts.every, *lists.opener_starts.every, *lists.lead_ins.every),
        phrases=needles((*lists.help_desk.every, *lists.refusal.every, *lists.apologies.every)),
        asks=(*lists.asks.every, *begs.every),
        begs=begs,
        asks_back=tuple(map(normal, own["asks_back"])),
    )
