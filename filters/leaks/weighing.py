"""Words that messages and items have in common, by their weights; compiled.

In all of these `known` (words,) is the number of each word of the texts among the weighed ones, -1 where it is none.
"""

import numpy as np
from numpy.typing import NDArray

from filters.kernels.jit import jit
from filters.leaks.wording import Flags, Floats, Numbers


@jit
def weigh(
    known: NDArray[np.int32],
    first: Numbers,
    asked: Flags,
    limits: Numbers,
    postings: NDArray[np.int32],
    weights: Floats,
    part_first: Numbers,
    part_terms: NDArray[np.int32],
    enough: Floats,
    least: Floats,
) -> Numbers:
    """(hits, 2) text and part, where the weights of the part's terms that stand in the text reach `least`.

    A term's postings leave out the parts in which it weighs little: a part whose posted terms do not reach `enough`
    cannot reach `least`.
    """
    found, count = np.empty((256, 2), np.int64), 0
    score, touched = np.zeros(len(enough), np.float64), np.empty(len(enough), np.int64)
    stamp = np.full(len(weights), -1, np.int64)
    for text in range(len(first) - 1):
        reached = 0
        for at in range(first[text], first[text + 1] if asked[text] else first[text]):
            term = known[at]
            if term < 0 or stamp[term] == text:
                continue
            stamp[term] = text
            for part in postings[limits[term] : limits[term + 1]]:
                if score[part] == 0:
                    touched[reached] = part
                    reached += 1
                score[part] += weights[term]
        for part in touched[:reached]:
            posted, score[part] = score[part], 0.0
            if posted < enough[part]:
                continue
            weight = 0.0
            for term in part_terms[part_first[part] : part_first[part + 1]]:
                if stamp[term] == text:
                    weight += weights[term]
            if weight < least[part]:
                continue
            if count == len(found):
                grown = np.empty((2 * count, 2), np.int64)
                grown[:count] = found
                found = grown
            found[count, 0], found[count, 1] = text, part
            count += 1
    return found[:count]


@jit
def densest(
    pairs: Numbers,
    known: NDArray[np.int32],
    first: Numbers,
    weights: Floats,
    part_first: Numbers,
    part_terms: NDArray[np.int32],
    window: Numbers,
    best: Floats,
) -> None:
    """Fill, for each pair of text and part, the greatest weight of the part's terms within `window` words of it."""
    inside, wanted = np.zeros(len(weights), np.int64), np.zeros(len(weights), np.bool_)
    for pair in range(len(pairs)):
        text, part = pairs[pair]
        own = part_terms[part_first[part] : part_first[part + 1]]
        for term in own:
            wanted[term] = True
        weight, tail = 0.0, first[text]
        for head in range(first[text], first[text + 1]):
            if head - tail >= window[part]:
                left = known[tail]
                if left >= 0 and wanted[left]:
                    inside[left] -= 1
                    weight -= weights[left] if inside[left] == 0 else 0.0
                tail += 1
            term = known[head]
            if term >= 0 and wanted[term]:
                inside[term] += 1
                weight += weights[term] if inside[term] == 1 else 0.0
                best[pair] = max(best[pair], weight)
        for term in own:
            wanted[term], inside[term] = False, 0


@jit
def pick(
    pairs: Numbers,
    bounds: Numbers,
    runs: Numbers,
    run_bounds: Numbers,
    known: NDArray[np.int32],
    first: Numbers,
    part_first: Numbers,
    part_terms: NDArray[np.int32],
    size: int,
    picked: Flags,
) -> None:
    """Mark, of each group of pairs of one text and benchmark, best first, those that say something new.

    A pair stands on some words of its text: those of its runs, or where it has none all that are terms of its part.
    It is picked where fewer than half of them are words on which a picked one stands. `size` is the number of terms.
    """
    taken, wanted = np.zeros(len(known), np.bool_), np.zeros(size, np.bool_)
    for group in range(len(bounds) - 1):
        for pair in range(bounds[group], bounds[group + 1]):
            text, part = pairs[pair]
            own = part_terms[part_first[part] : part_first[part + 1]]
            stands = np.zeros(first[text + 1] - first[text], np.bool_)
            for run in range(run_bounds[pair, 0], run_bounds[pair, 1]):
                stands[runs[run, 2] - first[text] : runs[run, 2] + runs[run, 4] - first[text]] = True
            if run_bounds[pair, 0] == run_bounds[pair, 1]:
                for term in own:
                    wanted[term] = True
                for at in range(first[text], first[text + 1]):
                    term = known[at]
                    stands[at - first[text]] = term >= 0 and wanted[term]
                for term in own:
                    wanted[term] = False
            here = taken[first[text] : first[text + 1]]
            words, again = np.sum(stands), np.sum(stands & here)
            if 2 * again < words or words == 0:
                picked[pair] = True
                here |= stands
        if bounds[group] < bounds[group + 1]:
            text = pairs[bounds[group], 0]
            taken[first[text] : first[text + 1]] = False
