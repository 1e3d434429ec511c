"""docs/filters.md: every filter with its settings, made from the code.

python -m gen.filter_reference > docs/filters.md
"""

import inspect
import sys
import tomllib
from typing import Any

import orjson

from filters.engine.chain import FOLDER, filter_class, names, presets

HEAD = """# Filters

Made from the code by `python -m gen.filter_reference > docs/filters.md`. A chain is a list of `[[filters]]` tables in a
TOML, each with `use` and settings, applied in their order; `gen filter --list` prints the chain in use with all of its
settings. A limit, `most_...` or `least_...`, is taken off by `"off"`. How often each filter fires on good dialogues and
how its thresholds were tuned: `docs/filters-tuning.md`.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, "## Presets\n", *map(_preset, presets()), "\n## All filters\n", *map(_filter, names())])


def _preset(name: str) -> str:
    path = FOLDER / "presets" / f"{name}.toml"
    text = path.read_text("utf-8")
    comment = " ".join(line.lstrip("# ") for line in text.splitlines()[: _comment_lines(text)])
    used = ", ".join(table["use"] for table in tomllib.loads(text)["filters"])
    return f"- **`{name}`**: {comment} Chain: {used}."


def _comment_lines(text: str) -> int:
    return next(number for number, line in enumerate(text.splitlines()) if not line.startswith("#"))


def _filter(name: str) -> str:
    kind = filter_class(name)
    lines = [
        f"### `{name}`\n",
        inspect.cleandoc(kind.__doc__ or ""),
        "",
        "| setting | default | what it is |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{setting}` | {_default(field)} | {_cell(field.description)} |"
        for setting, field in kind.model_fields.items()
    ]
    return "\n".join([*lines, ""])


def _default(field: Any) -> str:
    if field.is_required():
        return "to be given"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    text = orjson.dumps(value, default=list).decode()
    return f"`{text}`" if len(text) <= 60 else f"`{text[:50]}...`"


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
