"""The card of a model that adapters were folded into: how it is used, and of each adapter what its own card tells."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer.loop.card import use
from trainer.loop.origins import licence_of
from trainer.nets.adapter_files import held
from trainer.nets.names import called, own_facts

TAKEN = ("Results", "Data", "Licences and terms", "Settings")
"""The sections of a trained adapter's card that say as much of what it was folded into."""


def merged_card(name: str, base: str, adapters: Sequence[Mapping[str, Any]], source: Path) -> str:
    """The card, YAML head included; the adapters, as merge.json describes them, in the order they were folded in.

    `source` is the folder of the one whose template the model has, or the base's.
    """
    parts = [
        _head(base),
        f"# {name}\n",
        f"{called(base)} with adapters folded in by duologue, in this order:\n",
        *(f"{number}. {_line(one)}" for number, one in enumerate(adapters, 1)),
        "\n## Use\n",
        *use("transformers", user_side=_user_side(source)),
        *(text for number, one in enumerate(adapters, 1) for text in _of(number, Path(one["folder"]))),
        "## Licence of the base\n",
        f"- {called(base)}: {licence_of(base) or 'its licence is not known here'}\n",
    ]
    return "\n".join(parts)


def _head(base: str) -> str:
    fields: dict[str, Any] = {"library_name": "transformers", "pipeline_tag": "text-generation"}
    fields |= {"tags": ["duologue", "conversational", "sft", "merge"], "base_model": called(base)}
    if (licence := licence_of(base)) is not None:
        fields["license"] = licence
    return "\n".join(["---", *(f"{name}: {json.dumps(value)}" for name, value in fields.items()), "---", ""])


def _line(one: Mapping[str, Any]) -> str:
    kind = "DoRA" if one["dora"] else "LoRA"
    return f"{called(one['folder'])}: {kind} of rank {one['r']}, sha256 {one['hash']}"


def _user_side(folder: Path) -> bool:
    """Whether a model of ours was taught what users say."""
    settings = own_facts(str(folder)).get("settings")
    return isinstance(settings, dict) and settings.get("train_on") == "user"


def _of(number: int, folder: Path) -> Iterator[str]:
    """What an adapter's card says of its training; that it says nothing, where it is not ours."""
    yield f"## Adapter {number}: {called(str(folder))}\n"
    for hash in held(folder):
        yield f"It went on from the adapter of sha256 {hash}; what that one learned stands in its own card.\n"
    found = _sections(folder) if own_facts(str(folder)) else {}
    if not found:
        yield "What it learned, how well, and under which terms is not known here.\n"
        return
    yield "Figures are those of its own training, before anything was folded in.\n"
    for title in TAKEN:
        if title in found:
            yield f"### {title}\n\n{found[title]}\n"


def _sections(folder: Path) -> dict[str, str]:
    """The text under each heading of a card; empty where there is none."""
    try:
        text = (folder / "README.md").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    _, *rest = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return {title.strip(): body.strip() for title, body in zip(rest[::2], rest[1::2], strict=True)}
