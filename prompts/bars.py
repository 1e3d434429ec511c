"""What an instruction must not hold and what an answer to it must not be, by language: a sector's blacklist.

A language without rows of its own takes those of its base, else the English ones.
"""

import re
from collections.abc import Mapping
from functools import cache

from pydantic import Field, ValidationError

from dialogue.errors import UsageError
from dialogue.likeness import words
from dialogue.records import Record, one_line
from prompts.loader import Prompts


class Bars(Record):
    """The rows of one language. Letters are compared in lower case."""

    words: tuple[str, ...] = ()
    """Words and phrases that stand nowhere in an instruction; whole words where words are written apart."""
    starts: tuple[str, ...] = ()
    """What an instruction does not begin with."""
    least: int = Field(default=1, ge=0)
    """Fewest words of an instruction; a Chinese character is one."""
    most: int = Field(default=400, ge=1)
    """Most words of it."""
    sorry: tuple[str, ...] = ()
    """Words of an answer that gives up."""
    sorry_words: int = Field(default=0, ge=0)
    """An answer with such a word and fewer words than this counts as given up."""
    empty: tuple[str, ...] = ()
    """Words that say nothing: an instruction or answer of these alone is empty."""

    def instruction_fault(self, text: str) -> str | None:
        """Why an instruction is barred, in one word; None where it is not."""
        low, size = text.lower(), len(words(text))
        if not self._says(text):
            return "empty"
        if not self.least <= size <= self.most:
            return "length"
        if any(low.startswith(start) for start in self.starts):
            return "start"
        return "blacklist" if _pattern(self.words).search(low) else None

    def answer_fault(self, text: str) -> str | None:
        """Why the first answer shows that the instruction is no good: "sorry" or "empty"; None where it does not."""
        if not self._says(text):
            return "empty"
        given_up = self.sorry and _pattern(self.sorry).search(text.lower()) and len(words(text)) < self.sorry_words
        return "sorry" if given_up else None

    def new_words(self, text: str, parent: str) -> int:
        """How many words of the text, without those that say nothing, its parent does not have."""
        return len(set(words(text)) - set(words(parent)) - set(self.empty))

    def _says(self, text: str) -> bool:
        return bool(set(words(text)) - set(self.empty))


@cache
def bars(prompts: Prompts, file: str, language: str) -> Bars:
    """The bars of a file in a language. Raises UsageError where they are not as they should be."""
    data: Mapping[str, object] = prompts.data(file)
    code = next((code for code in (language, language.split("-")[0]) if code in data), "en")
    try:
        return Bars.model_validate(data[code])
    except ValidationError as error:
        raise UsageError(f"{prompts.path(file)}: {code}: {one_line(error)}") from None


@cache
def _pattern(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the phrases; between word boundaries if it is of letters that are written apart."""
    found = (
        rf"(?<![a-z0-9]){re.escape(phrase)}(?![a-z0-9])" if phrase.isascii() else re.escape(phrase)
        for phrase in phrases
    )
    return re.compile("|".join(found) or r"(?!)")
