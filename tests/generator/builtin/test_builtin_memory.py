"""What builtin's users tell and ask for again, and what its assistant makes of it."""

import re
from collections.abc import Sequence

import pytest

from generator.builtin.grammar import grammar
from generator.builtin.languages import LANGUAGES
from generator.builtin.memory import direct, remembered, small, told
from generator.builtin.notes import Wanted
from generator.builtin.stream import Stream
from prompts.facts import fact_pool
from prompts.loader import Prompts
from prompts.sector import load, names

PROMPTS = Prompts()
EN = grammar("en")
POOLS = [fact_pool(PROMPTS, file, "en") for name in names(PROMPTS) if (file := load(PROMPTS, name).fact_file)]
KINDS = [(key, kind) for pool in POOLS for key, kind in pool.facts.items()]


def reply(*turns: str, number: int = 0, wrong_share: float = 0.0) -> str | None:
    return remembered(turns, EN, Stream(number), wrong_share)


def asks(clause: str, own: Sequence[str] = (), number: int = 0, form: str = "question") -> str:
    text = small(Wanted("en", "remind", form, fact=clause), "topic", own, EN, Stream(number))
    assert text is not None
    return text


@pytest.mark.parametrize(("key", "kind"), KINDS, ids=[key for key, _ in KINDS])
def test_every_fact_of_every_sector_is_told_noted_asked_for_and_answered(key: str, kind: object) -> None:
    pool = POOLS[0].facts[key]
    for number, value in enumerate(pool.values):
        opener = told([pool.tell.replace("{v}", value)], EN)
        assert re.match(r"(I|My) ", opener)
        assert opener.endswith(f"{value}.")
        noted = reply(opener)
        assert noted is not None
        assert value.lower() in noted.lower()
        for form in ("question", "imperative", "statement"):
            asked = asks(pool.ask, number=number, form=form)
            answer = reply(opener, "It is raining again.", asked, number=number)
            assert answer is not None, asked
            assert answer.startswith("You")
            assert answer.endswith(f"{value}.")


@pytest.mark.parametrize(
    ("clause", "question"),
    [
        ("where I live", "where do I live"),
        ("what my name is", "what is my name"),
        ("what my dog is called", "what is my dog called"),
        ("what I work as", "what do I work as"),
        ("that", "that"),
    ],
)
def test_a_clause_is_turned_into_a_question(clause: str, question: str) -> None:
    assert direct(clause, EN) == question


def test_two_things_told_are_noted_in_their_order_and_kept_apart() -> None:
    opener = "I live in Oslo. My name is Ada."
    assert reply(opener) == "I hear that Oslo is nice. Nice to meet you, Ada."
    assert reply(opener, "My dog is called Rex.", "What is my dog called?") == "Your dog is called Rex."
    assert reply(opener, "My dog is called Rex.", "Do you know what my name is?") == "Your name is Ada."


def test_words_before_and_after_what_is_told_are_no_part_of_it() -> None:
    for turn in ("For context: my name is Ada.", "My name is Ada, by the way.", "Forgot to say: my name is Ada."):
        assert reply("I live in Oslo.", turn) == "Nice to meet you, Ada."


def test_the_latest_of_two_tellings_counts() -> None:
    assert reply("I live in Oslo.", "I live in Lima.", "Where do I live?") == "You live in Lima."


def test_what_was_not_told_is_not_known() -> None:
    assert reply("I live in Oslo.", "What is my name?") == "You have not told me that."


def test_a_set_share_of_answers_is_wrong_and_names_something_else_that_was_told() -> None:
    turns = ("I live in Oslo. My name is Ada.", "Where do I live?")
    answers = [reply(*turns, number=number * 7919, wrong_share=0.3) for number in range(2000)]
    assert set(answers) == {"You live in Oslo.", "You live in Ada."}
    assert 0.25 < answers.count("You live in Ada.") / 2000 < 0.35
    assert reply("I live in Oslo.", "Where do I live?", wrong_share=1.0) == "You have not told me that."


@pytest.mark.parametrize(
    "turns",
    [
        ("Why is the sea salt?",),
        ("Why is the sea salt?", "I live in Oslo."),
        ("Why is the sea salt?", "My name is Ada.", "What is my name?"),
        ("My view: tea owes more to trade than to taste.",),
        ("I live in Oslo.", "Why is the sea salt?"),
    ],
)
def test_a_dialogue_about_something_else_is_answered_as_ever(turns: tuple[str, ...]) -> None:
    assert reply(*turns) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_small_talk_is_not_said_twice_and_has_an_answer(language: str) -> None:
    bank = grammar(language)
    for form in ("question", "statement"):
        own: list[str] = []
        for number in range(3):
            text = small(Wanted(language, "chat", form), "topic", own, bank, Stream(number))
            assert text is not None
            assert text not in own
            assert remembered([text], bank, Stream(0), 0.0) == bank.small_talk[text]
            own.append(text)
    assert len(set(bank.small_talk.values())) == len(bank.small_talk)


@pytest.mark.parametrize("language", LANGUAGES)
def test_asking_again_speaks_of_oneself(language: str) -> None:
    clause = {"en": "where you live", "zh": "你住在哪里", "zh-TW": "你住在哪裡"}[language]
    text = small(Wanted(language, "remind", "imperative", fact=clause), "topic", (), grammar(language), Stream(3))
    assert text is not None
    assert "you live" not in text
    assert "你住" not in text


def test_other_acts_are_no_small_talk() -> None:
    assert small(Wanted("en", "deepen"), "topic", (), EN, Stream(0)) is None
