"""Words, shingles and similarity, and signatures held against datasketch's own."""

import numpy as np
import pytest
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st
from xxhash import xxh64_intdigest

from dialogue.likeness import jaccard, ngrams, permuted, shingles, signatures, words

ALPHABET = "abc de,.?!_é\u0130ß 中文字ひらカナー한국어ไทย😀👩\u200d🚀\u3000\n"
TEXTS = st.one_of(st.text(max_size=60), st.text(ALPHABET, max_size=80))


def grams(text: str, n: int) -> set[str]:
    found = words(text)
    return {" ".join(found[i : i + n]) for i in range(max(1, len(found) - n + 1))} if found else set()


def datasketch_row(text: str, n: int, perms: int) -> np.ndarray:
    sketch = MinHash(num_perm=perms, seed=1, scheme="affine32", hashfunc=lambda b: xxh64_intdigest(b) & 0xFFFFFFFF)
    sketch.update_batch([gram.encode("utf-8", "surrogatepass") for gram in sorted(grams(text, n))])
    return sketch.hashvalues


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What's the Big-Idea_2?", ["what", "s", "the", "big", "idea_2"]),
        ("", []),
        ("?! ...", []),
        ("我有iPhone 15。", ["我", "有", "iphone", "15"]),
        ("ひらカナー・ﾊﾝ々", ["ひ", "ら", "カ", "ナ", "ー", "ﾊ", "ﾝ", "々"]),
        ("𠀀字", ["𠀀", "字"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("ไทย", ["ไ", "ท", "ย"]),
        ("Ärger, ÉTÉ", ["ärger", "été"]),
        ("go 😀 on", ["go", "on"]),
    ],
)
def test_words_are_lower_case_runs_and_single_characters_of_unspaced_scripts(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text(st.characters(max_codepoint=127)), st.integers(1, 4))
def test_ascii_text_takes_a_faster_path_to_the_same_shingles(text: str, n: int) -> None:
    expected = {xxh64_intdigest(gram.encode()) & 0xFFFFFFFF for gram in grams(text, n)}
    assert set(ngrams(text, n)) == expected


@given(TEXTS, st.integers(1, 6))
def test_shingles_are_the_distinct_hashes_of_the_n_grams_in_ascending_order(text: str, n: int) -> None:
    hashes = [xxh64_intdigest(gram.encode("utf-8", "surrogatepass")) & 0xFFFFFFFF for gram in grams(text, n)]
    found = shingles(text, n)
    assert found.dtype == np.uint32
    assert found.tolist() == sorted(set(hashes))


def test_a_text_shorter_than_n_words_is_one_shingle_and_a_text_without_words_is_none() -> None:
    assert len(shingles("two words", 3)) == 1
    assert len(shingles(" -- ", 3)) == 0


def test_a_lone_surrogate_is_hashed_like_any_character() -> None:
    assert jaccard("a \ud800b c", "a \ud800b c", 2) == 1.0
    assert len(shingles("é a \ud800b", 2)) == len(grams("é a \ud800b", 2))


@given(TEXTS, TEXTS, st.integers(1, 4))
def test_jaccard_is_the_shared_part_of_all_n_grams(a: str, b: str, n: int) -> None:
    left, right = grams(a, n), grams(b, n)
    expected = len(left & right) / len(left | right) if left | right else 1.0
    assert jaccard(a, b, n) == jaccard(b, a, n) == expected


@settings(max_examples=60)
@given(st.lists(TEXTS, max_size=12), st.sampled_from([1, 16, 64, 128]), st.integers(1, 5))
def test_signatures_equal_datasketch_bit_for_bit(texts: list[str], perms: int, n: int) -> None:
    found = signatures([shingles(text, n) for text in texts], perms)
    assert found.dtype == np.uint32
    assert found.shape == (len(texts), perms)
    for text, row in zip(texts, found, strict=True):
        assert np.array_equal(row, datasketch_row(text, n, perms))


def test_signatures_do_not_depend_on_the_blocks_in_which_they_are_made() -> None:
    draw = np.random.default_rng(5)
    lengths = [0, 3000, 9000, 1, 0, 20000, 5, 8192, 0]
    sets = [draw.integers(0, 1 << 32, length, dtype=np.uint32) for length in lengths]
    found = signatures(sets, 64)
    for hashes, row in zip(sets, found, strict=True):
        expected = permuted(hashes, 64).min(axis=0) if len(hashes) else np.full(64, 0xFFFFFFFF)
        assert np.array_equal(row, expected)


def test_agreeing_rows_estimate_the_similarity() -> None:
    a, b = (" ".join(map(str, range(start, start + 300))) for start in (0, 60))
    left, right = signatures([shingles(a, 3), shingles(b, 3)], 1024)
    assert abs((left == right).mean() - jaccard(a, b, 3)) < 0.06
