"""The answers of the measurements' endpoint: that each is in the shape that the request asks for."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.texts import answer_to, list_text, short_text
from dialogue.faults import opener_fault
from dialogue.likeness import jaccard
from generator.openers.lists import parse_list


def body(text: str) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": text}]}).encode()


@given(st.integers(min_value=0, max_value=2**64 - 1))
def test_a_simulated_user_gets_as_many_words_as_the_note_allows(number):
    answer = answer_to(body("Tides.\n\n* * *\nYour next message: ask why, as a question, 7-15 words."), number)
    assert 7 <= len(answer.split()) <= 15


def test_the_line_of_the_note_is_not_taken_for_one_when_a_prompt_only_mentions_it():
    assert len(answer_to(body("Under a line of * * * stands a note: 2-3 words."), 5).split()) == 68


def test_short_texts_are_hardly_ever_alike():
    assert len({short_text(number, 12) for number in range(20_000)}) == 20_000


@pytest.mark.parametrize("things", ["names of subtopics", "opening messages", "opening message"])
def test_a_list_is_answered_with_a_list_that_the_engine_can_read(things):
    answer = json.loads(b'"%b"' % answer_to(body(f"Write exactly 8 {things} in English."), 99))
    assert [number for number, _ in parse_list(answer, "stop", 8)] == list(range(1, 9))


def test_openers_pass_the_checks_and_differ_between_numbers():
    texts = [
        row["text"] for number in range(20) for row in json.loads(json.loads(b'"%b"' % list_text(number, 10, False)))
    ]
    assert [opener_fault(text, "en") for text in texts] == [None] * 200
    assert max(jaccard(texts[0], other, 3) for other in texts[1:]) < 0.7


def test_names_are_short_and_those_of_a_list_differ():
    rows = json.loads(json.loads(b'"%b"' % list_text(3, 25, True)))
    assert len({row["text"] for row in rows}) == 25
    assert all(len(row["text"].split()) <= 6 for row in rows)
