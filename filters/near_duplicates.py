"""Near duplicates: texts whose sets of word 5-grams are alike, found by MinHash bands and compared exactly.

Jaccard similarity J is that of `dialogue.likeness`: lower-case words, single characters of Chinese, Japanese and Thai.
By default every text that resembles a better one that is kept is dropped, and nothing else. What the index misses is
predicted from its shape and measured in each run on planted copies; what it finds is compared exactly.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from dialogue.chance import hex64
from filters.engine.base import Copies, Corpus, CorpusFilter, sources


class NearDuplicates(CorpusFilter):
    """Drops what is nearly a copy of something kept."""

    reason: ClassVar[str] = "near_duplicate"
    lines_file: ClassVar[str | None] = "pairs.jsonl"

    threshold: float = Field(0.7, gt=0, le=1)
    """Least Jaccard similarity of copies, itself included; 0.7 is text-dedup's default too."""
    ngram: int = Field(5, ge=1)
    """Words in an n-gram."""
    perms: int = Field(128, ge=16, le=4096)
    """Rows of a MinHash signature, 4 bytes each; with fewer than 16 nothing is told apart."""
    bands: int | None = Field(None, ge=1)
    """Bands of the index; by default, with `rows`, the coarsest that finds 99 % of pairs just at the threshold."""
    rows: int | None = Field(None, ge=1)
    """Rows of a band."""
    keep: Literal["greedy", "one_per_cluster"] = "greedy"
    """What is kept: all that resemble nothing better that is kept, or the best of each connected component alone."""
    planted: int = Field(200, ge=0, le=100_000)
    """Copies planted into the run to measure its recall; those of documents that are dropped are not counted."""

    @model_validator(mode="after")
    def _check_shape(self) -> Self:
        if (self.bands is None) != (self.rows is None):
            raise ValueError("bands and rows: give both or neither")
        if self.bands is not None and self.rows is not None and self.bands * self.rows > self.perms:
            raise ValueError(f"bands * rows = {self.bands * self.rows}: more than perms = {self.perms}")
        return self

    def prepared_by(self) -> str:
        """Neither the threshold nor the shape of bands is in it: signatures serve them all."""
        return hex64(type(self).__module__, sources(), self.level, self.prefer, self.ngram, self.perms)

    def prepare(self, texts: Sequence[str], scores: Sequence[float | None], folder: Path) -> None:
        """Write the signatures and n-grams of the texts (near/shards.py)."""
        from filters.near.shards import write

        write(folder, texts, scores, self.ngram, self.perms)

    def decide(self, corpus: Corpus) -> Copies:
        """The copies among the living documents (near/decision.py)."""
        from filters.near.account import Asked
        from filters.near.decision import decide
        from filters.near.shape import Shape, chosen

        given = self.bands is not None and self.rows is not None
        shape = Shape(self.bands or 0, self.rows or 0) if given else chosen(self.threshold, self.perms)
        greedy = self.keep == "greedy"
        return decide(corpus, Asked(self.threshold, self.level, self.ngram, self.perms, shape, greedy, self.planted))
