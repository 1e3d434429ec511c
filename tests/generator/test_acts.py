"""The plan of a turn: shares as stated, hard rules never broken."""

from collections import Counter
from math import log2
from statistics import mean, median, pstdev

import pytest

from dialogue.chance import share
from dialogue.records import Seed
from generator.user.acts import TurnPlan, asks
from generator.user.script import Script, script
from generator.user.shape import first_word
from prompts.loader import Prompts

PROMPTS = Prompts()
ANSWERS = "It is so.", "It is so. Which of the two do you mean?"
REPAIRS = {"correct", "doubt", "rephrase"}


def scripts(column: str = "world", n: int = 2000, language: str = "en", **options: bool) -> list[Script]:
    own_opener = options.get("own_opener", False)
    return [
        script(
            PROMPTS,
            column,
            run_seed=7,
            id=f"wq-{i}",
            seed=Seed(language=language),
            rounds=(3, 7),
            preset="training",
            own_opener=own_opener,
        )
        for i in range(n)
    ]


def plans(one: Script, asked: float = 0.15) -> list[TurnPlan]:
    """All plans of a dialogue whose assistant asks at the end of so many of its answers."""
    past: list[TurnPlan] = []
    for number in range(2, one.rounds + 1):
        past.append(one.turn(number, past, ANSWERS[share("asks", one.key, number) < asked]))
    return past


@pytest.fixture(scope="module")
def played() -> list[tuple[Script, list[TurnPlan]]]:
    return [(one, plans(one)) for one in scripts()]


@pytest.fixture(scope="module")
def turns(played: list[tuple[Script, list[TurnPlan]]]) -> list[TurnPlan]:
    return [plan for _, past in played for plan in past]


def share_of(turns: list[TurnPlan], *words: str) -> float:
    """Share of the messages told how to begin that are told to begin with one of the words."""
    told = [first_word(plan.opening) for plan in turns if plan.opening]
    return sum(word in words for word in told) / len(told)


def test_acts_come_out_as_their_shares_say(turns: list[TurnPlan]) -> None:
    plan = PROMPTS.data("users/acts.toml")["shares"]["world"]
    found = Counter(turn.act for turn in turns)
    assert sum(abs(found[act] / len(turns) - part / 100) for act, part in plan.items()) / 2 <= 0.10


@pytest.mark.parametrize("asked", [0.0, 0.3])
def test_they_do_so_whether_the_assistant_often_asks_or_never(asked: float) -> None:
    plan = PROMPTS.data("users/acts.toml")["shares"]["world"]
    found = Counter(turn.act for one in scripts(n=800) for turn in plans(one, asked))
    assert sum(abs(found[act] / found.total() - part / 100) for act, part in plan.items()) / 2 <= 0.10


def test_a_quarter_to_four_tenths_of_the_dialogues_hold_a_repair(
    played: list[tuple[Script, list[TurnPlan]]],
) -> None:
    assert 0.25 <= mean(any(plan.act in REPAIRS for plan in past) for _, past in played) <= 0.40


def test_a_fifth_of_the_longer_dialogues_go_back_to_something_earlier(
    played: list[tuple[Script, list[TurnPlan]]],
) -> None:
    longer = [past for one, past in played if one.rounds >= 4]
    assert mean(any(plan.act == "recall" for plan in past) for past in longer) >= 0.20


def test_every_held_fact_is_out_by_the_planned_end(played: list[tuple[Script, list[TurnPlan]]]) -> None:
    for one, past in played:
        released = [plan.release for plan in past if plan.release]
        assert released == one.goal.texts(told=False)


def test_held_facts_come_out_early_as_well_as_at_the_end(played: list[tuple[Script, list[TurnPlan]]]) -> None:
    early = Counter(plan.number < one.rounds for one, past in played for plan in past if plan.release)
    assert early[True] > early[False]


def test_the_same_turn_is_planned_the_same_again() -> None:
    for one in scripts(n=50):
        assert plans(one) == plans(one)


def test_a_plan_read_back_from_the_journal_leads_to_the_same_next_turn() -> None:
    for one in scripts(n=200):
        past = plans(one)
        noted = [{name: value for name, value in plan.noted().items() if name != "end"} for plan in past]
        read = [TurnPlan.model_validate(plan) for plan in noted[:-1]]
        assert one.turn(one.rounds, read, ANSWERS[0]) == one.turn(one.rounds, past[:-1], ANSWERS[0])


@pytest.mark.parametrize("column", ["world", "creation", "role", "tool", "harmless"])
def test_hard_rules_hold_in_every_dialogue(column: str) -> None:
    for one in scripts(column, n=400):
        past = plans(one, asked=0.4)
        acts = [plan.act for plan in past]
        assert not any(a == b == c for a, b, c in zip(acts, acts[1:], acts[2:], strict=False))
        assert "recall" not in acts[:1]
        for plan in past:
            assert plan.act != "reveal" or plan.release
            assert plan.act != "correct" or plan.detail or plan.release
            assert (plan.act == "doubt") == (plan.doubt_right is not None)
            assert plan.detail is None or plan.detail in (one.goal.change, one.goal.misconception)
        details = [plan.detail for plan in past if plan.detail]
        assert len(set(details)) == len(details)


def test_who_is_asked_answers_more_often_and_nobody_answers_what_was_not_asked() -> None:
    asked, unasked = (
        Counter(one.turn(2, [], answer).act for one in scripts("domain", n=800))["answer"] / 800
        for answer in ANSWERS[::-1]
    )
    assert asked > 0.3
    assert unasked == 0


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Is it so?", True),
        ("**Is it so?**", True),
        ("“Is it so?” ", True),
        ("是这样吗？", True),
        ("هل هو كذلك؟", True),
        ("Why? Because.", False),
        ("return x;", False),
        ("", False),
    ],
)
def test_a_question_counts_where_it_stands_last(answer: str, expected: bool) -> None:
    assert asks(answer) is expected


def test_half_of_the_doubts_are_aimed_at_what_is_right(turns: list[TurnPlan]) -> None:
    assert 0.42 <= mean(plan.doubt_right for plan in turns if plan.doubt_right is not None) <= 0.58


def test_half_to_two_thirds_are_questions_and_about_a_fifth_orders(turns: list[TurnPlan]) -> None:
    forms = Counter(plan.form for plan in turns)
    assert 0.50 <= forms["question"] / len(turns) <= 0.65
    assert 0.15 <= forms["imperative"] / len(turns) <= 0.25


def test_lengths_spread_as_those_of_people_do(turns: list[TurnPlan]) -> None:
    middles = [sum(plan.words) / 2 for plan in turns]
    assert pstdev(middles) / mean(middles) >= 0.6
    assert 8 <= median(middles) <= 15
    assert mean(middle <= 5 for middle in middles) >= 0.10
    assert all(0 < plan.words[0] < plan.words[1] for plan in turns)


def test_first_words_are_many_and_none_is_overused(turns: list[TurnPlan]) -> None:
    told = Counter(first_word(plan.opening) for plan in turns if plan.opening)
    entropy = -sum(count / told.total() * log2(count / told.total()) for count in told.values())
    assert entropy >= 5.0
    assert share_of(turns, "can", "could") <= 0.15
    assert 0.12 <= share_of(turns, "i", "i'm", "my", "i'd") <= 0.25
    assert 0.08 <= share_of(turns, "ok", "yes", "no", "so", "and", "but") <= 0.15


def test_no_first_word_is_asked_for_twice_in_a_dialogue(played: list[tuple[Script, list[TurnPlan]]]) -> None:
    for _, past in played:
        told = [first_word(plan.opening) for plan in past if plan.opening]
        assert len(set(told)) == len(told)


def test_who_may_begin_freely_is_told_what_is_overused(played: list[tuple[Script, list[TurnPlan]]]) -> None:
    free = 0
    for _, past in played:
        for plan in past:
            assert (plan.opening is None) == bool(plan.avoid)
            if plan.opening is None:
                free += 1
                assert {"can", "could", "what"} <= set(plan.avoid)
                earlier = {first_word(other.opening) for other in past if other.opening and other.number < plan.number}
                assert earlier <= set(plan.avoid)
    assert 0.3 <= free / sum(len(past) for _, past in played) <= 0.65


def test_a_form_is_one_that_the_act_can_take(turns: list[TurnPlan]) -> None:
    forms = PROMPTS.data("users/acts.toml")["forms"]
    for plan in turns:
        assert plan.form in forms["acts"].get(plan.act, forms["default"])
        assert plan.act != "doubt" or plan.form != "imperative"
        assert plan.act != "answer" or plan.form == "statement"
        assert not plan.release or plan.opening is None


def test_first_words_fit_the_manners_of_the_person(played: list[tuple[Script, list[TurnPlan]]]) -> None:
    words = PROMPTS.data("languages/en/words.toml")["first_words"]
    for one, past in played:
        told = {plan.opening for plan in past}
        if one.persona.traits["emotion"] == "annoyed" or one.persona.traits["courtesy"] == "curt":
            assert not told & set(words["polite"])
        if one.persona.traits["register"] == "formal":
            assert not told & set(words["chatty"])


def test_most_people_write_messages_of_very_different_lengths(played: list[tuple[Script, list[TurnPlan]]]) -> None:
    long = [[plan.words[1] for plan in past] for _, past in played if len(past) >= 4]
    assert mean(max(sizes) >= 2 * min(sizes) for sizes in long) >= 0.6


def test_chinese_lengths_are_counted_in_characters() -> None:
    english, chinese = (
        median(plan.words[1] for one in scripts(n=300, language=language) for plan in plans(one))
        for language in ("en", "zh")
    )
    assert 1.5 <= chinese / english <= 1.9


def test_thanks_are_for_the_last_message_of_a_few(
    turns: list[TurnPlan], played: list[tuple[Script, list[TurnPlan]]]
) -> None:
    assert 0.01 <= mean(plan.thanks for plan in turns) <= 0.05
    assert all(plan.number == one.rounds for one, past in played for plan in past if plan.thanks)


def test_leave_is_given_to_those_who_end_by_themselves_once_all_is_said(
    played: list[tuple[Script, list[TurnPlan]]],
) -> None:
    for one, past in played:
        for plan in past:
            out = {other.release for other in past if other.number < plan.number}
            said = out >= set(one.goal.texts(told=False))
            assert plan.leave == (said and one.persona.traits["ending"] != "stops")
