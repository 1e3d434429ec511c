"""Measures of variety are told at one number of things, without a draw."""

import math
import random
from collections import Counter

import numpy as np
import pytest

from evaluator.corpus.variety import BLOCK, distinct, distinct_ngrams, entropy, evenness, flatness, top


def bits(things: list[int]) -> float:
    counts = Counter(things)
    return -sum(n / len(things) * math.log2(n / len(things)) for n in counts.values())


@pytest.fixture(scope="module")
def things() -> list[int]:
    return [int(random.Random(seed).paretovariate(0.8)) for seed in range(700)]


def test_the_distinct_share_is_the_mean_over_draws(things: list[int]) -> None:
    draw = random.Random(8)
    drawn = [len(set(draw.sample(things, 200))) / 200 for _ in range(2000)]
    assert distinct(things, 200) == pytest.approx(sum(drawn) / 2000, abs=0.003)


def test_the_entropy_is_the_mean_over_draws(things: list[int]) -> None:
    draw = random.Random(9)
    drawn = [bits(draw.sample(things, 200)) for _ in range(2000)]
    assert entropy(things, 200) == pytest.approx(sum(drawn) / 2000, abs=0.01)


def test_all_of_them_have_what_they_have_and_more_than_all_has_nothing(things: list[int]) -> None:
    assert distinct(things, 700) == pytest.approx(len(set(things)) / 700)
    assert entropy(things, 700) == pytest.approx(bits(things))
    assert distinct(things, 701) is None
    assert entropy(things, 701) is None
    assert distinct([], 0) is None


def test_shares_and_evenness_of_kinds() -> None:
    assert top("aab") == pytest.approx(2 / 3)
    assert top("") is None
    assert (evenness("abab"), flatness("abab")) == (pytest.approx(1), pytest.approx(1))
    assert evenness("aaab") == pytest.approx(math.exp(-0.75 * math.log(0.75) - 0.25 * math.log(0.25)) / 2)
    assert evenness("aaa") is None


def test_distinct_n_is_the_mean_of_whole_blocks() -> None:
    draw = np.random.default_rng(3)
    texts = [draw.integers(0, 500, 300).astype(np.uint32) for _ in range(80)]
    figure = distinct_ngrams(texts, 1)
    words = np.concatenate(texts)
    blocks = [len(set(words[at : at + BLOCK].tolist())) / BLOCK for at in (0, BLOCK)]
    assert figure.value == pytest.approx(sum(blocks) / 2)
    assert (figure.n, figure.why) == (2 * BLOCK, None)
    assert figure.low is not None


def test_distinct_n_of_fewer_words_says_so() -> None:
    figure = distinct_ngrams([np.array([1, 2, 1, 2], np.uint32), np.array([2, 1], np.uint32)], 2)
    assert figure.value == pytest.approx(2 / 4), "12 21 12 and 21: none reaches over the end of a text"
    assert figure.why == "of 6 words; the figure is meant of 10,000"
    assert distinct_ngrams([], 1).value is None
