"""gen sectors: what kinds of dialogue there are, and every prompt of one rendered."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dialogue.errors import UsageError

if TYPE_CHECKING:
    from prompts.sector import Sector


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("show", metavar="show", nargs="?", help="show S: the prompts of one sector, rendered")
    parser.add_argument("sector", metavar="S", nargs="?", help="the sector")
    parser.add_argument("--language", metavar="L", default="en", help="language of the example (default: en)")
    parser.add_argument(
        "--prompts", metavar="DIR", help="your templates and data files; they stand before the package's"
    )


def _input(sector: "Sector") -> str:
    """What `--input` brings to a sector."""
    source = sector.input
    if sector.tools:
        return "; --input: one passage a row"
    if sector.page:
        return "; --input: a page about your assistant, needed"
    if source is None:
        return ""
    what = "instruction" if source.tasks else source.what.lower()
    return f"; --input: one {what} a row{', needed' if source.material else ''}"


def command(arguments: argparse.Namespace) -> int:
    """Print them; status 0."""
    from generator.showcase import every_prompt
    from generator.sources import sector_range
    from prompts.loader import Prompts
    from prompts.sector import load, names

    prompts = Prompts(Path(arguments.prompts) if arguments.prompts else None)
    if arguments.show is None:
        for name in names(prompts):
            sector = load(prompts, name)
            if sector.takes:
                print(f"{name}: {sector.title}; {sector.rounds} rounds; --input: one dialogue a row, needed")
                continue
            levels = ", ".join(level.name for level in sector.levels if level.opener)
            presets = ", ".join(sector.share_presets)
            print(
                f"{name}: {sector.title}; {sector.rounds} rounds; openers: {levels}; shares: {presets}{_input(sector)}"
            )
        return 0
    if arguments.show != "show" or arguments.sector is None:
        raise UsageError(f"{arguments.show}: expected `gen sectors` or `gen sectors show SECTOR`")
    sector = load(prompts, arguments.sector)
    for title, text in every_prompt(
        prompts, sector, arguments.language, sector_range(sector), sector.preset, trained=True
    ):
        print(f"=== {title} ===\n{text}\n")
    return 0
