"""Dialogues that builtin plays with itself: the follow-ups' figures, the faults planted, and their rates."""

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
import pytest

from dialogue.faults import user_fault
from dialogue.likeness import words
from dialogue.records import Message
from generator.builtin.faults import ANSWER_RATES, USER_RATES
from generator.builtin.grammar import grammar
from generator.builtin.languages import LANGUAGES
from generator.builtin.notes import Wanted
from generator.builtin.server import Server
from generator.builtin.stream import Stream
from generator.builtin.turns import user_turn

OPENER = "How did the salt roads of Tuareg traders change town life in the Sahara?"
ANSWER = (
    "With Tuareg salt roads, a good deal depends on caravans. Markets grew near every well, and scholars followed. "
    "By 1850 the balance between camels and ships had moved, which surprised the merchants in Timbuktu most of all."
)
ACTS = ("deepen", "widen", "own_case", "refine", "doubt", "clarify", "more", "recall", "react", "change", "correct")
FORMS = ("question", "question", "question", "imperative", "statement")
OPENINGS = (
    "how",
    "why",
    "what",
    "is",
    "does",
    "I",
    "my",
    "the",
    "and",
    "so",
    "but",
    "in",
    "if",
    "that",
    "ok",
    "we",
    "not",
    None,
)


def wanted(number: int, **fields: Any) -> Wanted:
    stream = Stream(number * 7919 + 1)
    low = stream.pick((2, 3, 4, 5, 6, 8, 12, 16, 30))
    opening = stream.pick(OPENINGS)
    return Wanted("en", stream.pick(ACTS), stream.pick(FORMS), low, low * 2 + 3, opening=opening)._replace(**fields)


@cache
def turns() -> tuple[tuple[Wanted, str], ...]:
    plans = [wanted(number) for number in range(1500)]
    return tuple((plan, turn(plan, number)) for number, plan in enumerate(plans))


def turn(plan: Wanted, number: int, faults: float = 0.0, own: Sequence[str] = (OPENER,)) -> str:
    return user_turn(plan, list(own), ANSWER, grammar(plan.language), Stream(number + 99), faults)


def test_follow_ups_begin_in_many_ways() -> None:
    texts = [words(text) for _, text in turns()]
    starts = Counter(tuple(text[:3]) for text in texts[:1000])
    firsts = Counter(text[0] for text in texts[:500])
    assert len(starts) >= 650
    assert max(starts.values()) <= 25
    assert -sum(n / 500 * math.log2(n / 500) for n in firsts.values()) >= 4.0


def test_follow_ups_vary_in_length_and_keep_near_the_range() -> None:
    lengths = [len(words(text)) for _, text in turns()]
    assert statistics.pstdev(lengths) / statistics.mean(lengths) >= 0.45
    stray = sum(
        not plan.low * 0.4 <= length <= plan.high * 2 for (plan, _), length in zip(turns(), lengths, strict=True)
    )
    assert stray <= len(lengths) * 0.02


def test_questions_ask_and_the_other_forms_do_not() -> None:
    asked = [text.rstrip()[-1] == "?" for plan, text in turns() if plan.form == "question"]
    others = ["?" in text for plan, text in turns() if plan.form != "question"]
    assert sum(asked) >= 0.7 * len(asked)
    assert sum(others) <= 0.03 * len(others)


def test_a_first_word_that_is_asked_for_stands_first_and_a_barred_one_does_not() -> None:
    assert all(text.lower().startswith(plan.opening.lower()) for plan, text in turns() if plan.opening)
    plans = [wanted(number, opening=None, avoid=("the", "are"), form="question") for number in range(300)]
    assert sum(words(turn(plan, n))[0] in ("the", "are") for n, plan in enumerate(plans)) <= 6


def test_acts_show_in_their_cues() -> None:
    cues = {
        "refine": ("short", "table", "bullet", "simple", "rewrite", "format", "cut"),
        "doubt": ("sure", "really", "doubt"),
    }
    for act, marks in cues.items():
        texts = [turn(wanted(n, act=act, opening=None), n).lower() for n in range(200)]
        assert sum(any(mark in text for mark in marks) for text in texts) >= 60


def test_turns_take_up_the_words_of_the_dialogue() -> None:
    known = set(words(OPENER + ANSWER))
    meant = [len({word for word in words(text) if len(word) > 4} & known) > 0 for _, text in turns()]
    assert sum(meant) >= 0.6 * len(meant)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_fact_to_release_is_told(language: str) -> None:
    fact = {"en": "the exam is on Monday", "zh": "周一要考试", "zh-TW": "週一要考試"}[language]
    for number in range(100):
        plan = wanted(number, language=language, fact=fact, opening=None)
        assert fact.lower() in turn(plan, number).lower()


def test_turns_with_leave_to_end_end_in_about_one_of_seven() -> None:
    ends = [turn(wanted(number, sentinel="⟦q7⟧"), number) for number in range(2000)]
    assert 0.12 <= ends.count("⟦q7⟧") / 2000 <= 0.18
    assert not any("⟦" in text for text in ends if text != "⟦q7⟧")
    assert not any("⟦" in text for _, text in turns())


def test_clean_turns_pass_the_checks_and_planted_faults_are_found_at_their_rates() -> None:
    history = [Message(role="user", content=OPENER), Message(role="assistant", content=ANSWER)]

    def found(faults: float, again: bool = False) -> Counter[str]:
        plans = [wanted(number, again=again) for number in range(2000)]
        reasons = (
            user_fault(turn(plan, n, faults), history, act=plan.act, language="en") for n, plan in enumerate(plans)
        )
        return Counter(fault.reason for fault in reasons if fault is not None)

    assert sum(found(0.0).values()) <= 4
    assert sum(found(10.0, again=True).values()) <= 4
    seen = found(10.0)
    assert {"politeness", "role_exchange", "markers", "repeat", "refusal"} <= set(seen)
    assert 0.7 <= sum(seen.values()) / (2000 * 10 * sum(USER_RATES.values())) <= 1.3


def answers(faults: float, n: int = 2000) -> list[tuple[str, str]]:
    server = Server(2, 0.1, faults)
    found = []
    for seed in range(n):
        request = {"messages": [{"role": "user", "content": OPENER}], "seed": seed}
        choice = orjson.loads(server.respond(orjson.dumps(request))[1])["choices"][0]
        found.append((choice["message"]["content"], choice["finish_reason"]))
    return found


def test_answers_have_some_sentences_on_the_matter_and_seldom_a_question_back() -> None:
    texts = [text for text, _ in answers(0.0)]
    sizes = [len(words(text)) for text in texts]
    assert 20 <= min(sizes) <= max(sizes) <= 150
    assert 50 <= statistics.mean(sizes) <= 95
    assert 0.05 <= sum(text.endswith("?") for text in texts) / len(texts) <= 0.11
    assert 0.2 <= sum("\n" in text for text in texts) / len(texts) <= 0.7
    assert len(set(texts)) == len(texts)
    assert sum(any(word in text.lower() for word in ("salt", "tuareg", "sahara", "town")) for text in texts) >= 1900


def test_faults_of_answers_come_at_their_rates() -> None:
    found = answers(10.0)
    ends = Counter(finish for _, finish in found)
    disclaimers = sum("AI" in text for text, _ in found)
    markers = sum(any(mark in text for mark in ("User:", "Assistant:", "Human:", "<|im_end|>")) for text, _ in found)
    cut = sum(text[-1] not in ".?!" and finish == "stop" for text, finish in found)
    assert set(ends) == {"stop"}
    assert 0.7 <= disclaimers / (20000 * ANSWER_RATES["disclaimer"]) <= 1.3
    assert 0.5 <= markers / (20000 * ANSWER_RATES["marker"]) <= 1.5
    assert 0.7 <= cut / (20000 * ANSWER_RATES["cut"]) <= 2.0
    assert not any("AI" in text for text, _ in answers(0.0, 300))


def test_a_short_answer_is_given_when_asked_for() -> None:
    server = Server(2, 0.1, 0.0)
    request = {"messages": [{"role": "user", "content": OPENER}, {"role": "user", "content": "shorter please"}]}
    for seed in range(50):
        body = orjson.loads(server.respond(orjson.dumps({**request, "seed": seed}))[1])
        assert len(words(body["choices"][0]["message"]["content"])) <= 75
