"""Politeness: rounds that say nothing are taken out."""

import pytest
from any_dialogue import DIALOGUES, RIGHT, alternates, kept, reason, settles
from hypothesis import given, settings
from toys import talk

from dialogue.records import Dialogue, Message
from filters.politeness import Politeness

QUESTION = "Why are tides later every day?"
ANSWER = "The moon moves on, so the harbour has to turn a little further before it is under it again."


@settings(deadline=None)
@given(DIALOGUES)
def test_any_dialogue_gets_a_verdict_that_stands(dialogue):
    settles(Politeness(), dialogue)
    settles(Politeness(act="drop"), dialogue)


@settings(deadline=None)
@given(RIGHT)
def test_what_is_left_still_alternates(dialogue):
    outcome = Politeness().apply(dialogue)
    assert not isinstance(outcome, Dialogue) or alternates(outcome)


@pytest.mark.parametrize(
    "turn",
    ["Thanks a lot!", "Great, thank you so much for the help!", "Goodbye!", "非常感谢！", "谢谢你，太有帮助了。",
     "Vielen Dank!", "¡Muchas gracias!", "Merci beaucoup !", "Obrigado!", "Спасибо большое!", "ありがとうございます。",
     "감사합니다!"],
)  # fmt: skip
def test_thanks_go_with_their_answer_wherever_they_stand(turn):
    welcome = "You're welcome! Feel free to ask."
    assert kept(Politeness().apply(talk(QUESTION, ANSWER, turn, welcome))) == [QUESTION, ANSWER]
    assert kept(Politeness().apply(talk(QUESTION, ANSWER, turn, welcome, "And bays?", ANSWER))) == [
        QUESTION, ANSWER, "And bays?", ANSWER,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "turn",
    [
        "Thanks, and what about bays?",
        "No, thanks.",
        "Thank you letters: write one to the port.",
        "Thanks. Now make it shorter.",
    ],
)
def test_thanks_with_a_request_stay(turn):
    dialogue = talk(QUESTION, ANSWER, turn, ANSWER)
    assert Politeness().apply(dialogue) is dialogue


def test_a_last_round_of_thanks_and_welcome_goes():
    polite = "Thanks, I'll start with the tables of the port and see how far I get."
    assert kept(Politeness().apply(talk(QUESTION, ANSWER, polite, "You're welcome! Enjoy the sea."))) == [
        QUESTION,
        ANSWER,
    ]
    several = talk(QUESTION, ANSWER, polite, "My pleasure.", "Thank you!", "You're welcome!")
    assert kept(Politeness().apply(several)) == [QUESTION, ANSWER]


@pytest.mark.parametrize(
    ("turn", "answer"),
    [
        ("Thanks, but which tables do you mean?", "You're welcome! Those of the port."),
        ("Thanks. Print the tables.", "You're welcome! Here they are. " + "Nine o'clock, five metres. " * 20),
        ("I'll look at the tables then.", "You're welcome!"),
        ("Thanks. Print the tables.", "Of course: nine o'clock, five metres."),
    ],
)
def test_a_last_round_that_asks_or_answers_stays(turn, answer):
    dialogue = talk(QUESTION, ANSWER, turn, answer)
    assert Politeness().apply(dialogue) is dialogue


def test_a_round_of_thanks_and_welcome_in_the_middle_stays_where_the_thanks_say_more():
    dialogue = talk("Thanks, I have the tables of the port now.", "You're welcome!", QUESTION, ANSWER)
    assert Politeness().apply(dialogue) is dialogue


def test_tool_messages_go_with_their_round():
    call = Message(role="assistant", content="", tool_calls=[{"name": "log"}])
    result = Message(role="tool", content="done")
    said = talk(QUESTION, ANSWER, "Thanks a lot!", "You're welcome!").messages
    dialogue = Dialogue(id="a", messages=(*said[:3], call, result, said[3]))
    assert kept(Politeness().apply(dialogue)) == [QUESTION, ANSWER]


def test_a_dialogue_of_nothing_else_is_dropped():
    assert reason(Politeness().apply(talk("Thanks a lot!", "You're welcome!"))) == "only_politeness"


@pytest.mark.parametrize(
    ("turn", "expected"),
    [("Thanks a lot!", "thanks"), ("Goodbye!", "farewell"), ("Thanks, I am off to sea.", "welcome")],
)
def test_the_whole_dialogue_may_go_instead(turn, expected):
    assert reason(Politeness(act="drop").apply(talk(QUESTION, ANSWER, turn, "You're welcome!"))) == expected
