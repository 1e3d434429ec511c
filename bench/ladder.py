"""GPTeacher's ladder: one set that its makers published at five similarity thresholds, and what ours keeps of it.

    python -m bench.ladder FOLDER

FOLDER holds dedup/toolformer-*.json. Its makers do not say what they measured. For each of their thresholds: rows that
they kept, rows that we keep at the same number taken as Jaccard similarity of word 5-grams and of single words, and
how alike the rows that they left out are to the nearest row that they kept.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
import orjson

from dialogue.likeness import words
from filters.near.search import near_duplicates

THRESHOLDS = (0.9, 0.8, 0.7, 0.6)


def rows(path: Path) -> list[str]:
    """Instruction, input and output of each row, as one text."""
    return [
        "\n".join(row[part] for part in ("instruction", "input", "output")) for row in orjson.loads(path.read_bytes())
    ]


def nearest(texts: Sequence[str], others: Sequence[str]) -> list[float]:
    """For each text the greatest Jaccard similarity of its words to one of the others."""
    numbers: dict[str, int] = {}
    sets = [{numbers.setdefault(word, len(numbers)) for word in words(text)} for text in (*others, *texts)]
    member = np.zeros((len(sets), len(numbers)), np.float32)
    for place, found in enumerate(sets):
        member[place, list(found)] = 1
    sizes = member.sum(axis=1)
    kept, kept_sizes = member[: len(others)], sizes[: len(others)]
    best = []
    for place in range(len(others), len(sets)):
        both = kept @ member[place]
        best.append(float((both / (kept_sizes + sizes[place] - both)).max()))
    return best


def main() -> int:
    """Print the table."""
    folder = Path(sys.argv[1]) / "dedup"
    every = rows(folder / "toolformer-dedupe-only-dataset.json")
    print(f"{len(every):,} rows without exact copies.\n")
    head = "they keep | we keep, 5-grams | we keep, words | their dropped rows: Jaccard of words to the nearest kept"
    print(f"| threshold | {head}, median (share at or above the threshold) |\n|---|---|---|---|---|")
    for threshold in THRESHOLDS:
        theirs = rows(folder / f"toolformer-similarity-{threshold}-dataset.json")
        ours = [len(every) - len(near_duplicates(every, threshold=threshold, ngram=n).dropped) for n in (5, 1)]
        kept = set(theirs)
        likeness = nearest([text for text in every if text not in kept], theirs)
        above = sum(value >= threshold for value in likeness) / max(1, len(likeness))
        print(f"| {threshold} | {len(theirs):,} | {ours[0]:,} | {ours[1]:,} | {median(likeness):.2f} ({above:.0%}) |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
