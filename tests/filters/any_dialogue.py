"""Dialogues as hypothesis draws them, with faults among them, and what holds for every filter."""

from hypothesis import strategies as st

from dialogue.records import Dialogue, Message, Seed
from filters.engine.base import Drop, Filter

ROLES = ("user", "assistant")
PIECES = (
    "Why are tides later every day?", "The moon moves on, so the bulge follows it.", "Sure. The boat", "continue",
    "Thanks a lot!", "Goodbye!", "You're welcome! Feel free to ask.", "Certainly! Here is", "Human:", "<|im_end|>",
    "As an AI language model, I have no opinions.", "I'm sorry, but I can't assist", "```", "{{topic}}", "[AI]", "\n",
    "1. One\n2. Two\n", "⟦ab12cd⟧", "<think>", "非常感谢！", "作为一个AI语言模型，我", "お手伝いできません",
    "’", "\x00", "İ",
)  # fmt: skip
CONTENTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=12), max_size=5).map(" ".join)
TURNS = st.builds(
    Message,
    role=st.sampled_from(["user", "assistant", "user", "assistant", "system", "tool"]),
    content=CONTENTS,
    finish_reason=st.sampled_from([None, None, "stop", "length", "refusal"]),
    tool_calls=st.sampled_from([None, None, None, [{"raw": "{}"}]]),
)
SEEDS = st.sampled_from([Seed(), Seed(language="en"), Seed(language="zh-TW"), Seed(extra={"expected": "refusal"})])
STOPS = st.sampled_from([None, "user_stopped", "max_turns", "max_tokens", "refused"])
DIALOGUES = st.builds(
    Dialogue, id=st.just("a"), messages=st.lists(TURNS, max_size=8).map(tuple), seed=SEEDS, stop=STOPS
)
"""Any roles in any order."""
RIGHT = st.builds(
    lambda contents, seed, stop: Dialogue(
        id="a",
        messages=tuple(
            Message(role=role, content=text) for pair in contents for role, text in zip(ROLES, pair, strict=True)
        ),
        seed=seed,
        stop=stop,
    ),
    st.lists(st.tuples(CONTENTS, CONTENTS), min_size=1, max_size=4),
    SEEDS,
    STOPS,
)
"""User and assistant by turns."""


def reason(outcome: Dialogue | Drop) -> str | None:
    """Why it was dropped; None where it was not."""
    return outcome.reason if isinstance(outcome, Drop) else None


def kept(outcome: Dialogue | Drop) -> list[str]:
    """What is left to be said."""
    assert isinstance(outcome, Dialogue)
    return [message.content for message in outcome.messages]


def settles(filter: Filter, dialogue: Dialogue) -> None:
    """The filter gives a verdict on the dialogue, by both its methods, and finds nothing in what it has kept."""
    outcome = filter.apply(dialogue)
    assert [verdict.outcome for verdict in filter.verdicts([dialogue])] == [outcome]
    if isinstance(outcome, Drop):
        assert 0 <= outcome.evidence["message"] <= len(dialogue.messages)
        assert len(outcome.evidence["text"]) <= 200
    else:
        assert filter.apply(outcome) is outcome


def alternates(dialogue: Dialogue) -> bool:
    """Whether user and assistant speak by turns, the user first and the assistant last."""
    roles = [message.role for message in dialogue.messages]
    return roles == ["user", "assistant"] * (len(roles) // 2)
