"""Openers that are alike are found behind the frame that they share."""

from evaluator.corpus.openers import near_copies, without_frames

FRAME = "Read the passage and answer the question that follows it."


def test_a_line_that_many_share_is_frame_and_so_is_the_material() -> None:
    questions = [f"{FRAME}\nPassage {n}.\nWhat is said of number {n}?" for n in range(10)]
    bare = without_frames(questions, [f"Passage {n}." for n in range(10)])
    assert bare == [f"What is said of number {n}?" for n in range(10)]


def test_copies_of_one_line_are_no_frame() -> None:
    assert without_frames(["Why is it so?"] * 5, [None] * 5) == ["Why is it so?"] * 5
    twice = [f"{FRAME}\nWhy is it so?"] * 5
    assert without_frames(twice, [None] * 5) == twice


def test_an_opener_that_is_nearly_an_earlier_one_is_told_and_the_earlier_one_is_not() -> None:
    openers = [
        "How do I keep my sourdough starter alive over a long holiday?",
        "What is the tallest mountain of the solar system?",
        "How do I keep my sourdough starter alive over a short holiday?",
    ]
    assert near_copies(openers) == [False, False, True]
    assert near_copies([]) == []
