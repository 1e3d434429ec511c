"""Near-duplicate pairs of short texts, every one of them, found without the engine's own index.

Two sets with a Jaccard similarity of t or more share one of the s - ceil(t * s) + 1 rarest elements of either (the
prefix filter: Chaudhuri et al., ICDE 2006), so those alone are indexed, and each pair that meets there is compared.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from math import ceil

_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\w+")


def shingles(text: str, n: int) -> frozenset[tuple[str, ...]]:
    """The runs of n words, in lower case; a shorter text is one run."""
    words = _TOKEN.findall(text.lower())
    return frozenset(tuple(words[i : i + n]) for i in range(max(1, len(words) - n + 1)))


def near_pairs(texts: Sequence[str], threshold: float, n: int) -> Iterator[tuple[int, int]]:
    """Places of each two texts that are at least so alike, the earlier first."""
    sets = [shingles(text, n) for text in texts]
    common = Counter(shingle for found in sets for shingle in found)
    holders: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, found in enumerate(sets):
        rarest = sorted(found, key=lambda shingle: (common[shingle], shingle))
        prefix = rarest[: len(found) - ceil(threshold * len(found) - 1e-9) + 1]
        for other in sorted({earlier for shingle in prefix for earlier in holders[shingle]}):
            shared = len(found & sets[other])
            if shared >= threshold * (len(found) + len(sets[other]) - shared) - 1e-9:
                yield other, place
        for shingle in prefix:
            holders[shingle].append(place)
