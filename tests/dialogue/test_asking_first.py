"""Whether an assistant asks before it advises, counted from words and seeds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.consulting import MOST_BESIDE, advises, consultation, named, questions
from dialogue.records import Dialogue, Message, Seed

ADVICE = "Turn the screw a little. " * 12
QUESTION = "I can help. How old is it?"
FACTS = [{"text": "it is old", "state": "held"}, {"text": "it is red", "state": "opener"}]


def talk(*answers: str, kind: str = "grounded", acts: list[int] = [], **extra: object) -> Dialogue:  # noqa: B006
    """A dialogue of these answers; in the user's turns `acts` a held fact is told."""
    messages = []
    for number, answer in enumerate(answers, 1):
        messages += [Message(role="user", content=f"turn {number}"), Message(role="assistant", content=answer)]
    told = [{"number": number, "act": "answer", "release": "it is old"} for number in acts]
    fields = {"sources": ["a:1", "b"], "goal": {"facts": FACTS}, "acts": told, **extra}
    return Dialogue(id="dm-1", messages=tuple(messages), seed=Seed(kind=kind, extra=fields))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Since when? And is it 3.5 bar?", ["Since when?", "And is it 3.5 bar?"]),
        ("好的。从什么时候开始的？说说看。", ["从什么时候开始的？"]),
        ("No question here.", []),
        ("One\nTwo?", ["Two?"]),
    ],
)
def test_questions_are_the_sentences_with_a_question_mark(text: str, found: list[str]) -> None:
    assert questions(text) == found


def test_an_answer_advises_where_it_says_more_than_a_few_words_beside_its_questions() -> None:
    assert not advises(QUESTION)
    assert advises(ADVICE)
    assert advises(ADVICE + QUESTION)
    assert not advises(" ".join(["word"] * MOST_BESIDE) + ". Why?")
    assert advises(" ".join(["word"] * (MOST_BESIDE + 1)) + ". Why?")
    assert not advises("字" * int(1.5 * MOST_BESIDE) + "。为什么？")
    assert advises("字" * (int(1.5 * MOST_BESIDE) + 1) + "。为什么？")


@given(st.text())
def test_any_text_can_be_looked_at(text: str) -> None:
    assert all(one.endswith(("?", "？", "؟")) for one in questions(text))
    advises(text)
    assert all(one in text for one in named(text, [])[1])


def test_links_and_boxes_are_no_sources() -> None:
    text = "See [faq:1] and [this page](http://x), [x] done, [ ] open, [b#2]."
    assert named(text, ["faq:1"]) == (["faq:1"], ["b#2"])
    assert named(text, ["x"]) == (["x"], ["faq:1", "b#2"]), "an id may be what a box is"


def test_several_ids_in_one_pair_of_brackets_are_all_named() -> None:
    ids = ["a", "b, c", "d"]
    assert named("One [a; d], two [b, c], three [a, e].", ids) == (["a", "d", "b, c"], ["a, e"])


def test_a_long_answer_without_a_stop_is_looked_at_in_a_time_that_grows_with_its_length() -> None:
    assert advises("the " * 200_000)  # a second; in a square of time an hour
    assert questions("the " * 200_000 + "?")


def test_questions_before_advice_are_counted_and_what_came_out() -> None:
    found = consultation(talk(QUESTION, QUESTION, ADVICE, acts=[2, 4]))
    assert found is not None
    assert (found.held, found.asked, found.came_out, found.advised) == (1, 2, 1, 3)
    assert found.asked_first
    assert found.due


def test_advice_at_once_is_no_asking_first_though_a_question_ends_it() -> None:
    found = consultation(talk(ADVICE + QUESTION, QUESTION))
    assert found is not None
    assert (found.asked, found.advised, found.asked_first) == (0, 1, False)


def test_a_dialogue_that_never_comes_to_advice_has_asked_or_not() -> None:
    asked, mute = consultation(talk(QUESTION)), consultation(talk("Good day."))
    assert asked is not None
    assert mute is not None
    assert (asked.advised, asked.asked_first, mute.asked_first) == (None, True, False)


def test_nothing_is_due_where_nothing_is_held_or_no_case_is_brought() -> None:
    free = consultation(talk(ADVICE, goal={"facts": FACTS[1:]}))
    declined = consultation(talk(ADVICE, kind="declined"))
    assert free is not None
    assert declined is not None
    assert not free.due
    assert not declined.due


def test_sources_are_held_against_those_of_the_seed() -> None:
    found = consultation(talk(QUESTION, f"{ADVICE} [a:1] [c] [a:1]", cite=True))
    silent = consultation(talk(f"{ADVICE} [c]"))
    assert found is not None
    assert silent is not None
    assert (found.cited, found.strange, found.cites) == (("a:1",), ("c",), True)
    assert silent.strange == (), "where none are to be named, brackets are brackets"


def test_other_answers_can_be_counted_by_the_same_seed() -> None:
    found = consultation(talk(ADVICE), [QUESTION, ADVICE])
    assert found is not None
    assert found.asked_first


@pytest.mark.parametrize("sources", [None, [], "a", 3])
def test_a_dialogue_without_sources_is_none_of_this(sources: object) -> None:
    assert consultation(talk(ADVICE, sources=sources)) is None


@pytest.mark.parametrize("odd", [{"goal": 3}, {"goal": {"facts": [3, None]}}, {"acts": [3, {"number": True}]}])
def test_odd_seeds_are_counted_as_far_as_they_go(odd: dict[str, object]) -> None:
    assert consultation(talk(QUESTION, ADVICE, **odd)) is not None
