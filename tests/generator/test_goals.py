"""Goal cards: what is wanted, what of it the opener tells, and what is held back."""

from collections import Counter
from functools import cache
from statistics import mean

from generator.user.goals import Goal, goal, opener_habit
from generator.user.personas import persona, pool
from prompts.loader import Prompts

PROMPTS = Prompts()


@cache
def cards(column: str = "world", own_opener: bool = False, n: int = 2000) -> list[Goal]:
    return [
        goal(PROMPTS, "en", column, persona(PROMPTS, "en", column, 7, i), 7, i, own_opener=own_opener) for i in range(n)
    ]


def group_of(fact: str) -> str:
    groups: dict[str, dict[str, list[str]]] = PROMPTS.data("languages/en/words.toml")["facts"]
    return next(
        name
        for name, cases in groups.items()
        if any(fact in variants for texts in cases.values() for variants in pool(texts))
    )


def test_a_card_holds_as_many_facts_as_its_sector_asks_for() -> None:
    assert {len(card.facts) for card in cards()} == {0, 1, 2, 3}
    assert {len(card.facts) for card in cards("domain", n=300)} == {3, 4, 5, 6}


def test_no_two_facts_of_a_card_are_of_one_group() -> None:
    for card in cards("domain", n=100):
        groups = [group_of(fact.text) for fact in card.facts]
        assert len(set(groups)) == len(groups)


def test_openers_tell_forty_to_seventy_percent_of_the_facts() -> None:
    facts = [fact for card in cards() for fact in card.facts]
    assert 0.4 <= mean(fact.told for fact in facts) <= 0.7


def test_short_openers_tell_one_fact_at_most_long_ones_two_and_many_none() -> None:
    told = Counter[int]()
    for i, card in enumerate(cards()):
        traits = persona(PROMPTS, "en", "world", 7, i).traits
        told[len(card.texts(told=True))] += 1
        assert len(card.texts(told=True)) <= (2 if opener_habit(traits) in ("medium", "long") else 1)
    assert told[0] >= 0.36 * len(cards())


def test_conditions_deadlines_and_listeners_are_rare() -> None:
    groups = Counter(group_of(fact.text) for card in cards() for fact in card.facts)
    assert groups["limit"] <= 0.08 * groups.total()
    assert groups["prior"] + groups["case"] + groups["origin"] >= 0.6 * groups.total()


def test_a_pupil_has_the_purposes_of_a_pupil() -> None:
    purposes = PROMPTS.data("languages/en/words.toml")["facts"]["purpose"]
    at_school = {text for variants in pool(purposes["pupil"]) for text in variants}
    for i, card in enumerate(cards()):
        if persona(PROMPTS, "en", "world", 7, i).traits["occupation"] == "pupil":
            assert all(fact.text in at_school for fact in card.facts if group_of(fact.text) == "purpose")


def test_an_opener_that_a_person_wrote_tells_nothing_and_at_most_two_are_held() -> None:
    for card in cards("domain", own_opener=True, n=200):
        assert not card.texts(told=True)
        assert len(card.texts(told=False)) <= 2


def test_minds_change_and_err_as_often_as_stated() -> None:
    assert abs(mean(card.change is not None for card in cards()) - 0.3) < 0.04
    assert abs(mean(card.misconception is not None for card in cards()) - 0.1) < 0.03


def test_the_texts_are_many_and_filled_in() -> None:
    facts = {fact.text for card in cards() for fact in card.facts}
    assert len(facts) > 170
    assert not any("{" in text or "|" in text for text in facts)


def test_a_card_fits_into_the_turns_there_are_and_keeps_what_is_told() -> None:
    for card in cards("domain", n=200):
        for turns in (0, 1, 2):
            fitting = card.fitting(turns)
            assert len(fitting.texts(told=False)) <= turns or fitting == card
            assert fitting.texts(told=True) == card.texts(told=True)
            assert len(fitting.texts(told=False)) == min(turns, len(card.texts(told=False)))
