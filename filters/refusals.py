"""Refusals: answers that refuse, and answers that say what a language model is not and has not."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from dialogue import exchange
from dialogue.draft import read
from dialogue.records import Dialogue
from dialogue.tongues import normal
from dialogue.wordlists import Phrases, phrases, wordlists
from filters.engine.base import Drop, Filter
from filters.engine.messages import Needles, evidence, needles, own_phrases

Where = Literal["anywhere", "start", "off"]
EXPECTED = "refusal"
"""The value of `seed.extra["expected"]` in dialogues that are made to be refused."""
_START = 160
"""Characters of an answer's first line that are its start: one or two sentences."""
_QUESTION = 100
"""Characters of a message that asks the assistant who it is: longer ones have a task."""
_READ = 240
"""Characters of an answer in which its start is looked for, quotes included."""


class Refusals(Filter):
    """Answers that refuse or disclaim; their quotes, code and URLs are not read.

    Reasons: `disclaimer` ("As an AI language model", "I do not have personal opinions"), `refusal` ("I'm sorry, but I
    can't assist", or a finish reason or stop that says so), `incapable` ("I don't have access to", "I am unable to").

    A disclaimer is right, and passes, where the user has just asked what the assistant is ("Who are you?").
    A dialogue whose seed expects a refusal, by convention `seed.extra["expected"] == "refusal"`, is spared, however it
    stopped: data for harmlessness consists of such dialogues.
    """

    disclaimer: Where = "anywhere"
    """Where a disclaimer counts: anywhere, within 160 characters of the first line, nowhere. UltraChat-200k dropped
    dialogues with "I do not have emotions" or "I don't have opinions" anywhere in an answer."""
    refusal: Where = "start"
    """The same for refusals. Further on they are mostly words of a letter or a story."""
    incapable: Where = "off"
    """The same for missing data and abilities. Off: 16 % of UltraChat-200k begin an answer with the like of "I
    don't have access to", and nearly all go on with help ("However, you can ...")."""
    turns: Literal["any", "first", "last"] = "any"
    """Which answers are read."""

    def apply(self, dialogue: Dialogue) -> Dialogue | Drop:
        """Drop for the first answer that refuses or disclaims."""
        if dialogue.seed.extra.get("expected") == EXPECTED:
            return dialogue
        answers = [number for number, message in enumerate(dialogue.messages) if message.role == "assistant"]
        last = answers[-1] if answers else None
        if self.turns != "any":
            answers = answers[:1] if self.turns == "first" else answers[-1:]
        lows = {number: normal(dialogue.messages[number].content) for number in answers}
        known = _known(dialogue.seed.language)
        near = self._near(list(lows.values()), known)
        for number, low in lows.items():
            message = dialogue.messages[number]
            if message.finish_reason == "refusal" or (dialogue.stop == "refused" and number == last):
                return Drop("refusal", evidence(number, message.content, phrase="refused"))
            found = self._found(message.content, low, near, known) if near else None
            if found and not (found[0] == "disclaimer" and _asked(dialogue, number)):
                reason, phrase = found
                return Drop(reason, evidence(number, message.content, max(0, low.find(phrase)), phrase=phrase))
        return dialogue

    def _near(self, lows: Sequence[str], known: "_Known") -> list[str]:
        """The kinds of which one of the texts may have a phrase: for most dialogues none."""
        texts = {"anywhere": "\n".join(lows), "start": "\n".join(low[:_READ] for low in lows)}
        wheres = {kind: getattr(self, kind) for kind in known.kinds}
        return [kind for kind, where in wheres.items() if where != "off" and known.kinds[kind].near.in_(texts[where])]

    def _found(self, text: str, low: str, near: Sequence[str], known: "_Known") -> tuple[str, str] | None:
        if not any(known.kinds[kind].near.in_(low) for kind in near):
            return None
        draft = read(text, (), None, known.language)
        start = draft._replace(plain=draft.plain[:_START].split("\n", 1)[0])
        for kind in near:
            part = draft if getattr(self, kind) == "anywhere" else start
            phrase = known.kinds[kind].own.find(part.plain, draft.vocabulary)
            phrase = phrase or (exchange.refusal(part) if kind == "refusal" else None)
            if phrase:
                return kind, phrase
        return None


def _asked(dialogue: Dialogue, number: int) -> bool:
    """Whether the message before asks the assistant about itself."""
    before = dialogue.messages[number - 1] if number else None
    if before is None or before.role != "user" or len(before.content) > _QUESTION:
        return False
    low, known = normal(before.content), _known(dialogue.seed.language)
    return ("?" in low and known.asked_starts.start(low) is not None) or known.asked.find(low) is not None


class _Kind(NamedTuple):
    """The phrases of a kind."""

    own: Phrases
    """Those that filters/phrases has."""
    near: Needles
    """They and those that dialogue/phrases has."""


class _Known(NamedTuple):
    language: str | None
    kinds: dict[str, _Kind]
    asked_starts: Phrases
    asked: Phrases


@lru_cache(maxsize=64)
def _known(language: str | None) -> _Known:
    """The phrases of a language and of English, of all where it is None."""
    own = own_phrases("refusals", language)
    lists = wordlists(language)
    own["disclaimer"] += [f"{claim} {lack}" for claim in own["claims"] for lack in own["lacks"]]
    more = {"refusal": (*lists.refusal.every, *lists.apologies.every)}
    kinds = {}
    for kind in ("disclaimer", "refusal", "incapable"):
        found = phrases(own[kind])
        kinds[kind] = _Kind(found, needles((*found.every, *more.get(kind, ()))))
    return _Known(language, kinds, phrases(own["asked_starts"]), phrases(own["asked"]))
