"""`belle_chat`, BELLE's generated chat: {"instruction": characters and situation, "output": "Name: line\\nName: line"}.

Any Alpaca row that asks for a scene looks the same, so this is read only where it is asked for by name. The one who
speaks first is the user; the situation becomes the system message, the names stand in the seed.
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from dialogue.fields import exchanges, made, plain_losses, said, system_of, turns
from dialogue.records import Dialogue, Message

suffix = ".json"
about = "instruction with characters and a situation, output with `Name: line` turns"
asked_only = True

_TURN = re.compile(r"[ \t]*([^\s:：][^:：\n]{0,39})[:：][ \t]*(.*)")
_NAMES = ("甲", "乙")


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format, which many a row does: never asked without its name."""
    return isinstance(fields.get("instruction"), str) and isinstance(fields.get("output"), str)


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue of a script of two. ValueError where a third speaks, or one of them twice in a row."""
    situation, script = said(fields, "instruction"), said(fields, "output")
    spoken = _spoken(script)
    names = list(dict(spoken))
    if len(names) != 2 or any(name != names[place % 2] for place, (name, _) in enumerate(spoken)):
        raise ValueError(f"output: expected two who speak in turn, found {' '.join(name for name, _ in spoken)[:80]}")
    if not all(words for _, words in spoken):
        raise ValueError("output: a turn is empty")
    messages = [Message(role="system", content=situation), *turns(*(words for _, words in spoken))]
    return made(messages, fields, ("instruction", "input", "output", "system"), extra={"names": list(names)})


def _spoken(script: str) -> list[tuple[str, str]]:
    """Names and words; a line without a name of the two goes on with what was said before."""
    found: list[tuple[str, list[str]]] = []
    names: set[str] = set()
    for line in script.strip().split("\n"):
        turn = _TURN.fullmatch(line)
        if turn and (len(names) < 2 or turn[1].strip() in names):
            names.add(turn[1].strip())
            found.append((turn[1].strip(), [turn[2].strip()]))
        elif found:
            found[-1][1].append(line)
        else:
            raise ValueError("output: expected lines that begin with a name and a colon")
    return [(name, "\n".join(lines).strip()) for name, lines in found]


def to_line(dialogue: Dialogue) -> bytes:
    """The dialogue as a line. ValueError where no system message tells the situation, or a turn has lines."""
    situation = system_of(dialogue)
    if situation is None or not situation.strip():
        raise ValueError("no system message; belle_chat tells the situation in it")
    given = dialogue.seed.extra.get("names")
    named = isinstance(given, list) and len(given) == 2 and all(isinstance(name, str) for name in given)
    names = [str(name) for name in given] if named and isinstance(given, list) else _NAMES
    lines = []
    for one in exchanges(dialogue, "belle_chat"):
        for name, content in zip(names, (one.user.content, one.assistant.content), strict=True):
            if "\n" in content or content != content.strip() or not content:
                raise ValueError("a turn is empty, has lines, or begins or ends with space; it would not come back")
            lines.append(f"{name}: {content}")
    fields = {"id": dialogue.id, "instruction": situation, "output": "\n".join(lines)}
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue."""
    return plain_losses(dialogue, system=True)
