"""Runs of words that messages and items have in common, and what they cover; compiled.

A run is a stretch of words that stands in a message and in a part of an item, as long as it goes. Whatever n a rule
asks for, its n-grams in common are the stretches of n words within runs; so one pass that looks for the shortest n
serves all rules.
"""

import numpy as np
from numpy.typing import NDArray

from filters.kernels.jit import jit
from filters.leaks.wording import Flags, Floats, Hashes, Numbers

_MOST_RUNS = 256
"""Runs that one message may have in common with one part; more are a repeated word, and say nothing new."""


@jit
def find_runs(
    hashes: Hashes,
    first: Numbers,
    places: Numbers,
    seeds: NDArray[np.int32],
    limits: Numbers,
    postings: Numbers,
    item_hashes: Hashes,
    item_first: Numbers,
    part_of: NDArray[np.int32],
    is_seed: Flags,
    shortest: int,
) -> Numbers:
    """(runs, 5) text, part, first word in the text, first word in the part, words; of each run that holds a seed.

    A seed is an n-gram of the items that is looked for; `seeds` are the numbers g of those that start in the texts, at
    the words `places`, ascending. In the items a seed starts at postings[limits[g]:limits[g + 1]].
    """
    found, count = np.empty((256, 5), np.int64), 0
    held_text = np.full(len(item_first) - 1, -1, np.int64)
    held = np.zeros(len(item_first) - 1, np.int64)
    text = 0
    for number in range(len(places)):
        at, gram = places[number], seeds[number]
        while at >= first[text + 1]:
            text += 1
        for posting in range(limits[gram], limits[gram + 1]):
            start, begin = postings[posting], at
            part = part_of[start]
            while begin > first[text] and start > item_first[part] and hashes[begin - 1] == item_hashes[start - 1]:
                begin -= 1
                start -= 1
                if is_seed[start]:
                    break
            if begin < at and is_seed[start]:
                continue  # found from its first seed
            words, most = at - begin, min(first[text + 1] - begin, item_first[part + 1] - start)
            while words < most and hashes[begin + words] == item_hashes[start + words]:
                words += 1
            if words < shortest:
                continue
            if held_text[part] != text:
                held_text[part], held[part] = text, 0
            held[part] += 1
            if held[part] > _MOST_RUNS:
                continue
            if count == len(found):
                grown = np.empty((2 * count, 5), np.int64)
                grown[:count] = found
                found = grown
            found[count, 0], found[count, 1], found[count, 2] = text, part, begin
            found[count, 3], found[count, 4] = start, words
            count += 1
    return found[:count]


@jit
def measure(
    runs: Numbers,
    bounds: Numbers,
    item_first: Numbers,
    script: NDArray[np.int8],
    lengths: Numbers,
    live: Flags,
    weights: Floats,
    grams: Numbers,
    covered: Numbers,
    weight: Floats,
) -> None:
    """Fill, for each group of runs of one text and part, its n-grams in common and the words that lie in them.

    `lengths` (sizes, scripts) and `live` (sizes, words) say how long an n-gram is and which of them count. `grams` and
    `covered` are (groups, sizes); `weight` (groups,) sums up the weights of the words covered by the last size.
    """
    for group in range(len(bounds) - 1):
        part = runs[bounds[group], 1]
        begin, end = item_first[part], item_first[part + 1]
        for size in range(len(lengths)):
            length = lengths[size, script[part]]
            met = np.zeros(end - begin, np.bool_)
            for run in range(bounds[group], bounds[group + 1]):
                for word in range(runs[run, 3], runs[run, 3] + runs[run, 4] - length + 1):
                    met[word - begin] = live[size, word]
            reach, weight[group] = begin, 0.0
            for word in range(begin, end):
                if met[word - begin]:
                    grams[group, size] += 1
                    reach = word + length
                if word < reach:
                    covered[group, size] += 1
                    weight[group] += weights[word]


@jit
def longest_runs(
    pairs: Numbers, hashes: Hashes, first: Numbers, item_hashes: Hashes, item_first: Numbers, longest: Numbers
) -> None:
    """Fill, for each pair of text and part, the first word in the text and the words of the longest run of both."""
    for pair in range(len(pairs)):
        text, part = pairs[pair]
        for at in range(first[text], first[text + 1]):
            most = min(first[text + 1] - at, item_first[part + 1] - item_first[part])
            if most <= longest[pair, 1]:
                break
            for start in range(item_first[part], item_first[part + 1]):
                words = 0
                while (
                    at + words < first[text + 1]
                    and start + words < item_first[part + 1]
                    and hashes[at + words] == item_hashes[start + words]
                ):
                    words += 1
                if words > longest[pair, 1]:
                    longest[pair, 0], longest[pair, 1] = at, words
