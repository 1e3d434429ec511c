"""Thoughts within an answer's words: told from words about thoughts, and taken apart where that is asked for."""

import pytest

from dialogue.records import Dialogue, Message
from dialogue.thinking import apart, thinks_aloud


def answer(content: str, **more: object) -> Message:
    return Message.model_validate({"role": "assistant", "content": content, **more})


@pytest.mark.parametrize(
    ("content", "thoughts", "said"),
    [
        ("<think>\nfirst this\n</think>\n\nAnswer", "first this", "Answer"),
        (" <thinking>a</thinking>b", "a", "b"),
        ("first this\n</think>\nAnswer", "first this", "Answer"),
    ],
)
def test_thoughts_are_taken_apart(content: str, thoughts: str, said: str) -> None:
    question = Message(role="user", content="<think>mine</think> q")
    found = apart(Dialogue(id="x", messages=(question, answer(content, weight=0.0))))
    assert found.messages == (question, answer(said, thoughts=thoughts, weight=0.0))
    assert apart(found) is found


@pytest.mark.parametrize(
    "message",
    [
        answer("I think so."),
        answer("Write <think>x</think> first."),
        answer("<think></think>\n\nAnswer"),
        answer("<think>and so on"),
        answer("<think>a</think>b", thoughts="t"),
        answer("<think>a</think>b", candidates=[{"content": "<think>a</think>b"}]),
        Message(role="user", content="<think>a</think>b"),
    ],
)
def test_what_is_no_thought_within_an_answer_stays(message: Message) -> None:
    assert not thinks_aloud(message)
    dialogue = Dialogue(id="x", messages=(message,))
    assert apart(dialogue) is dialogue
