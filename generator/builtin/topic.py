"""What a text is about, as far as a list of stop words can tell: its topic phrase and its salient words."""

import re
from functools import lru_cache

from generator.builtin.grammar import WIDE, Grammar
from generator.builtin.pieces import WORD, han_pieces

INSIDE = re.compile(r" (?<=[a-z,;:)] )([^\W\d_][\w'’-]{3,})")
"""A word of four letters or more inside a sentence: its capital, if it has one, is its own. The space stands first, as
the search for it is quick."""

READ_CHARACTERS = 500
TOPIC_CHARACTERS = 300
"""How much of a text is looked at; the rest of a very long one costs time and adds no topic."""


def words_in(text: str, grammar: Grammar) -> list[str]:
    """The salient words of a text, each once, in order; pieces between function words in Chinese."""
    text = text[:READ_CHARACTERS]
    if not grammar.joint:
        return [piece for piece in dict.fromkeys(han_pieces(text)) if len(piece) <= 6 and piece not in grammar.stop]
    stop = grammar.stop
    return [word for word in dict.fromkeys(INSIDE.findall(text)) if word.lower() not in stop]


@lru_cache(maxsize=2048)
def phrase_of(text: str, grammar: Grammar) -> str | None:
    """What stands for the text's topic: a run of words that no phrase bank put there, if there is one."""
    if grammar.joint:
        return name_of(text, grammar.own_words) or name_of(text, grammar.stop)
    words = words_in(text, grammar)
    return max((word for word in words if word not in grammar.own_words), key=len, default=words[0] if words else None)


def name_of(text: str, stop: frozenset[str]) -> str | None:
    """The first longest run of up to three words that are not in `stop`; None where there is none."""
    best: list[str] = []
    run: list[str] = []
    end = 0
    for match in WORD.finditer(text):
        word = match[0]
        if run and (match.start() != end + 1 or len(run) == 3):
            run = []
        if len(word) > 2 and word.lower() not in stop:
            run = [*run, word]
            best = run if len(run) > len(best) else best
        else:
            run = []
        end = match.end()
        if len(best) == 3:
            break
    return lowered(" ".join(best)) if best else None


def lowered(phrase: str) -> str:
    """The phrase without the capital that only its place in a sentence gave it: names keep theirs."""
    first, _, rest = phrase.partition(" ")
    is_name = rest[:1].isupper() or not first[1:].islower() or first[:1] >= WIDE
    return phrase if is_name else first.lower() + phrase[len(first) :]
