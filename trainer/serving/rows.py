"""The replies under way, each in a row of the network's cache, without gaps."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from trainer.serving.answer import Answer
from trainer.serving.limits import free_bytes
from trainer.serving.network import PIECE_TOKENS, network


class Rows:
    """Who sits where, and how many fit."""

    def __init__(self, model: Any, max_batch: int, cache_tokens: int | None) -> None:
        """`cache_tokens`: rows times columns at most; None: as the device's memory allows."""
        self.active: list[Answer] = []
        """Their places are the numbers of the rows."""
        self.reading: list[Answer] = []
        """Those of one long prompt, which is read piece by piece in the row behind the others."""
        self._at = 0
        """How far it is read."""
        self._max_batch = max_batch
        self._network = network(model)
        size = self._network.token_bytes()
        self._memory = cache_tokens or (free_bytes(model) // size if size else 1 << 62)

    @property
    def separate(self) -> bool:
        """Whether this model's replies have to be worked on one by one."""
        return not self._network.token_bytes()

    def fits(self, answer: Answer, joining: Sequence[Answer]) -> bool:
        """Whether it may join beside those that do: a row is free, and all can go on for a while in the memory.

        Not to their ends: few replies become as long as they may, and room for that would be room for few.
        """
        beside = [*self.active, *self.reading, *joining]
        if not beside:
            return True
        columns = max(one.room for one in (*beside, answer))
        return len(beside) < self._max_batch and (len(beside) + 1) * columns <= self._memory

    def crowded(self) -> Answer | None:
        """The last that came, to be set back where the next step of all finds no memory; one alone always goes on."""
        everyone = [*self.active, *self.reading]
        columns = max((answer.length for answer in everyone), default=0)
        if len(everyone) < 2 or len(everyone) * columns <= self._memory:
            return None
        return max(everyone, key=lambda answer: answer.number)

    def begin(self, group: Sequence[Answer]) -> None:
        """Begin to read a long prompt, for all its choices; there is none under way."""
        self.reading, self._at = list(group), 0

    def read_on(self) -> Tensor | None:
        """Read one more piece of it; at its end its choices have joined, and (B, V): what follows."""
        self._reserve()
        row, read = len(self.active), self.reading[0].read
        piece = read[self._at : self._at + PIECE_TOKENS]
        logits = self._network.logits(row, [piece], [self._at])
        self._at += len(piece)
        if self._at < len(read):
            return None
        for double in range(1, len(self.reading)):
            self._network.copy(row, row + double, len(read))
        self.active += self.reading
        self.reading = []
        return logits.expand(len(self.active) - row, -1)

    def join(self, joining: list[Answer]) -> Tensor:
        """(B, V): what follows what they hold. Choices of one prompt, and equal prompts, are read once.

        Sorts `joining` as they come to sit.
        """
        place = {read: row for row, read in enumerate(dict.fromkeys(answer.read for answer in joining))}
        joining.sort(key=lambda answer: place[answer.read])
        first = len(self.active)
        self.active += joining
        self._reserve()
        self._shift(first)
        logits = self._network.logits(first, list(place), [0] * len(place))
        for row in reversed(range(len(joining))):  # backwards: a double may take the row of a prompt that was copied
            read = joining[row].read
            if place[read] != row:
                self._network.copy(first + place[read], first + row, len(read))
        return logits[[place[answer.read] for answer in joining]]

    def step(self) -> Tensor:
        """(B, V): what follows the last token of each."""
        self._reserve()
        return self._network.logits(
            0, [answer.ids[-1:] for answer in self.active], [answer.length - 1 for answer in self.active]
        )

    def leave(self, answer: Answer) -> None:
        """Free its row; the last one moves into the gap."""
        if answer in self.reading:
            self.reading.remove(answer)
            return
        row, mover = self.active.index(answer), self.active[-1]
        if mover is not answer:
            self._network.copy(len(self.active) - 1, row, mover.length)
            self.active[row] = mover
        self.active.pop()
        self._shift(len(self.active) + 1)

    def _shift(self, row: int) -> None:
        """Bring what is read so far of a long prompt from this row to the one behind the others."""
        if self.reading and self._at:
            self._network.copy(row, len(self.active), self._at)

    def _reserve(self) -> None:
        """Have room for those who are there, and up to twice as many where memory allows: it is seldom moved then."""
        everyone = [*self.active, *self.reading]
        columns, rows = max(answer.length for answer in everyone), len(everyone)
        doubled = min(self._max_batch, 1 << (rows - 1).bit_length())
        self._network.reserve(doubled if doubled * columns <= self._memory else rows, columns, self._memory)
