"""Exact duplicates: equal texts, told by 128-bit hashes.

Of 10^9 texts two unlike ones share a hash once in 10^20 runs.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import JsonValue
from xxhash import xxh3_128_digest

from filters.engine.base import Copies, Corpus, CorpusFilter


class ExactDuplicates(CorpusFilter):
    """Drops what is equal to something kept, character by character."""

    reason: ClassVar[str] = "exact_duplicate"

    ignore: Literal["nothing", "case_and_space"] = "nothing"
    """What may differ in equal texts: nothing, or upper and lower case and what space stands between words."""

    def prepared_by(self) -> str:
        """All settings."""
        return self.fingerprint()

    def prepare(self, texts: Sequence[str], scores: Sequence[float | None], folder: Path) -> None:
        """Write (texts, 2) uint64 hashes and the scores, -inf for none."""
        from filters.near.shards import as_scores

        digests = b"".join(xxh3_128_digest(self._compared(text).encode("utf-8", "surrogatepass")) for text in texts)
        np.save(folder / "hashes.npy", np.frombuffer(digests, np.uint64).reshape(-1, 2))
        np.save(folder / "scores.npy", as_scores(scores))

    def decide(self, corpus: Corpus) -> Copies:
        """All living documents but the best of each class of equal ones."""
        from filters.near.choice import all_kept
        from filters.near.classes import alive_in, classes, counted, repeats
        from filters.near.documents import joined

        living = np.flatnonzero(alive_in(corpus))
        low, high = (
            joined((np.load(shard.folder / "hashes.npy")[:, half] for shard in corpus.shards), np.uint64)[living]
            for half in (0, 1)
        )
        copies, of = repeats(living, low, high)
        equal = np.union1d(copies, of)
        scores = joined((np.load(shard.folder / "scores.npy") for shard in corpus.shards), np.float64)[equal]
        groups = classes(corpus, equal, copies, of, scores, low[np.searchsorted(living, equal)])
        details: dict[str, JsonValue] = {"level": self.level, "ignore": self.ignore, "documents": len(living)}
        details["clusters"] = counted(groups.sizes())
        return Copies(*groups.dropped(all_kept(len(groups))), details)

    def _compared(self, text: str) -> str:
        return " ".join(text.lower().split()) if self.ignore == "case_and_space" else text
