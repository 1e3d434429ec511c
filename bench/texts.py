"""What bench/endpoint.py answers: word salad that is no two times alike, in the shape that the request asks for.

A number chooses the text. A simulated user's request gets as many words as its note allows, a request for a list the
list, and any other 68 words.
"""

import json
import random
import re

_SALAD = """
the question you raise about tides and the moon has a long history because sailors needed good tables and the pull
of the moon on the sea changes with its distance so the height of the water varies over the month and also with
the shape of the coast where narrow bays can raise the range far above what one would expect on an open beach and
that is why harbours kept careful records for hundreds of years before anyone could explain them
"""
WORDS = _SALAD.split()
SHORT_WORDS = 12
"""Words of a simulated user's turn whose note names no range."""

# Both stand in the request's JSON; the note is in its last message alone, and never kept in the history.
_NOTE = b"\\n* * *\\n"
_RANGE = re.compile(rb"(\d+)-(\d+) words")
_LIST = re.compile(rb"Write exactly (\d+) (name|opening message)")


def _phrases(count: int, words: int, chance: random.Random) -> list[bytes]:
    return [" ".join(chance.sample(WORDS, words)).encode() for _ in range(count)]


_CHANCE = random.Random(7)
_PARTS = [_phrases(count, words, _CHANCE) for count, words in ((1009, 23), (1013, 23), (1021, 22))]
_SPLIT = [[phrase.split() for phrase in part] for part in _PARTS]


def answer_to(body: bytes, number: int) -> bytes:
    """The answer to a chat request, as it stands within a JSON string."""
    note = body.rfind(_NOTE)
    if note >= 0:
        wanted = _RANGE.search(body, note)
        low, high = (int(wanted[1]), int(wanted[2])) if wanted else (SHORT_WORDS, SHORT_WORDS)
        return short_text(number, low + number % (high - low + 1))
    listed = _LIST.search(body)
    return list_text(number, int(listed[1]), listed[2] == b"name") if listed else text_of(number)


def wants_list(body: bytes) -> bool:
    """Whether a chat request asks for a list of openers or of their branches."""
    return _LIST.search(body) is not None and _NOTE not in body


def text_of(number: int) -> bytes:
    """A 68-word sentence: the counts of its three parts are primes, so 10^9 numbers in a row give as many texts."""
    first, second, third = (part[number % len(part)] for part in _PARTS)
    return b"%b %b %b." % (first.capitalize(), second, third)


def short_text(number: int, words: int) -> bytes:
    """As many words, 68 at most, taken from all three parts, so that six words are hardly ever alike twice."""
    share = [(words + place) // 3 for place in (2, 1, 0)]
    picked = [
        word for part, count in zip(_SPLIT, share, strict=True) for word in part[number % len(part)][: max(0, count)]
    ]
    return b" ".join(picked)


def list_text(number: int, count: int, names: bool) -> bytes:
    """A JSON array of so many names or openers, all unlike one another and those of other numbers."""
    chance = random.Random(number)
    if names:
        texts = [" ".join(chance.sample(WORDS, 4)) for _ in range(count)]
    else:
        texts = [" ".join(chance.choices(WORDS, k=chance.randint(8, 24))).capitalize() + "?" for _ in range(count)]
    array = json.dumps([{"i": place, "text": text} for place, text in enumerate(texts, 1)])
    return json.dumps(array)[1:-1].encode()
