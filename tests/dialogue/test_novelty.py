"""ROUGE-L and BM25 as Self-Instruct and BELLE measure novelty: values reckoned by hand, and properties."""

from collections.abc import Sequence
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.likeness import words
from dialogue.novelty import EPSILON, K1, B, Bm25Index, RougeIndex, common, idf, rouge_l

LETTERS = st.lists(st.sampled_from("abcde"), max_size=12)
TEXTS = st.lists(
    st.lists(st.sampled_from(["tea", "pot", "milk", "cup", "is", "hot"]), max_size=9).map(" ".join), max_size=9
)


def by_table(one: Sequence[str], other: Sequence[str]) -> int:
    """The longest common subsequence, as a textbook has it."""
    rows = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            rows[i + 1][j + 1] = rows[i][j] + 1 if a == b else max(rows[i][j + 1], rows[i + 1][j])
    return rows[-1][-1]


@given(LETTERS, LETTERS)
def test_the_common_subsequence_is_that_of_the_table(one: list[str], other: list[str]) -> None:
    assert common(one, other) == by_table(one, other) == common(other, one)


@given(LETTERS)
def test_a_text_is_wholly_like_itself_and_nothing_like_an_empty_one(one: list[str]) -> None:
    assert rouge_l(one, one) == (1.0 if one else 0.0)
    assert rouge_l(one, []) == 0.0


def test_rouge_l_is_the_f1_of_its_recall_and_precision() -> None:
    # police killed the gunman / police kill the gunman: 3 of 4 words in order, both ways (Lin 2004).
    assert rouge_l(words("police killed the gunman"), words("police kill the gunman")) == 0.75
    # "a b c d e" and "a c e": 3 in common, recall 3/5, precision 1, F1 = 2 * 3 / 8.
    assert rouge_l("abcde", "ace") == 0.75
    assert rouge_l(words("给我三个理由"), words("给我五个理由")) == pytest.approx(5 / 6)


def test_a_text_at_the_threshold_is_refused_and_one_below_it_is_new() -> None:
    index = RougeIndex(0.75)
    index.extend(["nothing of the kind", "police killed the gunman", "police kill the gunmen"])
    assert index.find("police kill the gunman") == (1, 0.75)
    assert RougeIndex(0.75).find("anything") is None
    assert index.find("the police look away") is None


@given(TEXTS, st.sampled_from([0.3, 0.5, 0.7, 1.0]))
def test_what_the_index_finds_is_the_first_best_of_all_comparisons(texts: list[str], most: float) -> None:
    index = RougeIndex(most)
    for number, text in enumerate(texts):
        scores = [rouge_l(words(text), words(earlier)) for earlier in texts[:number]]
        best = max(scores, default=0.0)
        assert index.find(text) == ((scores.index(best), best) if best >= most else None)
        assert index.add(text) == number


def test_bm25_of_a_small_collection_is_as_reckoned_by_hand() -> None:
    index = Bm25Index(0.1)
    index.extend(["hot tea", "cold tea and milk", "a cup of milk"])
    # "cup" stands in one of three texts, of 2, 4 and 4 words, 10/3 on average; here once, in one of 4.
    weight = log(3 - 1 + 0.5) - log(1 + 0.5)
    expected = weight * (K1 + 1) / (1 + K1 * (1 - B + B * 4 / (10 / 3)))
    assert index.scores("cup").tolist() == pytest.approx([0, 0, expected])
    assert index.scores("cup cup").tolist() == pytest.approx([0, 0, 2 * expected])
    assert index.find("the cup") == (2, pytest.approx(expected))
    assert index.find("sugar") is None


def test_a_word_of_more_than_half_of_the_texts_weighs_a_share_of_the_mean() -> None:
    index = Bm25Index(18)
    index.extend(["hot tea", "cold tea"])
    mean = (2 * idf(2, 1) + idf(2, 2)) / 3
    assert idf(2, 2) < 0
    assert index.scores("tea").tolist() == pytest.approx([EPSILON * mean * (K1 + 1) / (1 + K1)] * 2)


@given(TEXTS)
def test_the_index_says_the_highest_score_and_its_first_text(texts: list[str]) -> None:
    index = Bm25Index(0.0)
    index.extend(texts)
    for text in texts:
        scores, found = index.scores(text).tolist(), index.find(text)
        assert len(scores) == len(texts)
        if found is None:
            assert max(scores) <= 0
        else:
            assert found == (scores.index(max(scores)), max(scores))


def test_one_word_changed_in_a_chinese_task_leaves_it_above_belles_threshold() -> None:
    index = Bm25Index(18)
    index.extend(f"第{number}题：说说{thing}的来历和用处" for number, thing in enumerate("茶盐铁纸马船桥灯井钟", 1))
    index.extend(["给一条送孩子过河上学的小渡船想八个名字", "解释月亮为什么有圆缺", "写一首关于守时的猫的打油诗"])
    assert index.find("给一条送孩子过河上学的小渡船想六个名字") == (10, pytest.approx(35, abs=10))
    assert index.find("蜜蜂怎样决定在哪里筑新巢") is None
