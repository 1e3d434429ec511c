"""The openers' index held against a search of every pair."""

import random
import sys
import tracemalloc
from array import array
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogue.likeness import words
from dialogue.near import NearIndex
from dialogue.postings import Postings

WORDS = [*"abcdefghijklmnop", "City", "city", "城", "市"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=24).map(" ".join)


def index_of(texts: list[str], threshold: float = 0.7, n: int = 3) -> NearIndex:
    index = NearIndex(threshold, n, texts.__getitem__)
    for text in texts:
        index.add(text)
    return index


@cache
def grams(text: str, n: int) -> frozenset[tuple[str, ...]]:
    found = words(text)
    return frozenset(tuple(found[i : i + n]) for i in range(max(1, len(found) - n + 1))) if found else frozenset()


def nearest(texts: list[str], text: str, threshold: float, n: int) -> tuple[int, float] | None:
    similarity, number = 0.0, 0
    for i, other in enumerate(texts):
        a, b = grams(text, n), grams(other, n)
        alike = len(a & b) / len(a | b) if a or b else 1.0
        if alike > similarity:
            similarity, number = alike, i
    return (number, similarity) if similarity >= threshold else None


def altered(text: str, changes: int, draw: random.Random) -> str:
    words = text.split()
    for _ in range(changes):
        words[draw.randrange(len(words))] = f"w{draw.randrange(3000)}"
    return " ".join(words)


def template_openers(count: int, draw: random.Random) -> list[str]:
    """Distinct questions of about 15 words in a few frames, whose three gaps are filled."""
    frames = ["can you tell me what {} is and why it matters so much for {} in the {} years"]
    frames += ["how would {} explain the long history of {} to someone who has never seen {} before"]
    return [
        draw.choice(frames).format(*(f"{gap}{draw.randrange(300)} x{draw.randrange(40)}" for gap in "abc"))
        for _ in range(count)
    ]


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, max_size=40), TEXTS, st.sampled_from([0.3, 0.5, 0.7, 0.8, 1.0]), st.integers(1, 4))
def test_find_gives_what_a_search_of_all_pairs_gives(texts: list[str], text: str, threshold: float, n: int) -> None:
    index = index_of(texts, threshold, n)
    if threshold >= 0.5:
        assert index.find(text) == nearest(texts, text, threshold, n)
    found = index.find(text)
    assert found is None or (found[1] >= threshold and found[1] == nearest([texts[found[0]]], text, 0, n)[1])


@pytest.mark.parametrize("seed", range(3))
def test_no_similar_pair_is_missed_among_texts_of_one_template(seed: int) -> None:
    draw = random.Random(seed)
    texts = template_openers(1500, draw)
    index = index_of(texts)
    asked = [altered(draw.choice(texts), draw.randrange(3), draw) for _ in range(120)]
    expected = [nearest(texts, text, 0.7, 3) for text in asked]
    assert [index.find(text) for text in asked] == expected
    assert sum(found is not None for found in expected) > 40


def test_long_texts_are_found_by_their_signatures_and_checked_on_the_text() -> None:
    draw = random.Random(1)
    texts = [" ".join(f"w{draw.randrange(3000)}" for _ in range(draw.randrange(40, 400))) for _ in range(300)]
    index = index_of(texts)
    similar = 0
    for number, text in enumerate(texts):
        asked = altered(text, max(1, len(text.split()) // 25), draw)
        expected = nearest([text], asked, 0.7, 3)
        similar += expected is not None
        assert index.find(asked) == (expected and (number, expected[1]))
    assert similar > 200


def test_a_text_of_a_hundred_words_finds_itself_and_its_halves_are_strangers() -> None:
    words = [f"w{i}" for i in range(100)]
    index = index_of([" ".join(words), " ".join(words[:50]), "W0, w1! " + " ".join(words[2:])])
    assert index.find(" ".join(words)) == (0, 1.0)
    assert index.find(" ".join(words[:50])) == (1, 1.0)
    assert index.find(" ".join(words[50:])) is None


@given(st.lists(TEXTS, min_size=1, max_size=30), st.data())
def test_the_same_text_is_always_found_under_its_first_number(texts: list[str], data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(texts))
    found = index_of(texts).find(text)
    assert found == (min(i for i, other in enumerate(texts) if grams(text, 3) == grams(other, 3)), 1.0)


@pytest.mark.parametrize("text", ["", "?!", "hello", "hello there"])
def test_texts_of_no_word_or_few_words_are_found_again(text: str) -> None:
    index = index_of(["one quite different opening line", "HELLO you there"])
    assert index.find(text) is None
    assert index.add(text) == 2
    assert index.find(text) == (2, 1.0)
    assert len(index) == 3


def test_the_same_text_is_found_though_thousands_share_its_words() -> None:
    draw = random.Random(2)
    texts = [" ".join(draw.choices("abc", k=12)) for _ in range(6000)]
    index = NearIndex(0.7, 2, texts.__getitem__)
    index.extend(texts)
    for number in range(5950, 6000):
        assert index.find(texts[number]) == nearest(texts, texts[number], 0.7, 2)


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXTS, max_size=60), st.integers(0, 60), st.lists(TEXTS, max_size=10))
def test_extend_is_a_repeated_add(texts: list[str], split: int, asked: list[str]) -> None:
    one_by_one, at_once = index_of(texts), index_of(texts[:split])
    at_once._text_of = texts.__getitem__
    at_once.extend(iter(texts[split:]))
    assert len(at_once) == len(one_by_one) == len(texts)
    assert [at_once.find(text) for text in asked] == [one_by_one.find(text) for text in asked]


def test_extend_is_a_repeated_add_over_many_growths() -> None:
    texts = template_openers(12_000, random.Random(4))
    mixed = NearIndex(0.7, 3, texts.__getitem__)
    mixed.extend(texts[:5000])
    for text in texts[5000:7000]:
        mixed.add(text)
    mixed.extend(texts[7000:])
    one_by_one = index_of(texts)
    asked = [altered(text, 1, random.Random(text)) for text in texts[::40]]
    assert [mixed.find(text) for text in asked] == [one_by_one.find(text) for text in asked]


def test_a_hash_leads_to_all_its_items_however_they_came() -> None:
    draw = random.Random(6)
    items = [[draw.choice([7, 7 + (1 << 20), draw.randrange(1 << 32)]) for _ in range(4)] for _ in range(6000)]
    postings = Postings()
    for start in range(0, len(items), 2000):
        for keys in items[start : start + 500]:
            postings.append(keys)
        batch = items[start + 500 : start + 2000]
        postings.extend([key for keys in batch for key in keys], [4] * len(batch))
    for key in [7, 7 + (1 << 20), items[40][0], items[5999][3], 12345]:
        found = postings.common(key).tolist() + postings.chained(key)[::-1]
        assert found == [i for i, keys in enumerate(items) for held in keys if held == key]
        assert postings.held(key) >= len(found)
    assert [list(postings.keys(i)) for i in range(len(postings))] == items


def test_an_item_of_15_words_costs_less_than_300_bytes() -> None:
    texts = template_openers(50_000, random.Random(7))
    index = NearIndex(0.7, 3, texts.__getitem__)
    index.extend(texts)
    parts: list[object] = [*vars(index).values(), *vars(index._postings).values()]
    parts += [items for part in parts if isinstance(part, dict) for items in part.values()]
    assert sum(map(sys.getsizeof, parts)) < 300 * len(texts)


def test_growth_takes_no_second_copy_of_the_index() -> None:
    draw = random.Random(9)
    postings = Postings()
    tracemalloc.start()
    for _ in range(80):
        postings.extend(array("I", draw.randbytes(4 * 14_000)), [14] * 1000)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 200 * len(postings)
    assert peak < 1.5 * held


def test_a_text_is_sketched_once_for_find_and_add(monkeypatch: pytest.MonkeyPatch) -> None:
    import dialogue.near as near

    calls: list[str] = []
    ngrams: Callable[[str, int], list[int]] = near.ngrams
    monkeypatch.setattr(near, "ngrams", lambda text, n: calls.append(text) or ngrams(text, n))
    index = NearIndex(0.7, 3, str)
    calls.clear()
    index.find("some words that come but once")
    index.add("some words that come but once")
    assert len(calls) == 1


def test_only_long_texts_are_read_again() -> None:
    def refuse(number: int) -> str:
        raise AssertionError(number)

    index = NearIndex(0.7, 3, refuse)
    index.extend(template_openers(200, random.Random(8)))
    assert index.find(template_openers(1, random.Random(8))[0]) == (0, 1.0)


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.01])
def test_a_threshold_outside_its_range_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        NearIndex(threshold, 3, str)
