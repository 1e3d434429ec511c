"""The answers that were sampled for one turn, and what a judge said of them: what came back, and what follows from it.

Everything here is a function of the replies and of what stands before them, so that a turn taken up from the journal
comes out as it did, or would have.
"""

from collections.abc import Sequence
from typing import Any

from dialogue.chance import rng
from dialogue.errors import Reason, ReplyFailed
from dialogue.preferences import Candidate, choice
from dialogue.records import Message
from generator.agents import ATTEMPTS
from generator.ratings import Rating

NOTHING: tuple[Reason, ...] = ("bad_reply", "reasoning_only", "content_filter")
"""Why a reply may hold no answer, while the next one does: the others are compared without it."""


class Ballot:
    """One turn of the assistant's."""

    def __init__(self, key: str, wanted: int) -> None:
        """`wanted` answers are sampled; the order in which they are shown is drawn for the key."""
        self._key = key
        self._wanted = wanted
        self.answers: list[Message] = []
        """As they came. One without words came to nothing, and its finish_reason is the reason."""
        self.verdicts: list[Message] = []
        """What was said of them, as it came; the last one is the one that counts."""
        self.failures = 0
        """How often the dialogue was given up at this turn before."""

    def wants_more(self, history: Sequence[Message]) -> bool:
        """Whether another answer is to be asked for: with every new try as many again, where none can be said.

        Two without words and nothing else are enough: a filter, or a limit on tokens, takes the others as well.
        """
        count, tries = len(self.answers), self.failures + 1
        if not self._with_words():
            return count < ATTEMPTS * tries
        return count < self._wanted or (count < self._wanted * tries and not self.shown(history))

    def shown(self, history: Sequence[Message]) -> list[Message]:
        """The answers that are compared, each text once, in an order of chance; a judge may lean to the first place.

        One that was cut or refused is among them only where all are, one that the dialogue has already never.
        """
        said = {message.content for message in history if message.role == "assistant"}
        fresh = [answer for answer in self._with_words() if answer.content not in said]
        pool = [answer for answer in fresh if _sound(answer)] or fresh
        rng(self._key, "shown").shuffle(pool)
        return pool

    def _with_words(self) -> list[Message]:
        """Each text once, as a whole answer where it is one."""
        found: dict[str, Message] = {}
        for answer in sorted(self.answers, key=lambda answer: not _sound(answer)):
            if answer.content.strip():
                found.setdefault(answer.content, answer)
        return list(found.values())

    def failure(self) -> ReplyFailed:
        """Why there is no answer to be shown."""
        if self._with_words():
            return ReplyFailed("repeat", f"answer_repeated: all of {len(self.answers)} answers, word for word")
        reason = next(reason for reason in NOTHING if reason == self.answers[-1].finish_reason)
        return ReplyFailed(reason, f"none of {len(self.answers)} answers has words")

    def message(self, shown: Sequence[Message], ratings: Sequence[Rating], model: str | None) -> Message:
        """The turn: the best of the answers shown, the earlier one of two that are alike, with all under `candidates`.

        Those shown come first, in their order. `ratings` are theirs; a single answer stands without.
        """
        rated = [{**_candidate(one, model), **_fields(rating)} for one, rating in zip(shown, ratings, strict=False)]
        texts = {answer.content for answer in shown}
        others = [_candidate(answer, model) for answer in self._with_words() if answer.content not in texts]
        turn = choice([*(rated or [_candidate(shown[0], model)]), *others])
        said = next(answer for answer in shown if answer.content == turn.content)
        about = {"thoughts": said.thoughts, "finish_reason": said.finish_reason, "model": said.model}
        return turn.model_copy(update=about)


def _sound(answer: Message) -> bool:
    return answer.finish_reason not in ("length", "refusal")


def _candidate(answer: Message, model: str | None) -> Candidate:
    whole = answer.finish_reason in (None, "stop")
    return {
        "content": answer.content,
        "model": answer.model or model,
        "thoughts": answer.thoughts,
        "finish_reason": None if whole else answer.finish_reason,
    }


def _fields(rating: Rating) -> dict[str, Any]:
    return {"score": rating.score, "critique": rating.critique, "ratings": dict(rating.ratings)}
