"""Typing noise: what it may touch, what it never touches, and how often."""

import re
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.user.noise import typed
from generator.user.personas import persona
from prompts.loader import Prompts

PROMPTS = Prompts()
SENTENCES = [
    "Why does the second one take longer than the others?",
    "My neighbour says it was different before the bridge was built.",
    "Give me the shorter version, without the measurements.",
    "So the colder water really carries more oxygen?",
    "That sounds different from what the museum told us.",
]
PLAIN = st.sampled_from(["why", "does", "another", "question", "about", "mountain", "rivers", "because", "wonder"])
KEPT = st.sampled_from(
    [
        "`careful = broken()`",
        "https://example.org/Some/Where?question=1",
        "“exactly these words”",
        '"exactly those words"',
        "«genau diese Worte»",
        "Lissabon",
        "NASA",
        "1,969.50",
        "user@example.org",
        "snake_case_name",
        "函数是什么",
        "почему",
        "$\\alpha_{total}$",
        "call(argument)",
    ]
)
CARE = st.sampled_from(["clean", "light", "sloppy", "careless"])
DEVICE = st.sampled_from(["keyboard", "phone", "dictated"])


def noisy(text: str, care: str, key: object, device: str = "keyboard", language: str = "en") -> str:
    return typed(PROMPTS, text, {"typing": care, "device": device}, language, key)


@given(st.text(max_size=200), CARE, DEVICE, st.sampled_from(["en", "zh", "fr"]), st.integers(0, 99))
def test_the_same_key_gives_the_same_text(text: str, care: str, device: str, language: str, key: int) -> None:
    assert noisy(text, care, key, device, language) == noisy(text, care, key, device, language)


@given(
    st.lists(PLAIN, min_size=1, max_size=4), st.lists(st.tuples(KEPT, PLAIN), max_size=6), CARE, DEVICE, st.integers()
)
def test_code_numbers_addresses_quotations_and_names_stay(
    start: list[str], rest: list[tuple[str, str]], care: str, device: str, key: int
) -> None:
    text = " ".join([*start, *(part for pair in rest for part in pair)]) + "."
    result, place = noisy(text, care, key, device), 0
    for kept, _ in rest:
        found = result.find(kept, place)
        assert found >= 0, kept
        place = found + len(kept)


@given(st.lists(st.from_regex(r"[a-z]{1,14}", fullmatch=True), min_size=1, max_size=30), st.integers())
def test_a_word_differs_by_one_letter_at_most_and_never_in_its_first_three(words: list[str], key: int) -> None:
    result = noisy(" ".join(words), "careless", key).split()
    assert len(result) == len(words)
    for before, after in zip(words, result, strict=True):
        assert after[:3] == before[:3]
        assert abs(len(after) - len(before)) <= 1
        if len(after) == len(before):
            assert sum(a != b for a, b in zip(before, after, strict=True)) <= 1
        else:
            longer, shorter = sorted((before, after), key=len, reverse=True)
            assert any(longer[:i] + longer[i + 1 :] == shorter for i in range(len(longer)))
        assert len(before) >= 5 or after == before


@given(st.text(st.characters(categories=["Lo"], min_codepoint=0x3040), min_size=1, max_size=60), CARE, st.integers())
def test_other_scripts_keep_every_character(text: str, care: str, key: int) -> None:
    assert noisy(text, care, key, language="zh") == text


def test_chinese_loses_a_last_mark_or_gets_spaces_for_commas_and_nothing_else() -> None:
    text = "那个“慢一点”的办法，我家只有小锅，也行吗？"
    found = {noisy(text, "careless", i, language="zh") for i in range(200)}
    spaced = "那个“慢一点”的办法 我家只有小锅 也行吗？"
    assert found == {text, text[:-1], spaced, spaced[:-1]}


def test_a_chinese_question_mostly_keeps_its_mark() -> None:
    kept = mean(noisy("为什么要放一晚上？", "careless", i, language="zh").endswith("？") for i in range(400))
    assert kept >= 0.75


def test_no_filler_stands_before_a_word_that_may_be_a_name() -> None:
    assert all(noisy("Arch dams held, then?", "clean", i, "dictated").startswith("Arch") for i in range(100))


def test_only_the_first_line_of_several_is_typed_anew() -> None:
    pasted = "Please shorten this paragraph:\nHere Something follows, which nobody touches."
    for i in range(100):
        assert noisy(pasted, "careless", i).split("\n")[1] == pasted.split("\n")[1]


def test_a_first_word_that_may_be_a_name_keeps_its_capital() -> None:
    assert all(noisy("Lisbon had one too?", "careless", i).startswith("Lisbon") for i in range(100))
    assert any(noisy("Was it there too?", "careless", i).startswith("was") for i in range(20))
    assert any(noisy("Und wenn nicht?", "careless", i, language="de").startswith("und") for i in range(20))
    assert all(noisy("Wasser im Keller.", "careless", i, language="de").startswith("Wasser") for i in range(100))


def test_a_language_without_prompts_of_its_own_gets_no_english_fillers() -> None:
    assert all(noisy("Et pourquoi ?", "clean", i, "dictated", "fr").lower().startswith("et ") for i in range(60))


def test_a_mark_that_belongs_to_something_kept_stays() -> None:
    for text in ("See https://example.org/a?", "He said `stop.`", "wait..."):
        assert all(noisy(text, "careless", i).endswith(text[-3:]) for i in range(50))


def test_dictation_has_fillers_and_hardly_a_comma() -> None:
    texts = [noisy("But the other one, with the handle, broke. Now what?", "clean", i, "dictated") for i in range(300)]
    assert mean("," in text for text in texts) < 0.15
    assert 0.2 < mean(bool(re.match("um |so |well |ok so |uh ", text)) for text in texts) < 0.4


@pytest.mark.parametrize(
    ("care", "low", "high"), [("clean", 0, 0), ("light", 0, 0), ("sloppy", 1, 3), ("careless", 2, 5)]
)
def test_slips_in_a_hundred_words_are_as_stated(care: str, low: float, high: float) -> None:
    slips = words = 0
    for i in range(400):
        text = SENTENCES[i % len(SENTENCES)].lower()
        result = noisy(text, care, i)
        pairs = list(zip(text.rstrip(".?").split(), result.rstrip(".?").split(), strict=True))
        slips += sum(a != b for a, b in pairs)
        words += len(pairs)
    assert low <= 100 * slips / words <= high


def test_over_all_people_small_starts_and_missing_marks_stay_in_bounds() -> None:
    results = []
    for i in range(2500):
        traits = persona(PROMPTS, "en", "world", 7, i).traits
        results.append(typed(PROMPTS, SENTENCES[i % len(SENTENCES)], traits, "en", i, 2))
    assert 0.10 <= mean(text[0].islower() for text in results) <= 0.25
    assert 0.15 <= mean(text[-1].isalpha() for text in results) <= 0.35
