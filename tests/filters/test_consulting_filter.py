"""Consulting: dialogues in which advice comes before the case is known go, and such with sources that there are not."""

from any_dialogue import DIALOGUES, reason, settles
from hypothesis import given
from toys import talk

from dialogue.records import Dialogue, Seed
from filters.consulting import Consulting
from filters.engine.base import Drop
from filters.engine.chain import preset

ADVICE = "Turn the screw a little. " * 12
FACTS = [{"text": "it is old", "state": "held"}]


def client(*said: str, **extra: object) -> Dialogue:
    fields = {"sources": ["a", "b"], "goal": {"facts": FACTS}, "acts": [], **extra}
    return talk(*said).model_copy(update={"seed": Seed(kind="grounded", extra=fields)})


@given(DIALOGUES)
def test_any_dialogue_gets_a_verdict_that_stands(dialogue):
    settles(Consulting(), dialogue)
    settles(Consulting(unasked="keep", uncited="keep", least_told=1), dialogue)


def test_a_dialogue_that_asks_first_is_kept_as_it_is():
    dialogue = client("It squeaks.", "How old is it?", "Ten years.", ADVICE)
    assert Consulting().apply(dialogue) is dialogue
    assert reason(Consulting(least_told=1).apply(dialogue)) == "untold"
    told = [{"number": 2, "release": "it is old"}]
    assert reason(Consulting(least_told=3).apply(client("It squeaks.", "How?", "Old.", ADVICE, acts=told))) is None


def test_advice_that_comes_unasked_goes_with_its_place():
    drop = Consulting().apply(client("It squeaks.", ADVICE, "Old.", "How old?"))
    assert isinstance(drop, Drop)
    assert drop.reason == "unasked"
    assert drop.evidence["message"] == 1
    assert drop.evidence["held"] == 1
    assert reason(Consulting(unasked="keep").apply(client("It squeaks.", ADVICE))) is None


def test_a_source_that_there_is_not_goes_only_where_sources_are_named():
    said = ("It squeaks.", "How old is it?", "Ten years.", ADVICE + "[c]")
    drop = Consulting().apply(client(*said, cite=True))
    assert isinstance(drop, Drop)
    assert (drop.reason, drop.evidence["message"]) == ("strange_source", 3)
    assert reason(Consulting().apply(client(*said))) is None


def test_advice_without_a_source_goes_where_sources_are_named():
    said = ("It squeaks.", "How old is it?", "Ten years.", ADVICE)
    assert reason(Consulting().apply(client(*said, cite=True))) == "uncited"
    assert reason(Consulting(uncited="keep").apply(client(*said, cite=True))) is None
    assert reason(Consulting().apply(client(*said[:3], ADVICE + "[b]", cite=True))) is None


def test_a_dialogue_that_never_comes_to_advice_goes_where_that_is_wanted():
    dialogue = client("It squeaks.", "How old is it?")
    assert reason(Consulting().apply(dialogue)) is None
    assert reason(Consulting(unadvised="drop").apply(dialogue)) == "unadvised"


def test_a_dialogue_from_elsewhere_is_kept():
    assert reason(Consulting(least_told=1).apply(talk("It squeaks.", ADVICE))) is None


def test_the_preset_looks_before_rounds_are_taken_out():
    used = [table["use"] for table in preset("domain")]
    assert "consulting" in used
    assert "politeness" not in used[: used.index("consulting")]
