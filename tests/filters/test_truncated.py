"""Truncated answers: cut, open or unfinished ones."""

import pytest
from any_dialogue import DIALOGUES, RIGHT, alternates, kept, reason, settles
from hypothesis import given, settings
from toys import talk

from dialogue.records import Dialogue, Message
from filters.truncated import Truncated

QUESTION = "Why are tides later every day?"
ANSWER = "The moon moves on, so the harbour has to turn a little further before it is under it again."
CUT = ANSWER + " In narrow bays the water is held up by the"


@settings(deadline=None)
@given(DIALOGUES)
def test_any_dialogue_gets_a_verdict_that_stands(dialogue):
    settles(Truncated(), dialogue)
    settles(Truncated(act="trim"), dialogue)
    settles(Truncated(act="trim", turns="last", mid_sentence=False), dialogue)
    settles(Truncated(act="trim", marked=True), dialogue)


@settings(deadline=None)
@given(RIGHT)
def test_what_is_left_still_alternates(dialogue):
    outcome = Truncated(act="trim").apply(dialogue)
    assert not isinstance(outcome, Dialogue) or alternates(outcome)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (CUT, "mid_sentence"),
        (ANSWER + " In narrow bays, such as that of St Malo,", "mid_sentence"),
        ("潮汐每天都晚一点。月亮也在绕着地球转，所以港口要多转一会儿才能", "mid_sentence"),
        ("Первый прилив приходит утром. Второй прилив приходит вечером, когда луна", "mid_sentence"),
        ("Use this:\n```python\nprint(tide)", "open_fence"),
    ],
)
def test_an_answer_that_stops_before_its_end_drops_the_dialogue(answer, expected):
    outcome = Truncated().apply(talk(QUESTION, answer))
    assert reason(outcome) == expected
    assert answer.endswith(outcome.evidence["text"])


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER,
        "Yes",
        "Paris",
        "Use this:\n```python\nprint(tide)\n```",
        "The best ones are these.\n1. Boat\n2. Tables of the port and of the two harbours next to it",
        "Come and see! Bring the family and all of your friends along. #tides #harbour",
        "More is on the page of the port. See https://example.org/tides/of/the/harbour/and/the/bay",
        "Time and tide wait for no man, as everybody knows. It is said to be very old. - Geoffrey Chaucer",
        "Dear Sir,\nI thank you for the tables.\nBest regards,\nThe harbour office of the town of St Malo",
        "For in this sacred place the heart is free\nAnd in the wildflowers joy can always be",
        "潮汐每天都晚一点。\n此致\n敬礼",
        "Run this on the machine in the port. Then type `sudo systemctl restart tides`",
    ],
)
def test_whole_answers_pass(answer):
    assert reason(Truncated().apply(talk(QUESTION, answer))) is None


def test_the_token_limit_is_told_by_the_message_or_the_dialogue():
    cut = Message(role="assistant", content=ANSWER, finish_reason="length")
    dialogue = talk(QUESTION, ANSWER)
    assert (
        reason(Truncated().apply(dialogue.model_copy(update={"messages": (dialogue.messages[0], cut)})))
        == "token_limit"
    )
    assert reason(Truncated().apply(talk(QUESTION, ANSWER, stop="max_tokens"))) == "token_limit"


@pytest.mark.parametrize("go_on", ["continue", "Please continue.", "继续", "Go on"])
def test_a_cut_answer_that_was_gone_on_with_is_whole(go_on):
    assert reason(Truncated().apply(talk(QUESTION, CUT, go_on, "shore, which adds a delay."))) is None
    assert reason(Truncated().apply(talk(QUESTION, CUT, "And in Wales?", ANSWER))) == "mid_sentence"


def test_trimming_keeps_the_rounds_before_the_cut():
    assert kept(Truncated(act="trim").apply(talk(QUESTION, ANSWER, "And in bays?", CUT))) == [QUESTION, ANSWER]
    middle = talk(QUESTION, ANSWER, "And in bays?", CUT, "And in Wales?", ANSWER)
    assert kept(Truncated(act="trim").apply(middle)) == [QUESTION, ANSWER]
    assert reason(Truncated(act="trim").apply(talk(QUESTION, CUT, "And in Wales?", ANSWER))) == "mid_sentence"


def test_trimming_leaves_no_cut_answer_behind_whose_rest_was_cut_off():
    twice = talk(QUESTION, ANSWER, "And in bays?", CUT, "continue", CUT)
    assert kept(Truncated(act="trim").apply(twice)) == [QUESTION, ANSWER]


def test_a_trimmed_dialogue_no_longer_stops_for_its_tokens():
    outcome = Truncated(act="trim").apply(talk(QUESTION, ANSWER, "And in bays?", CUT, stop="max_tokens"))
    assert isinstance(outcome, Dialogue)
    assert outcome.stop is None


def test_which_answers_and_which_signs_count_can_be_set():
    early = talk(QUESTION, CUT, "And in Wales?", ANSWER)
    assert reason(Truncated(turns="last").apply(early)) is None
    assert reason(Truncated(mid_sentence=False).apply(early)) is None
    assert reason(Truncated(turns="last").apply(talk(QUESTION, ANSWER, "And?", CUT))) == "mid_sentence"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("You live in Os", "no_mark"),
        ("You live in", "no_mark"),
        ("You live in Oslo, ", "no_mark"),
        ("你住在奥", "no_mark"),
        ("You live in Oslo.", None),
        ("You live in Oslo!", None),
        ('You said: "I live in Oslo."', None),
        ("**You live in Oslo.**\n", None),
        ("你住在奥斯陆。", None),
    ],
)
def test_where_answers_are_sentences_one_without_a_mark_is_cut(answer: str, expected: str | None) -> None:
    assert reason(Truncated(marked=True).apply(talk(QUESTION, answer))) == expected
    assert reason(Truncated().apply(talk(QUESTION, answer))) is None
