"""The script of a dialogue and its prompts: all from one key, and stable from their start."""

import re
from collections import Counter
from pathlib import Path

import pytest

from dialogue.errors import UsageError
from dialogue.faults import Fault
from dialogue.records import Seed
from generator.user.acts import TurnPlan
from generator.user.goals import goal
from generator.user.personas import persona
from generator.user.script import Script, opener_spec, script
from prompts.loader import Prompts

PROMPTS = Prompts()
SENTINEL = "⟦0a1b2c⟧"
LANGUAGES = ["en", "zh", "zh-TW", "fr"]


def make(i: int, language: str = "en", column: str = "world", **seed: str) -> Script:
    return script(
        PROMPTS,
        column,
        run_seed=7,
        id=f"wq-{i}",
        seed=Seed(language=language, **{"topic": "Oceans", **seed}),
        rounds=(3, 7),
        preset="training",
        own_opener=False,
    )


def common(texts: list[str]) -> str:
    """The longest start that all of them have."""
    low, high = min(texts), max(texts)
    return low[: next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))]


def note(one: Script, plan: TurnPlan, may_end: bool = False, again: Fault | None = None) -> str:
    return one.note(PROMPTS, plan, may_end=may_end, sentinel=SENTINEL, again=again)


def test_the_same_dialogue_has_the_same_script_and_another_seed_another() -> None:
    assert make(3) == make(3)
    other = script(
        PROMPTS,
        "world",
        run_seed=8,
        id="wq-3",
        seed=Seed(topic="Oceans", language="en"),
        rounds=(3, 7),
        preset="training",
        own_opener=False,
    )
    assert (other.persona, other.goal) != (make(3).persona, make(3).goal)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_block_and_the_cue_render_to_the_same_bytes_at_every_turn(language: str) -> None:
    for i in range(20):
        one = make(i, language)
        block, cue = one.block(PROMPTS, SENTINEL), one.cue(PROMPTS)
        past: list[TurnPlan] = []
        for number in range(2, one.rounds + 1):
            past.append(one.turn(number, past, "So it is."))
            note(one, past[-1])
            assert (one.block(PROMPTS, SENTINEL), one.cue(PROMPTS)) == (block, cue)
        assert (make(i, language).block(Prompts(), SENTINEL), one.cue(Prompts())) == (block, cue)


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_dialogues_of_a_sector_and_language_share_the_block_down_to_the_card(language: str) -> None:
    blocks = [make(i, language).block(PROMPTS, SENTINEL) for i in range(200)]
    prefix = common(blocks)
    card = {"zh": "卡片\n你：", "zh-TW": "卡片\n你："}.get(language, "The card\nYou: ")
    assert card in prefix
    assert len(prefix) >= 0.5 * min(map(len, blocks))
    assert card not in common([prefix, make(0, language, "role").block(PROMPTS, SENTINEL)])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_block_shows_habits_and_facts_and_no_holes(language: str) -> None:
    for i in range(100):
        one = make(i, language)
        block = one.block(PROMPTS, SENTINEL)
        for text in (one.persona.situation, *one.persona.habits, *(fact.text for fact in one.goal.facts)):
            assert text in block
        assert not re.search(r"[{}]|None|\n\n\n| \n", block)
        assert SENTINEL not in block


@pytest.mark.parametrize("language", LANGUAGES)
def test_notes_are_short_name_the_range_and_quote_what_is_to_be_said(language: str) -> None:
    for i in range(60):
        one = make(i, language)
        past: list[TurnPlan] = []
        for number in range(2, one.rounds + 1):
            plan = one.turn(number, past, "Which one?")
            past.append(plan)
            text = note(one, plan)
            assert f"{plan.words[0]}-{plan.words[1]}" in text
            for part in (plan.release, plan.opening, plan.detail):
                assert part is None or part in text
            assert not re.search(r"[{}\n]|None| {2}|\* \* \*", text), text
            assert len(text.split()) <= 70
            assert one.tongue.name in text


def test_leave_to_end_is_given_by_the_signal_and_only_where_it_may_be() -> None:
    seen = Counter[bool]()
    for i in range(300):
        one = make(i)
        plan = one.turn(2, [], "So it is.")
        assert SENTINEL not in note(one, plan)
        seen[plan.leave] += 1
        assert (SENTINEL in note(one, plan, may_end=True)) == plan.leave
    assert min(seen.values()) > 20


def test_a_turn_asked_again_says_why_without_the_evidence() -> None:
    one = make(1)
    plan = one.turn(2, [], "So it is.")
    plain = note(one, plan)
    named = note(one, plan, again=Fault("politeness", "thanks_only", "thanks a lot"))
    assert "only thanked" in named
    assert "thanks a lot" not in named
    assert named.startswith(plain)
    assert "did not sound like" in note(one, plan, again=Fault("content_filter", "refused", "x"))
    assert "wrong length" in note(one, plan, again=Fault("bad_reply", "length", "x"))


def test_a_language_without_prompts_is_named_with_its_place() -> None:
    one = make(5, "ja")
    block = one.block(PROMPTS, SENTINEL)
    assert "Write in Japanese only" in block
    assert ", in Japan." in block
    plan = one.turn(2, [], "So it is.").model_copy(update={"opening": "so"})
    assert 'Begin with the Japanese for "so"' in note(one, plan)
    with pytest.raises(UsageError, match="'tlh'"):
        make(5, "tlh")


@pytest.mark.parametrize("overlaid", ["goals.toml", "acts.toml"])
def test_a_sector_whose_column_is_missing_is_refused_with_the_columns_there_are(tmp_path: Path, overlaid: str) -> None:
    (tmp_path / "users").mkdir()
    for name in ("goals.toml", "acts.toml"):
        text = PROMPTS.read(f"users/{name}")
        changed = text if name == overlaid else text.replace("world = ", "worlds = ")
        (tmp_path / "users" / name).write_text(changed, encoding="utf-8")
    with pytest.raises(UsageError, match=r"no column 'world' \(there are: worlds, creation"):
        script(
            Prompts(tmp_path),
            "world",
            run_seed=7,
            id="wq-1",
            seed=Seed(),
            rounds=(3, 7),
            preset="training",
            own_opener=False,
        )


def test_a_person_that_the_seed_brings_along_is_kept() -> None:
    assert "You: a lighthouse keeper." in make(1, persona="a lighthouse keeper").block(PROMPTS, SENTINEL)


def test_what_no_turn_is_left_for_is_not_on_the_card() -> None:
    for i in range(300):
        one = script(
            PROMPTS,
            "domain",
            run_seed=7,
            id=f"d-{i}",
            seed=Seed(),
            rounds=(1, 2),
            preset="wild",
            own_opener=False,
        )
        assert len(one.goal.texts(told=False)) <= one.rounds - 1


def test_extra_holds_traits_facts_with_their_state_and_the_planned_rounds() -> None:
    one = make(2)
    extra = one.extra()
    assert extra["rounds"] == one.rounds
    assert extra["persona"]["traits"] == one.persona.traits  # type: ignore[index,call-overload]
    states = [(fact["text"], fact["state"]) for fact in extra["goal"]["facts"]]  # type: ignore[index,call-overload,union-attr]
    assert states == [(fact.text, "opener" if fact.told else "held") for fact in one.goal.facts]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_opener_is_specified_by_the_person_and_card_of_its_dialogue(language: str) -> None:
    for i in range(100):
        spec, one = opener_spec(PROMPTS, "world", language, 7, f"wq-{i}"), make(i, language)
        assert spec["persona"] == one.persona.situation
        assert spec["locale"] == one.persona.traits["locale"]
        for fact in one.goal.texts(told=True):
            assert fact in spec["facts"]
        for fact in one.goal.texts(told=False):
            assert fact not in spec.get("facts", "")
        assert all(part in spec["line"] for name, part in spec.items() if name != "locale")
        assert "\n" not in spec["line"]


def test_opener_specs_differ_in_form_length_and_first_word() -> None:
    specs = [opener_spec(PROMPTS, "world", "en", 7, i) for i in range(1000)]
    forms = Counter(spec["form"] for spec in specs)
    assert 0.5 <= forms["a question"] / 1000 <= 0.7
    lows = sorted(int(spec["length"].split("-")[0]) for spec in specs)
    assert lows[100] <= 10
    assert lows[950] >= 45
    begins = Counter(spec["begins"] for spec in specs if "begins" in spec)
    assert 0.2 <= begins.total() / 1000 <= 0.33
    assert len(begins) >= 40
    assert begins.most_common(1)[0][1] <= 30
    assert sum("facts" not in spec for spec in specs) >= 380
    assert sum("style" in spec for spec in specs) >= 300


def test_the_wording_of_an_act_fits_its_form_and_leaves_room_for_a_given_first_word() -> None:
    acts = PROMPTS.data("languages/en/words.toml")["acts"]
    found = Counter[str]()
    for i in range(400):
        one = make(i)
        past: list[TurnPlan] = []
        for number in range(2, one.rounds + 1):
            plan = one.turn(number, past, "So it is.")
            past.append(plan)
            text = note(one, plan)
            if plan.act in ("deepen", "widen", "clarify"):
                begun = plan.form == "question" and plan.opening
                name = f"{plan.act}_begun" if begun else f"{plan.act}_{plan.form}"
                assert any(f": {choice}, " in text for choice in acts.get(name, acts[plan.act])), text
                found[name] += 1
            assert plan.form == "question" or not text.startswith("Your next message: ask")
    assert len(found) == 12


def test_the_card_shows_messages_of_people_who_write_alike() -> None:
    samples = PROMPTS.data("languages/en/words.toml")["samples"]
    shown = set()
    for i in range(200):
        one = make(i)
        lines = one.block(PROMPTS, SENTINEL).rstrip("\n").split("\n")[-4:]
        assert set(lines) <= set(samples[one.persona.traits["register"]])
        shown.add(tuple(lines))
    assert len(shown) > 150


def test_opener_specs_are_drawn_for_the_key_alone() -> None:
    person = persona(PROMPTS, "en", "world", "7/wq-1")
    assert opener_spec(PROMPTS, "world", "en", 7, "wq-1") == opener_spec(Prompts(), "world", "en", 7, "wq-1")
    assert make(1).persona == person
    assert make(1).goal.line == goal(PROMPTS, "en", "world", person, "7/wq-1").line
