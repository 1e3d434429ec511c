"""Stated answers: read as they are written, held against what is computed, wherever they stand."""

import pytest

from dialogue.records import Dialogue, Message, Seed
from dialogue.solutions import Change, Due, Problem, due, marks, untold, wrong

PROBLEM = Problem(
    asks="12 boxes with 8 rolls each",
    figures=("12", "8"),
    argument="12 * 8",
    answer="96",
    then=Change(fact="it is 9 boxes instead", figures=("9",), argument="9 * 8", answer="72"),
)
CHANGED = [{"number": 2, "act": "deepen"}, {"number": 3, "act": "reveal", "release": "it is 9 boxes instead"}]


def talk(*texts: str, problem: object = None) -> Dialogue:
    said = [Message(role="user" if place % 2 == 0 else "assistant", content=text) for place, text in enumerate(texts)]
    extra = {"problem": PROBLEM.model_dump(mode="json") if problem is None else problem, "acts": CHANGED}
    return Dialogue.model_validate({"id": "d", "messages": said, "seed": Seed.model_validate({"extra": extra})})


@pytest.mark.parametrize(
    "line",
    [
        "Answer: 96",
        "**Answer: 96**",
        "**Answer:** 96.",
        "> answer: 96 rolls",
        "答案：96",
        "答案：９６个",
        "Answer: 96.00",
        "Answer: x = 96",
        "Answer: 192/2",
        "Answer: $96",
        "Steps first.\nAnswer: 96\n",
    ],
)
def test_a_right_answer_is_right_however_it_is_dressed(line: str) -> None:
    assert wrong(Due("96", ("12",)), line) is None


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("Answer: 95", "95"),
        ("Answer: -96", "-96"),
        ("Answer: 96 or 97", "96 or 97"),
        ("Answer: 12 * 8 = 96", "12 * 8 = 96"),
        ("Answer: ninety-six", "ninety-six"),
        ("Answer: 96/0", "96/0"),
        ("Answer:", "nothing"),
        ("Answer: 95\nNo, wait.\nAnswer: 96", "95"),
        ("It is 96. The answer is plain.", "nothing"),
        ("", "nothing"),
    ],
)
def test_anything_else_is_wrong_and_said_as_it_stands(text: str, stated: str) -> None:
    assert wrong(Due("96", ("12",)), text) == f"stated {stated}, computed 96"


def test_thousands_may_have_commas() -> None:
    assert wrong(Due("1234.5", ()), "Answer: 1,234.5") is None
    assert untold(Due("1", ("1200", "3")), "1,200 pages, 3 days") is None


def test_a_reply_that_explains_need_not_state_the_answer_but_must_not_state_another() -> None:
    assert wrong(Due("96", ()), "Each box counts once.") is None
    assert wrong(Due("96", ()), "Answer: 8") == "stated 8, computed 96"


def test_a_figure_is_told_as_a_whole() -> None:
    assert untold(Due("1", ("12", "8")), "12 boxes of 8") is None
    assert untold(Due("1", ("12", "8")), "12 boxes of 80") == "8"
    assert untold(Due("1", ("2",)), "it is 2.5") == "2"
    assert untold(Due("1", ("16",)), "改成含盐百分之１６") is None


def test_from_the_turn_that_changes_a_figure_another_answer_is_due() -> None:
    assert due(PROBLEM, CHANGED, 1) == Due("96", ("12", "8"))
    assert due(PROBLEM, CHANGED, 2) == Due("96", ())
    assert due(PROBLEM, CHANGED, 3) == Due("72", ("9",))
    assert due(PROBLEM, CHANGED, 4) == Due("72", ())
    assert due(PROBLEM, [], 4) == Due("96", ())


def test_marks_name_the_message_and_what_is_wrong_with_it() -> None:
    opener, first = "12 boxes with 8 rolls?", "Answer: 96"
    right = talk(opener, first, "why?", "So.", "9 boxes now", "Answer: 72", "sure?", "Answer: 72")
    assert list(marks(right)) == []
    old = talk(opener, first, "why?", "So.", "9 boxes now", "Answer: 96")
    assert [(mark.place, mark.reason, mark.detail) for mark in marks(old)] == [(5, "wrong", "stated 96, computed 72")]
    vague = talk("12 boxes of rolls?", first, "why?", "So.", "fewer boxes now", "Answer: 72")
    assert [(mark.place, mark.reason) for mark in marks(vague)] == [(0, "untold"), (4, "untold")]


@pytest.mark.parametrize("problem", ["x", 3, [], {}, {"answer": "96"}, {"asks": "a", "answer": "many"}])
def test_a_seed_with_something_else_of_that_name_has_no_problem(problem: object) -> None:
    assert list(marks(talk("a", "Answer: 5", problem=problem))) == []
