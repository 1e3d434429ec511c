"""The replies under way, each in a row of the network's cache, without gaps."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from trainer.serving.answer import Answer
from trainer.serving.limits import free_bytes
from trainer.serving.network import PASS_TOKENS, network


class Rows:
    """Who sits where, and how many fit."""

    def __init__(self, model: Any, max_batch: int, cache_tokens: int | None) -> None:
        """`cache_tokens`: rows times columns at most; None: as the device's memory allows."""
        self.active: list[Answer] = []
        """Their places are the numbers of the rows."""
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
        beside = [*self.active, *joining]
        if not beside:
            return True
        columns = max(one.room for one in (*beside, answer))
        return len(beside) < self._max_batch and (len(beside) + 1) * columns <= self._memory

    def crowded(self) -> Answer | None:
        """The last that came, to be set back where the next step of all finds no memory; one alone always goes on."""
        columns = max((answer.length for answer in self.active), default=0)
        if len(self.active) < 2 or len(self.active) * columns <= self._memory:
            return None
        return max(self.active, key=lambda answer: answer.number)

    def join(self, joining: list[Answer]) -> Tensor:
        """(B, V): what follows what they hold. Choices of one prompt, and equal prompts, are read once.

        Sorts `joining` as they come to sit.
        """
        place = {read: row for row, read in enumerate(dict.fromkeys(answer.read for answer in joining))}
        joining.sort(key=lambda answer: place[answer.read])
        first, longest = len(self.active), max(map(len, place))
        self.active += joining
        self._reserve()
        for begin in range(0, longest, PASS_TOKENS):  # only a prompt that joins alone may be longer than one pass
            pieces = [prompt[begin : begin + PASS_TOKENS] for prompt in place]
            logits = self._network.logits(first, pieces, [begin] * len(pieces))
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
        row, mover = self.active.index(answer), self.active[-1]
        if mover is not answer:
            self._network.copy(len(self.active) - 1, row, mover.length)
            self.active[row] = mover
        self.active.pop()

    def _reserve(self) -> None:
        """Have room for those who are there, and up to twice as many where memory allows: it is seldom moved then."""
        columns, rows = max(answer.length for answer in self.active), len(self.active)
        doubled = min(self._max_batch, 1 << (rows - 1).bit_length())
        self._network.reserve(doubled if doubled * columns <= self._memory else rows, columns, self._memory)
