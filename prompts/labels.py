"""Which rows of a file serve a language."""

from array import array
from collections.abc import Sequence

MOST = 1000
"""Languages; a file that names more has something else in that field."""


class Labels:
    """The language that each row names, two bytes a row."""

    def __init__(self) -> None:
        self._numbers: dict[str | None, int] = {}
        self._rows = array("H")
        self._found: dict[str, Sequence[int]] = {}

    @property
    def names(self) -> list[str | None]:
        """The languages that there are; None for rows that name none."""
        return list(self._numbers)

    def add(self, language: str | None) -> None:
        """The next row's language. Raises ValueError where there are too many."""
        number = self._numbers.setdefault(language, len(self._numbers))
        if number >= MOST:
            raise ValueError(f"language: {language!r} is the {MOST + 1:,}th; is this field something else?")
        self._rows.append(number)
        self._found.clear()

    def of(self, language: str) -> Sequence[int]:
        """The numbers of the rows for a language: those that name it, or else its base, and those that name none."""
        if language not in self._found:
            label = language if language in self._numbers else language.split("-")[0]
            fitting = {number for name, number in self._numbers.items() if name in (label, None)}
            self._found[language] = array("Q", (place for place, name in enumerate(self._rows) if name in fitting))
        return self._found[language]

    def same(self, one: int, other: int) -> bool:
        """Whether two rows name the same language."""
        return self._rows[one] == self._rows[other]
