"""What is held out of a training's data: some of its dialogues, or all that stand in files of their own."""

import heapq
import re
from collections.abc import Callable, Iterator, Sequence
from typing import IO

from dialogue.conversion.row import Row
from dialogue.records import Dialogue, content_id, encode
from trainer.text.audit import Audit
from trainer.text.examples import Spoken

OF_ITS_OWN = re.compile(r"[0-9a-fA-F]{12}\Z")
"""How an id ends that no other dialogue has, in whatever file it stands: ours, a hash, a UUID."""
Placed = tuple[Row, Dialogue]
Left = Callable[[Sequence[Placed], Audit], list[Placed]]
"""What is left of some dialogues; what is not is counted."""
TWICE = "stands in the validation data too"
"""The reason for leaving a dialogue out of the data."""


class Known:
    """Dialogues of the files held out: who learned them would be asked what it has read.

    Two are the same where the same words are said by the same speakers, or where they have an id that only one
    dialogue bears. Ids that count the rows of a file (7, identity_7) tell nothing of another file's.
    """

    def __init__(self) -> None:
        self._marks: set[str] = set()

    def meet(self, found: Sequence[Placed], _audit: Audit) -> list[Placed]:
        """Know all of these from now on, and give them back."""
        for _, dialogue in found:
            self._marks.update(_marks(dialogue))
        return list(found)

    def leave_out(self, found: Sequence[Placed], audit: Audit) -> list[Placed]:
        """Those that are not known; the others are counted in the audit as refused."""
        return [one for one in found if not self._counted(*one, audit)]

    def _counted(self, row: Row, dialogue: Dialogue, audit: Audit) -> bool:
        twice = bool(self._marks) and any(mark in self._marks for mark in _marks(dialogue))
        if twice:
            audit.dialogues += 1
            audit.refuse(TWICE, Spoken(dialogue, row).where)
        return twice


def _marks(dialogue: Dialogue) -> list[str]:
    own = [dialogue.id] if OF_ITS_OWN.search(dialogue.id) else []
    return [*own, content_id(dialogue.messages)]


class HeldOut:
    """Which dialogues are held out: those of the smallest hashes, a share of all or so many. They wait in a file."""

    def __init__(self, validation: float, file: IO[bytes]) -> None:
        self._share = validation if validation < 1 else None
        self._count = int(validation)
        self._file = file
        self._heap: list[tuple[int, int, int]] = []
        """Of the smallest hashes, the largest first, negated; where its dialogue begins in the file, and its bytes."""
        self._seen: set[int] = set()

    def look(self, hash: int, dialogue: Dialogue) -> None:
        """See a dialogue go by."""
        if self._share is not None:
            if hash < self._share * 2.0**64:
                self._heap.append(self._waiting(hash, dialogue))
            return
        if hash in self._seen or (len(self._heap) == self._count and hash > -self._heap[0][0]):
            return
        heapq.heappush(self._heap, self._waiting(hash, dialogue))
        self._seen.add(hash)
        if len(self._heap) > self._count:
            self._seen.discard(-heapq.heappop(self._heap)[0])

    def _waiting(self, hash: int, dialogue: Dialogue) -> tuple[int, int, int]:
        line = encode(dialogue)
        at = self._file.tell()
        self._file.write(line)
        return -hash, at, len(line)

    def bound(self) -> int:
        """The hash below which a dialogue is held out."""
        if self._share is not None:
            return int(self._share * 2.0**64)
        return max((-negated for negated, _, _ in self._heap), default=-1) + 1

    def lines(self) -> Iterator[bytes]:
        """The dialogues held out, in the order of their hashes."""
        for _, at, size in sorted(self._heap, key=lambda one: (-one[0], one[1])):
            self._file.seek(at)
            yield self._file.read(size)
