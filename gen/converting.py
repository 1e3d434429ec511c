"""From what a person typed to a conversion."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dialogue.conversion.convert import Conversion
from dialogue.conversion.recognition import readers
from dialogue.conversion.selection import split_of
from dialogue.errors import UsageError
from dialogue.formats import field_map
from dialogue.formats.oasst import PATHS
from dialogue.formats.reading import named

if TYPE_CHECKING:
    from gen.token_files import TokenWriter


def conversion(places: Sequence[str | Path], *, split: str | None = None, **asked: Any) -> Conversion:
    """The conversion that is asked for; the last path is the output. Raises UsageError, early, for what is wrong."""
    if len(places) < 2:
        raise UsageError(f"{'OUT' if places else 'IN'} is missing: gen convert IN OUT --to FORMAT")
    to, tree_paths = asked.get("to"), asked.get("tree_paths", "best")
    readers(asked.get("from_", "auto"))
    if to in ("sharegpt_pages", *field_map.shipped()):
        raise UsageError(f"--to {to}: this layout is only read")
    if to not in (None, "hub"):
        named(to)
    if tree_paths not in PATHS:
        raise UsageError(f"--paths {tree_paths}: expected {', '.join(PATHS)}")
    if asked.get("by") and asked.get("sample") is None and split is None:
        raise UsageError("--by: says how a --sample or a --split is drawn; give one of them")
    if split is not None:
        try:
            asked["split"] = split_of(split)
        except ValueError as error:
            raise UsageError(f"--split {split}: {error}") from None
    return Conversion(inputs=tuple(Path(place) for place in places[:-1]), out=Path(places[-1]), **asked)


def token_writer(asked: Conversion, tokenizer: str | None, template: str, max_length: int) -> "TokenWriter":
    """What writes OpenChat's token files. Raises UsageError where something for it is missing."""
    from gen.token_files import NAME, Template, TokenWriter

    if asked.out.suffix not in (".json", ".jsonl"):
        raise UsageError(f"{asked.out}: --to {NAME} writes .json (one array, as OpenChat reads it) or .jsonl")
    if tokenizer is None:
        raise UsageError(f"--to {NAME}: name a tokenizer or a model with --tokenizer")
    return TokenWriter(Template(tokenizer, template, max_length))
