"""Facts told and asked for again: what is asked, and which answers are right."""

from typing import Any

import pytest

from dialogue.recall import checks, holds, score
from dialogue.records import Dialogue, Message, Seed

FACTS = [
    {"text": "name is Ada", "state": "opener", "key": "name", "value": "Ada"},
    {"text": "works as a baker", "state": "held", "key": "job", "value": "a baker"},
]
ACTS = [
    {"number": 2, "act": "reveal", "release": "works as a baker"},
    {"number": 3, "act": "remind", "asks": "name"},
    {"number": 4, "act": "remind", "asks": "job"},
]
TALK = (
    "My name is Ada.",
    "Hello, Ada.",
    "I work as a baker.",
    "I see.",
    "What is my name?",
    "Ada.",
    "And my job?",
    "Baker.",
)


def of(*turns: str, facts: Any = FACTS, acts: Any = ACTS, system: str | None = None) -> Dialogue:
    roles = ("user", "assistant") * len(turns)
    said = [Message(role=role, content=text) for role, text in zip(roles, turns, strict=False)]  # type: ignore[arg-type]
    head = [Message(role="system", content=system)] if system else []
    return Dialogue(id="a", messages=(*head, *said), seed=Seed(extra={"goal": {"facts": facts}, "acts": acts}))


def test_every_turn_that_asks_is_found_with_its_answer() -> None:
    name, job = checks(of(*TALK))
    assert (name.turn, name.place, name.key, name.value, name.right) == (3, 5, "name", "Ada", True)
    assert (job.turn, job.place, job.key, job.value, job.right) == (4, 7, "job", "a baker", True)


def test_a_system_message_moves_places_and_not_turns() -> None:
    assert [(check.turn, check.place) for check in checks(of(*TALK, system="Be brief."))] == [(3, 6), (4, 8)]


@pytest.mark.parametrize(
    ("answer", "right", "others"),
    [
        ("Your name is Ada.", True, ()),
        ("ADA, of course", True, ()),
        ("You are Ada, a baker.", True, ("a baker",)),
        ("You are a baker.", False, ("a baker",)),
        ("Your name is Adam.", False, ()),
        ("You have not told me that.", False, ()),
    ],
)
def test_an_answer_is_right_if_it_holds_the_value_as_a_word(answer: str, right: bool, others: tuple[str, ...]) -> None:
    check = checks(of(*TALK[:5], answer))[0]
    assert (check.right, check.others) == (right, others)


def test_what_the_user_never_told_cannot_be_kept_in_mind() -> None:
    check = checks(of("Hello.", "Hello.", "I bake.", "I see.", "What is my name? Not Ada?", "Ada."))[0]
    assert (check.told, check.held, check.right) == (False, True, False)


def test_a_turn_without_an_answer_is_no_check() -> None:
    assert checks(of(*TALK[:5])) == []


@pytest.mark.parametrize(
    ("facts", "acts"),
    [
        (None, ACTS),
        ([], ACTS),
        ("Ada", ACTS),
        ([{"text": "has an exam", "state": "held"}], ACTS),
        ([{"key": "name", "value": 7}, {"key": "name", "value": " "}, "Ada"], ACTS),
        (FACTS, None),
        (FACTS, [{"number": "3", "asks": "name"}, {"number": 3, "asks": "town"}, 3, {"asks": "name"}]),
    ],
)
def test_a_seed_that_tells_of_nothing_asked_for_has_no_checks(facts: Any, acts: Any) -> None:
    assert checks(of(*TALK, facts=facts, acts=acts)) == []


def test_a_seed_without_a_card_has_no_checks() -> None:
    assert checks(Dialogue(id="a", messages=of(*TALK).messages)) == []


@pytest.mark.parametrize(
    ("text", "value", "found"),
    [
        ("You work as baker.", "a baker", True),
        ("You work as the baker!", "a baker", True),
        ("You like ice cream.", "ice cream", True),
        ("You like icecream.", "ice cream", False),
        ("A bakery.", "a baker", False),
        ("an", "an", True),
        ("1.5", "1.5", True),
        ("1x5", "1.5", False),
        ("你住在奥斯陆。", "奥斯陆", True),
    ],
)
def test_a_value_is_looked_for_as_whole_words_without_its_article(text: str, value: str, found: bool) -> None:
    assert holds(text, value) == found


def test_a_reply_is_scored_by_the_reference_and_by_the_value() -> None:
    check = checks(of(*TALK))[0]
    assert score(check, "Ada. ", "Ada.") == (True, True)
    assert score(check, "It is Ada.", "Ada.") == (False, True)
    assert score(check, "It is Ben.", "Ada.") == (False, False)
