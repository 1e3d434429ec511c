"""Rows that are the beginning of a longer one are part of it: BELLE's one row for each answer, folded back.

A first reading notes what each dialogue holds before its last exchange, 8 bytes an exchange; in the second, a dialogue
that is so noted is left out. Where the rows stand does not matter.
"""

from array import array
from collections.abc import Iterable, Iterator

import numpy as np

from dialogue.chance import hash64
from dialogue.records import Dialogue


def _ends(dialogue: Dialogue) -> Iterator[int]:
    """A hash of the dialogue up to each of its answers."""
    end = 0
    for message in dialogue.messages:
        end = hash64(end, message.role, message.content)
        if message.role == "assistant":
            yield end


class Folding:
    """Tells beginnings of longer dialogues, once all were noted."""

    def __init__(self) -> None:
        self._noted = array("Q")
        self._sorted = np.empty(0, np.uint64)

    def note(self, dialogues: Iterable[Dialogue]) -> None:
        """Take in dialogues."""
        for dialogue in dialogues:
            self._noted.extend([*_ends(dialogue)][:-1])
        self._sorted = np.unique(np.frombuffer(self._noted, np.uint64))

    def begins_another(self, dialogue: Dialogue) -> bool:
        """Whether the dialogue is a beginning of a longer one."""
        end = [0, *_ends(dialogue)][-1]
        at = np.searchsorted(self._sorted, np.uint64(end))
        return bool(at < len(self._sorted) and self._sorted[at] == end)
