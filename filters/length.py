"""Length: words and characters of a dialogue, its longest and shortest turns, how much the assistant says."""

import re
from collections.abc import Mapping
from typing import ClassVar

from dialogue.records import Dialogue
from dialogue.tongues import word_count
from filters.engine.base import Limits, Measure
from filters.engine.messages import evidence

_UNSPACED = re.compile(
    "[\u0e01-\u0e5b\u0e81-\u0edf\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]"
)


class Length(Limits):
    """Sizes within limits.

    A word is what stands between spaces; in scripts without spaces a Chinese or kana character counts 0.6, a Thai,
    Lao, Khmer or Burmese one 0.25. System and tool messages are counted in `characters` alone. The defaults leave out
    what is no dialogue, such as pasted books; no dialogue of the real sets is beyond a hundredth of them.

    Reasons: `words`, `characters`, `longest_user_words`, `shortest_user_words`, `longest_answer_words`,
    `shortest_answer_words`, `ratio`.
    """

    whole: ClassVar[frozenset[str]] = frozenset(
        {"words", "characters"}
        | {f"{edge}{role}_words" for edge in ("", "longest_", "shortest_") for role in ("user", "answer")}
    )

    least_words: float | None = None
    """Words of the dialogue. Gopher's quality filter asks a web page for 50 (Rae et al. 2021), which every third
    dialogue of Chinese Alpaca does not have: no limit."""
    most_words: float | None = 100_000
    """Words of the dialogue; that of Gopher's quality filter."""
    most_characters: float | None = 1_000_000
    """Characters of all messages: 250,000 tokens, beyond the context that a model is trained on."""
    least_user_words: float | None = None
    """Words of the shortest user turn: "Why?" is one, so no limit."""
    most_user_words: float | None = 20_000
    """Words of the longest user turn. Real ones reach 1,445 (Arena-Hard)."""
    least_answer_words: float | None = None
    """Words of the shortest answer: "Yes." is one, so no limit."""
    most_answer_words: float | None = 20_000
    """Words of the longest answer. Real ones reach 1,046 (GPT-4); a reply of 8,192 tokens has 6,000."""
    least_ratio: float | None = 0.001
    """Words of the assistant for one of the user. "Positive", after a review of 400 words, is 0.0025."""
    most_ratio: float | None = None
    """The same from above: "Write a story" may have hundreds, so no limit."""

    def measure(self, dialogue: Dialogue) -> Mapping[str, Measure]:
        """The sizes; those of a role only where it speaks."""
        user = _sizes(dialogue, "user")
        assistant = _sizes(dialogue, "assistant")
        words = sum(size for size, _ in user + assistant)
        found = {
            "words": Measure(words, {}),
            "characters": Measure(sum(len(message.content) for message in dialogue.messages), {}),
        }
        for name, sizes in (("user", user), ("answer", assistant)):
            if sizes:
                found[f"longest_{name}_words"] = _turn(max(sizes), dialogue)
                found[f"shortest_{name}_words"] = _turn(min(sizes), dialogue)
        asked = sum(size for size, _ in user)
        if asked and assistant:
            found["ratio"] = Measure((words - asked) / asked, {})
        return found

    def limits(self, name: str) -> tuple[float | None, float | None]:
        """Those of `user_words` for the longest and the shortest user turn, each from its side."""
        edge, _, size = name.partition("_")
        if edge not in ("longest", "shortest"):
            return super().limits(name)
        least, most = super().limits(size)
        return (None, most) if edge == "longest" else (least, None)


def words_in(text: str) -> int:
    """The words of a text."""
    return word_count(text) if not text.isascii() and _UNSPACED.search(text) else len(text.split())


def _sizes(dialogue: Dialogue, role: str) -> list[tuple[int, int]]:
    """The words of each message of the role, and its number."""
    return [(words_in(m.content), index) for index, m in enumerate(dialogue.messages) if m.role == role]


def _turn(turn: tuple[int, int], dialogue: Dialogue) -> Measure:
    size, index = turn
    return Measure(size, evidence(index, dialogue.messages[index].content))
