"""Which parts of items some texts look like, and by which rules: the numbers behind the hits."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filters.leaks import characters
from filters.leaks.hashing import lookup, present, rolled
from filters.leaks.index import SHORTEST, Index
from filters.leaks.runs import find_runs, longest_runs, measure
from filters.leaks.weighing import densest, pick, weigh
from filters.leaks.wording import Flags, Floats, Numbers, Words

_SLACK = 1e-9
"""What sums of weights may differ by, added up in another order."""


class Matches(NamedTuple):
    """Pairs of a text and a part for which a rule fired, text after text, the best first."""

    pairs: Numbers
    """(matches, 2) text and part."""
    fired: Flags
    """(matches, rules)"""
    longest: Numbers
    """(matches, 2) the longest run: its first word, counted from the text's first, and its words."""
    coverage: Floats
    """(matches,) share of the part's words that lie in n-grams of SHORTEST words that both have."""
    containment: Floats
    """(matches,) share of the part's weight that stands close together in the text."""


class _Runs(NamedTuple):
    """What the runs of each pair of a text and a part come to."""

    keys: Numbers
    """(pairs,) text times parts plus part, ascending."""
    runs: Numbers
    """(runs, 5), sorted by pair."""
    bounds: Numbers
    """Pair i has runs[bounds[i]:bounds[i + 1]]."""
    grams: Numbers
    """(pairs, sizes) n-grams in common."""
    covered: Numbers
    """(pairs, sizes) words of the part that lie in them."""
    weight: Floats
    """(pairs,) weight of those that lie in the shortest."""
    longest: Numbers
    """(pairs, 2) as in Matches."""


def matches(index: Index, texts: Sequence[str], words: Words, asked: Flags) -> Matches:
    """The pairs for which a rule fired, but for those that only repeat what a better item of their benchmark says.

    `words` are those of the texts; `asked` (texts,) says which are compared by the weights of words.
    """
    parts = len(index.parts.item)
    found = _runs(index, words)
    fired = _fired_by_runs(index, words, found)
    apart = _apart(index, texts, words)
    known = _known(index, words, np.concatenate([found.keys[fired.any(axis=1)], *apart.values()]) // parts)
    close = _close(index, words, known, asked)

    kept = np.flatnonzero(fired.any(axis=1) | np.isin(found.keys, np.concatenate([close, *apart.values()])))
    loose = np.setdiff1d(np.concatenate([close, *apart.values()]), found.keys)
    keys = np.concatenate([found.keys[kept], loose])
    pairs = np.stack([keys // parts, keys % parts], axis=1)
    fired = np.concatenate([fired[kept], np.zeros((len(loose), len(index.rules)), np.bool_)])
    run_bounds = np.stack([found.bounds[:-1][kept], found.bounds[1:][kept]], axis=1)
    run_bounds = np.concatenate([run_bounds, np.zeros((len(loose), 2), np.int64)])
    longest = np.concatenate([found.longest[kept], _longest(index, words, pairs[len(kept) :])])
    covered = np.concatenate([found.covered[kept, -1], np.zeros(len(loose), np.int64)])
    weight = np.concatenate([found.weight[kept], np.zeros(len(loose))])
    containment = _containment(index, words, known, pairs)
    for number, rule in enumerate(index.rules):
        if number in apart:
            fired[:, number] |= np.isin(keys, apart[number])
        fired[:, number] &= containment >= rule.contained - _SLACK
    by_runs: Flags = fired.sum(axis=1) > 0
    for number, rule in enumerate(index.rules):
        if rule.kind == "containment":
            least = index.least_weight(rule)[pairs[:, 1]] - _SLACK
            fired[:, number] = asked[pairs[:, 0]] & (containment * index.weights.total[pairs[:, 1]] >= least)

    total, length = index.sizes.covered[pairs[:, 1], -1], index.counts[pairs[:, 1]]
    coverage = np.where(total > 0, covered / np.maximum(total, 1), longest[:, 1] / length)
    weight = np.where(by_runs, weight, containment * index.weights.total[pairs[:, 1]])
    certain: Flags = fired[:, [rule.tier == "certain" for rule in index.rules]].sum(axis=1) > 0
    benchmark = index.parts.benchmark[pairs[:, 1]]
    order = np.lexsort((pairs[:, 1], -coverage, -weight, ~by_runs, ~certain, benchmark, pairs[:, 0]))
    order = order[np.flatnonzero(fired[order].sum(axis=1))]
    order = order[_picked(index, words, known, pairs[order], run_bounds[order], found.runs)]
    order = order[np.lexsort((-coverage[order], -weight[order], ~by_runs[order], ~certain[order], pairs[order, 0]))]
    return Matches(pairs[order], fired[order], longest[order], coverage[order], containment[order])


def _runs(index: Index, words: Words) -> _Runs:
    parts, seeds, sizes = index.parts, index.seeds, index.sizes
    places, grams = present(rolled(words, SHORTEST), seeds.table)
    runs = find_runs(
        words.hashes, words.first, places, grams, seeds.limits, seeds.postings,
        parts.words.hashes, parts.words.first, seeds.part_of, seeds.is_seed, SHORTEST,
    )  # fmt: skip
    runs = runs[np.lexsort((runs[:, 2], -runs[:, 4], runs[:, 1], runs[:, 0]))]  # the longest of a pair first
    keys, starts = np.unique(runs[:, 0] * len(parts.item) + runs[:, 1], return_index=True)
    bounds = np.append(starts, len(runs))
    shape = (len(keys), len(sizes.n))
    counts, covered, weight = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(len(keys))
    measure(
        runs, bounds, parts.words.first, parts.script, sizes.lengths, sizes.live, index.weights.of_word,
        counts, covered, weight,
    )  # fmt: skip
    longest = runs[starts][:, [2, 4]]
    longest[:, 0] -= words.first[runs[starts, 0]]
    return _Runs(keys, runs, bounds, counts, covered, weight, longest)


def _fired_by_runs(index: Index, words: Words, found: _Runs) -> Flags:
    """(pairs, rules)"""
    text, part = found.keys // len(index.parts.item), found.keys % len(index.parts.item)
    fired = np.zeros((len(part), len(index.rules)), np.bool_)
    length, said = index.counts[part], words.first[text + 1] - words.first[text]
    for number, rule in enumerate(index.rules):
        if rule.kind == "whole":
            long = length >= index.length(rule.n, part)
            fired[:, number] = (found.longest[:, 1] == length) & (long | (said == length))
        elif rule.kind in ("any", "coverage", "grams"):
            size = index.sizes.n.index(rule.n)
            counted = found.covered if rule.kind == "coverage" else found.grams
            of = index.sizes.covered if rule.kind == "coverage" else index.sizes.grams
            fired[:, number] = (counted[:, size] > 0) & (counted[:, size] >= rule.least * of[part, size])
            if rule.words:
                enough = found.covered[:, size] >= index.length(rule.words, part)
                fired[:, number] &= enough | (2 * found.covered[:, size] >= said)
    return fired


def _apart(index: Index, texts: Sequence[str], words: Words) -> dict[int, Numbers]:
    """By rule, the pairs, as keys, that no run tells of: questions too short for one, and substrings."""
    parts = len(index.parts.item)
    found = {}
    for number, wanted in index.substrings:
        pairs = characters.pairs(wanted, texts)
        found[number] = pairs[:, 0] * parts + pairs[:, 1]
    for number, rule in enumerate(index.rules):
        if rule.kind == "whole":
            found[number] = _whole(index, words)
    return found


def _whole(index: Index, words: Words) -> Numbers:
    """The pairs, as keys, where a question too short for a run is all of a text."""
    counts = np.diff(words.first)
    keys: list[int] = []
    for text in np.flatnonzero((counts > 0) & (counts < SHORTEST)).tolist() if index.short else ():
        said = words.hashes[words.first[text] : words.first[text + 1]].tobytes()
        keys += [text * len(index.parts.item) + part for part in index.short.get(said, ())]
    return np.array(keys, np.int64)


def _known(index: Index, words: Words, matched: Numbers) -> NDArray[np.int32]:
    """(words,) the number of each term of the items, -1 for others; only in matched texts where no rule weighs all."""
    if any(rule.kind == "containment" for rule in index.rules):
        return lookup(words.terms, index.weights.table)
    wanted = np.zeros(len(words.first) - 1, np.bool_)
    wanted[matched] = True
    places = np.flatnonzero(np.repeat(wanted, np.diff(words.first)))
    known = np.full(len(words.terms), -1, np.int32)
    known[places] = lookup(words.terms[places], index.weights.table)
    return known


def _close(index: Index, words: Words, known: NDArray[np.int32], asked: Flags) -> Numbers:
    """The pairs, as keys, that may reach the least containment that a rule asks for."""
    wanted = [index.least_weight(rule) for rule in index.rules if rule.kind == "containment"]
    if not wanted:
        return np.zeros(0, np.int64)
    weights = index.weights
    least = np.min(wanted, axis=0) - _SLACK
    pairs = weigh(
        known, words.first, asked, weights.limits, weights.postings, weights.weights,
        weights.first, weights.terms, least - weights.unposted, least,
    )  # fmt: skip
    return pairs[:, 0] * len(index.parts.item) + pairs[:, 1]


def _containment(index: Index, words: Words, known: NDArray[np.int32], pairs: Numbers) -> Floats:
    weights, best = index.weights, np.zeros(len(pairs))
    densest(pairs, known, words.first, weights.weights, weights.first, weights.terms, index.window, best)
    total = weights.total[pairs[:, 1]]
    return np.divide(best, total, out=np.zeros(len(pairs)), where=total > 0)


def _longest(index: Index, words: Words, pairs: Numbers) -> Numbers:
    longest = np.zeros((len(pairs), 2), np.int64)
    parts = index.parts.words
    longest_runs(pairs, words.hashes, words.first, parts.hashes, parts.first, longest)
    longest[:, 0] -= words.first[pairs[:, 0]]
    return longest


def _picked(
    index: Index, words: Words, known: NDArray[np.int32], pairs: Numbers, run_bounds: Numbers, runs: Numbers
) -> Flags:
    benchmark = index.parts.benchmark[pairs[:, 1]]
    new = (np.diff(pairs[:, 0], prepend=-1) != 0) | (np.diff(benchmark, prepend=-1) != 0)
    bounds = np.append(np.flatnonzero(new), len(pairs))
    picked = np.zeros(len(pairs), np.bool_)
    weights = index.weights
    pick(
        pairs, bounds, runs, run_bounds, known, words.first, weights.first, weights.terms, len(weights.weights), picked
    )  # fmt: skip
    return picked
