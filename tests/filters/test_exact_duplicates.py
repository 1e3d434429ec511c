"""Exact duplicates: beside a dictionary of texts."""

import random
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.engine.base import Copies, Shard
from filters.exact_duplicates import ExactDuplicates
from filters.near.search import Texts

Doc = tuple[str, str, float | None, bool]
"""Id, text, score, alive."""


def decided(shards: Sequence[Sequence[Doc]], earlier: int = 0, **asked: Any) -> Copies:
    """What ExactDuplicates decides of these documents, the first shards of which are earlier data."""
    looked_for = ExactDuplicates(**asked)
    with TemporaryDirectory() as folder:
        made = []
        for number, shard in enumerate(shards):
            at = Path(folder, str(number))
            at.mkdir()
            looked_for.prepare([doc[1] for doc in shard], [doc[2] for doc in shard], at)
            made.append(Shard(at, np.array([doc[3] for doc in shard], np.bool_), number < earlier))
        docs = [doc for shard in shards for doc in shard]
        return looked_for.decide(Texts([doc[1] for doc in docs], [doc[0] for doc in docs], made))


def by_id(shards: Sequence[Sequence[Doc]], found: Copies) -> dict[str, str]:
    """Dropped id: kept id."""
    ids = [doc[0] for shard in shards for doc in shard]
    assert set(found.similarity.tolist()) <= {1.0}
    return {ids[a]: ids[b] for a, b in zip(found.dropped.tolist(), found.kept.tolist(), strict=True)}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "a", "A", "a ", "ab", "\ud800", "字"]),
            st.sampled_from([None, 0.0, 1.0]),
            st.booleans(),
        ),
        max_size=12,
    ),
    st.integers(0, 2**32),
)
def test_the_best_score_and_else_the_smallest_id_is_kept_however_shards_are_cut(
    drawn: list[tuple[str, float | None, bool]], seed: int
) -> None:
    chance = random.Random(seed)
    docs = [(f"d{chance.getrandbits(40):010x}", *doc) for doc in drawn]
    at = sorted(chance.choices(range(len(docs) + 1), k=3))
    shards = [docs[start:stop] for start, stop in zip([0, *at], [*at, len(docs)], strict=True)]
    best: dict[str, Doc] = {}
    for doc in sorted(docs, key=lambda doc: (-(-1.0 if doc[2] is None else doc[2]), doc[0])):
        if doc[3]:
            best.setdefault(doc[1], doc)
    expected = {doc[0]: best[doc[1]][0] for doc in docs if doc[3] and best[doc[1]] != doc}
    assert by_id(shards, decided(shards)) == expected


def test_earlier_data_is_kept_and_kept_instead_of_better_new_data() -> None:
    shards: list[list[Doc]] = [
        [("x", "same", None, True), ("y", "same", None, True)],
        [("a", "same", 1.0, True), ("b", "other", None, True)],
    ]
    assert by_id(shards, decided(shards, earlier=1)) == {"a": "x"}


def test_case_and_space_may_be_ignored() -> None:
    docs: list[list[Doc]] = [[("a", "Hello  there\n", None, True), ("b", "hello there", None, True)]]
    assert by_id(docs, decided(docs)) == {}
    assert by_id(docs, decided(docs, ignore="case_and_space")) == {"b": "a"}
    settings_of = {ExactDuplicates(ignore=ignore).prepared_by() for ignore in ("nothing", "case_and_space")}
    assert len(settings_of) == 2


def test_the_report_counts_documents_and_clusters() -> None:
    docs: list[list[Doc]] = [[(f"d{number}", text, None, True) for number, text in enumerate("aabbbcd")]]
    assert decided(docs).details == {
        "level": "dialogue",
        "ignore": "nothing",
        "documents": 7,
        "clusters": [[2, 1], [3, 1]],
    }


def test_no_documents_give_no_copies() -> None:
    assert len(decided([]).dropped) == len(decided([[]]).dropped) == 0
