"""The exact join of near duplicates, beside comparing everything with everything."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from bench.pairs import near_pairs, shingles

TEXTS = st.lists(st.lists(st.sampled_from("abcdef"), max_size=12).map(" ".join), max_size=14)


def by_hand(texts: list[str], threshold: float, n: int) -> set[tuple[int, int]]:
    sets = [shingles(text, n) for text in texts]
    return {
        (one, two)
        for one, two in combinations(range(len(texts)), 2)
        if len(sets[one] & sets[two]) >= threshold * len(sets[one] | sets[two]) - 1e-9
    }


@given(TEXTS, st.sampled_from([0.5, 0.7, 0.9, 1.0]), st.integers(min_value=1, max_value=3))
def test_every_pair_is_found_and_no_other(texts, threshold, n):
    assert set(near_pairs(texts, threshold, n)) == by_hand(texts, threshold, n)


def test_chinese_is_taken_by_the_character():
    assert list(near_pairs(["潮汐为什么每天晚一点", "潮汐为什么每天晚一点？"], 0.7, 3)) == [(0, 1)]
