"""Dialogue-like texts with copies among them, and every pair of them that is alike: the exact truth, by no sketch.

Texts are walks over real text (each word followed by one that follows it somewhere in the folder's dialogues), 2.6 kB
on average, so words and lengths are as in life and two walks are never alike by chance. A fifth of them are copies of
another with some words changed, here and there or in one block.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from dialogue.likeness import shingles

COPIES = 0.2
WORDS = 430
"""On average in a text, 2.6 kB."""
MOST_CHANGED = 0.08
"""Share of the words that a copy has changed: Jaccard similarities from about 0.5 up."""


def real_words(folder: Path) -> list[str]:
    """The words of the folder's real dialogues, in order."""
    rows = (orjson.loads(line) for line in (folder / "dialogues/ultrachat_700.jsonl").open("rb"))
    passages = (orjson.loads(line) for line in (folder / "passages/c4_300.jsonl").open("rb"))
    texts = [message["content"] for row in rows for message in row["messages"]]
    return " ".join([*texts, *(row["text"] for row in passages)]).split()


def walks(folder: Path, n: int, words: int = WORDS, seed: int = 0) -> Iterator[str]:
    """`n` texts of about so many words, copies among them."""
    chance = random.Random(seed)
    real = real_words(folder)
    follows: dict[str, list[int]] = {}
    for place, word in enumerate(real):
        follows.setdefault(word, []).append(place)
    recent: list[list[str]] = []
    for _ in range(n):
        if recent and chance.random() < COPIES:
            yield " ".join(_changed(recent.pop(chance.randrange(len(recent))), real, chance))
            continue
        walk, place = [], chance.randrange(len(real) - 1)
        for _ in range(round(words * chance.uniform(0.6, 1.4))):
            places = follows[real[place]]
            place = (places[int(chance.random() * len(places))] + 1) % len(real)
            walk.append(real[place])
        recent.append(walk)
        if len(recent) > 5000:
            recent.pop(0)
        yield " ".join(walk)


def _changed(walk: list[str], real: list[str], chance: random.Random) -> list[str]:
    count = int(len(walk) * MOST_CHANGED * chance.random())
    copy = list(walk)
    if chance.random() < 0.5:
        for place in chance.sample(range(len(copy)), count):
            copy[place] = chance.choice(real)
    else:
        start, block = chance.randrange(len(copy)), 5 * count
        copy[start : start + block] = chance.choices(real, k=len(copy[start : start + block]))
    return copy


def alike(texts: list[str], at_least: float, ngram: int = 5) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """All pairs (pairs, 2) of texts with Jaccard similarity `at_least`, a < b, and their similarities.

    Exact: two sets that are so alike share one of their first |x| - ceil(t |x|) + 1 n-grams, the rarest first
    (Chaudhuri et al. 2006, prefix filter). Nothing here is shared with the product but the n-grams' definition.
    """
    sets = [shingles(text, ngram) for text in texts]
    flat, sizes = np.concatenate(sets), np.array(list(map(len, sets)))
    distinct, counts = np.unique(flat, return_counts=True)
    del flat
    tokens, owners = [], []
    for number, found in enumerate(sets):
        order = np.lexsort((found, counts[np.searchsorted(distinct, found)]))
        prefix = found[order[: len(found) - int(np.ceil(at_least * len(found))) + 1]]
        prefix = prefix[counts[np.searchsorted(distinct, prefix)] > 1]
        tokens.append(prefix)
        owners.append(np.full(len(prefix), number))
    token, owner = np.concatenate(tokens), np.concatenate(owners)
    order = np.lexsort((owner, token))
    token, owner = token[order], owner[order]
    bounds = np.flatnonzero(np.diff(token, prepend=-1, append=-1))
    candidates: set[tuple[int, int]] = set()
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        group = owner[start:end].tolist()
        candidates.update((a, b) for i, a in enumerate(group) for b in group[i + 1 :])
    pairs = sorted((a, b) for a, b in candidates if min(sizes[a], sizes[b]) >= at_least * max(sizes[a], sizes[b]))
    found_pairs, similarities = [], []
    for a, b in pairs:
        both = len(np.intersect1d(sets[a], sets[b], assume_unique=True))
        similarity = both / (sizes[a] + sizes[b] - both)
        if similarity >= at_least:
            found_pairs.append((a, b))
            similarities.append(similarity)
    return np.array(found_pairs, np.int64).reshape(-1, 2), np.array(similarities)
