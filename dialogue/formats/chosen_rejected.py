"""`chosen_rejected`: pairs for reward models and DPO. Written as TRL's {"prompt", "chosen", "rejected"} of messages.

Read in all their shapes: prompt and answers as texts or as messages; answers that repeat the prompt; LLaMA-Factory's
`conversations` with one chosen and one rejected turn; Alpaca's `instruction`, `input`; whole texts with `Human:` and
`Assistant:` turns (HH-RLHF, BELLE); OpenAI's `preferred_output` and `non_preferred_output` of an `input`. What was
known of other candidates stays in `candidates`.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from dialogue.fields import made, plain_losses, said, text, turns
from dialogue.formats.sharegpt import message_of
from dialogue.jsonl import kind_of
from dialogue.preferences import choice, compared, score_of, worst
from dialogue.records import Dialogue, Message, plain
from dialogue.spelling import messages_of

suffix = ".jsonl"
about = "chosen, rejected, and what came before"

_USED = ("prompt", "messages", "chosen", "rejected", "conversations", "instruction", "input", "candidates")
_PAIR, _OPENAI = {"chosen", "rejected"}, {"input", "preferred_output", "non_preferred_output"}
_SCORES = ("score_chosen", "score_rejected")


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format."""
    return fields.keys() >= _PAIR or fields.keys() >= _OPENAI


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue with both answers as candidates, the chosen one as its last. ValueError where there is none."""
    fields = _as_pair(fields) if fields.keys() >= _OPENAI else fields
    before, answers = _parts(fields)
    kept = fields.get("candidates")
    if isinstance(kept, list) and all(isinstance(one, dict) and isinstance(one.get("content"), str) for one in kept):
        last = Message(role="assistant", content=answers[0].content, thoughts=answers[0].thoughts, candidates=kept)
    else:
        scores = [score_of(fields, name) for name in _SCORES]
        told = [{"content": one.content, "thoughts": one.thoughts} for one in answers]
        pair = [{**one, "score": score} for one, score in zip(told, scores, strict=True)]
        last = choice(pair).model_copy(update=told[0])
    # Alpaca's input stays known as such: its prompt is another with one.
    used = [name for name in _USED if name != "input" or not str(fields.get("input") or "").strip()]
    return made([*before, last], fields, (*used, *_SCORES))


def _as_pair(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """OpenAI's row as TRL's; what its input says beside its messages (`tools`) is the row's."""
    asked = fields["input"]
    if not isinstance(asked, dict):
        raise ValueError(f"input: {kind_of(asked)}, expected an object with messages")
    return {
        **{name: value for name, value in asked.items() if name != "messages"},
        **{name: value for name, value in fields.items() if name not in _OPENAI},
        "prompt": asked.get("messages"),
        "chosen": fields["preferred_output"],
        "rejected": fields["non_preferred_output"],
    }


def _parts(fields: Mapping[str, Any]) -> tuple[list[Message], list[Message]]:
    """What came before, and the chosen and the rejected answer."""
    if not recognise(fields):
        raise ValueError("chosen, rejected: expected both")
    if isinstance(fields.get("conversations"), list):
        before = [message_of(turn, place) for place, turn in enumerate(fields["conversations"], 1)]
        return before, [message_of(fields[name], 1) for name in ("chosen", "rejected")]
    if "instruction" in fields:
        more = text(fields, "input", "")
        question = said(fields, "instruction") + (f"\n\n{more}" if more.strip() else "")
        return turns(question), [turns("", said(fields, name))[1] for name in ("chosen", "rejected")]
    given = fields.get("prompt")
    before = messages_of(given, "prompt") if given is not None else []
    found = [messages_of(fields[name], name) for name in ("chosen", "rejected")]
    return _joined(before, found, isinstance(given, str))


def _joined(before: list[Message], found: list[list[Message]], repeated: bool) -> tuple[list[Message], list[Message]]:
    """Answers apart from what both have before them; a prompt given as a text may be only its last question."""
    shared = found[0][:-1]
    if found[1][:-1] != shared:
        raise ValueError("chosen and rejected differ before their last turn")
    if shared and before and not repeated and shared != before:
        raise ValueError("chosen repeats another prompt than `prompt`")
    before = shared or before
    if not before or before[-1].role != "user":
        raise ValueError("prompt: expected to end with the user's turn")
    if any(one[-1].role != "assistant" for one in found):
        raise ValueError("chosen, rejected: expected to end with the assistant's turn")
    return before, [one[-1] for one in found]


def to_line(dialogue: Dialogue) -> bytes:
    """A line for each turn with candidates: what was said against the worst of them. ValueError where none has two."""
    lines = [line for line, _ in map(_tried, compared(dialogue)) if line]
    return b"".join(lines) if lines else _line(dialogue)


def _tried(dialogue: Dialogue) -> tuple[bytes, bool]:
    """The line of the last turn, empty where it cannot be had, and whether candidates are lost by that."""
    try:
        return _line(dialogue), False
    except ValueError:
        return b"", bool(dialogue.messages[-1].candidates)


def _line(dialogue: Dialogue) -> bytes:
    *before, last = dialogue.messages
    rejected = worst(dialogue)
    if not before or before[-1].role != "user":
        raise ValueError("the answer has no question before it")
    fields: dict[str, Any] = {
        "id": dialogue.id,
        "prompt": [{"role": one.role, "content": one.content} for one in before],
        "chosen": [{"role": "assistant", "content": last.content}],
        "rejected": [{"role": "assistant", "content": rejected["content"]}],
        "candidates": plain(last)["candidates"],
    }
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue."""
    lost = any(missed for _, missed in map(_tried, compared(dialogue)))
    left = ["turns whose candidates have no better and worse"] if lost else []
    return [*plain_losses(dialogue, system=True, candidates=True), *left]
