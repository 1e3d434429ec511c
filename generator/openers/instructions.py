"""Openers that are instructions on a passage: what their writer is told, and the passage that they are joined with."""

from collections.abc import Sequence

from pydantic import JsonValue

from dialogue.chance import share
from dialogue.records import Seed
from generator.openers.pool import Opener
from generator.user.script import opener_spec
from prompts.cutting import tokens
from prompts.joining import joins, shape_of
from prompts.loader import Prompts
from prompts.materials import Piece
from prompts.sector import Level, Sector
from prompts.wants import kinds_of


def instruction_specs(
    prompts: Prompts, sector: Sector, level: Level, language: str, run_seed: int, key: str, ids: Sequence[str]
) -> list[str]:
    """A line for each instruction of the list `key`, one for each dialogue id: who writes, and what is wanted."""
    found = joins(prompts, sector.joins(level) or "", language)
    specs = []
    for kind, id in zip(kinds_of(found, len(ids), run_seed, key), ids, strict=True):
        wanted = found.line(kind, share(run_seed, id, "wanted"))
        forms = found.form_weights(kind)
        spec = opener_spec(prompts, sector.column, language, run_seed, id, wanted=wanted, forms=forms)
        specs.append(spec["line"])
    return specs


def joined(prompts: Prompts, sector: Sector, run_seed: int, opener: Opener) -> tuple[Seed, tuple[str, str] | None]:
    """The opener's seed with what it was made from, and what stands around it where it is joined with a passage."""
    piece = opener.root.piece
    if piece is None:
        return opener.seed, None
    level = sector.level(opener.seed.kind or "")
    seed = opener.seed.model_copy(update={"material": piece.id})
    file = sector.joins(level)
    if file is None:
        return seed, None
    number, column = opener.place
    found = joins(prompts, file, seed.language or "en")
    kind = kinds_of(found, column + 1, run_seed, f"{opener.stream}/{number}")[column]
    shape = shape_of(found, run_seed, opener.id)
    extra = {"instruction": opener.text, "shape": shape, **_cut(piece)}
    seed = seed.model_copy(update={"topic": piece.title, "kind": kind, "extra": {**seed.extra, **extra}})
    return seed, found.around(shape, piece.text)


def _cut(piece: Piece) -> dict[str, JsonValue]:
    if piece.cut_from is None:
        return {}
    return {"cut": {"tokens": piece.cut_from, "kept": tokens(piece.text)}}
