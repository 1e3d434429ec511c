"""Near duplicates: beside a comparison of everything with everything, whatever the order of documents and shards."""

import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import orjson
import pytest
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dialogue.errors import UsageError
from dialogue.likeness import jaccard, ngrams, shingles
from dialogue.likeness import signatures as slow_signatures
from filters.engine.base import Copies, Shard
from filters.near.minhashes import hash32, minhashes, signatures
from filters.near.search import Texts, near_duplicates
from filters.near.shape import Shape, chosen, predicted_recall
from filters.near_duplicates import NearDuplicates

NGRAM = 2
"""So that short texts have many similarities."""
LETTERS = "abcdefghij"


class Doc(NamedTuple):
    id: str
    text: str
    score: float | None = None
    earlier: bool = False
    alive: bool = True


def decided(shards: Sequence[Sequence[Doc]], **asked: Any) -> Copies:
    """What NearDuplicates decides of documents in these shards; a shard is earlier where its documents are."""
    looked_for = NearDuplicates(ngram=NGRAM, **asked)
    with TemporaryDirectory() as folder:
        made = []
        for number, shard in enumerate(shards):
            at = Path(folder, str(number))
            at.mkdir()
            looked_for.prepare([doc.text for doc in shard], [doc.score for doc in shard], at)
            earlier = bool(shard) and shard[0].earlier
            made.append(Shard(at, np.array([doc.alive for doc in shard], np.bool_), earlier))
        docs = [doc for shard in shards for doc in shard]
        found = looked_for.decide(Texts([doc.text for doc in docs], [doc.id for doc in docs], made))
        return found._replace(lines=list(found.lines))


def by_id(docs: Sequence[Doc], found: Copies) -> dict[str, tuple[str, float]]:
    """Dropped id: kept id and similarity."""
    assert all(a < b for a, b in pairwise(found.dropped.tolist()))
    triples = zip(found.dropped.tolist(), found.kept.tolist(), found.similarity.tolist(), strict=True)
    return {docs[dropped].id: (docs[kept].id, round(similarity, 5)) for dropped, kept, similarity in triples}


def by_hand(docs: Sequence[Doc], threshold: float) -> dict[str, tuple[str, float]]:
    """Greedy keep, everything compared with everything."""
    kept: list[Doc] = []
    dropped: dict[str, tuple[str, float]] = {}
    living = [doc for doc in docs if doc.alive]
    for doc in sorted(living, key=lambda d: (not d.earlier, -(-1e9 if d.score is None else d.score), d.id)):
        alike = [(like(doc.text, other.text), other) for other in kept]
        near = [(-j, not same(doc, other), place) for place, (j, other) in enumerate(alike) if j >= threshold]
        if near and not doc.earlier:
            place = min(near)[2]
            dropped[doc.id] = (alike[place][1].id, round(alike[place][0], 5))
        else:
            kept.append(doc)
    return dropped


def same(one: Doc, two: Doc) -> bool:
    """Of the same n-grams with the same repeats, which goes before another of the same set."""
    return sorted(ngrams(one.text, NGRAM)) == sorted(ngrams(two.text, NGRAM))


def like(a: str, b: str) -> float:
    """Jaccard similarity; texts without a word are alike where they are equal."""
    if not len(shingles(a, NGRAM)) or not len(shingles(b, NGRAM)):
        return float(a == b)
    return jaccard(a, b, NGRAM)


@st.composite
def corpora(draw: st.DrawFn) -> list[Doc]:
    """Some texts and edited copies of them, with scores, earlier ones and dead ones among them."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    texts = ["", "?!"]
    for _ in range(draw(st.integers(0, 25))):
        copied = chance.random() < 0.7
        words = chance.choice(texts).split() if copied else chance.choices(LETTERS, k=chance.randint(1, 30))
        for _ in range(chance.randint(0, 3)):
            place = chance.randint(0, len(words))
            words[place : place + chance.randint(0, 1)] = chance.choices(LETTERS, k=chance.randint(0, 1))
        texts.append(" ".join(words))
    scores = [None, None, 0.5, 1.0, float("nan")] if draw(st.booleans()) else [None]
    return [
        Doc(f"d{chance.getrandbits(40):010x}", text, chance.choice(scores), *(chance.random() < p for p in (0.2, 0.9)))
        for text in texts[draw(st.integers(0, 2)) :]
    ]


def cut(docs: Sequence[Doc], chance: random.Random) -> list[list[Doc]]:
    """The documents in another order in shards of any sizes, some of them empty."""
    docs = chance.sample(docs, len(docs))
    shards: list[list[Doc]] = [[]]
    for doc in docs:
        if chance.random() < 0.3 or (shards[-1] and shards[-1][0].earlier != doc.earlier):
            shards.append([])
        shards[-1].append(doc)
    return shards


@settings(max_examples=150, deadline=None)
@given(corpora(), st.sampled_from([0.3, 0.5, 0.7, 0.9, 1.0]), st.integers(0, 2**32))
def test_what_is_dropped_is_what_comparing_all_pairs_drops_however_shards_are_cut(
    docs: list[Doc], threshold: float, seed: int
) -> None:
    shards = cut(docs, random.Random(seed))
    # 64 bands of one row: even of pairs at 0.3 one in 10^10 is missed
    found = decided(shards, threshold=threshold, perms=64, bands=64, rows=1)
    docs = [doc for shard in shards for doc in shard]
    nan = [doc._replace(score=None) if doc.score != doc.score else doc for doc in docs]
    dropped = by_id(docs, found)
    assert dropped.keys() == by_hand(nan, threshold).keys()
    texts = {doc.id: doc.text for doc in docs}
    for id, (kept, similarity) in dropped.items():  # equal texts share the one that the best of them resembles most
        assert kept not in dropped
        assert threshold <= similarity == round(like(texts[id], texts[kept]), 5)


@settings(max_examples=60, deadline=None)
@given(corpora(), st.sampled_from(["greedy", "one_per_cluster"]), st.integers(0, 2**32))
def test_neither_the_order_of_documents_nor_the_planted_copies_change_anything(
    docs: list[Doc], keep: str, seed: int
) -> None:
    chance = random.Random(seed)
    results = []
    for planted in (200, 200, 0):
        shards = cut(docs, chance)
        found = decided(shards, keep=keep, planted=planted)
        results.append((by_id([doc for shard in shards for doc in shard], found), found.lines, found.details))
    assert results[0] == results[1]
    assert results[0][:2] == results[2][:2]
    for _, _, details in results:
        del details["recall"]
    assert results[0] == results[2]


@settings(max_examples=60, deadline=None)
@given(corpora(), st.integers(0, 2**32))
def test_of_a_cluster_one_is_kept_and_all_earlier_ones(docs: list[Doc], seed: int) -> None:
    shards = cut(docs, random.Random(seed))
    docs = [doc for shard in shards for doc in shard]
    texts = {doc.id: doc for doc in docs}
    copies = decided(shards, threshold=0.5, perms=64, bands=64, rows=1, keep="one_per_cluster")
    found = by_id(docs, copies)
    for dropped, (kept, similarity) in found.items():
        assert kept not in found
        assert not texts[dropped].earlier
        assert similarity == round(like(texts[dropped].text, texts[kept].text), 5)
    left = [doc for doc in docs if doc.alive and doc.id not in found]
    for number, doc in enumerate(left):
        for other in left[:number]:
            assert like(doc.text, other.text) < 0.5 or (doc.earlier and other.earlier)


def sentences(count: int, chance: random.Random, words: int = 60) -> list[str]:
    """Texts that share nothing."""
    return [" ".join(f"w{chance.getrandbits(24)}" for _ in range(words)) for _ in range(count)]


def test_each_drop_names_a_kept_text_and_their_exact_similarity() -> None:
    texts = ["one two three four five six seven", "one two three four five six seven eight", "quite another matter"]
    found = near_duplicates(texts, ids=["b", "a", "c"])
    assert found.dropped.tolist() == [0]
    assert found.kept.tolist() == [1]
    assert found.similarity.tolist() == [pytest.approx(3 / 4)]
    assert [orjson.loads(line) for line in found.lines] == [{"a": "a", "b": "b", "jaccard": 0.75, "dropped": ["b"]}]


def test_the_threshold_is_included() -> None:
    words = [f"w{number}" for number in range(31)]
    texts = [" ".join(words[:24]), " ".join(words[:21])]  # 20 and 17 5-grams: 17 / 20
    assert len(near_duplicates(texts, threshold=0.85).dropped) == 1
    assert len(near_duplicates(texts, threshold=0.8501).dropped) == 0
    texts = [" ".join(words[:14]), " ".join(words[:11])]  # 7 / 10, and 0.7 is not a binary number
    assert len(near_duplicates(texts, threshold=0.7).dropped) == 1


def test_nothing_is_dropped_that_does_not_resemble_a_kept_text() -> None:
    words = [f"w{number}" for number in range(60)]
    chain = [" ".join(words[start : start + 44]) for start in (0, 5, 10)]  # each alike to the next alone
    assert jaccard(chain[0], chain[1], 5) >= 0.7 > jaccard(chain[0], chain[2], 5)
    assert near_duplicates(chain).dropped.tolist() == [1]
    assert near_duplicates(chain, keep="one_per_cluster").dropped.tolist() == [1, 2]


def test_the_highest_score_is_kept_and_earlier_data_before_it() -> None:
    text = "the same words again and again"
    docs = [Doc("a", text), Doc("b", text + " more", 0.1), Doc("c", text, 0.9)]
    assert by_id(docs, decided([docs])) == {"a": ("c", 1.0), "b": ("c", 0.83333)}
    old = [Doc("x", text, earlier=True), Doc("y", text, earlier=True)]
    assert set(by_id([*docs, *old], decided([docs, old]))) == {"a", "b", "c"}


def test_the_report_counts_pairs_clusters_and_other_thresholds() -> None:
    base = sentences(3, random.Random(1))
    words = base[0].split()
    docs = [Doc(f"d{number}", text) for number, text in enumerate([*base, base[1], base[1], " ".join(words[:50])])]
    found = decided([docs[:2], docs[2:]], threshold=0.7)
    details = found.details
    assert details["pairs"] == 3
    assert details["jaccard"] == [[0.83, 1], [1.0, 2]]
    assert details["clusters"] == [[2, 1], [3, 1]]
    at = details["at"]
    assert isinstance(at, list)
    assert at[:3] == [[0.7, 3], [0.75, 3], [0.8, 3]]
    assert at[3:] == [[0.85, 2], [0.9, 2], [0.95, 2], [1.0, 2]]
    assert details["documents"] == 6
    assert list(found.lines) == sorted(found.lines)


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9])
def test_counts_at_other_thresholds_are_what_these_thresholds_drop(threshold: float) -> None:
    chance = random.Random(3)
    texts = sentences(40, chance)
    for _ in range(120):
        words = chance.choice(texts).split()
        for _ in range(chance.randint(0, 5)):
            words[chance.randrange(len(words))] = chance.choice("xyz")
        texts.append(" ".join(words))
    at = near_duplicates(texts, threshold=threshold).details["at"]
    assert isinstance(at, list)
    for other, dropped in at:
        copies = near_duplicates(texts, threshold=other)
        assert abs(len(copies.dropped) - dropped) <= 1  # each index may miss one


def test_recall_is_measured_on_copies_of_known_similarity() -> None:
    texts = sentences(400, random.Random(5), 100)
    recall = near_duplicates(texts).details["recall"]
    assert isinstance(recall, dict)
    assert recall["planted"] == 200
    assert recall["found"] == recall["with_original"]
    assert 195 <= recall["found"] <= 200
    assert [level[0] for level in recall["levels"]] == [0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
    assert all(10 <= level[1] <= 60 for level in recall["levels"])
    # an index that is blind at the threshold says so: 2 bands of 20 rows find 0.2 % at 0.7, 20 % at 0.9
    blind = near_duplicates(texts, bands=2, rows=20).details["recall"]
    assert isinstance(blind, dict)
    assert blind["found"] < 60
    low, high = blind["levels"][0], blind["levels"][-1]
    assert low[2] / low[1] < 0.1 < high[2] / high[1]


def test_few_or_short_texts_carry_fewer_planted_copies() -> None:
    for texts in ([], ["a b c"], sentences(3, random.Random(1))):
        recall = near_duplicates(texts).details["recall"]
        assert isinstance(recall, dict)
        assert recall["planted"] == sum(len(text.split()) > 20 for text in texts)


@pytest.mark.parametrize("changed", [0, 1])
def test_many_answers_of_one_kind_are_dropped_in_large_buckets(changed: int) -> None:
    answer = sentences(1, random.Random(2))[0].split()
    texts = [" ".join([*answer[:30], *[f"name{number}"] * changed, *answer[30:]]) for number in range(3000)]
    others = sentences(100, random.Random(3))
    found = near_duplicates([*texts, *others])
    assert found.dropped.tolist() == list(range(1, 3000))
    assert set(found.kept.tolist()) == {0}
    assert found.details["capped_buckets"] == 0


def test_a_template_that_all_share_hides_no_copies() -> None:
    chance = random.Random(4)
    template = sentences(1, chance, 75)[0]
    own = sentences(600, chance, 25)
    texts = [f"{template} {text}" for text in own]
    copies = [f"{text} and a bit more" for text in chance.sample(texts, 60)]
    assert 0.5 < jaccard(texts[0], texts[1], 5) < 0.7
    found = near_duplicates([*texts, *copies])
    assert len(found.dropped) == 60
    assert set(found.dropped.tolist()) == set(range(600, 660))


def test_texts_without_a_word_are_copies_where_they_are_equal() -> None:
    texts = ["???", "", "!!!", "???", ""]
    found = near_duplicates(texts)
    assert dict(zip(found.dropped.tolist(), found.kept.tolist(), strict=True)) == {3: 0, 4: 1}


def test_no_documents_or_no_living_ones_give_no_copies() -> None:
    assert len(near_duplicates([]).dropped) == 0
    dead = [Doc("a", "some words here", alive=False), Doc("b", "some words here", alive=False)]
    found = decided([[], dead, []])
    assert len(found.dropped) == 0
    assert found.details["documents"] == 0


def test_a_long_text_beside_short_ones(capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(6)
    long = sentences(1, chance, 200_000)[0]
    texts = [*sentences(50, chance), long, long + " at the end some more"]
    assert near_duplicates(texts).dropped.tolist() == [51]


def test_shards_serve_other_thresholds_and_refuse_other_signatures(tmp_path: Path) -> None:
    texts = sentences(5, random.Random(7))
    NearDuplicates().prepare([*texts, texts[0] + " more words"], [None] * 6, tmp_path)
    ids = [f"d{number}" for number in range(6)]
    corpus = Texts(texts, ids, [Shard(tmp_path, np.ones(6, np.bool_), earlier=False)])
    assert NearDuplicates().prepared_by() == NearDuplicates(threshold=0.99, keep="one_per_cluster").prepared_by()
    assert len(NearDuplicates(threshold=0.9).decide(corpus).dropped) == 1
    assert len(NearDuplicates(threshold=0.99).decide(corpus).dropped) == 0
    for other in (NearDuplicates(perms=64), NearDuplicates(ngram=4)):
        assert other.prepared_by() != NearDuplicates().prepared_by()
        with pytest.raises(UsageError, match="prepare it again"):
            other.decide(corpus)


def test_signatures_are_datasketch_s_and_come_out_and_in_as_its_objects(tmp_path: Path) -> None:
    texts = ["A day by the sea, in winter.", "潮汐为什么每天晚一点", "한국어 문장도 있고 더 길다", "go 😀 on", "?!"]
    NearDuplicates(perms=64).prepare(texts, [None] * 5, tmp_path)
    found = list(minhashes(tmp_path))
    for text, sketch in zip(texts, found, strict=True):
        own = MinHash(num_perm=64, seed=1, scheme="affine32", hashfunc=hash32)
        for gram in grams(text):
            own.update(gram)
        assert own == sketch
        sketch.update(b"one more")
        own.update(b"one more")
        assert own == sketch
    assert next(minhashes(tmp_path, [2])).jaccard(next(minhashes(tmp_path, [2]))) == 1
    rows = slow_signatures([shingles(text, 5) for text in texts], 64)
    assert (signatures(list(minhashes(tmp_path))) == rows).all()
    with pytest.raises(ValueError, match=r"sketches|minhashes\[1\]: scheme 'affine64'"):
        signatures([found[0], MinHash(64, scheme="affine64")])


def grams(text: str) -> list[bytes]:
    from dialogue.likeness import words

    found = words(text)
    return [" ".join(found[i : i + 5]).encode() for i in range(max(1, len(found) - 4))] if found else []


def test_the_shape_is_the_coarsest_that_finds_99_in_100_at_the_threshold() -> None:
    assert chosen(0.7, 128) == Shape(25, 5)
    assert chosen(0.8, 128) == Shape(21, 6)
    assert chosen(1.0, 128) == Shape(1, 128)
    assert chosen(0.01, 128) == Shape(128, 1)
    assert Shape(25, 5).recall(np.array([0.7]))[0] == pytest.approx(0.99, abs=1e-3)


def test_predicted_recall_weighs_each_pair_by_those_it_stands_for() -> None:
    shape = Shape(14, 9)
    low, high = shape.recall(np.array([0.7, 0.9]))
    found = np.array([0.7] * round(1000 * low) + [0.9] * round(1000 * high) + [1.0] * 5000)
    assert predicted_recall(shape, 0.7, found) == pytest.approx((low + high) / 2, abs=1e-3)
    assert predicted_recall(shape, 0.7, np.ones(3)) == pytest.approx(low)


@pytest.mark.parametrize("wrong", [{"bands": 9}, {"bands": 30, "rows": 5}, {"threshold": 0}, {"threshold": 1.2}])
def test_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NearDuplicates(**wrong)
