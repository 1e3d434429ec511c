"""The kernels held against dialogue.likeness, datasketch and xxhash, which say the same more slowly."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pytest
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from xxhash import xxh64_intdigest

from dialogue import likeness
from filters.kernels.grams import Grams, grams, word_hashes
from filters.kernels.jit import jit
from filters.kernels.minhash import set_hashes, signatures, signed
from filters.kernels.tokens import Tokens, tokens

ROOT = Path(__file__).parents[2]
COMPILING = settings(deadline=None)
"""The first example may compile a kernel."""
ALPHABET = "abc DE,.?!_9é\u0130ßΣσςȺ\u212a\u0301 \x00\u2028中文字ひらカナー\uff76\uff9e한국어ไทย่𠀀𐐀😀👩\u200d🚀\u3000\n"
TEXTS = st.one_of(st.text(max_size=60), st.text(ALPHABET, max_size=80))
SPECIAL = [
    "",
    " ",
    "a",
    "İstanbul'da İİ ev",
    "ΟΔΥΣΣΕΥΣ ΣΑΣ, Σ.",
    "e\u0301te\u0301 \u0301",
    "Ⱥ字" * 9,
    "a字b",
    "\u212aelvin ÅNGSTRÖM ǅ",
    "中文。一个iPhone 15",
    "\uff76\uff9e\uff8a\uff9d ｶﾞ",
    "한국어 문장 하나",
    "ภาษาไทย",
    "👩\u200d🚀 go\x00on\u2028off",
    "x" * 5000,
    "𠀀" * 40,
    "lone \ud800 surrogate \udfff字",
]


def decoded(found: Tokens, text: int = 0) -> list[str]:
    """The words of one text."""
    data = found.data.tobytes()
    number = range(found.first[text], found.first[text + 1])
    return [data[found.starts[i] : found.ends[i]].decode("utf-8", "surrogatepass") for i in number]


def flat(found: Tokens) -> str:
    return found.data.tobytes().decode("utf-8", "surrogatepass")


def part(found: Grams, text: int) -> list[int]:
    return found.hashes[found.first[text] : found.first[text + 1]].tolist()


def documents(count: int) -> Iterator[str]:
    """Texts of random words in many scripts, some empty, some of a word or two."""
    chance = random.Random(4)
    scripts = (
        "abcdefghij",
        "ABCÉÜß",
        "我有一个很好的朋友",
        "한국어문장하나",
        "😀👩\u200d🚀",
        "ไทยภาษา",
        "ΑΒΓΣσ",
        "дом",
    )
    for number in range(count):
        script = scripts[number % len(scripts)] + "abc"
        words = ("".join(chance.choices(script, k=chance.randint(1, 12))) for _ in range(chance.randrange(120)))
        yield " ".join(words)


def real_texts(shared: Path) -> Iterator[str]:
    data = shared / "data"
    for line in (data / "dialogues/ultrachat_700.jsonl").read_bytes().splitlines()[:300]:
        yield "\n".join(message["content"] for message in orjson.loads(line)["messages"])
    for name in ("alpaca_zh_100.json", "baize_korean_96.json"):
        for row in orjson.loads((data / "formats" / name).read_bytes()):
            yield "\n".join(value for value in row.values() if isinstance(value, str))


def reference(texts: list[str], n: int, perms: int) -> np.ndarray:
    return likeness.signatures([likeness.shingles(text, n) for text in texts], perms)


@COMPILING
@given(TEXTS, TEXTS)
def test_words_are_those_of_likeness_for_any_text(one: str, two: str) -> None:
    found = tokens([one, two])
    assert decoded(found, 0) == likeness.words(one)
    assert decoded(found, 1) == likeness.words(two)


@pytest.mark.parametrize("text", SPECIAL)
def test_words_of_a_difficult_text_are_those_of_likeness(text: str) -> None:
    found = tokens(["before", text, "after"], chars=True)
    assert decoded(found, 1) == likeness.words(text)
    assert decoded(found, 0) + decoded(found, 2) == ["before", "after"]


def test_every_code_point_belongs_to_the_words_that_likeness_gives_it_to() -> None:
    points = [chr(code) for code in range(0x110000) if code not in (0x130, 0x3A3)]
    planes = ["".join(f"a{c}b {c}{c} " for c in points[at : at + 0x10000]) for at in range(0, 0x110000, 0x10000)]
    for plane in planes:
        assert flat(tokens([plane])) == "".join(word + " " for word in likeness.words(plane))


def test_words_follow_one_another_with_one_space_between_texts_too() -> None:
    found = tokens(["Two words", "", "...", "我有 one"])
    assert flat(found) == "two words 我 有 one "
    assert found.first.tolist() == [0, 2, 2, 2, 5]
    assert found.starts.tolist() == [0, *(found.ends[:-1] + 1).tolist()]
    assert len(found.chars) == 0


def test_no_texts_have_no_words_and_no_signatures() -> None:
    found = tokens([])
    assert (len(found.data), len(found.starts), found.first.tolist()) == (0, 0, [0])
    rows, hashes = signed([], 5, 16)
    assert rows.shape == (0, 16)
    assert hashes.first.tolist() == [0]


@COMPILING
@given(st.lists(TEXTS, max_size=4))
def test_places_are_those_at_which_the_words_begin_in_their_text(texts: list[str]) -> None:
    found = tokens(texts, chars=True)
    for number, text in enumerate(texts):
        places = found.chars[found.first[number] : found.first[number + 1]].tolist()
        assert places == sorted(set(places))
        # A sigma's lower form depends on what stands before it.
        begun = [text[place].lower()[0].replace("ς", "σ") for place in places]
        assert begun == [word[0].replace("ς", "σ") for word in likeness.words(text)]


def test_places_count_a_dotted_capital_i_as_one_character() -> None:
    assert tokens(["İ ab İİ cd"], chars=True).chars.tolist() == [0, 2, 5, 6, 8]


@COMPILING
@given(st.lists(TEXTS, max_size=4), st.integers(1, 6))
def test_grams_are_those_of_likeness_in_order_with_repeats(texts: list[str], n: int) -> None:
    found = grams(tokens(texts), n)
    assert found.hashes.dtype == np.uint32
    for number, text in enumerate(texts):
        assert part(found, number) == likeness.ngrams(text, n)


def test_hashes_are_xxh64_for_any_bytes_of_any_length() -> None:
    chance = random.Random(2)
    pieces = [chance.randbytes(length) for length in [*range(301), *chance.choices(range(301), k=2000)]]
    ends = np.cumsum([len(piece) + 1 for piece in pieces]) - 1
    starts = np.array([0, *(ends[:-1] + 1)])
    data = np.frombuffer(bytearray(b" ".join(pieces) + b" "), np.uint8)
    found = Tokens(data, starts, ends, np.array([0, len(pieces)]), np.empty(0, np.int32))
    expected = [xxh64_intdigest(piece) for piece in pieces]
    assert word_hashes(found).tolist() == expected
    assert part(grams(found, 1), 0) == [value & 0xFFFFFFFF for value in expected]


@settings(COMPILING, max_examples=50)
@given(st.lists(TEXTS, max_size=8), st.sampled_from([1, 7, 16, 128]), st.integers(1, 5))
def test_signatures_are_those_of_likeness_bit_for_bit(texts: list[str], perms: int, n: int) -> None:
    found = signatures(grams(tokens(texts), n), perms)
    assert found.dtype == np.uint32
    assert np.array_equal(found, reference(texts, n, perms))


def test_signatures_of_a_thousand_texts_are_those_of_datasketch() -> None:
    texts = list(documents(1000))
    found = signatures(grams(tokens(texts), 5), 128)
    sketch = MinHash(num_perm=128, seed=1, scheme="affine32", hashfunc=lambda b: xxh64_intdigest(b) & 0xFFFFFFFF)
    for text, row in zip(texts, found, strict=True):
        words = [word.encode() for word in likeness.words(text)]
        sketch.clear()
        sketch.update_batch([b" ".join(words[i : i + 5]) for i in range(max(1, len(words) - 4))] if words else [])
        assert np.array_equal(row, sketch.hashvalues)


def test_signatures_of_real_texts_are_those_of_likeness(shared: Path) -> None:
    texts = list(real_texts(shared))
    assert np.array_equal(signed(texts, 5, 128)[0], reference(texts, 5, 128))


def test_a_text_without_words_has_the_highest_signature() -> None:
    assert signatures(grams(tokens(["?!"]), 5), 4).tolist() == [[0xFFFFFFFF] * 4]


def test_long_texts_and_many_parts_give_the_same_signatures_and_grams() -> None:
    base = list(documents(60))
    texts = [*base, " ".join(base * 60), "", *base * 20, "end"]  # a text of 1.3 MB, and several parts of small ones
    rows, found = signed(texts, 5, 32)
    whole = grams(tokens(texts), 5)
    assert np.array_equal(found.hashes, whole.hashes)
    assert np.array_equal(found.first, whole.first)
    assert np.array_equal(rows, signatures(whole, 32))
    assert np.array_equal(rows[60:62], reference(texts[60:62], 5, 32))


def test_set_hashes_are_equal_for_equal_grams_in_any_order_and_count_repeats() -> None:
    one, turned, twice, other, none, empty = set_hashes(
        grams(tokens(["a b c", "c, B; a!", "a b c c", "a b d", "", "..."]), 1)
    ).tolist()
    assert one == turned
    assert none == empty
    assert len({one, twice, other, none}) == 4


def test_a_function_without_a_place_for_its_cache_is_compiled_all_the_same() -> None:
    scope: dict[str, object] = {}
    exec(compile("def twice(value): return 2 * value", "<nowhere>", "exec"), scope)
    twice = scope["twice"]
    assert callable(twice)
    with pytest.raises(RuntimeError, match="cannot cache"):
        njit(cache=True)(twice)
    assert jit(twice)(4) == 8


def test_the_kernels_work_where_no_folder_can_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = {
        "NUMBA_CACHE_DIR": str(tmp_path / "file" / "cache"),
        "NUMBA_CACHE_LOCATOR_CLASSES": "_UserProvidedCacheLocator",
    }
    code = "from filters.kernels.tokens import tokens; print(tokens(['Hello you']).data.tobytes())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ | nowhere, capture_output=True)
    assert (done.stdout.strip(), done.returncode) == (b"b'hello you '", 0), done.stderr
