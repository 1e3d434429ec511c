"""Folders of ours that hold no dialogues to read: what they are, and where the dialogues lie."""

from pathlib import Path
from typing import Any

import orjson

from dialogue.errors import UsageError

TRAINING, EVALUATION = "train.json", "evaluate.json"
HELD = "data/held.jsonl"
PLAYED = "play"
_MOST_NAMED = 3


def refuse_known(path: Path) -> None:
    """Raise UsageError for the folder of a training, of an evaluation or of a model, each with the mend."""
    if (path / TRAINING).is_file():
        held = f"; those it held out: {path / HELD}" if (path / HELD).is_file() else ""
        raise UsageError(f"{path}: a training's folder (gen train); its dialogues are {_taught(path)}{held}")
    if (path / EVALUATION).is_file():
        raise UsageError(f"{path}: an evaluation's folder (gen evaluate); {_played(path)}")
    if (path / "config.json").is_file() and any(path.glob("*.safetensors")):
        raise UsageError(f"{path}: a model's folder; name the file or folder of dialogues")


def _taught(path: Path) -> str:
    """The files that were taught, as the training has noted them."""
    try:
        noted: Any = orjson.loads((path / TRAINING).read_bytes())
        names = [str(one["path"]) for one in noted["data"]]
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        names = []
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more if names else "elsewhere"


def _played(path: Path) -> str:
    played = sorted(one.parent for one in path.glob(f"{PLAYED}/*/dialogues.jsonl"))
    if played:
        return f"the dialogues that were played are {', '.join(map(str, played[:_MOST_NAMED]))}"
    return "it holds answers and judgments; --answers-as of gen evaluate writes answers as others read them"
