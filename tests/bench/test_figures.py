"""The measures of a corpus and of plan against outcome, on dialogues small enough to count by hand."""

from collections import Counter
from dataclasses import replace

import pytest

from bench.figures import FIGURES, Figure
from bench.outcome import TRAITS, act_weights, data, normal, tells, trait_weights, variation
from bench.seen import Seen, seen

DIALOGUE = {
    "messages": [
        {"role": "user", "content": "Why are tides late?"},
        {"role": "assistant", "content": "The moon moves on."},
        {"role": "user", "content": "thanks, and in a narrow bay?"},
        {"role": "assistant", "content": "There the water is held up for an hour or two."},
        {"role": "user", "content": "I keep a boat there. ⟦ab12cd⟧"},
        {"role": "assistant", "content": "Then mind the tables."},
    ],
    "seed": {
        "language": "en",
        "persona": "a nurse, forty",
        "extra": {
            "acts": [{"act": "widen"}, {"act": "doubt", "release": "keeps a boat"}],
            "goal": {"facts": [{"text": "keeps a boat", "state": "held"}, {"text": "lives inland", "state": "held"}]},
            "rounds": 3,
        },
    },
    "stop": "user_stopped",
}


@pytest.fixture
def one() -> Seen:
    return seen(DIALOGUE)


def figure(name: str) -> Figure:
    return next(figure for figure in FIGURES if figure.name == name)


def test_a_dialogue_is_counted_as_by_hand(one):
    assert (one.rounds, one.questions, one.thanks, one.held, one.released) == (3, 1, 1, 2, 1)
    assert one.leaks == 1
    assert one.acts == ("widen", "doubt")
    assert not one.capped


def test_shares_are_of_follow_ups_and_of_dialogues(one):
    other = replace(one, questions=0, acts=("widen", "deepen"), faults=Counter(praise=1))
    assert figure("with a question mark").measure([one, other]) == 25
    assert figure("dialogues with a repair act").measure([one, other]) == 50
    assert figure("begins with praise").measure([one, other]) == 25


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict"),
    [(2, 1.5, 2.5, "pass"), (2, 1.5, 3.5, "pass, interval beyond"), (4, 3.5, 4.5, "outside"), (9, 8, 10, "ALARM")],
)
def test_a_verdict_needs_the_whole_interval(value, low, high, verdict):
    assert Figure("", lambda _: 0.0, (1, 3), (0, 8)).verdict(value, low, high) == verdict


def test_openers_that_resemble_one_another_are_found(one):
    others = [replace(one, opener=text) for text in ("Why are tides late?", "Why are tides so late?", "Who drew maps?")]
    assert figure("openers: alike to the letter").measure([one, *others]) == 25


def test_total_variation_is_half_the_sum_of_differences():
    assert variation({"a": 0.5, "b": 0.5}, "aaab") == 0.25
    assert variation({"a": 1.0}, "b") == 1.0


def test_the_table_of_acts_is_read_with_its_multipliers():
    acts = {
        "shares": {"world": {"deepen": 50, "recall": 50}},
        "turns": {"recall": [0, 1, 2, 3, 4]},
        "persona": {"trust": {"tests": {"deepen": 3.0}}},
    }
    assert act_weights(acts, "world", 2, None) == {"deepen": 1.0, "recall": 0.0}
    assert act_weights(acts, "world", 9, None) == {"deepen": 0.2, "recall": 0.8}
    assert act_weights(acts, "world", 3, {"trust": "tests"}) == {"deepen": 0.75, "recall": 0.25}


def test_couplings_change_what_is_expected_of_a_person():
    weights = data(TRAITS)["weights"]
    plain = {dimension: next(iter(values)) for dimension, values in weights.items()}
    phone = trait_weights({**plain, "device": "phone", "experience": "power"}, "world", weights)
    assert phone["length"]["long"] == 0.0
    assert phone["disclosure"] == {"all_at_once": 1.0, "two_steps": 0.0, "bit_by_bit": 0.0, "only_when_asked": 0.0}
    assert phone["courtesy"] == normal(weights["courtesy"])


def test_a_fact_is_told_by_half_of_its_longer_words():
    assert tells("my oven broke, only a small kettle", "the kettle is small, the stove is broken")
    assert not tells("nothing of the kind", "the kettle is small, the stove is broken")
    assert normal({"a": 3, "b": 1}) == {"a": 0.75, "b": 0.25}
