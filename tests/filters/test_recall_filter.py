"""Recall: dialogues with an answer that does not hold what was told go, with the fact as evidence."""

from any_dialogue import DIALOGUES, reason, settles
from hypothesis import given
from toys import talk

from dialogue.records import Dialogue, Seed
from filters.engine.base import Drop
from filters.engine.chain import preset
from filters.recall import Recall

FACTS = [
    {"text": "name is Ada", "key": "name", "value": "Ada"},
    {"text": "lives in Oslo", "key": "town", "value": "Oslo"},
]


def asked(answer: str, opener: str = "My name is Ada. I live in Oslo.") -> Dialogue:
    """A dialogue that asks for the name in its second turn."""
    seed = Seed(extra={"goal": {"facts": FACTS}, "acts": [{"number": 2, "act": "remind", "asks": "name"}]})
    return talk(opener, "Hello, Ada of Oslo.", "What is my name?", answer).model_copy(update={"seed": seed})


@given(DIALOGUES)
def test_any_dialogue_gets_a_verdict_that_stands(dialogue):
    settles(Recall(), dialogue)
    settles(Recall(untold="keep", beside="drop", least_checks=1), dialogue)


def test_a_right_answer_is_kept_as_it_is():
    dialogue = asked("Your name is Ada.")
    assert Recall().apply(dialogue) is dialogue


def test_a_dialogue_that_asks_for_nothing_is_kept_unless_some_are_wanted():
    assert reason(Recall().apply(talk("a", "b"))) is None
    assert reason(Recall(least_checks=1).apply(talk("a", "b"))) == "unasked"
    assert reason(Recall(least_checks=1).apply(asked("Ada."))) is None


def test_an_answer_without_the_value_is_missing_it_and_one_with_another_is_wrong():
    assert reason(Recall().apply(asked("I do not know."))) == "missing"
    assert reason(Recall().apply(asked("Your name is Oslo."))) == "wrong"


def test_the_evidence_names_the_fact_the_turn_and_the_answer():
    outcome = Recall().apply(asked("Your name is Oslo."))
    assert isinstance(outcome, Drop)
    assert outcome.evidence == {
        "message": 3, "text": "Your name is Oslo.", "asked": "name", "value": "Ada", "turn": 2, "others": ["Oslo"],
    }  # fmt: skip


def test_what_was_never_told_cannot_be_answered():
    assert reason(Recall().apply(asked("Your name is Ada.", opener="I live in Oslo."))) == "untold"
    assert reason(Recall(untold="keep").apply(asked("Your name is Ada.", opener="I live in Oslo."))) is None


def test_other_facts_beside_the_right_one_are_a_matter_of_taste():
    assert reason(Recall().apply(asked("You are Ada from Oslo."))) is None
    assert reason(Recall(beside="drop").apply(asked("You are Ada from Oslo."))) == "beside"


def test_its_preset_drops_wrong_answers_and_looks_for_no_likeness():
    used = [table["use"] for table in preset("recall")]
    assert "recall" in used
    assert "politeness" not in used[: used.index("recall")]
    assert "near_duplicates" not in used
