"""Rows that hold no dialogue: what they are, where their fields tell, and what to do with them."""

from collections.abc import Mapping
from types import UnionType
from typing import Any

from dialogue.jsonl import kind_of

UNKNOWN = "no dialogue of any known format"
"""How it begins where nothing is known of a row."""
_MOST_FIELDS = 80
_BESIDE = frozenset(
    (
        *("id", "idx", "index", "meta", "metadata", "source", "url", "title", "date", "timestamp", "created", "added"),
        *("language", "lang", "language_score", "dump", "file_path", "token_count", "score", "int_score", "prompt_id"),
    )
)
"""Fields that tell of a row and are no part of what it says."""
_SHAPES: dict[str, tuple[type | UnionType, str]] = {
    "messages": (list, "a list of messages"),
    "conversations": (list, "a list of turns"),
    "prompt": (str | list, "a text or a list of messages"),
}
"""Fields by which layouts are known, where they are of the right kind."""
_PICTURES = ("images", "videos", "audios")
_PICTURE = ("image", "video", "audio")
_UNWANTED = {"label": ("messages", "prompt"), "kto_tag": ("messages", "conversations", "instruction", "prompt")}
"""What marks an unwanted answer, TRL's and LLaMA-Factory's, and beside which fields; `label` alone may say anything."""
_MARKS = ("<image>", "<video>", "<audio>")


def stranger(fields: Mapping[str, Any]) -> str:
    """What a row is that no layout reads."""
    if isinstance(fields.get("segments"), list):
        return "segments: Axolotl's texts without roles; dialogues are read, by their roles"
    if "input_ids" in fields:
        return "input_ids: tokens already; the dialogues that they were made of are read"
    if "prompt" in fields and isinstance(fields.get("completions"), list):
        return "completions: answers step by step (TRL's for reward models); one `completion` is read"
    said = {name for name, value in fields.items() if value is not None} - _BESIDE
    if said == {"prompt"}:
        return "a prompt without an answer: `gen chat MODEL --prompts` and `gen run --openers` have such answered"
    if said == {"text"}:
        return (
            "a text without roles, as of pretraining; dialogues are read (where each turn has a label: by a field map "
            "with [history], docs/formats.md)"
        )
    for name, (shape, wanted) in _SHAPES.items():
        if name in fields and not isinstance(fields[name], shape):
            return f"{name}: {kind_of(fields[name])}, expected {wanted}"
    return f"{UNKNOWN} (fields: {', '.join(fields)[:_MOST_FIELDS] or 'none'})"


def refuse(fields: Mapping[str, Any]) -> None:
    """Raise ValueError for a row that has the fields of a layout and is no dialogue to learn from.

    Its words are about pictures, sounds or films beside them, or its answer is marked as unwanted.
    """
    for name in _PICTURES:
        if isinstance(fields.get(name), list) and fields[name]:
            raise ValueError(f"{name}: only texts are held; where the words make sense alone, take the field out")
    for name in (*_PICTURE, *_PICTURES):
        if fields.get(name) and any(mark in str(fields) for mark in _MARKS):
            raise ValueError(f"{name}: only texts are held, and the words hold its mark")
    for name, beside in _UNWANTED.items():
        if _false(fields.get(name)) and not fields.keys().isdisjoint(beside):
            raise ValueError(
                f"{name}: false, an answer that is not wanted (KTO), and not to be learned; where it says something "
                "else, take the field out"
            )


def _false(value: object) -> bool:
    return value is False or value in ("false", "False", "FALSE")  # of a table it is a text
