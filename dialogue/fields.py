"""What readers and writers of foreign layouts share: texts in an object, exchanges in a dialogue."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dialogue.jsonl import kind_of
from dialogue.records import Dialogue, Message, Seed, content_id

OURS = "seed, usage and other metadata"
"""What hardly any layout of others has a place for."""


class Exchange(NamedTuple):
    """What a user says and what is answered."""

    user: Message
    assistant: Message


def text(fields: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """The text of a field; `default` where it is missing or null. ValueError where it is neither."""
    value = fields.get(name)
    if isinstance(value, str):
        return value
    if value is None and default is not None:
        return default
    raise ValueError(f"{name}: {'is missing' if value is None else kind_of(value) + ', expected a text'}")


def said(fields: Mapping[str, Any], name: str) -> str:
    """The text of a field that must say something."""
    value = text(fields, name)
    if not value.strip():
        raise ValueError(f"{name}: is empty")
    return value


def turns(*contents: str) -> list[Message]:
    """User and assistant in turn."""
    roles = ("user", "assistant")
    return [Message(role=roles[place % 2], content=content) for place, content in enumerate(contents)]


def made(messages: Sequence[Message], fields: Mapping[str, Any], used: Sequence[str], **seed: Any) -> Dialogue:
    """A dialogue of the messages; fields that were not used go to `seed.extra`, but for `id` and `system`."""
    before = fields.get("system")
    if isinstance(before, str) and before and "system" not in used:
        messages = [Message(role="system", content=before), *messages]
    left = {name: value for name, value in fields.items() if name not in ("id", "system", *used)}
    id = fields.get("id")
    named = isinstance(id, str | int) and not isinstance(id, bool) and id != ""
    return Dialogue(
        id=str(id) if named else content_id(messages),
        messages=tuple(messages),
        seed=Seed(extra={**left, **seed.pop("extra", {})}, **seed),
    )


def system_of(dialogue: Dialogue) -> str | None:
    """The system message, where there is one."""
    first = dialogue.messages[0]
    return first.content if first.role == "system" else None


def exchanges(dialogue: Dialogue, layout: str) -> list[Exchange]:
    """All that is said, question by answer. ValueError where turns do not alternate, or the last has no answer."""
    if any(message.role == "tool" or message.tool_calls for message in dialogue.messages):
        raise ValueError(f"tools are called in it; {layout} has no place for that")
    spoken = [message for message in dialogue.messages if message.role in ("user", "assistant")]
    for place, message in enumerate(spoken):
        if message.role != ("user", "assistant")[place % 2]:
            raise ValueError(f"message {place + 1} is the {message.role}'s; turns alternate in {layout}")
        if not message.content.strip():
            raise ValueError(f"message {place + 1} is empty")
    if not spoken or len(spoken) % 2:
        raise ValueError(f"the last turn has no answer; {layout} holds answered turns only")
    return [Exchange(*pair) for pair in zip(spoken[::2], spoken[1::2], strict=True)]


def one_exchange(dialogue: Dialogue, layout: str, several: str = "sharegpt") -> Exchange:
    """The only one. ValueError where there are more, which names `several`, a layout that holds them."""
    found = exchanges(dialogue, layout)
    if len(found) > 1:
        mend = f"`gen run --rounds 1` makes such; --to {several} holds several"
        raise ValueError(f"more than one exchange ({len(found)}); {layout} holds one: {mend}")
    return found[0]


def candidates(dialogue: Dialogue, layout: str, fewest: int = 2) -> list[dict[str, Any]]:
    """The answers that the last turn was chosen from, each with its `content`. ValueError where there are fewer."""
    last = dialogue.messages[-1]
    found = [one for one in last.candidates or [] if isinstance(one, dict) and isinstance(one.get("content"), str)]
    found = found if last.role == "assistant" else []
    if len(found) < fewest:
        raise ValueError(f"the last turn has {len(found)} candidates; {layout} holds at least {fewest}")
    return found


def plain_losses(
    dialogue: Dialogue, *, system: bool = False, candidates: bool = False, weights: bool = False
) -> list[str]:
    """What a layout of plain turns cannot hold; of one that holds a system message, candidates or weights as well."""
    lost, messages = [OURS], dialogue.messages
    if any(message.role == "tool" or message.tool_calls for message in messages):
        lost.append("tool calls and results")
    if not system and any(message.role == "system" for message in messages):
        lost.append("the system message")
    if system and any(message.role == "system" for message in messages[1:]):
        lost.append("system messages behind the first message")
    if any(message.thoughts for message in messages):
        lost.append("thoughts")
    if not candidates and any(message.candidates for message in messages):
        lost.append("candidates")
    return lost if weights else [*lost, *weights_of(dialogue)]


def weights_of(dialogue: Dialogue) -> list[str]:
    """That a layout cannot hold weights, where a dialogue has some."""
    return ["weights of turns"] if any(message.weight is not None for message in dialogue.messages) else []
