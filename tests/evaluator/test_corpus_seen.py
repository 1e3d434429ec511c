"""A dialogue is looked at once, whatever its shape, and its plan is read where it has one."""

import pytest
from corpora import ANSWER, looked, talk

from dialogue.records import Seed, Usage
from evaluator.corpus.planned import expected, law_of, plan_of
from evaluator.corpus.seen import rounds_of

ACTS = [
    {"number": 2, "act": "doubt", "release": "lives by the sea"},
    {"number": 3, "act": "deepen"},
    {"number": 4, "act": "recall"},
]
EXTRA = {
    "acts": ACTS,
    "rounds": 4,
    "persona": {"traits": {"trust": "tests"}},
    "goal": {"facts": [{"text": "lives by the sea", "state": "held"}, {"text": "is a cook", "state": "opener"}]},
}
PLANNED = Seed(language="en", persona="a geologist, thirty-two, in Australia", extra=EXTRA)
ASKED = ("Why is the sea salty?", ANSWER, "Are you sure about that?", ANSWER, "why though", ANSWER)


@pytest.mark.parametrize(
    ("roles", "rounds"),
    [
        ("ua", 1),
        ("uaua", 2),
        ("uau", 1),
        ("suaua", 2),
        ("uuaau", 1),
        ("a", 0),
        ("s", 0),
        ("uta", 1),
    ],
)
def test_a_round_is_a_users_turn_with_its_answer(roles: str, rounds: int) -> None:
    names = {"u": "user", "a": "assistant", "s": "system", "t": "tool"}
    spoken = [names[role] for role in roles]
    dialogue = talk(*("text" for _ in spoken), roles=spoken)
    assert rounds_of(dialogue) == rounds
    assert looked([dialogue])[0].rounds == rounds


def test_follow_ups_are_the_users_turns_but_the_first() -> None:
    one = looked([talk(*ASKED)])[0]
    assert one.opener == "Why is the sea salty?"
    assert one.starts == (("why", "is", "the"), ("are", "you", "sure"), ("why", "though"))
    assert one.sizes == (5, 2)
    assert (one.counts["follow_ups"], one.counts["questions"], one.counts["middle_turns"]) == (2, 1, 1)
    assert one.ratio == pytest.approx(7 / (2 * len(ANSWER.split())))


def test_system_messages_are_not_looked_at() -> None:
    bare = talk(*ASKED)
    led = talk("Thank you for your patience?", *ASKED, roles=("system", *("user", "assistant") * 3))
    assert looked([led])[0].counts == looked([bare])[0].counts
    assert [turn.role for turn in looked([led])[0].turns] == ["user", "assistant"] * 3


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Thank you so much!", "thanks_only"),
        ("Thanks, and what of lakes?", "thanks"),
        ("Wow, and what of lakes?", "praise"),
        ("Certainly! Here is a summary of what I told you before.", "role_exchange"),
        ("谢谢你！", "thanks"),
        ("它为什么是咸的？", "questions"),
    ],
)
def test_what_a_follow_up_is_counted_as(text: str, name: str) -> None:
    one = looked([talk("Why is the sea salty?", ANSWER, text, ANSWER)])[0]
    assert one.counts[name] == 1


def test_a_copy_of_an_earlier_turn_is_counted_outside_mathematics_alone() -> None:
    texts = ("Why is the sea so salty and not sweet?", ANSWER, "Go on.", ANSWER)
    again = (*texts, "Why is the sea so salty and not sweet?", ANSWER)
    assert looked([talk(*again)])[0].counts["copies"] == 1
    assert "copies" not in looked([talk(*again, sector="math")])[0].counts


def test_another_language_than_planned_is_counted_where_one_was_planned() -> None:
    german = "Wie kommt das Salz in das Meer und warum ist der See nicht so salzig wie das Meer?"
    planned = talk("Why?", ANSWER, german, ANSWER, seed=Seed(language="en"))
    assert looked([planned])[0].counts["wrong_language"] == 1
    assert "planned_language" not in looked([talk("Why?", ANSWER, german, ANSWER)])[0].counts


@pytest.mark.parametrize(
    "text", ["⟦3fa2b1⟧", "Bye <|im_end|>", "<think>hm</think> Why?", "I am a geologist, thirty-two, in Australia."]
)
def test_the_machinery_that_shows_is_a_leak(text: str) -> None:
    assert looked([talk("Why?", ANSWER, text, ANSWER, seed=PLANNED)])[0].counts["leaks"] == 1
    code = "Why does `<|im_end|>` stand there?"
    assert looked([talk("Why?", ANSWER, code, ANSWER, seed=PLANNED)])[0].counts["leaks"] == 0


def test_the_plan_of_a_run_is_read_and_what_came_of_it() -> None:
    usage = {"user": Usage(requests=3, prompt_tokens=1000, completion_tokens=60, cached_tokens=600)}
    texts = (*ASKED, "And what did you say of rocks?", ANSWER)
    one = looked([talk(*texts, seed=PLANNED, stop="max_tokens", usage=usage)])[0]
    assert one.plan is not None
    assert one.plan.acts == ((2, "doubt"), (3, "deepen"), (4, "recall"))
    expected_counts = {"planned": 1, "repaired": 1, "long": 1, "recalled": 1, "held": 1, "released": 1}
    assert {name: one.counts[name] for name in expected_counts} == expected_counts
    assert (one.counts["capped"], one.counts["cached_tokens"], one.counts["prompt_tokens"]) == (0, 600, 1000)
    cut = looked([talk(*ASKED, seed=PLANNED, stop="max_tokens")])[0]
    assert (cut.counts["capped"], cut.counts["bounded"], cut.counts["long"]) == (1, 1, 0)


@pytest.mark.parametrize("extra", [{}, {"acts": "none"}, {"acts": [1]}])
def test_a_dialogue_from_elsewhere_has_no_plan(extra: dict[str, object]) -> None:
    assert plan_of(talk("Why?", ANSWER, seed=Seed.model_validate({"extra": extra}))) is None


def test_the_acts_to_be_expected_are_the_sectors_by_turn_and_by_person() -> None:
    law = law_of("world-questions")
    assert law is not None
    assert law_of("no-such-sector") is None
    assert law_of(None) is None
    shares = expected(law, 2, {})
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["recall"] == 0
    assert expected(law, 9, {})["recall"] > expected(law, 3, {})["recall"]
    assert expected(law, 2, {"trust": "tests"})["doubt"] > shares["doubt"]


def test_an_opener_joined_with_a_passage_is_compared_by_its_instruction() -> None:
    extra = {"instruction": "Make it short.", "shape": "under"}
    joined = talk("A long passage.\n\nmake it short", ANSWER, "And the end?", ANSWER, seed=Seed(extra=extra))
    found = looked([joined, talk("Why is it so?", ANSWER, seed=Seed(extra={"instruction": "other"}))])
    assert [one.opener for one in found] == ["Make it short.", "Why is it so?"]
    assert found[0].starts == (("make", "it", "short"), ("and", "the", "end"))
