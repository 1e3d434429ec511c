"""`openchat`: {"items": [{"role", "content", "weight"}], "condition": "GPT4", "system": ""}, and V1's {from, value}.

`condition` is the class of the model that answered, which C-RLFT prefixes to the roles. The token files that OpenChat
trains on are made by the trainer from any format.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from dialogue.fields import made, plain_losses, system_of
from dialogue.formats.sharegpt import message_of
from dialogue.formats.sharegpt_pages import marked_up
from dialogue.records import Dialogue, Message

suffix = ".jsonl"
about = "items with role or from"


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format."""
    return isinstance(fields.get("items"), list) and not marked_up(fields["items"])


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue in an object; ValueError where there is none."""
    items = fields.get("items")
    if not isinstance(items, list) or not items:
        raise ValueError("items: expected a list that is not empty")
    return made([_message(item, place) for place, item in enumerate(items, 1)], fields, ("items",))


def _message(item: object, place: int) -> Message:
    if not isinstance(item, dict):
        raise ValueError(f"items.{place}: expected an object")
    turn = {"from": item.get("role", item.get("from")), "value": item.get("content", item.get("value"))}
    try:
        message = message_of(turn, place)
    except ValueError:
        raise ValueError(f"items.{place}: expected `role` (user, assistant) and `content`") from None
    weight = item.get("weight")
    if weight is not None and (isinstance(weight, bool) or not isinstance(weight, int | float)):
        raise ValueError(f"items.{place}.weight: expected a number")
    return message if weight is None else message.model_copy(update={"weight": weight})


def to_line(dialogue: Dialogue) -> bytes:
    """The dialogue as a line."""
    items = []
    for message in dialogue.messages:
        if message.role in ("user", "assistant"):
            weight = {} if message.weight is None else {"weight": message.weight}
            items.append({"role": message.role, "content": message.content, **weight})
    if not items:
        raise ValueError("no turn of a user or an assistant")
    fields: dict[str, Any] = {"id": dialogue.id, "items": items}
    condition = dialogue.seed.extra.get("condition")
    fields |= {"condition": condition} if condition is not None else {}
    fields |= {"system": system_of(dialogue)} if system_of(dialogue) else {}
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue."""
    return plain_losses(dialogue, system=True, weights=True)
