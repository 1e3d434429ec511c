"""docs/training-settings.md: every setting, template and recipe of a training, made from the code.

python -m gen.train_reference > docs/training-settings.md
"""

import sys
import tomllib
from collections.abc import Iterator
from typing import Any, get_args

import orjson
from pydantic import BaseModel

from trainer import recipes
from trainer.settings import TrainSettings
from trainer.text import template

HEAD = """# Settings of a training

Made from the code by `python -m gen.train_reference > docs/training-settings.md`; how they play together is told in
`docs/training.md`. Each can be given as `--set NAME=VALUE`, with a dot for those in tables (`--set lora.r=16`), in
`[train]` of a project's TOML (`--config`), or in a recipe of your own (`--recipe mine.toml`); the command line goes
over the project, and that over the recipe. `"none"` takes a value off that a recipe gives. `gen train --list` prints
those in use, of a recipe too (`gen train --list --recipe vicuna`).
"""
TEMPLATES = """## Templates

`--template NAME`, the path of a TOML laid out like those in `trainer/templates/`, or `own`: the chat template of the
model's tokenizer, taken apart and held against it token for token. A token that the tokenizer lacks is added.

| template | what it is | control tokens |
|---|---|---|"""
RECIPES = """## Recipes

`--recipe NAME`; what differs from the original, and why, stands at the head of `trainer/recipes/NAME.toml`.

| recipe | made for | template | learning rate | examples a step | epochs | tokens | adapter |
|---|---|---|---|---|---|---|---|"""


def page() -> str:
    """The whole page."""
    plain, tables = list[str](), list[str]()
    for name, field in TrainSettings.model_fields.items():
        shapes = [kind for kind in (field.annotation, *get_args(field.annotation)) if isinstance(kind, type)]
        shape = next((kind for kind in shapes if issubclass(kind, BaseModel)), None)
        if shape is None:
            plain.append(_row(name, field))
        else:
            tables.append(_table(f"`[train.{name}]`: {_sentence(shape)}", _rows(shape, f"{name}.")))
    parts = [HEAD, _table("Settings", plain), *tables]
    parts += ["\n".join([TEMPLATES, *map(_template, template.names()), ""])]
    parts += ["\n".join([RECIPES, *map(_recipe, recipes.names())])]
    return "\n".join(parts) + "\n"


def _table(title: str, rows: list[str]) -> str:
    return "\n".join([f"## {title}\n", "| setting | default | what it is |", "|---|---|---|", *rows, ""])


def _rows(shape: type[BaseModel], prefix: str) -> list[str]:
    return [_row(f"{prefix}{name}", field) for name, field in shape.model_fields.items()]


def _row(name: str, field: Any) -> str:
    return f"| `{name}` | {_default(field)} | {_cell(field.description)}{_choices(field.annotation)} |"


def _choices(annotation: Any) -> str:
    """The words that may be chosen from."""
    words = [word for word in _words(annotation) if isinstance(word, str)]
    return f" One of {', '.join(f'`{word}`' for word in words)}." if len(words) > 1 else ""


def _words(annotation: Any) -> Iterator[Any]:
    for part in get_args(annotation):
        yield from _words(part) if get_args(part) else [part]


def _default(field: Any) -> str:
    if field.is_required():
        return "to be given"
    if field.default_factory_takes_validated_data:
        return "see there"
    value = field.get_default(call_default_factory=True)
    return "none" if value is None else f"`{orjson.dumps(value, default=list).decode()}`"


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def _sentence(shape: type[BaseModel]) -> str:
    text = _cell((shape.__doc__ or "").split("\n\n")[0]).removesuffix(".")
    return text[:1].lower() + text[1:]


def _template(name: str) -> str:
    found = template.find(name)
    tokens = " ".join(f"`{token.replace('|', chr(92) + '|')}`" for token in found.tokens) or "none"
    return f"| `{name}` | {_cell(found.about)} | {tokens} |"


def _recipe(name: str) -> str:
    path = recipes.FOLDER / f"{name}.toml"
    table = tomllib.loads(path.read_text("utf-8"))
    lora = table.get("lora")
    step = f"{table['batch_tokens']:,} tokens" if "batch_tokens" in table else str(table["batch"])
    cells = [
        f"`{name}`",
        _cell(table.get("base", "a small model from scratch")),
        f"`{table['template']}`",
        f"{table['lr']:g}, {table['schedule'].replace('_', ' ')}",
        step,
        f"{table['max_steps']:,} steps" if "max_steps" in table else f"{table['epochs']}",
        f"{table['max_length']:,}",
        f"rank {lora['r']}" if lora else "",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(page())
