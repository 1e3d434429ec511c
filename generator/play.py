"""One dialogue, turn by turn: the loop that everything else serves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import JsonValue

from dialogue.records import Message, Stop, Usage


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said, what it cost, and what it was asked to do."""

    message: Message
    usage: Usage
    """Of the reply that it is; those before it that became no turn have been counted when they came."""
    plan: dict[str, JsonValue] | None = field(default=None)
    noted: str | None = None
    """What is counted of it: a fault that was let stand."""


class Agent(Protocol):
    """One side of a dialogue."""

    async def reply(self, history: Sequence[Message]) -> Turn | None:
        """The next turn as this side would say it; None: this side ends the dialogue."""
        ...


def ended(history: Sequence[Message], max_rounds: int) -> Stop | None:
    """Why nothing more may be said; None while something may."""
    last = history[-1]
    if last.role != "assistant" or last.tool_calls:
        return None
    if last.finish_reason == "refusal":
        return "refused"
    if last.finish_reason == "length":
        return "max_tokens"
    rounds = sum(message.role == "user" for message in history)
    return "max_turns" if rounds >= max_rounds else None


async def play(
    history: list[Message],
    user: Agent,
    assistant: Agent,
    *,
    max_rounds: int,
    said: Callable[[Turn], None],
    tools: Agent | None = None,
) -> Stop:
    """Let the two speak in turn from where `history` stands until one ends it; returns why it ended.

    `tools` speak after an assistant's message with commands, and the assistant after them.

    `history` grows in place, and `said` hears each finished turn before the next one is asked. It always ends on
    an assistant message. ReplyFailed and RunStopped pass through.
    """
    while (stop := ended(history, max_rounds)) is None:
        last = history[-1]
        speaker = tools if last.tool_calls and tools else user if last.role == "assistant" else assistant
        turn = await speaker.reply(history)
        if turn is None:
            return "user_stopped"
        said(turn)
        history.append(turn.message)
    return stop
