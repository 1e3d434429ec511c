"""Solutions: dialogues whose stated answer is another than the computed one go, with both as evidence."""

from any_dialogue import DIALOGUES, reason, settles
from hypothesis import given
from toys import talk

from dialogue.records import Dialogue, Seed
from filters.engine.base import Drop
from filters.engine.chain import preset
from filters.solutions import Solutions

THEN = {"fact": "it is 9 boxes", "figures": ["9"], "argument": "9 * 8", "answer": "72"}
PROBLEM = {"asks": "12 boxes of 8", "figures": ["12", "8"], "argument": "12 * 8", "answer": "96", "then": THEN}


def asked(answer: str, opener: str = "12 boxes of 8 rolls, how many?") -> Dialogue:
    return talk(opener, answer).model_copy(update={"seed": Seed(extra={"problem": PROBLEM, "acts": []})})


@given(DIALOGUES)
def test_any_dialogue_gets_a_verdict_that_stands(dialogue):
    settles(Solutions(), dialogue)


def test_a_right_answer_is_kept_as_it_is_and_so_is_a_dialogue_without_a_problem():
    dialogue = asked("8 * 12 is 96.\nAnswer: 96")
    assert Solutions().apply(dialogue) is dialogue
    assert reason(Solutions().apply(talk("a", "Answer: 5"))) is None


def test_a_wrong_one_is_dropped_with_what_was_stated_and_computed():
    outcome = Solutions().apply(asked("Answer: 95"))
    assert isinstance(outcome, Drop)
    assert outcome.reason == "wrong"
    assert outcome.evidence == {"message": 1, "text": "Answer: 95", "said": "stated 95, computed 96"}


def test_a_problem_that_was_not_told_whole_is_a_matter_of_taste():
    assert reason(Solutions().apply(asked("Answer: 96", opener="12 boxes of rolls?"))) == "untold"
    assert reason(Solutions(untold="keep").apply(asked("Answer: 96", opener="12 boxes of rolls?"))) is None


def test_the_preset_looks_before_rounds_are_taken_out():
    assert "solutions" in [table["use"] for table in preset("math")]
