"""Where the openers of a run come from: its sector's tree in each of its languages, and who is who."""

from collections.abc import Sequence
from pathlib import Path

from dialogue.chance import hex64, rng
from dialogue.errors import UsageError
from generator.openers.pool import Stream
from generator.openers.tree import Ask, Batch, Shelf, shelves
from generator.settings import RunSettings
from prompts.loader import Prompts
from prompts.sector import Sector, roots


def identify(run_seed: int, sector: Sector, grown_from: str) -> str:
    """A dialogue's id: the sector's prefix and 64 bits of (run seed, sector, opener seed)."""
    return f"{sector.prefix}-{hex64(run_seed, sector.name, grown_from)}"


def shelves_of(
    prompts: Prompts, sector: Sector, language: str, input: Path | None, seed: int, ask: Ask | None = None
) -> dict[str, Shelf]:
    """The sector's shelves in a language, their roots in the order drawn for the seed."""
    sources = {}
    for source in sector.sources:
        level = next(level for level in sector.levels if level.source == source.name)
        items = roots(prompts, sector, level, language, input)
        rng(seed, source.name).shuffle(items)
        sources[source.name] = items
    return shelves(sector.levels, language, sources, ask or nothing)


async def nothing(_: Batch) -> Sequence[str | None]:
    """The empty answer to a list, where none is to be asked for."""
    return ()


def streams(settings: RunSettings, prompts: Prompts, sector: Sector, ask: Ask | None = None) -> list[Stream]:
    """The streams of a run: every opener level in every language, with its share."""
    found = []
    for language, weight in settings.language.items():
        shelf = shelves_of(prompts, sector, language, settings.input, settings.seed, ask)
        for name, part in sector.shares.items():
            if part > 0:
                found.append(Stream(f"{language}/{name}", weight * part, shelf[name]))
    return found


def capacity(found: Sequence[Stream]) -> int:
    """The most openers that the streams could give, if no list came short."""
    return sum(stream.shelf.capacity for stream in found)


def check_capacity(settings: RunSettings, found: Sequence[Stream]) -> None:
    """Raise UsageError where the tree is too small for the dialogues asked for."""
    most = capacity(found)
    if most < settings.n:
        raise UsageError(
            f"--n {settings.n:,}: the tree of {settings.sector} gives at most {most:,} openers; "
            "--input with more entities, more languages or --openers of your own would give more"
        )


def rounds_of(settings: RunSettings, sector: Sector) -> tuple[int, int]:
    """Fewest and most rounds: the user's, or the sector's."""
    return settings.rounds or sector_range(sector)


def sector_range(sector: Sector) -> tuple[int, int]:
    """A sector's own fewest and most rounds."""
    low, _, high = sector.rounds.partition("-")
    return int(low), int(high or low)
