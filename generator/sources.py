"""Where the openers of a run come from: its sector's tree in each of its languages, and who is who."""

from array import array
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import overload

from dialogue.chance import hex64, rng
from dialogue.errors import UsageError
from dialogue.languages import language_of
from generator.openers.pool import Stream
from generator.openers.tree import Ask, Batch, Shelf, shelves
from generator.settings import RunSettings
from prompts.loader import Prompts
from prompts.materials import Form, Material, material
from prompts.names import code_of
from prompts.sector import Root, Sector, roots


def identify(run_seed: int, sector: Sector, grown_from: str) -> str:
    """A dialogue's id: the sector's prefix and 64 bits of (run seed, sector, opener seed)."""
    return f"{sector.prefix}-{hex64(run_seed, sector.name, grown_from)}"


class Shuffled(Sequence[Root]):
    """The roots in another order; one of a long file is read when it is asked for."""

    def __init__(self, items: Sequence[Root], chance: Random) -> None:
        self._items = items
        self._order = array("Q", range(len(items)))
        chance.shuffle(self._order)

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, place: int) -> Root: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Root]: ...
    def __getitem__(self, place: int | slice) -> Root | Sequence[Root]:
        if isinstance(place, slice):
            return [self._items[number] for number in self._order[place]]
        return self._items[self._order[place]]


def shelves_of(
    prompts: Prompts, sector: Sector, language: str, input: Path | None, seed: int, ask: Ask | None = None
) -> dict[str, Shelf]:
    """The sector's shelves in a language, their roots in the order drawn for the seed."""
    sources: dict[str, Sequence[Root]] = {}
    for source in sector.sources:
        level = next(level for level in sector.levels if level.source == source.name)
        items = roots(prompts, sector, level, language, input)
        sources[source.name] = Shuffled(items, rng(seed, source.name))
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


def check_input(settings: RunSettings, sector: Sector) -> None:
    """Raise UsageError where a file of material is needed and not there, or there and of no use."""
    source = sector.input
    if sector.takes:
        _check_taking(settings, sector)
        return
    if sector.page:
        _check_page(settings, sector)
    elif source is None and settings.input is not None and not sector.tools:
        raise UsageError(f"--input {settings.input}: the sector {sector.name} takes none; leave it out")
    if source is not None and source.material and settings.input is None and settings.openers is None:
        raise UsageError(
            f"--input is missing: {sector.name} works on {source.name} of yours, in a file of JSON Lines with "
            f"`{source.material.keys[0]}`, of plain text, or Parquet"
        )


def _check_page(settings: RunSettings, sector: Sector) -> None:
    """Raise UsageError where there is no page about the assistant, or own openers in the place of clients."""
    if settings.openers is not None:
        raise UsageError(
            f"--openers {settings.openers}: openers of {sector.name} grow from what its assistant knows; leave it out"
        )
    if settings.input is None:
        raise UsageError(
            f"--input is missing: {sector.name} needs a page about your assistant, a TOML file that names the files of "
            "what it knows (docs/sectors.md)"
        )


def _check_taking(settings: RunSettings, sector: Sector) -> None:
    """Raise UsageError for what does not go with dialogues that are taken up."""
    name = sector.name
    if settings.openers is not None:
        raise UsageError(f"--openers {settings.openers}: {name} takes up whole dialogues; give them by --input")
    if settings.input is None:
        raise UsageError(f"--input is missing: {name} takes up dialogues of yours, in a run's folder or a file")
    if settings.system is not None and sector.takes != "reanswer":
        raise UsageError(f"--system {settings.system}: {name} leaves what was said as it is; leave it out")
    if settings.rounds is not None and sector.takes == "preference":
        raise UsageError(f"--rounds: {name} adds no rounds; leave it out")


def brought(settings: RunSettings, sector: Sector) -> tuple[Material, Form] | None:
    """The file of material that the run works on, and how it is read; None where the sector needs none."""
    source = sector.input
    if source is None or source.material is None or settings.input is None:
        return None
    return material(settings.input, source.material), source.material


def cut_note(settings: RunSettings, sector: Sector) -> str | None:
    """What to tell the user of passages too long for their room; None where there are none."""
    found = brought(settings, sector)
    if found is None or not found[0].cut:
        return None
    texts, form = found
    return (
        f"{texts.cut:,} of the {len(texts):,} texts of {settings.input} have more than {form.most_tokens:,} tokens "
        "and are cut at the end of a sentence; the seeds of their dialogues say so (extra.cut)"
    )


def language_note(settings: RunSettings, prompts: Prompts, sector: Sector) -> str | None:
    """What to tell the user of a page in a language that no dialogue will have; None where it is one of theirs."""
    page = sector.own_page
    if page is None:
        return None
    told = language_of(" ".join([page.assistant, *(one.who for one in page.clients), *page.asks()]))
    found = code_of(prompts, told) if told else None
    spoken = {language.split("-")[0] for language in settings.language}
    if found is None or found.split("-")[0] in spoken:
        return None
    asked = ", ".join(settings.language)
    return (
        f"{page.path} is written in {found}, and dialogues will be in {asked}; --language {found} has them in its own"
    )


def check_capacity(settings: RunSettings, sector: Sector, found: Sequence[Stream]) -> None:
    """Raise UsageError where the tree is too small for the dialogues asked for."""
    most = capacity(found)
    if most < settings.n:
        more = "a longer --input, " if sector.input else ""
        mend = "more files on its page" if sector.page else f"{more}more languages or --openers of your own"
        raise UsageError(
            f"--n {settings.n:,}: the tree of {settings.sector} gives at most {most:,} openers; {mend} would give more"
        )


def rounds_of(settings: RunSettings, sector: Sector) -> tuple[int, int]:
    """Fewest and most rounds: the user's, or the sector's."""
    return settings.rounds or sector_range(sector)


def sector_range(sector: Sector) -> tuple[int, int]:
    """A sector's own fewest and most rounds."""
    low, _, high = sector.rounds.partition("-")
    return int(low), int(high or low)
