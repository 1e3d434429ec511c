"""Turns that say again what was said: an earlier turn, the opener, the answer before."""

from collections.abc import Iterator, Sequence

from dialogue.draft import Draft
from dialogue.records import Message
from dialogue.tongues import normal, size_of, words_of
from dialogue.wordlists import stop_words

TURN_WORDS, TURN_SHARE, TURN_GRAM = 6, 0.8, 3
ANSWER_WORDS, ANSWER_SHARE, ANSWER_GRAM = 8, 0.5, 5
OPENER_WORDS, OPENER_SIMILARITY = 3, 0.8


def _grams(words: list[str], n: int) -> frozenset[int]:
    """Hashes of the n-grams of the words, of the whole run where it is shorter."""
    if len(words) <= n:
        return frozenset((hash(tuple(words)),)) if words else frozenset()
    return frozenset(map(hash, zip(*(words[i:] for i in range(n)), strict=False)))


def _turns(draft: Draft, role: str) -> Iterator[Message]:
    return (message for message in draft.history if message.role == role)


def opener_resent(draft: Draft) -> str | None:
    """The likeness of the second user turn to the first, if it adds nothing: the simulator never saw the opener."""
    turns = list(_turns(draft, "user"))
    if len(turns) != 1 or draft.size < OPENER_WORDS:
        return None
    mine, opener = _grams(words_of(draft.low), TURN_GRAM), _grams(words_of(normal(turns[0].content)), TURN_GRAM)
    if not opener or not OPENER_SIMILARITY <= len(mine) / len(opener) <= 1 / OPENER_SIMILARITY:
        return None
    likeness = len(mine & opener) / len(mine | opener)
    if likeness < OPENER_SIMILARITY or _new_content(draft, turns[0].content):
        return None
    return f"similarity {likeness:.2f} to the opener"


def turn_copy(draft: Draft, changes: bool) -> str | None:
    """The share of the turn's 3-grams that an earlier user turn has; with `changes`, one new content word is enough."""
    if draft.size < TURN_WORDS:
        return None
    words = draft.words if draft.plain is draft.low else words_of(draft.low)
    for number, turn in enumerate(_turns(draft, "user"), 1):
        share = _copied(words, draft.longest, turn.content, TURN_GRAM, TURN_SHARE)
        if share >= TURN_SHARE and not (changes and _new_content(draft, turn.content)):
            return f"{share:.0%} of user turn {number}"
    return None


def _new_content(draft: Draft, earlier: str) -> bool:
    """Whether a word beyond grammar was exchanged: chains of reasoning differ in one name or number."""
    grammar = stop_words().get(draft.language or "en", frozenset())
    return bool(set(words_of(draft.low)).difference(words_of(normal(earlier)), grammar))


def answer_copy(draft: Draft) -> str | None:
    """The share of the turn's 5-grams, quotes aside, that the answer before has."""
    if draft.size < ANSWER_WORDS:
        return None
    answer = next((message.content for message in reversed(draft.history) if message.role == "assistant"), None)
    share = _copied(draft.words, draft.longest, answer, ANSWER_GRAM, ANSWER_SHARE) if answer else 0.0
    return f"{share:.0%} of the answer before" if share >= ANSWER_SHARE else None


def _copied(words: list[str], longest: list[str], source: str, n: int, least: float) -> float:
    """The share of the words' n-grams that the source has; 0.0 where it is clearly below `least`."""
    low = source.lower().replace("’", "'")
    # A share of n-grams needs at least so many words, and long ones are missing first: nearly every turn ends here,
    # in a few microseconds instead of thirty.
    may_miss = max(0.0, len(words) - (least * (len(words) - n + 1) + n - 1))
    for word in longest:
        if word not in low:
            may_miss -= 1
            if may_miss < 0:
                return 0.0
    mine = _grams(words, n)
    return len(mine & _grams(words_of(normal(source)), n)) / len(mine)


def self_copy(text: str, history: Sequence[Message], least: float) -> bool:
    """Whether an answer repeats at least this share of its 5-grams from an earlier answer."""
    words = words_of(normal(text))
    if size_of(text, words) < ANSWER_WORDS:
        return False
    longest = sorted(set(words), key=len, reverse=True)
    own = (message.content for message in history if message.role == "assistant")
    return any(_copied(words, longest, content, ANSWER_GRAM, least) >= least for content in own)
