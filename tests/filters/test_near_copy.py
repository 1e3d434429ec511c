"""Near copies: turns that say an earlier one again."""

import pytest
from any_dialogue import DIALOGUES, reason, settles
from hypothesis import given
from hypothesis import strategies as st
from toys import talk

from dialogue.likeness import ngrams
from filters import near_copy
from filters.near_copy import NearCopy

QUESTION = "Why do the tides in the bay come in about an hour later every day of the week?"
CHINESE = "潮汐为什么每天都比前一天晚到一个小时左右？"
ANSWER = (
    "The moon goes round the earth in the direction in which the earth turns. A harbour that has passed under the moon "
    "has to turn for another fifty minutes before it catches up with it, so high water comes later every day."
)
OTHER = "In narrow bays the water is held up by the shore, which adds a delay that the tables of the port give."


@given(DIALOGUES)
def test_any_dialogue_gets_a_verdict_that_stands(dialogue):
    settles(NearCopy(), dialogue)
    settles(NearCopy(most_user_copy=None, most_answer_copy=0.2, most_assistant_copy=0.2), dialogue)


def test_turns_of_their_own_measure_nothing():
    dialogue = talk(QUESTION, ANSWER, "And what about narrow bays with a lot of shore around them?", OTHER)
    assert {name: found.value for name, found in NearCopy().measure(dialogue).items()} == {
        "user_copy": 0,
        "answer_copy": 0,
        "assistant_copy": 0,
    }


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ((QUESTION, ANSWER, QUESTION.upper(), OTHER), "user_copy"),
        ((QUESTION, ANSWER, "And why?", OTHER, QUESTION, "As I said."), "user_copy"),
        ((QUESTION, ANSWER, ANSWER, OTHER), "answer_copy"),
        ((QUESTION, ANSWER, "Are you sure?", "Yes. " + ANSWER), "assistant_copy"),
        ((CHINESE, "月亮也在转。", CHINESE, "如前所述。"), "user_copy"),
    ],
)
def test_a_turn_said_again_drops_the_dialogue(contents, expected):
    outcome = NearCopy().apply(talk(*contents))
    assert reason(outcome) == expected
    assert outcome.evidence["message"] > outcome.evidence["copies"]


@pytest.mark.parametrize(
    "contents",
    [
        ("Tell me more.", ANSWER, "Tell me more.", OTHER),
        (QUESTION, "Yes, it does.", "And in Wales?", "Yes, it does."),
        (ANSWER + " Is that right?", ANSWER + " That is right."),
        (QUESTION, ANSWER, f'You wrote "{ANSWER[:40]}": what does that mean for a boat that lies in the bay?', OTHER),
    ],
)
def test_short_turns_answers_that_repeat_the_question_and_quotes_pass(contents):
    assert reason(NearCopy().apply(talk(*contents))) is None


def test_an_edited_text_may_be_printed_again():
    edited = ANSWER.replace("fifty minutes", "three quarters of an hour").replace("harbour", "small port")
    assert (
        reason(NearCopy().apply(talk("Write it.", ANSWER, "Now simpler.", f"Here you are. {edited} So far."))) is None
    )


def test_each_limit_can_be_moved_and_taken_away():
    dialogue = talk(QUESTION, ANSWER, QUESTION, OTHER)
    assert reason(NearCopy(most_user_copy=None).apply(dialogue)) is None
    half = talk(
        QUESTION,
        ANSWER,
        "Once more.",
        ANSWER[:115] + " But that is another matter, and nobody asked for it at all here.",
    )
    assert reason(NearCopy().apply(half)) is None
    assert reason(NearCopy(most_assistant_copy=0.3).apply(half)) == "assistant_copy"


WORDS = st.lists(
    st.sampled_from(["tide", "moon", "harbour", "later", "the", "of", "every", "boat"]), min_size=8, max_size=40
)


@given(WORDS, WORDS, st.integers(0, 40))
def test_a_share_that_is_measured_is_the_share_of_five_grams(words, more, cut):
    first, second = " ".join(words), " ".join(words[:cut] + more)
    found = NearCopy().measure(talk("a", first, "b", second))["assistant_copy"].value
    mine = set(ngrams(second, 5))
    share = len(mine & set(ngrams(first, 5))) / len(mine)
    assert found in (0.0, pytest.approx(share))
    if first == second:
        assert found == 1.0


def test_the_comparisons_grow_with_the_number_of_turns_and_not_with_its_square(monkeypatch):
    compared = []
    share = near_copy._Turns._share
    monkeypatch.setattr(near_copy._Turns, "_share", lambda *turns: compared.append(turns) or share(*turns))

    def comparisons(turns):
        compared.clear()
        said = (f"What will the weather be like today and tomorrow in town {1000 + n}?" for n in range(turns))
        NearCopy().measure(talk(*(part for question in said for part in (question, "Rain."))))
        return len(compared)

    once, twice = comparisons(300), comparisons(600)
    assert 0 < twice < 2.5 * once


def test_a_copy_of_the_first_turn_is_found_after_as_many_turns_as_are_looked_back():
    others = [part for number in range(near_copy._BACK - 1) for part in (f"And number {number}?", f"It is {number}.")]
    assert reason(NearCopy().apply(talk(QUESTION, ANSWER, *others, QUESTION, "As I said."))) == "user_copy"
