"""Which rows of a file serve a language."""

from array import array
from collections.abc import Sequence


class Labels:
    """The language that each row names, two bytes a row."""

    def __init__(self) -> None:
        self.names: list[str | None] = []
        """The languages that there are; None for rows that name none."""
        self._rows = array("H")

    def add(self, language: str | None) -> None:
        """The next row's language."""
        if language not in self.names:
            self.names.append(language)
        self._rows.append(self.names.index(language))

    def of(self, language: str) -> Sequence[int]:
        """The numbers of the rows for a language: those that name it, or else its base, and those that name none."""
        label = language if language in self.names else language.split("-")[0]
        fitting = {number for number, name in enumerate(self.names) if name in (label, None)}
        return array("Q", (place for place, name in enumerate(self._rows) if name in fitting))

    def same(self, one: int, other: int) -> bool:
        """Whether two rows name the same language."""
        return self._rows[one] == self._rows[other]
