"""Words and n-grams as hashes: the same words have the same hash, whatever stands around them, and others another."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogue.likeness import words
from filters.leaks.hashing import lookup, present, rolled, table
from filters.leaks.wording import hashed

letters = st.sampled_from("aAbZ09_ ,.-'\x00\n\u00a0\u0130\u03a3\u03c3éÉ苹果のไ한😀\ud800")
texts = st.lists(st.text(letters | st.characters(), max_size=30), max_size=8)


def grams(said: list[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(said[at : at + n]) for at in range(len(said) - n + 1)]


@settings(deadline=None)  # the first call compiles
@given(texts)
def test_texts_are_cut_into_the_words_of_likeness_and_equal_words_alone_have_equal_hashes(given: list[str]) -> None:
    found = hashed(given)
    said = [words(text) for text in given]
    assert np.diff(found.first).tolist() == [len(one) for one in said]
    every = [word for one in said for word in one]
    pairs = set(zip(every, found.hashes.tolist(), strict=True))
    assert len(pairs) == len(set(every)) == len({number for _, number in pairs})


def test_each_ascii_character_and_each_length_of_word_is_told_apart() -> None:
    given = [f"a{chr(code)}b" for code in range(128)] + ["x" * size for size in range(1, 40)] + ["", "x"]
    found = hashed(given)
    for number, text in enumerate(given):
        (alone,) = [hashed([text])]
        assert alone.hashes.tolist() == found.hashes[found.first[number] : found.first[number + 1]].tolist()
        assert len(alone.hashes) == len(words(text))
    assert len(set(found.hashes.tolist())) == len({word for text in given for word in words(text)})


def test_single_characters_are_weighed_by_twos_and_the_words_of_a_language_with_spaces_by_themselves() -> None:
    found = hashed(["plain words", "光合作用 café", "光合"])
    plain, mixed, short = (found.terms[start:stop].tolist() for start, stop in pairwise(found.first.tolist()))
    assert plain == found.hashes[:2].tolist()
    assert len(set(mixed)) == 5
    assert mixed[3] == 0
    assert mixed[4] == found.hashes[found.first[1] + 4]
    assert short == [mixed[0], 0]


@settings(deadline=None)  # the first call compiles
@given(texts, st.integers(1, 6))
def test_a_hash_stands_for_n_words_in_a_row_and_for_nothing_at_the_end_of_a_text(given: list[str], n: int) -> None:
    found = hashed(given)
    numbers = rolled(found, n).tolist()
    pairs = set()
    for text, start, stop in zip(given, found.first[:-1], found.first[1:], strict=True):
        known = grams(words(text), n)
        assert not any(numbers[start + len(known) : stop])
        pairs |= set(zip(known, numbers[start : start + len(known)], strict=True))
    assert len({gram for gram, _ in pairs}) == len(pairs) == len({number for _, number in pairs})


@settings(deadline=None)  # the first call compiles
@given(st.sets(st.integers(1, 2**64 - 1), max_size=300), st.lists(st.integers(0, 2**64 - 1), max_size=1200))
def test_what_a_table_holds_is_found_with_its_number_and_nothing_else(held: set[int], others: list[int]) -> None:
    keys = np.array(sorted(held), np.uint64)
    asked = np.array([*others, *sorted(held), 0, *others], np.uint64)
    made = table(keys, np.arange(len(keys), dtype=np.int32))
    numbers = {key: number for number, key in enumerate(sorted(held))}
    expected = [numbers.get(key, -1) for key in asked.tolist()]
    assert lookup(asked, made).tolist() == expected
    places, found = present(asked, made)
    assert [(place, expected[place]) for place in range(len(expected)) if expected[place] >= 0] == list(
        zip(places.tolist(), found.tolist(), strict=True)
    )
