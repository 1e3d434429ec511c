"""Sectors with facts of their own: what is drawn, when it is told, and when it is asked for again."""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from dialogue.chance import share
from dialogue.errors import UsageError
from dialogue.records import Seed
from generator.showcase import every_prompt
from generator.user.acts import TurnPlan
from generator.user.script import Script, opener_spec, script
from prompts.facts import fact_pool
from prompts.loader import Prompts
from prompts.sector import load

PROMPTS = Prompts()
SECTOR = load(PROMPTS, "recall")
FACTS = SECTOR.fact_file or ""
POOL = fact_pool(PROMPTS, FACTS, "en").facts


@cache
def make(i: int, own_opener: bool = False, rounds: tuple[int, int] = (3, 6)) -> Script:
    return script(
        PROMPTS,
        SECTOR.column,
        run_seed=7,
        id=f"rc-{i}",
        seed=Seed(language="en", topic="a walk"),
        rounds=rounds,
        preset=SECTOR.preset,
        own_opener=own_opener,
        facts=FACTS,
        noise=SECTOR.noise,
    )


def plans(one: Script) -> list[TurnPlan]:
    past: list[TurnPlan] = []
    for number in range(2, one.rounds + 1):
        answer = "So it is." if share("asks", one.key, number) < 0.8 else "Is it so?"
        past.append(one.turn(number, past, answer))
    return past


PLAYED = [(one, plans(one)) for one in map(make, range(600))]


def test_facts_are_of_different_kinds_and_have_a_value_of_their_kind() -> None:
    drawn = Counter[tuple[str, str]]()
    for one, _ in PLAYED:
        keys = [fact.key for fact in one.goal.facts]
        assert len(set(keys)) == len(keys)
        for fact in one.goal.facts:
            assert fact.key
            assert fact.value in POOL[fact.key].values
            assert fact.text == POOL[fact.key].tell.replace("{v}", fact.value)
            drawn[fact.key, fact.value] += 1
    assert len(drawn) >= 0.95 * sum(len(kind.values) for kind in POOL.values())


def test_the_opener_tells_one_fact_at_least_and_all_are_told_before_the_last_turn() -> None:
    for one, past in PLAYED:
        assert one.goal.texts(told=True)
        released = [plan.number for plan in past if plan.release]
        assert len(released) == len(one.goal.texts(told=False))
        assert all(number < one.rounds for number in released)


def test_every_dialogue_asks_for_a_fact_told_before_and_for_none_twice() -> None:
    for one, past in PLAYED:
        told = {fact.key for fact in one.goal.facts if fact.told}
        asked: list[str] = []
        by_text = {fact.text: fact for fact in one.goal.facts}
        for plan in past:
            if plan.asks is not None:
                assert plan.act == "remind"
                assert plan.asks in told
                assert plan.detail == POOL[plan.asks].ask
                assert plan.release is None
                asked.append(plan.asks)
            if plan.release:
                assert plan.value == by_text[plan.release].value
                told.add(by_text[plan.release].key)
        assert 1 <= len(asked) == len(set(asked))


def test_facts_are_asked_for_in_mixed_order_and_at_mixed_distance() -> None:
    kinds, last = Counter[str](), Counter[bool]()
    for one, past in PLAYED:
        released = [plan.release for plan in past]
        for plan in past:
            if plan.asks:
                kinds[plan.asks] += 1
                text = next(fact.text for fact in one.goal.facts if fact.key == plan.asks)
                last[plan.number > 2 and released[plan.number - 3] == text] += 1
    assert set(kinds) == set(POOL)
    assert max(kinds.values()) <= 2 * min(kinds.values())
    assert last[True] < 0.5 * last.total()


def test_only_what_the_column_has_is_done_in_few_words_and_as_it_likes_to_begin() -> None:
    law = make(0).law
    for _, past in PLAYED:
        assert {plan.act for plan in past} <= {"reveal", "remind", "chat"}
        assert all(plan.words == law.brief and plan.opening is None and plan.avoid == () for plan in past)


def test_nobody_may_leave_before_a_fact_was_asked_for() -> None:
    for _, past in PLAYED:
        first = next(plan.number for plan in past if plan.asks)
        assert not any(plan.leave for plan in past if plan.number <= first)


def test_other_sectors_ask_for_no_facts_again() -> None:
    world = script(
        PROMPTS, "world", run_seed=7, id="wq-1", seed=Seed(), rounds=(9, 9), preset="training", own_opener=False
    )
    assert not any(turns["remind"] or turns["chat"] for turns in world.law.turns)
    assert world.law.brief is None
    assert world.noise


def test_a_persons_own_opener_is_taken_to_tell_nothing() -> None:
    one = make(1, own_opener=True, rounds=(6, 6))
    assert one.goal.texts(told=True) == []
    assert 1 <= len(one.goal.texts(told=False)) <= 2
    assert any(plan.asks for plan in plans(one))


def test_the_seed_has_facts_with_key_and_value_and_turns_with_what_they_ask_for() -> None:
    one, past = PLAYED[0]
    extra = one.extra()["goal"]
    assert isinstance(extra, dict)
    assert extra["facts"] == [
        {"text": f.text, "state": "opener" if f.told else "held", "key": f.key, "value": f.value}
        for f in one.goal.facts
    ]
    noted = [plan.noted() for plan in past]
    assert [row.get("asks") for row in noted] == [plan.asks for plan in past]
    assert [TurnPlan.model_validate(row) for row in noted] == past


def test_the_note_has_what_is_asked_for_and_not_its_value() -> None:
    for one, past in PLAYED[:100]:
        for plan in past:
            note = one.note(PROMPTS, plan, may_end=False, sentinel="⟦q⟧")
            if plan.asks:
                value = next(fact.value for fact in one.goal.facts if fact.key == plan.asks)
                assert POOL[plan.asks].ask in note
                assert str(value) not in note
            if plan.release:
                assert plan.release in note
                assert f'"{plan.value}" is to be read' in note


def test_openers_are_told_what_to_tell_and_nothing_that_gainsays_it() -> None:
    for i in range(100):
        spec, one = opener_spec(PROMPTS, "recall", "en", 7, f"rc-{i}", facts=FACTS), make(i)
        assert spec["facts"] == "tells outright: " + ", ".join(one.goal.texts(told=True))
        assert spec["persona"] == one.persona.situation
        assert one.persona.traits["locale"] not in one.persona.situation
        assert one.persona.traits["age"] not in ("13-17", "65+")


def test_every_prompt_of_the_sector_is_shown_without_the_acts_that_it_has_not() -> None:
    shown = dict(every_prompt(PROMPTS, SECTOR, "en", (3, 6), SECTOR.preset))
    acts = {title.split(": ")[1].split(",")[0] for title in shown if "last message: " in title}
    assert acts == {"reveal", "remind", "chat"}
    assert not any("None" in text or "{" in text.replace('[{"i"', "").replace('{"i"', "") for text in shown.values())


def test_a_language_without_facts_is_an_error_before_the_first_request(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"facts.toml: no facts in 'fr' \(there are: en\)"):
        list(every_prompt(PROMPTS, SECTOR, "fr", (3, 6), SECTOR.preset))
