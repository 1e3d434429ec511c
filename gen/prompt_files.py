"""A file of prompts read: JSONL with messages, a prompt or turns, or plain lines."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from dialogue.errors import UsageError
from dialogue.fields import text
from dialogue.jsonl import kind_of
from dialogue.records import Dialogue, Message, Seed, content_id, decode
from dialogue.spelling import row_as_ours

ONE = ("prompt", "opener")
"""Fields that hold one question."""
TURNS = "turns"
"""A list of questions (MT-bench), each asked behind the answer to the one before."""
OF_AN_ANSWER = frozenset(Dialogue.model_fields) - {"messages", "seed", "sector", "id"}
"""What a line may tell of an answer that it once had; of the new one nothing."""


class Asked(NamedTuple):
    """One prompt of the file."""

    line: int
    id: str
    messages: tuple[Message, ...]
    later: tuple[str, ...] = ()
    """Questions that follow, each behind the answer to the one before."""
    seed: Seed = Seed()
    """What the line told beside; fields that no dialogue has are in `extra`."""
    sector: str | None = None


def read_prompts(path: Path, system: str | None = None) -> Iterator[Asked]:
    """The prompts of a file: objects with `messages`, `prompt`, `opener` or `turns`, or plain lines; `id` if they like.

    A `prompt` may be a list of messages, and messages may be spelled as others do (dialogue/spelling.py).

    Raises UsageError with `path:line` for a line that is none of these, and for an id that stands twice, and for a
    file without a prompt.
    """
    seen: dict[str, int] = {}
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    found = _asked(line, number, system, f"--prompts {path}:{number}")
                    if found.id in seen:
                        raise UsageError(
                            f"--prompts {path}:{number}: id {found.id!r} stands in line {seen[found.id]} already; "
                            "each prompt must stand once"
                        )
                    seen[found.id] = number
                    yield found
    except OSError as error:
        raise UsageError(f"--prompts {path}: {error.strerror}") from None
    if not seen:
        raise UsageError(
            f"--prompts {path}: holds no prompt; expected JSONL with `messages`, `prompt` or `turns`, or plain lines"
        )


def _asked(line: bytes, number: int, system: str | None, place: str) -> Asked:
    try:
        words = line.decode("utf-8-sig" if number == 1 else "utf-8").strip("\r\n")
        if number == 1 and _opens_array(words):
            raise UsageError(f"{place}: a JSON array; expected one prompt a line: JSONL, or plain lines")
        row: Any = orjson.loads(words) if words.lstrip().startswith("{") else {"prompt": words}
        messages, later = _questions(row)
        left = {name: value for name, value in row.items() if name not in ("id", TURNS, *ONE, *OF_AN_ANSWER)}
        spoken = {**left, "messages": messages}
        found = decode(row_as_ours(spoken) if isinstance(messages, list) else spoken)
    except UnicodeDecodeError:
        raise UsageError(f"{place}: not UTF-8") from None
    except (ValueError, TypeError) as error:
        raise UsageError(f"{place}: {error}") from None
    said = found.messages
    if said[-1].role == "assistant":
        raise UsageError(
            f"{place}: there is nothing to answer, since the last message is the assistant's; "
            "take it out to have it answered anew"
        )
    if system is not None and said[0].role != "system":
        said = (Message(role="system", content=system), *said)
    id = str(row["id"]) if row.get("id") is not None else _id(said, later)
    return Asked(number, id, said, later, found.seed, found.sector)


def _questions(row: Mapping[str, Any]) -> tuple[Any, tuple[str, ...]]:
    """The messages up to the first question, and the later questions. ValueError where there is none."""
    messages = row.get("messages")
    if messages is not None:
        if not messages:
            raise ValueError("messages: there is nothing to answer")
        return messages, ()
    if (name := next((name for name in ONE if row.get(name) is not None), None)) is not None:
        value = row[name]  # of TRL's rows it may be a list of messages
        return (value if isinstance(value, list) and value else [{"role": "user", "content": text(row, name)}]), ()
    turns = row.get(TURNS)
    if turns is None:
        there = ", ".join(row) or "no field"
        raise ValueError(f"needs `messages`, `prompt` or `turns` (there are: {there[:200]})")
    if not isinstance(turns, list) or not turns:
        raise ValueError(f"{TURNS}: {'is empty' if turns == [] else kind_of(turns)}, expected a list of questions")
    first, *rest = (text({TURNS: turn}, TURNS) for turn in turns)
    return [{"role": "user", "content": first}], tuple(rest)


def _id(messages: tuple[Message, ...], later: tuple[str, ...]) -> str:
    return content_id((*messages, *(Message(role="user", content=question) for question in later)))


def _opens_array(text: str) -> bool:
    """Whether a first line is one of a JSON array of objects; a prompt may well begin with a bracket."""
    return text.strip() == "[" or text.replace(" ", "").startswith("[{")
