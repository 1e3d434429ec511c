"""Rows that hold no dialogue: what they are, where their fields tell, and what to do with them."""

from collections.abc import Mapping
from typing import Any

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
_PICTURES = ("images", "videos", "audios")
_PICTURE = ("image", "video", "audio")
_MARKS = ("<image>", "<video>", "<audio>")


def stranger(fields: Mapping[str, Any]) -> str:
    """What a row is that no layout reads."""
    if isinstance(fields.get("segments"), list):
        return "segments: Axolotl's texts without roles; dialogues are read, by their roles"
    if "input_ids" in fields:
        return "input_ids: tokens already; the dialogues that they were made of are read"
    if "prompt" in fields and isinstance(fields.get("completions"), list):
        return "completions: answers step by step (TRL's for reward models); one `completion` is read"
    if fields.keys() - _BESIDE == {"prompt"}:
        return "a prompt without an answer: `gen chat MODEL --prompts` and `gen run --openers` have such answered"
    if fields.keys() - _BESIDE == {"text"}:
        return (
            "a text without roles, as of pretraining; dialogues are read (where each turn has a label: by a field map "
            "with [history], docs/formats.md)"
        )
    return f"{UNKNOWN} (fields: {', '.join(fields)[:_MOST_FIELDS] or 'none'})"


def refuse_pictures(fields: Mapping[str, Any]) -> None:
    """Raise ValueError for a row whose words are about pictures, sounds or films beside them."""
    for name in _PICTURES:
        if isinstance(fields.get(name), list) and fields[name]:
            raise ValueError(f"{name}: only texts are held; where the words make sense alone, take the field out")
    for name in _PICTURE:
        if fields.get(name) and any(mark in str(fields) for mark in _MARKS):
            raise ValueError(f"{name}: only texts are held, and the words hold its mark")
