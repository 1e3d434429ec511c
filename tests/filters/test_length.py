"""Length: sizes of dialogues and turns against limits from both sides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import talk

from dialogue.records import Message
from filters.engine.base import Drop
from filters.length import Length, words_in


def reason(*texts: str, **settings: float | None) -> str | None:
    outcome = Length(**settings).apply(talk(*texts))
    return outcome.reason if isinstance(outcome, Drop) else None


@pytest.mark.parametrize(
    ("setting", "beyond", "within", "expected"),
    [
        ("least_words", 6, 5, "words"),
        ("most_words", 4, 5, "words"),
        ("most_characters", 22, 23, "characters"),
        ("least_user_words", 3, 2, "shortest_user_words"),
        ("most_user_words", 1, 2, "longest_user_words"),
        ("least_answer_words", 4, 3, "shortest_answer_words"),
        ("most_answer_words", 2, 3, "longest_answer_words"),
        ("least_ratio", 1.6, 1.5, "ratio"),
        ("most_ratio", 1.4, 1.5, "ratio"),
    ],
)
def test_each_limit_has_its_measure(setting: str, beyond: float, within: float, expected: str) -> None:
    assert reason("two words", "and three more", **{setting: beyond}) == expected
    assert reason("two words", "and three more", **{setting: within}) is None


def test_the_longest_and_the_shortest_turn_count_and_are_shown() -> None:
    dialogue = talk("one", "a b", "one two three", "a b c d")
    measures = {name: found.value for name, found in Length().measure(dialogue).items()}
    assert measures["longest_user_words"] == 3
    assert measures["shortest_user_words"] == 1
    assert measures["longest_answer_words"] == 4
    assert measures["shortest_answer_words"] == 2
    assert measures["ratio"] == pytest.approx(6 / 4)
    outcome = Length(most_answer_words=3).apply(dialogue)
    assert isinstance(outcome, Drop)
    assert outcome.evidence == {"value": 4, "most": 3, "message": 3, "text": "a b c d"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two words", 2),
        ("zwei Wörter", 2),
        ("", 0),
        (" \n ", 0),
        ("猫" * 10, 6),
        ("ไทย" * 4, 3),
        ("Use pip3 を使う", 4),
        ("naïve", 1),
    ],
)
def test_words_are_counted_in_scripts_with_and_without_spaces(text: str, expected: int) -> None:
    assert words_in(text) == expected


def test_by_default_only_what_is_no_dialogue_is_too_long() -> None:
    assert reason("Why?", "Yes.") is None
    assert reason("word " * 2_000, "Positive.") == "ratio"
    assert reason("word " * 900, "Positive.") is None
    assert reason("Write a book.", "word " * 19_000) is None
    assert reason("Write a book.", "word " * 21_000) == "longest_answer_words"
    assert reason("x" * 1_000_001, "long") == "characters"


def test_system_and_tool_messages_count_as_characters_alone() -> None:
    dialogue = talk("hello", "hi")
    more = Message(role="tool", content="one two three")
    measures = Length().measure(dialogue.model_copy(update={"messages": (*dialogue.messages, more)}))
    assert measures["words"].value == 2
    assert measures["characters"].value == 20


def test_what_a_role_that_is_silent_says_is_not_measured() -> None:
    assert set(Length().measure(talk("hello"))) == {"words", "characters", "longest_user_words", "shortest_user_words"}
    assert "ratio" not in Length().measure(talk("", "hello"))


@given(st.lists(st.text(max_size=80), min_size=1, max_size=4))
def test_no_measure_is_negative_and_none_raises(texts: list[str]) -> None:
    assert all(found.value >= 0 for found in Length().measure(talk(*texts)).values())
