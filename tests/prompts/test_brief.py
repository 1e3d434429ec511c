"""The brief of a trained user: what a seed tells of the person, in the dialogue's language, and nothing of what it does
not."""

import pytest

from dialogue.records import Seed
from prompts.brief import brief
from prompts.loader import Prompts

PROMPTS = Prompts()
GOAL = {
    "goal": {
        "line": "to know when to swim",
        "facts": [{"text": "lives at the sea", "state": "opener"}, {"text": "swims badly", "state": "held"}],
        "change": "wants to row instead",
    }
}


def test_it_tells_person_topic_goal_and_facts_and_not_what_code_would_steer() -> None:
    seed = Seed(topic="Water", subtopic="Tides", persona="a nurse", extra={**GOAL, "acts": [{"number": 2}]})
    assert brief(PROMPTS, seed) == (
        "You are a person who writes to an assistant: a nurse.\nTopic: Tides.\nYou want: to know when to swim.\n"
        "Behind your first message: lives at the sea.\nNot said in it: swims badly."
    )


@pytest.mark.parametrize(
    ("seed", "text"),
    [
        (Seed(persona="a nurse"), "You are a person who writes to an assistant: a nurse."),
        (Seed(extra={"goal": {"line": "to swim"}}), "You are a person who writes to an assistant.\nYou want: to swim."),
        (Seed(persona="a nurse", language="xx", extra={"goal": "odd"}), "You are a person who writes to an assistant"),
        (Seed(persona="护士", language="zh"), "你是来找 AI 帮忙的人：护士。"),
        (Seed(persona="護理師", topic="潮汐", language="zh-TW"), "你是來找 AI 幫忙的人：護理師。\n話題：潮汐。"),
        (Seed(persona="a nurse", language="fr"), "You are a person who writes to an assistant: a nurse."),
    ],
)
def test_what_a_seed_lacks_is_left_out(seed: Seed, text: str) -> None:
    told = brief(PROMPTS, seed)
    assert told is not None
    assert told.startswith(text)
    assert "None" not in told


@pytest.mark.parametrize("seed", [Seed(), Seed(topic="Tides"), Seed(extra={"goal": None}), Seed(extra={"goal": {}})])
def test_a_seed_that_knows_nobody_gives_none(seed: Seed) -> None:
    assert brief(PROMPTS, seed) is None
