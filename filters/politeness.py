"""Politeness: rounds in which the user only thanks or takes leave, and the assistant answers "You're welcome"."""

from collections.abc import Callable
from functools import lru_cache
from typing import ClassVar, Literal, NamedTuple

from dialogue import courtesy
from dialogue.draft import Draft
from dialogue.records import Dialogue
from dialogue.tongues import normal, word_count
from dialogue.wordlists import Phrases, phrases, wordlists
from filters.engine.base import Drop, Filter
from filters.engine.messages import Needles, draft_of, evidence, exchanges, needles, own_phrases

_LONGEST = 400
"""Characters of a turn that can be nothing but thanks."""
_ANSWER_WORDS = 60
"""Words of an answer that can be nothing but "you're welcome": in real dialogues it has 2 to 45."""

_CHECKS: dict[str, Callable[[Draft], str | None]] = {"thanks": courtesy.thanks, "farewell": courtesy.farewell}


class Politeness(Filter):
    """Rounds that say nothing.

    `thanks` and `farewell` are users' turns with nothing else in them, wherever they stand (dialogue.courtesy);
    `welcome` is a last round in which the user thanks and asks nothing, and the answer, of 60 words at most, starts
    with "You're welcome". They are the reasons of a drop, and `only_politeness` where there are no other rounds.
    """

    edits: ClassVar[bool] = True

    act: Literal["drop_pair", "drop"] = "drop_pair"
    """Take out the user's turn with its answer, as UltraChat did (arXiv 2305.14233), or drop the dialogue."""

    def apply(self, dialogue: Dialogue) -> Dialogue | Drop:
        """The dialogue without its polite rounds."""
        rounds = exchanges(dialogue.messages)
        found = {place: reason for place, span in enumerate(rounds) if (reason := _polite(dialogue, span[0]))}
        for place in reversed(range(len(rounds))):
            if place not in found:
                if not _welcomed(dialogue, rounds[place]):
                    break
                found[place] = "welcome"
        if not found:
            return dialogue
        if self.act == "drop" or len(found) == len(rounds):
            place = min(found)
            reason = found[place] if self.act == "drop" else "only_politeness"
            return Drop(reason, evidence(rounds[place][0], dialogue.messages[rounds[place][0]].content))
        left_out = {number for place in found for number in rounds[place]}
        kept = tuple(message for number, message in enumerate(dialogue.messages) if number not in left_out)
        return dialogue.model_copy(update={"messages": kept})


def _polite(dialogue: Dialogue, number: int) -> str | None:
    """The word for what is all that the user's turn does."""
    text = dialogue.messages[number].content
    if len(text) > _LONGEST or "?" in text:
        return None
    low = normal(text)
    if not _known(dialogue.seed.language).courtesies.in_(low):
        return None
    draft = draft_of(dialogue, number)
    return next((reason for reason, check in _CHECKS.items() if check(draft)), None)


def _welcomed(dialogue: Dialogue, span: range) -> bool:
    """Whether the user thanks and asks nothing, and is welcome."""
    said = [dialogue.messages[number] for number in span]
    low = normal(said[0].content)
    if len(said) != 2 or said[1].role != "assistant" or "?" in low:
        return False
    known = _known(dialogue.seed.language)
    if known.welcome.start(normal(said[1].content[:80]).lstrip('*_"¡ \n')) is None or known.thanks.find(low) is None:
        return False
    return word_count(said[1].content) <= _ANSWER_WORDS


class _Known(NamedTuple):
    """The phrases of a language."""

    courtesies: Needles
    thanks: Phrases
    welcome: Phrases


@lru_cache(maxsize=64)
def _known(language: str | None) -> _Known:
    lists = wordlists(language)
    return _Known(
        needles((*lists.thanks.every, *lists.farewell.every)),
        lists.thanks,
        phrases(own_phrases("politeness", language)["welcome"]),
    )
