"""What was found, told: the numbers of the report, and the lines of pairs.jsonl."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import orjson
from pydantic import JsonValue

from filters.near.choice import Kept, components, ranks
from filters.near.classes import Classes, chosen, counted
from filters.near.documents import Numbers
from filters.near.planted import Planted, levels
from filters.near.shape import Shape, predicted_recall
from filters.near.verify import Pairs

_STEP = 0.05
"""Between the other thresholds at which the report says how many would be dropped."""
_ROUNDING = 1e-9


class Asked(NamedTuple):
    """What is looked for."""

    threshold: float
    level: str
    ngram: int
    perms: int
    shape: Shape
    greedy: bool
    """Keep greedily, else one of each connected component."""
    planted: int


class Account(NamedTuple):
    """What a decision was made of."""

    asked: Asked
    documents: int
    """Documents that were asked about."""
    groups: Classes
    links: Pairs
    """Between classes."""
    kept: Kept
    capped: int

    def details(self, plants: Planted, a: Numbers, ghosts: Numbers) -> dict[str, JsonValue]:
        """The report's part; planted copy ghosts[i] was found alike to document a[i]."""
        asked, copies = self.asked, len(self.groups.members) - len(self.groups)
        return {
            "threshold": asked.threshold,
            "level": asked.level,
            "ngram": asked.ngram,
            "perms": asked.perms,
            "bands": asked.shape.bands,
            "rows": asked.shape.rows,
            "documents": self.documents,
            "pairs": len(self.links.a) + copies,
            "jaccard": self._histogram(copies),
            "clusters": self._clusters(),
            "at": [[threshold, self._dropped_at(threshold)] for threshold in self._thresholds()],
            "recall": self._recall(plants, a, ghosts),
            "capped_buckets": self.capped,
            "pairs_file": "pairs.jsonl",
        }

    def lines(self) -> Iterator[bytes]:
        """Pairs as JSON, by their ids: the best members of two classes, or the best and another member of one."""
        groups = self.groups
        rest = np.setdiff1d(np.arange(len(groups.members)), groups.best)
        one = np.concatenate([groups.best[self.links.a], groups.best[groups.of[rest]]])
        two = np.concatenate([groups.best[self.links.b], rest])
        jaccard = np.concatenate([self.links.jaccard, np.ones(len(rest))])
        rank = ranks(groups.ids)
        swap = rank[one] > rank[two]
        one, two = np.where(swap, two, one), np.where(swap, one, two)
        gone = np.isin(groups.members, groups.dropped(self.kept)[0])
        for pair in np.lexsort((rank[two], rank[one])).tolist():
            both = int(one[pair]), int(two[pair])
            a, b = (groups.ids[member] for member in both)
            dropped = [groups.ids[member] for member in both if gone[member]]
            line = {"a": a, "b": b, "jaccard": round(float(jaccard[pair]), 6), "dropped": dropped}
            yield orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)

    def _histogram(self, copies: int) -> list[JsonValue]:
        hundredths = np.floor(self.links.jaccard * 100 + _ROUNDING).astype(np.int64)
        counts = np.bincount(hundredths, minlength=101)
        counts[100] += copies
        return [[place / 100, count] for place, count in enumerate(counts.tolist()) if count]

    def _clusters(self) -> list[JsonValue]:
        groups = self.groups
        roots = components(len(groups), self.links.a, self.links.b)
        return counted(np.bincount(roots[groups.of]))

    def _thresholds(self) -> list[float]:
        own = self.asked.threshold
        steps = (round(step * _STEP, 2) for step in range(round(1 / _STEP) + 1))
        return [own, *(step for step in steps if step > own + _ROUNDING)]

    def _dropped_at(self, threshold: float) -> int:
        kept = chosen(self.groups, self.links.where(self.links.jaccard >= threshold), self.asked.greedy)
        return len(self.groups.dropped(kept)[0])

    def _recall(self, plants: Planted, a: Numbers, ghosts: Numbers) -> dict[str, JsonValue]:
        """Predicted from the shape, and counted: a planted copy is found if anything was found to be alike to it.

        Copies of dropped documents do not count: nothing that is kept need be alike to them. `with_original` are those
        that met their own original, which in large buckets is not always compared.
        """
        asked, groups = self.asked, self.groups
        gone = groups.members[self.kept.by[groups.of] != groups.of]
        counts = np.isin(plants.originals, gone, invert=True)
        hit, met = np.zeros_like(counts), np.zeros_like(counts)
        hit[ghosts] = True
        met[ghosts[plants.originals[ghosts] == a]] = True
        hit, met = hit[counts], met[counts]
        return {
            "predicted": round(predicted_recall(asked.shape, asked.threshold, self.links.jaccard), 6),
            "planted": len(hit),
            "found": int(hit.sum()),
            "with_original": int(met.sum()),
            "levels": [list(level) for level in levels(plants.jaccard[counts], hit, asked.threshold)],
        }
