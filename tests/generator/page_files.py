"""A page about an assistant and the files that it names, for tests."""

from pathlib import Path
from typing import Any

import orjson

CLIENTS = ["somebody with a first garden", {"who": "the owner of an old orchard", "soil": ["clay"], "pot": []}]
ASK = {
    "soil": {"tell": "the soil is {v}", "ask": "what the soil is like", "values": ["clay", "sand", "chalk"]},
    "sun": {"tell": "there is sun {v}", "ask": "how much sun there is", "values": ["all day", "in the morning"]},
    "pot": {"tell": "it stands in {v}", "ask": "what it is planted in", "values": ["a tub", "a bucket"]},
}
THINGS = ("roses", "quinces", "leeks", "mulberries", "hops", "asters", "beans", "medlars")


def faq(count: int = 8) -> bytes:
    """So many questions and answers, as JSON Lines."""
    rows = []
    for number in range(count):
        thing = THINGS[number % len(THINGS)]
        answer = (
            f"Cut {thing} back to bud {number + 2}. Feed them in March. Water in the morning, {number} cans a week."
        )
        rows.append({"id": f"q{number}", "question": f"How are {thing} kept in year {number}?", "answer": answer})
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def page(folder: Path, files: dict[str, bytes] | None = None, **changes: Any) -> Path:
    """The page's path; `changes` are fields of it, None takes one away."""
    files = {"faq.jsonl": faq()} if files is None else files
    for name, data in files.items():
        (folder / name).write_bytes(data)
    fields = {
        "assistant": "the assistant of a garden centre",
        "knowledge": list(files),
        "clients": CLIENTS,
        "decline": [{"what": "to name a poison for a tree", "why": "it kills more"}, "to write a doctor's note"],
        "ask": ASK,
        **changes,
    }
    path = folder / "page.toml"
    lines = [f"{name} = {_toml(value)}" for name, value in fields.items() if value is not None]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return orjson.dumps(value).decode()
