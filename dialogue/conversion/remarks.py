"""What is to be said of the files that are read, before anything is done with them."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from dialogue.conversion.rows import files, rows
from dialogue.errors import UsageError

NOTHING = "no dialogue in it"
KEPT, DROPPED = "kept.jsonl", "dropped.jsonl"


def remarks(found: Sequence[Path]) -> list[str]:
    """A line for each file that is named more than once, and for each that has no row, in their order."""
    times = Counter(file.resolve() for file in found)
    lines = []
    for file in found:
        if (count := times.pop(file.resolve(), 0)) > 1:
            lines.append(f"{file}: named {'twice' if count == 2 else f'{count} times'}, and read as often")
        if count and empty(file):
            lines.append(f"{file}: {nothing(file)}")
    return lines


def remarks_on(paths: Sequence[Path]) -> list[str]:
    """The same of the files behind what a person named; nothing of what cannot be read, which its reader tells."""
    found: list[Path] = []
    for path in paths:
        with suppress(UsageError):
            found += files(path)
    return remarks(found)


def nothing(file: Path) -> str:
    """That nothing is in a file, and why where a filter has written it."""
    dropped = file.with_name(DROPPED)
    if file.name == KEPT and dropped.is_file() and not empty(dropped):
        return f"{NOTHING}; its filter dropped all, {file.with_name('report.html')} says why"
    return NOTHING


def empty(file: Path) -> bool:
    """Whether a file has no row, be it of no byte, of blank lines or of an empty array."""
    try:
        return next(rows(file), None) is None
    except (UsageError, OSError):
        return False
