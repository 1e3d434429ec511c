"""Openers that are alike: exactly over all of them, nearly over a sample, the frame that many share taken out."""

import re
from collections import Counter
from collections.abc import Sequence

from dialogue.near import NearIndex

ALIKE = 0.5
"""Jaccard similarity of word 3-grams (reference: user-simulation, 4.2)."""
GRAM = 3
FRAME_SHARE, FRAME_TIMES = 0.01, 3
"""A line that so many openers share, and so many at least, is frame: instructions around what is asked."""
_LINES = re.compile(r"\n+")


def without_frames(openers: Sequence[str], materials: Sequence[str | None]) -> list[str]:
    """The openers without the material that their seed brought and without lines that many share.

    One that would have nothing left stays as it is: it is no frame but a copy.
    """
    bare = [text.replace(given, " ") if given else text for text, given in zip(openers, materials, strict=True)]
    lines = [[line.strip() for line in _LINES.split(text) if line.strip()] for text in bare]
    times = Counter(line for text in lines if len(text) > 1 for line in set(text))
    least = max(FRAME_TIMES, FRAME_SHARE * len(openers))
    left = ["\n".join(line for line in text if times[line] < least) for text in lines]
    return [own or text for own, text in zip(left, openers, strict=True)]


def near_copies(openers: Sequence[str]) -> list[bool]:
    """Whether each is nearly one that stands before it."""
    index = NearIndex(ALIKE, GRAM, openers.__getitem__)
    found = []
    for opener in openers:
        found.append(index.find(opener) is not None)
        index.add(opener)
    return found
