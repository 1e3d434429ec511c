"""`Search`: passages that hold the words of a query, ranked by BM25 (Robertson and Zaragoza 2009)."""

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

from dialogue.likeness import words
from generator.tools.tool import Refused, Result, bounded
from prompts.passages import Passage

K1, B = 1.2, 0.75

SHOWN = 3
SHOWN_CHARACTERS = 600
"""Of each passage that is shown."""

LEAST_MATCH = 0.3
"""Share of the query's weight that a passage has to hold: a "what" in common is no finding."""


class Search:
    """Searches one set of passages."""

    name = "Search"

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._postings: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        self._lengths: list[int] = []
        for number, passage in enumerate(passages):
            counts = Counter(terms(f"{passage.name} {passage.text}"))
            self._lengths.append(counts.total())
            for term, count in counts.items():
                self._postings[term].append((number, count))
        self._mean = max(1.0, sum(self._lengths) / max(1, len(passages)))

    def call(self, argument: str) -> Result:
        """The best passages, numbered; an empty text where none is about what was asked."""
        try:
            best = self.best(bounded(argument))
        except Refused as error:
            return Result(error=str(error))
        return Result("\n".join(f"[{place}] {_shown(passage)}" for place, passage in enumerate(best, 1)))

    def best(self, query: str) -> list[Passage]:
        """The passages found, best first."""
        asked = {term: self._weight(term) for term in terms(query)}
        scores: defaultdict[int, float] = defaultdict(float)
        matched: defaultdict[int, float] = defaultdict(float)
        for term, weight in asked.items():
            for number, count in self._postings.get(term, ()):
                longer = 1 - B + B * self._lengths[number] / self._mean
                scores[number] += weight * count * (K1 + 1) / (count + K1 * longer)
                matched[number] += weight
        least = LEAST_MATCH * sum(asked.values())
        found = (number for number in scores if matched[number] >= least)
        return [self._passages[n] for n in heapq.nsmallest(SHOWN, found, key=lambda n: (-scores[n], n))]

    def _weight(self, term: str) -> float:
        """How telling a term is, never below nought (as in Lucene); what no passage has weighs as what one has."""
        holding = max(1, len(self._postings.get(term, ())))
        return math.log(1 + (len(self._passages) - holding + 0.5) / (holding + 0.5))


def terms(text: str) -> list[str]:
    """Words; in scripts without spaces also pairs of neighbouring characters, as one character tells little."""
    found = words(text)
    return [*found, *(a + b for a, b in pairwise(found) if a + b in text and len(a) == len(b) == 1 and not a.isascii())]


def _shown(passage: Passage) -> str:
    text = passage.text
    if len(text) > SHOWN_CHARACTERS:
        text = text[:SHOWN_CHARACTERS].rsplit(" ", 1)[0] + " ..."
    return text if text.startswith(passage.name) else f"{passage.name}: {text}"
