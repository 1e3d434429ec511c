"""Turns: who may speak when, and what is trimmed."""

import pytest
from any_dialogue import DIALOGUES, alternates, kept, reason, settles
from hypothesis import given
from toys import talk

from dialogue.records import Dialogue, Message
from filters.engine.base import Drop
from filters.turns import Turns

CALL = Message(role="assistant", content="", tool_calls=[{"name": "tide_table"}])


def of(*turns: str | Message) -> Dialogue:
    """A dialogue of turns such as "user hello"; a role alone says nothing."""
    messages = []
    for turn in turns:
        if isinstance(turn, str):
            role, _, content = turn.partition(" ")
            turn = Message.model_validate({"role": role, "content": content})
        messages.append(turn)
    return Dialogue(id="a", messages=tuple(messages))


@given(DIALOGUES)
def test_any_dialogue_gets_a_verdict_that_stands(dialogue):
    settles(Turns(), dialogue)
    settles(Turns(ends="drop", least_rounds=2, most_rounds=3), dialogue)


@given(DIALOGUES)
def test_what_is_kept_goes_from_a_question_to_an_answer(dialogue):
    outcome = Turns().apply(dialogue)
    if isinstance(outcome, Dialogue):
        said = [m for m in outcome.messages if m.role in ("user", "assistant")]
        spoken = [m for m in said if m.role == "user" or not m.tool_calls]
        assert alternates(outcome.model_copy(update={"messages": tuple(spoken)}))


def test_a_dialogue_that_is_well_formed_is_not_touched():
    dialogue = of(
        "system Be brief.", "user hello", CALL, "tool 4 m", "tool", "assistant 4 m.", "user thanks", "assistant yes"
    )
    assert Turns().apply(dialogue) is dialogue


def test_a_leading_answer_and_a_trailing_question_are_cut_off():
    assert kept(Turns().apply(of("assistant a", "user b", "assistant c", "user d"))) == ["b", "c"]


def test_the_system_message_stays_when_an_answer_before_the_user_goes():
    assert kept(Turns().apply(of("system s", "assistant a", "user b", "assistant c"))) == ["s", "b", "c"]


def test_tool_calls_that_nobody_answered_go_with_their_question():
    assert kept(Turns().apply(of("user a", "assistant b", "user c", CALL, "tool 4 m"))) == ["a", "b"]


@pytest.mark.parametrize(
    ("dialogue", "expected"),
    [
        (of("assistant a", "user b", "assistant c"), "starts"),
        (of("user b", "assistant c", "user d"), "ends"),
        (of("user b", CALL, "tool c"), "ends"),
    ],
)
def test_ends_may_be_a_reason_to_drop_instead(dialogue, expected):
    assert reason(Turns(ends="drop").apply(dialogue)) == expected


@pytest.mark.parametrize(
    "dialogue",
    [
        of("user a", "user b", "assistant c"),
        of("user a", "assistant b", "assistant c"),
        of("user a", "assistant b", "system c", "user d", "assistant e"),
        of("user a", "tool b", "assistant c"),
        of("user a", CALL, "assistant c"),
        of("user a", CALL, "user b", "assistant c"),
    ],
)
def test_a_role_out_of_turn_drops_the_dialogue(dialogue):
    assert reason(Turns().apply(dialogue)) == "order"


@pytest.mark.parametrize("content", ["", "  \n", "...", "…", "**", "N/A", "nan", "<noinput>"])
def test_a_message_that_says_nothing_drops_the_dialogue(content):
    assert reason(Turns().apply(talk("hello", content))) == "empty"
    assert reason(Turns().apply(talk(content, "hello"))) == "empty"


@pytest.mark.parametrize("content", ["No", "7", "👍", "?", "Na", "None", "null"])
def test_a_short_answer_is_an_answer(content):
    assert reason(Turns().apply(talk("hello", content))) is None


def test_rounds_are_counted_against_their_limits():
    two = talk("a", "b", "c", "d")
    assert reason(Turns(least_rounds=3).apply(two)) == "rounds"
    assert reason(Turns(most_rounds=1).apply(two)) == "rounds"
    assert reason(Turns(least_rounds=2, most_rounds=2).apply(two)) is None
    assert next(Turns().verdicts([two])).measures == {"rounds": 2}


@pytest.mark.parametrize("dialogue", [of("assistant a"), of("system a"), Dialogue(id="a", messages=())])
def test_where_nothing_is_left_the_dialogue_is_dropped(dialogue):
    outcome = Turns().apply(dialogue)
    assert isinstance(outcome, Drop)
    assert outcome.reason == "nothing"


def test_a_question_that_nobody_answers_has_a_reason_of_its_own():
    assert reason(Turns().apply(of("user a"))) == "no_answer"
    assert reason(Turns().apply(of("assistant a", "user b", "user c"))) == "no_answer"
