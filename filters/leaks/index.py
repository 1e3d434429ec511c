"""What a scan looks for: the items' n-grams and words, in tables of numpy that the kernels read.

n-grams. An n-gram that stands in more than TEMPLATE_ITEMS distinct items of one benchmark is that benchmark's template
("write a function to find the"): for its items it fires no rule and counts in no coverage. That the same question
stands in four benchmarks makes it no template. The shortest n-grams of the rules are the seeds by which runs are found;
templates are seeds only where a longer n-gram would be missed without.

Words. The weight of a word is its inverse document frequency over all parts, log((N + 1) / df).
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from dialogue.errors import UsageError
from dialogue.wordlists import stop_words
from filters.leaks.benchmark import Benchmark
from filters.leaks.characters import substrings
from filters.leaks.hashing import Table, rolled, table
from filters.leaks.parts import ANSWER, CHARACTERS_PER_WORD, Parts, length, parts
from filters.leaks.rules import Rule, choose
from filters.leaks.runs import measure
from filters.leaks.wording import Flags, Floats, Hashes, Numbers, hashed

TEMPLATE_ITEMS = 3
SHORTEST = 5
"""Words of a seed, and of the n-grams in which `Hit.coverage` is told."""
_MOST_REPEATS = 4
"""Places at which one n-gram of one part is looked for; a run finds the others."""
_STEP = np.uint64(0x9E3779B97F4A7C15)
_WINDOW, _LEAST_WINDOW = 2, 40
"""How close together: within twice the words of the item."""
_UNPOSTED = 0.25
"""Share of a part's weight that its most frequent words may have and not be looked up."""


Scalar = TypeVar("Scalar", bound=np.generic)


class Seeds(NamedTuple):
    """The n-grams by which runs are found."""

    table: Table
    limits: Numbers
    """Seed g starts at postings[limits[g]:limits[g + 1]]."""
    postings: Numbers
    part_of: NDArray[np.int32]
    """(words,) the part of each word."""
    is_seed: Flags
    """(words,)"""


class Sizes(NamedTuple):
    """The n-grams that rules ask for, longest first."""

    n: tuple[int, ...]
    lengths: Numbers
    """(sizes, scripts) their words."""
    live: Flags
    """(sizes, words) an n-gram of that size starts here and is no template."""
    grams: Numbers
    """(parts, sizes) live n-grams."""
    covered: Numbers
    """(parts, sizes) words that lie in one."""


class Weights(NamedTuple):
    """The words that are weighed."""

    table: Table
    weights: Floats
    limits: Numbers
    """Word t stands in the parts postings[limits[t]:limits[t + 1]]; answers are not looked up by their words."""
    postings: NDArray[np.int32]
    first: Numbers
    """The distinct words of part p are terms[first[p]:first[p + 1]], rarest first."""
    terms: NDArray[np.int32]
    total: Floats
    """(parts,)"""
    rarest: float
    """Weight of a word that one part alone has."""
    unposted: Floats
    """(parts,) weight of the words without a posting to the part."""
    of_word: Floats
    """(words,) weight of each word of the parts."""


class Index:
    """The items of some benchmarks, ready to be looked for by some rules; read-only."""

    def __init__(self, benchmarks: Sequence[Benchmark], rules: Sequence[Rule] | None = None) -> None:
        names = [benchmark.name for benchmark in benchmarks]
        if len(set(names)) < len(names):
            raise UsageError(f"benchmarks {', '.join(names)}: two have one name")
        self.benchmarks = tuple(benchmarks)
        self.rules = choose() if rules is None else tuple(rules)
        self.items = tuple(item for benchmark in benchmarks for item in benchmark.items)
        """All items, in the numbering of `Parts.item`."""
        self.parts = parts(benchmarks)
        self.counts: Numbers = np.diff(self.parts.words.first)
        """(parts,) their words."""
        self.sizes = _sizes(self.parts, self.rules)
        self.seeds = _seeds(self.parts, self.sizes)
        self.weights = _weights(self.parts)
        self.window = np.maximum(_LEAST_WINDOW, _WINDOW * self.counts)
        """(parts,) words of a message within which a part's words stand close together."""
        self.short = self._short()
        """Parts of fewer than SHORTEST words by the bytes of their words' hashes."""
        self.substrings = tuple(
            (number, substrings(self._asked(), rule.n))
            for number, rule in enumerate(self.rules)
            if rule.kind == "characters"
        )
        """For each rule of characters its number and its substrings."""

    def length(self, n: int, part: Numbers) -> Numbers:
        """Of each of these parts, the words of its script that say as much as n words."""
        return np.array([length(n, script) for script in range(len(CHARACTERS_PER_WORD))])[self.parts.script[part]]

    def least_weight(self, rule: Rule) -> Floats:
        """(parts,) what a part's words in a message must weigh for a rule of containment; inf where none can."""
        total = self.weights.total
        # share * weight >= evidence, where share = weight / total
        least = np.maximum(rule.least * total, np.sqrt(rule.evidence * self.weights.rarest * total))
        return np.where((self.parts.kind != ANSWER) & (total > 0) & (least <= total), least, np.inf)

    def _asked(self) -> list[str]:
        """The texts of the parts, "" where one is an answer."""
        kinds = self.parts.kind.tolist()
        return ["" if kind == ANSWER else text for kind, text in zip(kinds, self.parts.texts, strict=True)]

    def _short(self) -> dict[bytes, list[int]]:
        short: dict[bytes, list[int]] = {}
        words = self.parts.words
        if any(rule.kind == "whole" for rule in self.rules):
            # "Who are you?", all of whose words are frequent ones, is nobody's
            for part in np.flatnonzero((self.counts < SHORTEST) & (self.weights.total > 0)):
                said = words.hashes[words.first[part] : words.first[part + 1]].tobytes()
                short.setdefault(said, []).append(int(part))
        return short


def _sizes(parts: Parts, rules: Sequence[Rule]) -> Sizes:
    asked = sorted({rule.n for rule in rules if rule.kind in ("any", "coverage", "grams")} | {SHORTEST}, reverse=True)
    lengths = np.array([[length(n, script) for script in range(len(CHARACTERS_PER_WORD))] for n in asked], np.int64)
    live = np.stack([_no_template(parts, lengths[size]) for size in range(len(asked))])
    number, counts = len(parts.item), np.diff(parts.words.first)
    grams, covered = np.zeros((number, len(asked)), np.int64), np.zeros((number, len(asked)), np.int64)
    nothing = np.zeros(number, np.int64)
    whole = np.stack([nothing, np.arange(number), nothing, parts.words.first[:-1], counts], axis=1)
    weights, weight = np.zeros(len(parts.words.hashes)), np.zeros(number)
    bounds = np.arange(number + 1)
    measure(whole, bounds, parts.words.first, parts.script, lengths, live, weights, grams, covered, weight)
    return Sizes(tuple(asked), lengths, live, grams, covered)


def _of_words(parts: Parts, of_parts: NDArray[Scalar]) -> NDArray[Scalar]:
    """(words,) for each word what `of_parts` says of its part."""
    repeated: NDArray[Scalar] = np.repeat(of_parts, np.diff(parts.words.first))
    return repeated


def _no_template(parts: Parts, lengths: Numbers) -> Flags:
    """(words,) where an n-gram starts that is no template; `lengths` (scripts,) says of how many words."""
    live = np.zeros(len(parts.words.hashes), np.bool_)
    items = _of_words(parts, parts.item)
    benchmarks = _of_words(parts, parts.benchmark).astype(np.uint64)
    scripts = _of_words(parts, parts.script)
    for script in np.unique(parts.script):
        grams = rolled(parts.words, int(lengths[script]))
        here = np.flatnonzero((grams != 0) & (scripts == script))
        keys = grams[here] + benchmarks[here] * _STEP  # the same n-gram of another benchmark is another
        order = np.lexsort((items[here], keys))
        sorted_keys, sorted_items = keys[order], items[here][order]
        new = np.ones(len(here), np.bool_)
        new[1:] = (np.diff(sorted_keys) != 0) | (np.diff(sorted_items) != 0)
        distinct, times = np.unique(sorted_keys[new], return_counts=True)
        live[here] = ~np.isin(keys, distinct[times > TEMPLATE_ITEMS])
    return live


def _seeds(parts: Parts, sizes: Sizes) -> Seeds:
    grams = rolled(parts.words, SHORTEST)
    is_seed = _no_template(parts, np.full(len(CHARACTERS_PER_WORD), SHORTEST, np.int64))
    before = np.concatenate([[0], np.cumsum(is_seed)])
    for size in range(len(sizes.n)):
        starts = np.flatnonzero(sizes.live[size])
        ends = starts + sizes.lengths[size][_of_words(parts, parts.script)[starts]] - SHORTEST + 1
        is_seed[starts[before[ends] == before[starts]]] = True  # a longer n-gram all of whose short ones are templates
    counts = np.diff(parts.words.first)
    unseen = (before[parts.words.first[1:]] == before[parts.words.first[:-1]]) & (counts >= SHORTEST)
    is_seed[parts.words.first[:-1][unseen]] = True  # nothing but templates: found as a whole
    part_of = _of_words(parts, np.arange(len(parts.item), dtype=np.int32))
    places = np.flatnonzero(is_seed)
    places = places[np.lexsort((places, grams[places]))]  # by n-gram, then part, then place
    same = np.zeros(len(places), np.bool_)
    same[_MOST_REPEATS:] = (grams[places[_MOST_REPEATS:]] == grams[places[:-_MOST_REPEATS]]) & (
        part_of[places[_MOST_REPEATS:]] == part_of[places[:-_MOST_REPEATS]]
    )
    is_seed[places[same]] = False
    places = places[~same]
    keys, limits = np.unique(grams[places], return_index=True)
    found = table(keys, np.arange(len(keys), dtype=np.int32))
    return Seeds(found, np.append(limits, len(places)), places, part_of, is_seed)


def _weights(parts: Parts) -> Weights:
    part_of = _of_words(parts, np.arange(len(parts.item)))
    here = np.flatnonzero(parts.words.terms)
    keys, known = np.unique(parts.words.terms[here], return_inverse=True)
    pairs = np.unique(part_of[here] * len(keys) + known)  # each part's distinct terms
    part, term = pairs // max(1, len(keys)), pairs % max(1, len(keys))
    number = len(np.unique(part))
    weights: Floats = np.log((number + 1) / np.maximum(1, np.bincount(term, minlength=len(keys))))
    weights[np.isin(keys, _stop_words())] = 0.0
    of_word = np.zeros(len(parts.words.hashes))
    of_word[here] = weights[known]

    part, term = part[weights[term] > 0], term[weights[term] > 0]
    order = np.lexsort((-weights[term], part))  # by part, rarest first
    part, term = part[order], term[order]
    first = np.searchsorted(part, np.arange(len(parts.item) + 1))
    sums = np.concatenate([[0.0], np.cumsum(weights[term])])
    total = sums[first[1:]] - sums[first[:-1]]
    rest = sums[first[1:]][part] - sums[:-1]  # weight of this term and of the more frequent ones
    posted = (rest >= _UNPOSTED * total[part]) & (parts.kind[part] != ANSWER)
    unposted: Floats = np.bincount(part[~posted], weights[term[~posted]], len(parts.item)).astype(np.float64)
    by_term = np.lexsort((part[posted], term[posted]))
    limits = np.searchsorted(term[posted][by_term], np.arange(len(keys) + 1))
    return Weights(
        table(keys, np.arange(len(keys), dtype=np.int32)),
        weights,
        limits,
        part[posted][by_term].astype(np.int32),
        first,
        term.astype(np.int32),
        total,
        float(np.log(number + 1)),
        unposted,
        of_word,
    )


def _stop_words() -> Hashes:
    """The frequent words of all languages; in a small benchmark they may seem rare."""
    every = sorted(word for words in stop_words(shared=True).values() for word in words)
    return hashed([" ".join(every)]).hashes
