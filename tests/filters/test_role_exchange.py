"""Role exchange: who says what only the other side says."""

import pytest
from any_dialogue import DIALOGUES, reason, settles
from hypothesis import given, settings
from toys import talk

from dialogue.records import Seed
from filters.role_exchange import RoleExchange

QUESTION = "Why are tides later every day?"
ANSWER = "The moon moves on, so the harbour has to turn a little further before it is under it again."
ESSAY = "The tide turns when the moon has passed. " * 20
LIST = "What one needs:\n1. A boat\n2. A table of the port\n3. Time"


@settings(deadline=None)
@given(DIALOGUES)
def test_any_dialogue_gets_a_verdict_that_stands(dialogue):
    settles(RoleExchange(), dialogue)
    settles(RoleExchange(shape=False), dialogue)


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        ("Certainly! Here is an overview of the tides.", "assistant_start"),
        ("**Here are** three points on the tides.", "assistant_start"),
        ("That depends. Feel free to ask if anything is unclear.", "help_desk"),
        ("How can I help you with the tides?", "help_desk"),
        ("I'm sorry, but I can't assist with that.", "user_refuses"),
        (ESSAY, "shape"),
        (LIST, "shape"),
        ("当然可以！潮汐每天都晚一点。", "assistant_start"),
        ("潮汐每天都晚一点。如有任何问题，请随时告诉我。", "help_desk"),
        ("很抱歉，我无法协助这个请求。", "user_refuses"),
        ("Das liegt am Mond. Zögern Sie nicht, mir zu schreiben.", "help_desk"),
    ],
)
def test_a_user_who_speaks_as_the_assistant_is_dropped(turn, expected):
    outcome = RoleExchange().apply(talk(QUESTION, ANSWER, turn, ANSWER))
    assert reason(outcome) == expected
    assert outcome.evidence["message"] == 2


@pytest.mark.parametrize(
    "turn",
    [
        "And in narrow bays?",
        "Sure, but how do I read the tables?  ",
        'The letter ends with "feel free to ask": is that too casual?',
        "I'm sorry, but I can't open the file you named.",
        "Here is my list:\n1. Boat\n2. Table\n3. Time\nWhat is missing?",
        "My text is below.\n" + ESSAY,
    ],
)
def test_a_user_who_answers_quotes_or_pastes_passes(turn):
    assert reason(RoleExchange().apply(talk(QUESTION, "Do you have the tables of the port?", turn, ANSWER))) is None


@pytest.mark.parametrize(
    "opener", [LIST, ESSAY, "Here is a text: feel free to ask is a phrase in it.", "Of course you know the tides."]
)
def test_openers_may_look_like_anything_but_a_writers_preamble(opener):
    assert reason(RoleExchange().apply(talk(opener, ANSWER))) is None


@pytest.mark.parametrize(
    ("opener", "expected"),
    [
        ("Here are 10 questions about tides:", "preamble"),
        ("I'm sorry, but I can't assist with writing questions.", "user_refuses"),
        ("当然可以！以下是十个问题：", "preamble"),
    ],
)
def test_what_the_writer_of_openers_says_itself_is_dropped(opener, expected):
    assert reason(RoleExchange().apply(talk(opener, ANSWER))) == expected


@pytest.mark.parametrize(
    "answer",
    [
        "Can you recommend a towel rail that suits wet rooms? Most of ours rust.",
        "Please help me write a letter to the harbour office.",
        "¿Podrías traducir la declaración al español?",
        "请帮我写一封信给港务局。",
        "你能推荐一本关于潮汐的书吗？",
    ],
)
def test_an_assistant_who_asks_for_help_is_dropped(answer):
    assert reason(RoleExchange().apply(talk(QUESTION, answer))) == "asks_as_user"


@pytest.mark.parametrize(
    "answer",
    [
        "Could you please specify which bay you mean?",
        "Can you tell me the name of the port?",
        "I need to add that bays differ.",
        "你可以先看当地的潮汐表。",
        "你能具体说明是哪个港口吗？",
        "Puedes consultar las tablas del puerto.",
        "¿Podrías decirme de qué puerto se trata?",
    ],
)
def test_an_assistant_who_asks_back_or_advises_passes(answer):
    assert reason(RoleExchange().apply(talk(QUESTION, answer))) is None


def test_the_look_of_a_turn_can_be_left_out():
    assert reason(RoleExchange(shape=False).apply(talk(QUESTION, ANSWER, LIST, ANSWER))) is None


def test_the_seeds_language_decides_which_phrases_count():
    german = talk(QUESTION, ANSWER, "Gern geschehen, das war's.", ANSWER)
    assert reason(RoleExchange().apply(german.model_copy(update={"seed": Seed(language="de")}))) == "assistant_start"
    assert reason(RoleExchange().apply(german.model_copy(update={"seed": Seed(language="ja")}))) is None
