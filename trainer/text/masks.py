"""What of a dialogue is learned, how much it counts, and which thoughts are written."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import JsonValue

from dialogue.ending import END
from dialogue.errors import UsageError
from dialogue.records import Dialogue, Message
from trainer.settings import Thoughts, TrainSettings
from trainer.text import classes
from trainer.text.segments import Weights

SCORES = "scores."
EMPTY_ANSWER = "an empty answer"
"""A reason for refusing a dialogue: the model would learn to say nothing."""
EMPTY_QUESTION = "an empty message of the user's"
"""The same where the user is learned."""
ONLY_THOUGHTS = "an answer of thoughts alone, which thoughts = none leaves out"


class NoScore(ValueError):
    """The dialogue lacks the score that its weight should be; it is refused and counted, never guessed."""


class Rounds(NamedTuple):
    """Numbers of the messages from `start` up to, not including, `end`."""

    start: int
    end: int


def rounds(messages: Sequence[Message]) -> list[Rounds]:
    """The rounds behind a leading system message: each begins where the user takes the floor.

    A user who ends the dialogue, and says nothing else, belongs to the round that is ended: alone it would teach to end
    before anything is said.
    """
    first = 1 if messages and messages[0].role == "system" else 0
    starts = [number for number in range(first, len(messages)) if number == first or _takes_the_floor(messages, number)]
    return [Rounds(start, end) for start, end in zip(starts, [*starts[1:], len(messages)], strict=bool(starts))]


def _takes_the_floor(messages: Sequence[Message], number: int) -> bool:
    message, before = messages[number], messages[number - 1]
    return message.role == "user" and before.role != "user" and message.content != END


def weights(
    dialogue: Dialogue, messages: Sequence[Message], settings: TrainSettings, only: Rounds | None = None
) -> Weights:
    """Loss weight of each message's speech, and of the literal before it (learned only by `train_on = all`)."""
    factor = classes.weight(dialogue, settings)
    taught = learned(messages, settings)
    if only is not None:
        taught = [yes and only.start <= number < only.end for number, yes in enumerate(taught)]
    speech = [
        factor * _worth(dialogue, message, settings.weight_by) if yes else 0.0
        for message, yes in zip(messages, taught, strict=True)
    ]
    return Weights(speech, speech if settings.train_on == "all" else [0.0] * len(messages))


def learned(messages: Sequence[Message], settings: TrainSettings) -> list[bool]:
    """Whether each message is learned; an assistant's of weight 0 never is."""
    if settings.train_on == "last":
        answers = (n for n, one in enumerate(messages) if one.role == "assistant" and not unlearned(one))
        last = max(answers, default=-1)
        return [number == last for number in range(len(messages))]
    return [settings.train_on in ("all", message.role) and not unlearned(message) for message in messages]


def unlearned(message: Message) -> bool:
    """Whether it is an answer that is there to be read alone: a prompt's, or one of weight 0 in OpenAI's rows."""
    return message.role == "assistant" and message.weight == 0


def speechless(messages: Sequence[Message], settings: TrainSettings) -> str | None:
    """Why a dialogue teaches to say nothing; None where it does not: an empty message in it would be learned.

    Tool calls are something, thoughts where they are written.
    """
    if all(message.content and not message.content.isspace() for message in messages):  # nearly always
        return None
    for message, taught in zip(messages, learned(messages, settings), strict=True):
        if not taught or message.role not in ("user", "assistant") or message.content.strip() or message.tool_calls:
            continue
        if message.role == "user":
            return EMPTY_QUESTION
        if not (message.thoughts or "").strip():
            return EMPTY_ANSWER
        if settings.thoughts == "none":
            return ONLY_THOUGHTS
    return None


def check(settings: TrainSettings) -> None:
    """UsageError where `weight_by` names nothing that could be a weight."""
    name = settings.weight_by
    if name is not None and name != "weight" and (not name.startswith(SCORES) or name == SCORES):
        raise UsageError(f"weight_by = {name!r}: `weight`, or `scores.` and the name of a score")


def _worth(dialogue: Dialogue, message: Message, weight_by: str | None) -> float:
    if weight_by is None:
        return 1.0
    if weight_by == "weight":
        return _checked(dialogue, "weight", 1.0 if message.weight is None else message.weight)
    name = weight_by.removeprefix(SCORES)
    scores = dialogue.scores if message.scores is None or name not in message.scores else message.scores
    return _checked(dialogue, name, scores.get(name))


def _checked(dialogue: Dialogue, name: str, value: JsonValue) -> float:
    if value is None:
        raise NoScore(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not (0 <= value < math.inf):
        raise UsageError(f"dialogue {dialogue.id}: {name} = {value!r} is no loss weight; a number from 0 on is")
    return float(value)


def thoughts(messages: Sequence[Message], choice: Thoughts) -> list[bool]:
    """Whether the thoughts of each message are written: all, none, or those since the user last spoke."""
    if choice != "per_turn":
        return [choice == "keep"] * len(messages)
    last = max((number for number, message in enumerate(messages) if message.role == "user"), default=-1)
    return [number > last for number in range(len(messages))]


def with_input(dialogue: Dialogue) -> Sequence[Message]:
    """The messages, with the material that an instruction ends with as a user message named `input`.

    Material is what the seed has as such (Dolly's context, our own sectors') and what a row of Alpaca's had as its
    `input`; the last instruction that ends with it behind a line break is the one that it belongs to.
    """
    messages = dialogue.messages
    for material in (dialogue.seed.material, dialogue.seed.extra.get("input")):
        if not isinstance(material, str) or not material.strip():
            continue
        for number in reversed(range(len(messages))):
            if messages[number].role == "user" and (instruction := _before(messages[number].content, material)):
                parts = (
                    messages[number].model_copy(update={"content": instruction}),
                    Message(role="user", name="input", content=material),
                )
                return (*messages[:number], *parts, *messages[number + 1 :])
    return messages


def _before(words: str, material: str) -> str:
    """The instruction before its material, whole where an empty line parts the two; empty where there is none."""
    if not words.endswith(material):
        return ""
    instruction = words.removesuffix(material)
    if instruction.endswith("\n\n"):
        instruction = instruction.removesuffix("\n\n")
    else:
        instruction = instruction.rstrip() if instruction.rstrip(" \t").endswith("\n") else ""
    return instruction if instruction.strip() else ""
