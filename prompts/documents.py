"""A document of plain text or Markdown by its headings."""

import re
from collections.abc import Iterator
from pathlib import Path

from dialogue.errors import UsageError

JOINT = " / "
"""Between the headings that stand above a text."""

_HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*")
_FENCE = re.compile(r"\s{0,3}(```|~~~)")


def sections(path: Path) -> Iterator[tuple[int, str | None, str]]:
    """First line, headings and text of each section that has any: "Kestrel 28 / Pressure".

    A heading stands above all that comes under it, deeper headings too. Raises UsageError for what is no text.
    """
    above: list[tuple[int, str]] = []
    first, held, fenced = 1, list[str](), False
    for number, line in _lines(path):
        fenced ^= _FENCE.match(line) is not None
        heading = None if fenced else _HEADING.fullmatch(line)
        if heading is None:
            held.append(line)
            continue
        yield first, JOINT.join(title for _, title in above) or None, "\n".join(held)
        depth = len(heading[1])
        above = [*((level, title) for level, title in above if level < depth), (depth, heading[2])]
        first, held = number, []
    yield first, JOINT.join(title for _, title in above) or None, "\n".join(held)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from ((number, line.rstrip("\n")) for number, line in enumerate(file, 1))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path}: not UTF-8 ({error.reason}); a document is plain text or Markdown, saved as UTF-8"
        ) from None
