"""Words that no turn may hold: a list of one's own, for names, products, or whatever must not come back."""

import re
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from dialogue.chance import hex64
from dialogue.records import Dialogue
from dialogue.tongues import UNBOUNDED
from filters.engine.base import Drop, Filter
from filters.engine.messages import evidence


class BlockedWords(Filter):
    """Drops dialogues in which a listed word or phrase stands.

    Whole words, whatever their case; in scripts that put no space between words, anywhere. The list has no default:
    OpenChat dropped every conversation that mentions "openai" once, questions about the company with them.
    Reason: `blocked`.
    """

    words: tuple[str, ...] = ()
    """Words and phrases."""
    file: str | None = None
    """A file of more, one a line; blank lines and lines that start with # say nothing."""
    roles: tuple[Literal["system", "user", "assistant", "tool"], ...] = ("user", "assistant")
    """Whose messages are looked at."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self._list():
            raise ValueError("no words: give words = [...] or file")
        return self

    def fingerprint(self) -> str:
        """The words of the file are part of it."""
        return hex64(super().fingerprint(), *self._list())

    def apply(self, dialogue: Dialogue) -> Dialogue | Drop:
        """The dialogue, or the first blocked word in it."""
        search = _pattern(self._list()).search
        for number, message in enumerate(dialogue.messages):
            if message.role in self.roles and (found := search(message.content)):
                return Drop("blocked", evidence(number, message.content, found.start(), word=found[0]))
        return dialogue

    def _list(self) -> tuple[str, ...]:
        more = _lines(Path(self.file)) if self.file is not None else ()
        return tuple(word for word in (*self.words, *more) if word.strip())


def _lines(path: Path) -> tuple[str, ...]:
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"file {str(path)!r}: {error}") from None


@cache
def _read(path: Path, changed_ns: int) -> tuple[str, ...]:
    lines = (line.strip() for line in path.read_text("utf-8-sig").split("\n"))
    return tuple(line for line in lines if line and not line.startswith("#"))


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Longest first; a word's edge matters only where it is a letter or digit of a script with spaces."""
    return re.compile("|".join(map(_bounded, sorted(set(words), key=lambda word: (-len(word), word)))), re.IGNORECASE)


def _bounded(word: str) -> str:
    parts = word.split()
    before = r"(?<!\w)" if _has_edge(parts[0][0]) else ""
    after = r"(?!\w)" if _has_edge(parts[-1][-1]) else ""
    return before + r"\s+".join(map(re.escape, parts)) + after


def _has_edge(char: str) -> bool:
    return (char.isalnum() or char == "_") and char not in UNBOUNDED
