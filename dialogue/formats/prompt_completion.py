"""`prompt_completion`: {"prompt": ..., "completion": ...}, TRL's, and OpenAI's and Anthropic's of old; only the
completion is taught.

Both are lists of messages, or texts: a prompt of one question, or of `Human:` and `Assistant:` turns. `response` may
stand for `completion`. What the assistant says within a prompt is read and not learned: it has weight 0. An assistant
that speaks, calls tools and speaks again is one completion. Written is a line for each answer that is learned, all
before it being its prompt, since a trainer learns all that a completion holds.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from pydantic import JsonValue

from dialogue.fields import OURS, made
from dialogue.records import Dialogue, Message
from dialogue.spelling import messages_of

suffix = ".jsonl"
about = "prompt, completion: texts or messages"

_TOLD = ("completion", "response")


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format."""
    asked = isinstance(fields.get("prompt"), str | list) and not fields.keys() & {"messages", "conversations", "chosen"}
    return asked and any(isinstance(fields.get(name), str | list) for name in _TOLD)


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue in an object; ValueError where there is none."""
    told = next((name for name in _TOLD if name in fields), _TOLD[0])
    before, answer = messages_of(fields.get("prompt"), "prompt"), messages_of(fields.get(told), told)
    if before[-1].role == "assistant" and isinstance(fields.get(told), str):
        raise ValueError(f"prompt: ends within the assistant's turn, which {told} would go on with")
    if not any(message.role == "assistant" for message in answer):
        raise ValueError(f"{told}: the assistant does not speak in it")
    if isinstance(fields.get(told), str):
        answer = [_without_space(message) for message in answer]
    return made([*map(_unlearned, before), *answer], fields, ("prompt", told))


def _unlearned(message: Message) -> Message:
    return message.model_copy(update={"weight": 0.0}) if message.role == "assistant" else message


def _without_space(message: Message) -> Message:
    """Without the space that old completions begin with, so that they could be put behind their prompts."""
    text = message.content
    spaced = text.startswith(" ") and not text[1:2].isspace()
    return message.model_copy(update={"content": text[1:]}) if spaced else message


def to_line(dialogue: Dialogue) -> bytes:
    """A line for each answer that is learned. ValueError where there is none, or none has something before it."""
    messages = dialogue.messages
    cuts = [cut for cut in _completions(messages) if cut[0]]
    if not cuts:
        raise ValueError("no answer in it that is learned has something before it")
    lines = []
    for number, (start, end) in enumerate(cuts, 1):
        id = dialogue.id if number == len(cuts) else f"{dialogue.id}-{number}"
        prompt, completion = map(_plain, messages[:start]), [_weighed(one) for one in messages[start:end]]
        fields = {"id": id, "prompt": list(prompt), "completion": completion}
        lines.append(orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE))
    return b"".join(lines)


def _completions(messages: Sequence[Message]) -> Iterator[tuple[int, int]]:
    """Where each answer that is learned begins and ends: at a turn that is no tool's and no answer to learn."""
    start = None
    for number, message in enumerate(messages):
        learned = message.role == "assistant" and message.weight != 0
        if start is not None and not learned and message.role != "tool":
            yield start, number
            start = None
        elif start is None and learned:
            start = number
    if start is not None:
        yield start, len(messages)


def _plain(message: Message) -> dict[str, Any]:
    """The message in words that chat templates know; of a prompt, which weighs nothing."""
    fields = {
        "reasoning_content": message.thoughts,
        "tool_calls": message.tool_calls and [one for call in message.tool_calls for one in _calls(call)],
        "tool_call_id": message.tool_call_id,
        "name": message.name,
    }
    stated = {name: value for name, value in fields.items() if value is not None}
    return {"role": message.role, "content": message.content, **stated}


def _calls(call: JsonValue) -> list[JsonValue]:
    """The calls in one; what ShareGPT's dialogues hold as a text of JSON, one call or several, taken apart."""
    raw = call.get("raw") if isinstance(call, dict) else None
    if not isinstance(raw, str):
        return [call]
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return [call]
    found = found if isinstance(found, list) else [found]
    if not found or not all(isinstance(one, dict) and {"name", "arguments"} <= one.keys() for one in found):
        return [call]
    return [{"type": "function", "function": one} for one in found]


def _weighed(message: Message) -> dict[str, Any]:
    return {**_plain(message), **({} if message.weight is None else {"weight": message.weight})}


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue."""
    messages = dialogue.messages
    cuts = list(_completions(messages))
    lost = [OURS]
    if any(message.candidates for message in messages):
        lost.append("candidates")
    if len([cut for cut in cuts if cut[0]]) > 1:
        lost.append("that answers are of one dialogue: a line for each")
    if any(not start for start, _ in cuts):
        lost.append("an answer with nothing before it, as one to learn")
    if cuts and cuts[-1][1] < len(messages):
        lost.append("what is said behind the last answer to learn")
    return lost
