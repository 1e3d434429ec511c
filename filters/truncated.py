"""Truncated answers: cut by the token limit, left in an open code fence, or ending in the middle of a sentence."""

import re
from functools import cache
from typing import ClassVar, Literal

from dialogue.records import Dialogue, Message
from dialogue.tongues import normal, word_count
from dialogue.wordlists import Phrases, phrases
from filters.engine.base import Drop, Filter
from filters.engine.messages import evidence, exchanges, own_phrases

_MARK = re.compile(r"(?<=[^\d\s])[.!?…][\"'”’)\]*_]*\s|[。！？][”』」）]*")
_NO_PROSE = re.compile(r"\s*(?:[-*#|•+>]|\d{1,3}[.)、])|.*(?:[#@]\w+|\S+://\S+|www\.\S+)\Z", re.DOTALL)
"""A list's line, heading, table or quote, or what ends in a hashtag, a name or a link: they end without a mark."""
_SIGNED = re.compile(r"[-–—~]\s?[\w.' ]{2,40}\Z")
"""The author under a quotation."""
_LINE_WORDS, _LONG_LINE_WORDS, _SENTENCE_WORDS = 8, 20, 3
"""Words of the last line, and of what stands behind its last mark: below, it may be a signature or a title."""


class Truncated(Filter):
    """Answers that stop before their end.

    Reasons: `token_limit` (finish reason `length`, or the dialogue's stop is `max_tokens`), `open_fence`,
    `mid_sentence` (the last line has a sentence with a full stop and then words without one), `no_mark` (where
    `marked`). An answer that the user's next message asks to go on with ("continue") is whole with the next one, and
    passes.
    """

    edits: ClassVar[bool] = True

    act: Literal["drop", "trim"] = "drop"
    """Drop the dialogue, or keep the exchanges before the first cut answer; it is dropped where there are none."""
    turns: Literal["any", "last"] = "any"
    """Which answers are looked at. Training reads every answer, hence any."""
    mid_sentence: bool = True
    """Whether an end without a mark counts: the only sign that text from elsewhere has. Measured on 700 UltraChat and
    1,388 MT-Bench-101 dialogues it is wrong for 1 in 1,000; of builtin's planted cuts it finds 88 %."""
    marked: bool = False
    """Whether every answer has to end with a mark: for corpora of sentences, many of them alone in their answer, where
    `mid_sentence` sees no cut."""

    def apply(self, dialogue: Dialogue) -> Dialogue | Drop:
        """The dialogue, trimmed where that is asked for."""
        rounds = exchanges(dialogue.messages)
        cut = [self._cut(dialogue, span, last=span is rounds[-1]) for span in rounds]
        for place, span in enumerate(rounds):
            fault, last = cut[place], place == len(rounds) - 1
            if fault is None or (self.turns == "last" and not last):
                continue
            if not last and _goes_on(dialogue.messages[span.stop].content):
                continue
            if self.act == "drop":
                return fault
            # a cut answer that was to be gone on with is the last one now
            while place and cut[place - 1]:
                place -= 1
            return _trimmed(dialogue, rounds[place][0]) if place else fault
        return dialogue

    def _cut(self, dialogue: Dialogue, span: range, *, last: bool) -> Drop | None:
        for number in span:
            message = dialogue.messages[number]
            if message.role == "assistant" and (reason := self._reason(message)):
                return Drop(reason, evidence(number, message.content, len(message.content)))
        if last and dialogue.stop == "max_tokens":
            return Drop("token_limit", evidence(span[-1], dialogue.messages[span[-1]].content))
        return None

    def _reason(self, message: Message) -> str | None:
        if message.finish_reason == "length":
            return "token_limit"
        if message.content.count("```") % 2:
            return "open_fence"
        if self.mid_sentence and unfinished(message.content):
            return "mid_sentence"
        return "no_mark" if self.marked and _unmarked(message.content) else None


def _trimmed(dialogue: Dialogue, kept: int) -> Dialogue:
    # what is cut off is no longer why the dialogue ends
    stop = None if dialogue.stop == "max_tokens" else dialogue.stop
    return dialogue.model_copy(update={"messages": dialogue.messages[:kept], "stop": stop})


def _unmarked(text: str) -> bool:
    last = text.rstrip("\"'”’」』)）]*_ \n")[-1:]
    return last.isalnum() or last in (",", "，", "、")


def unfinished(text: str) -> bool:
    """Whether the last line is prose, with a mark behind an earlier sentence and none behind the last."""
    text = text.rstrip()
    if not text or not (text[-1].isalpha() or text[-1] in ",，、"):
        return False
    line = text.rsplit("\n", 1)[-1]
    marks = list(_MARK.finditer(line))
    if not marks or _NO_PROSE.match(line) or _SIGNED.search(line) or "`" in line:
        return False
    words, left = word_count(line), word_count(line[marks[-1].end() :])
    return words >= _LINE_WORDS and (left >= _SENTENCE_WORDS or words >= _LONG_LINE_WORDS)


@cache
def _goes_on_phrases() -> Phrases:
    return phrases(own_phrases("truncated", None)["continue"])


def _goes_on(text: str) -> bool:
    """Whether the user asks for the rest of the answer."""
    return _goes_on_phrases().start(normal(text.lstrip(" ¡.…")[:80])) is not None
